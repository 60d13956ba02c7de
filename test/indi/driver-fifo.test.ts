import { execFileSync } from 'node:child_process';
import { chmod, mkdtemp, open, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiClient } from '../../lib/indi/client.ts';
import { connectDevice } from '../../lib/indi/device-care.ts';
import { driverLine, requireDriver, writeLine } from '../../lib/indi/driver-fifo.ts';

it('a driver is one line, and nothing that could be another', () => {
  expect(driverLine({ executable: 'indi_asi_ccd' })).toBe('indi_asi_ccd');
  expect(driverLine({ executable: '/opt/x/indi_a', name: 'My Camera (2)' })).toBe('/opt/x/indi_a -n "My Camera (2)"');
  const own = { executable: 'indi_a', name: 'A', config: '/home/pi/a b.xml', prefix: '/opt/x' };
  expect(driverLine(own)).toBe('indi_a -n "A" -c "/home/pi/a b.xml" -p "/opt/x"');
  for (const config of ['', 'a.xml', '/a"b', '/a\nstart b'])
    expect(() => driverLine({ executable: 'indi_a', config })).toThrow(/is no absolute path/);
  for (const executable of ['', 'a b', 'a\nstart b', '-f', 'a;b', '../b', 'a"b'])
    expect(() => driverLine({ executable })).toThrow(/is not the name of an INDI driver/);
  for (const name of ['', ' ', 'a"b', 'a\nb', 'a\\b'])
    expect(() => driverLine({ executable: 'indi_a', name })).toThrow(/can't be the name of a device/);
  expect(() => driverLine({ executable: 'i'.repeat(2000) })).toThrow(/longer than/);
});

it('a driver must be installed and executable', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-drivers-'));
  try {
    const driver = { executable: 'indi_mine', aptPackage: 'indi-mine' };
    await expect(requireDriver(driver, folder)).rejects.toMatchObject({
      code: 'missing',
      remedy: 'Install it with: sudo apt install indi-mine',
    });
    // What Debian has is named; others come from elsewhere.
    await expect(requireDriver({ executable: 'indi_eqmod_telescope' }, folder)).rejects.toMatchObject({
      remedy: 'Install it with: sudo apt install indi-eqmod',
    });
    await expect(requireDriver({ executable: 'indi_new_ccd' }, folder)).rejects.toMatchObject({
      remedy: expect.stringContaining('indi-bin has the common ones'),
    });
    await writeFile(join(folder, 'indi_mine'), '#!/bin/sh\n');
    await expect(requireDriver(driver, folder)).rejects.toMatchObject({ code: 'missing' });
    await chmod(join(folder, 'indi_mine'), 0o755);
    await requireDriver(driver, `/nowhere:${folder}`);
    await requireDriver({ executable: join(folder, 'indi_mine') }, '');
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('a line is written at once or not at all: without a reader the server is gone', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-fifo-'));
  const fifo = join(folder, 'drivers');
  try {
    execFileSync('mkfifo', [fifo]);
    await expect(writeLine(fifo, 'start a\n')).rejects.toMatchObject({
      code: 'lost',
      message: 'indiserver does not run.',
    });
    const reader = await open(fifo, 'r+');
    await writeLine(fifo, 'start a\n');
    const { bytesRead, buffer } = await reader.read(Buffer.alloc(100));
    expect(buffer.toString('utf8', 0, bytesRead)).toBe('start a\n');
    await reader.close();
    await expect(writeLine(join(folder, 'none'), 'x')).rejects.toMatchObject({ code: 'lost' });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('nothing that moves is among the settings that are repeated after a reconnect', async () => {
  const client = new IndiClient({ host: '127.0.0.1', port: 1, clock: realClock });
  for (const property of [
    'EQUATORIAL_EOD_COORD',
    'TELESCOPE_PARK',
    'CCD_EXPOSURE',
    'ABS_FOCUS_POSITION',
    'DOME_SHUTTER',
    'FILTER_SLOT',
    'TELESCOPE_TRACK_STATE',
    'CCD_ABORT_EXPOSURE',
    'CONNECTION',
  ])
    await expect(
      connectDevice(client, { device: 'D', settings: [{ property, values: { A: 1 } }] }),
    ).rejects.toMatchObject({ code: 'bad-input', message: expect.stringContaining(property) });
});
