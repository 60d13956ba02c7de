/** The simulated observatory under foreign clients: indi_getprop, indi_setprop and indi_eval of Debian's indi-bin; astropy reads the FITS. */
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { IndiSimulator } from '../../lib/indi/simulator/simulator.ts';

const run = promisify(execFile);
const site = { latitude: 51, longitude: -2.3, elevation: 72 };
/** At life's pace, on a night without a Moon. */
const clock = new RehearsalClock(Date.parse('2026-11-12T00:00:00Z'), 1);
const [mount, camera, wheel] = ['Telescope Simulator', 'CCD Simulator', 'Filter Simulator'];
let simulator: IndiSimulator;
let port: string;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-indi-tools-'));
  simulator = new IndiSimulator(
    { pointing: { decArcminutes: 15 }, mount: { slewDegreesPerSecond: 60 }, camera: { width: 640, height: 512 } },
    { clock, site },
  );
  port = String(await simulator.listen(0));
});
afterAll(async () => {
  await simulator?.close();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const options = { cwd: '', timeout: 30_000 };
const get = async (...properties: string[]) =>
  (await run('indi_getprop', ['-p', port, '-t', '3', ...properties], { ...options, cwd: folder })).stdout
    .trim()
    .split('\n');
const set = (...values: string[]) => run('indi_setprop', ['-p', port, '-t', '3', ...values], options);
const until = (condition: string) => run('indi_eval', ['-p', port, '-t', '20', '-w', condition], options);

describe('Debian’s INDI tools', () => {
  it('list every device', async () => {
    const lines = await get('*.CONNECTION.CONNECT');
    expect(lines).toEqual(
      expect.arrayContaining([`${mount}.CONNECTION.CONNECT=Off`, `${camera}.CONNECTION.CONNECT=Off`]),
    );
    expect(lines).toHaveLength(6);
  });

  it('connect devices one after the other, each wish heard', async () => {
    for (const device of [mount, camera, wheel]) await set(`${device}.CONNECTION.CONNECT=On`);
    await until(`"${wheel}.FILTER_SLOT._STATE"==0`);
    expect((await get('*.CONNECTION.CONNECT')).filter((line) => line.endsWith('=On'))).toHaveLength(3);
  });

  it('slew, and see the end of it; the truth is off by the injected error', async () => {
    const lst = ((simulator.observatory.mount.siderealDegrees(clock.now()) / 15) % 24) + 24;
    const ra = (lst - 1) % 24;
    await set(`${mount}.EQUATORIAL_EOD_COORD.RA;DEC=${ra.toFixed(6)};35`);
    await until(`"${mount}.EQUATORIAL_EOD_COORD._STATE"==1 && "${mount}.TELESCOPE_TRACK_STATE.TRACK_ON"==1`);
    const [reported] = await get(`${mount}.EQUATORIAL_EOD_COORD.RA`);
    expect(Number(reported!.split('=')[1])).toBeCloseTo(ra, 4);
    const truth = simulator.observatory.mount.truthAt(clock.now());
    expect(truth.decNowDegrees).toBeCloseTo(35.25, 3);
  });

  it('expose and receive the BLOB; astropy finds the header and the sky in it', async () => {
    const received = run('indi_getprop', ['-p', port, '-t', '8', '-m', `${camera}.CCD1.CCD1`], {
      ...options,
      cwd: folder,
    }).catch((error) => error);
    await realClock.sleep(700);
    await set(`${camera}.CCD_EXPOSURE.CCD_EXPOSURE_VALUE=1.5`);
    await until(`"${camera}.CCD_EXPOSURE._STATE"==1`);
    await received;
    const code = `
import sys, json
from astropy.io import fits
with fits.open(sys.argv[1], checksum=True) as f:
    f.verify('exception')
    h, d = f[0].header, f[0].data
    print(json.dumps([d.shape, str(d.dtype), h['EXPTIME'], h['FOCALLEN'], h['SIMDEC'] - h['DEC'], float(d.mean()), int(d.max())]))`;
    const { stdout } = await run('/usr/bin/python3', [
      '-W',
      'error',
      '-c',
      code,
      join(folder, `${camera}.CCD1.CCD1.fits`),
    ]);
    const [shape, type, exposure, focalLength, off, mean, brightest] = JSON.parse(stdout);
    expect([shape, type, exposure, focalLength]).toEqual([[512, 640], 'uint16', 1.5, 135]);
    expect(off).toBeCloseTo(0.25, 2);
    expect(mean).toBeGreaterThan(500);
    expect(brightest).toBeGreaterThan(mean + 50);
  });

  it('turn the wheel, and are told of what can’t be', async () => {
    await set(`${wheel}.FILTER_SLOT.FILTER_SLOT_VALUE=5`);
    await until(`"${wheel}.FILTER_SLOT._STATE"==1`);
    expect(await get(`${wheel}.FILTER_SLOT.FILTER_SLOT_VALUE`)).toEqual([`${wheel}.FILTER_SLOT.FILTER_SLOT_VALUE=5`]);
    await set(`${wheel}.FILTER_SLOT.FILTER_SLOT_VALUE=99`).catch(() => {});
    await until(`"${wheel}.FILTER_SLOT._STATE"==3`);
  });

  it('see a fault: a driver that crashes is there again, not connected', async () => {
    simulator.crash(wheel!);
    await realClock.sleep(300);
    expect(await get(`${wheel}.CONNECTION.CONNECT`)).toEqual([`${wheel}.CONNECTION.CONNECT=Off`]);
  });
});
