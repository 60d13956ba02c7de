/** A USB device started anew: by its program, by the kernel's switch where that is not installed, and what is said where neither can. */
import { chmod, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { cycleHubPower, resetUsbDevice, type UsbTools } from '../../lib/camera/usb-reset.ts';

let folder: string;
let tools: UsbTools;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-usb-'));
  tools = { usbreset: join(folder, 'not-installed'), devicesFolder: folder };
  for (const [place, busnum, devnum] of [
    ['usb1', 1, 1],
    ['1-1', 1, 4],
    ['1-1.2', 1, 5],
    ['2-1', 2, 4],
  ] as const) {
    await mkdir(join(folder, place));
    for (const [name, value] of Object.entries({ busnum, devnum, authorized: 1 }))
      await writeFile(join(folder, place, name), `${value}\n`);
  }
});
afterEach(() => rm(folder, { recursive: true, force: true }));

const written = (place: string) => readFile(join(folder, place, 'authorized'), 'utf8');

it('is the one of that bus and number, off and on again', async () => {
  await resetUsbDevice('usb:001,005', tools);
  expect(await written('1-1.2')).toBe('1');
  for (const place of ['usb1', '1-1', '2-1']) expect(await written(place)).toBe('1\n');
});

it('is not left off when it is given up in between', async () => {
  const stop = new AbortController();
  const reset = resetUsbDevice('usb:001,004', tools, stop.signal);
  reset.catch(() => {});
  await expect.poll(() => written('1-1'), { timeout: 20_000, interval: 5 }).toBe('0');
  stop.abort();
  await expect(reset).rejects.toMatchObject({ code: 'aborted' });
  expect(await written('1-1')).toBe('1');
});

it('that is not there, or on no USB, is said with what would help', async () => {
  await expect(resetUsbDevice('usb:003,001', tools)).rejects.toMatchObject({
    code: 'lost',
    message: expect.stringContaining('There is no USB device 1 on bus 3.'),
    remedy: expect.stringContaining('sudo apt install usbutils'),
  });
  await expect(resetUsbDevice('ptpip:192.168.1.9', tools)).rejects.toMatchObject({ code: 'unsupported' });
});

it('the power of a hub is on again, even when it is given up in between', async () => {
  const [state, program] = [join(folder, 'power'), join(folder, 'uhubctl')];
  await writeFile(program, `#!/bin/sh\nprintf off > '${state}'\nsleep 0.5\nprintf on > '${state}'\n`);
  await chmod(program, 0o755);
  const stop = new AbortController();
  const power = () => readFile(state, 'utf8').catch(() => '');
  const cycle = cycleHubPower('1-1', { uhubctl: program }, stop.signal);
  cycle.catch(() => {});
  await expect.poll(power, { timeout: 20_000, interval: 5 }).toBe('off');
  stop.abort();
  await cycle;
  expect(await power()).toBe('on');
  await expect(cycleHubPower('1-1', { uhubctl: program }, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
});
