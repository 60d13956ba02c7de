/** The backend `gphoto2` against what bodies and the program do, by the switches of the stand-in. */
import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { CapturedFrame } from '../../lib/camera/camera.ts';
import { type Gphoto2Options, gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import type { Gphoto2Camera } from '../../lib/camera/gphoto2-camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { type Gphoto2StandIn, type Gphoto2Traps, makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';

const limits = { timeout: 60_000 };
let standIn: Gphoto2StandIn;
let camera: Gphoto2Camera;

async function start(traps: Partial<Gphoto2Traps> = {}, options: Partial<Gphoto2Options> = {}): Promise<void> {
  standIn = await makeGphoto2StandIn(traps);
  camera = gphoto2Backend.create(
    { program: standIn.program, usb: standIn.usb, ...options },
    { clock: realClock, site: null },
  ) as Gphoto2Camera;
  await camera.open();
}
afterEach(async () => {
  await camera?.close();
  await standIn?.remove();
  const left = await readdir('/dev/shm');
  expect(left.filter((name) => name.startsWith(`nightflow-camera-${process.pid}-`))).toEqual([]);
});
afterAll(() => closeSharedPool());

async function take(count: number, exposureSeconds = 0.1): Promise<CapturedFrame[]> {
  const taken: CapturedFrame[] = [];
  for await (const captured of camera.exposures({ exposureSeconds })) {
    taken.push(captured);
    if (taken.length === count) break;
  }
  return taken;
}
/** What was typed into the shell. */
const typed = async () => (await standIn.calls()).filter((line) => line.startsWith('> ')).map((line) => line.slice(2));

describe('a body', limits, () => {
  it.each([
    ['sony', 'Sony Alpha-A7 IV (Control)', 'capturetarget', 'sdram', 'imagequality', 'RAW'],
    ['canon', 'Canon EOS R', 'capturetarget', 'Internal RAM', 'imageformat', 'RAW'],
    ['nikon', 'Nikon DSC D750', 'capturetarget', 'Internal RAM', 'imagequality', 'NEF (Raw)'],
  ] as const)('of %s is opened for RAW files to the computer', async (body, model, target, where, quality, raw) => {
    await start({ body });
    expect(camera.info).toMatchObject({ id: model, name: model, backend: 'gphoto2' });
    expect(await camera.get(target)).toBe(where);
    expect(await camera.get(quality)).toBe(raw);
    // Where gphoto2 works, downloads pass through: memory, not the SD card of this computer.
    expect((await standIn.calls()).find((line) => line.startsWith('cwd '))).toContain(
      `nightflow-camera-${process.pid}-`,
    );
  });

  it('shows each entry with its type, range and choices', async () => {
    await start();
    const described = await camera.settings();
    expect(described.find(({ name }) => name === 'manualfocus')).toEqual({
      ...{ name: 'manualfocus', label: 'Manual Focus', type: 'number', minimum: -7, maximum: 7, step: 1 },
    });
    expect(described.find(({ name }) => name === 'capturetarget')).toMatchObject({
      type: 'choice',
      choices: ['sdram', 'card', 'card+sdram'],
    });
    expect(described.find(({ name }) => name === 'batterylevel')).toMatchObject({ type: 'text', readOnly: true });
  });

  it('that takes another value than it was given is an error', async () => {
    await start({ snaps: { '1600': '3200' } });
    await expect(camera.set('iso', '1600')).rejects.toMatchObject({
      code: 'rejected',
      message: 'ISO Speed (iso) is 3200 and not 1600 as it was set.',
    });
    expect(await camera.set('iso', '400')).toBe('400');
  });

  it('has choices set by their number, never by a text that may be one', async () => {
    await start();
    await camera.set('shutterspeed', '1');
    expect((await typed()).at(-2)).toBe('set-config-index /main/capturesettings/shutterspeed=4');
    expect(await camera.get('shutterspeed')).toBe('1');
  });

  it('is set up as the configuration says', async () => {
    await start(
      {},
      {
        settings: [
          { name: 'iso', value: '3200' },
          { name: 'manualfocus', value: '-3' },
        ],
      },
    );
    expect(await camera.get('iso')).toBe('3200');
    expect(await camera.get('manualfocus')).toBe(-3);
  });
});

describe('an exposure', limits, () => {
  it('by the timer is RAW, and its times are bounded by what the body says', async () => {
    await start({ withJpeg: true, body: 'nikon' }, { settings: [{ name: 'imagequality', value: 'NEF+Fine' }] });
    const before = realClock.now();
    const frame = await camera.expose({ exposureSeconds: 0.25, gain: 1600 });
    expect(frame).toMatchObject({ width: 64, height: 48, bayer: 'RGGB', pixelType: 'u16', exposureSeconds: 0.25 });
    expect(frame).toMatchObject({ timeSource: 'host', camera: 'Nikon DSC D750', source: null });
    const slack = frame.timeUncertaintySeconds!;
    expect(Date.parse(frame.start!)).toBeGreaterThanOrEqual(before);
    expect(Date.parse(frame.end!)).toBeLessThanOrEqual(realClock.now());
    expect(slack).toBeGreaterThan(0);
    expect(await camera.get('iso')).toBe('1600');
  });

  it.each([
    ['sony', ['bulb=1', 'bulb=0']],
    ['canon', ['eosremoterelease=Press Full MF', 'eosremoterelease=Release Full']],
  ] as const)('of a length that %s has not is made by holding its shutter open', async (body, [open, shut]) => {
    await start({ body });
    const frame = await camera.expose({ exposureSeconds: 1.3 });
    expect(frame.exposureSeconds).toBeGreaterThanOrEqual(1.3);
    expect(frame.exposureSeconds).toBeLessThan(5);
    expect(frame.timeUncertaintySeconds).toBeGreaterThan(0);
    const commands = (await typed()).map((line) => line.replace(/^set-config \/main\/actions\//, ''));
    expect(commands.indexOf(open)).toBeGreaterThan(0);
    expect(commands.indexOf(shut)).toBeGreaterThan(commands.indexOf(open));
    expect(String(await camera.get('shutterspeed'))).toMatch(/^bulb$/i);
  });

  it('that is stopped closes the shutter, and its picture is not taken for the next one', async () => {
    await start();
    const stop = new AbortController();
    const bulb = camera.expose({ exposureSeconds: 40 }, stop.signal);
    bulb.catch(() => {});
    await expect.poll(typed, { timeout: 20_000 }).toContain('set-config /main/actions/bulb=1');
    stop.abort();
    await expect(bulb).rejects.toMatchObject({ code: 'aborted' });
    const frame = await camera.expose({ exposureSeconds: 0.1 });
    expect(frame.exposureSeconds).toBe(0.1);
    // The picture of the first exposure came first, and went.
    expect((await typed()).filter((line) => line.startsWith('wait-event')).length).toBeGreaterThan(0);
  });

  it('names the times next to one that the body has not', async () => {
    await start();
    await expect(camera.expose({ exposureSeconds: 0.3 })).rejects.toMatchObject({
      code: 'bad-input',
      remedy: 'It offers 0.25 s and 0.4 s next to it.',
    });
    await expect(camera.expose({ exposureSeconds: 1, gain: 123 })).rejects.toMatchObject({
      code: 'bad-input',
      remedy: expect.stringContaining('100, 200, 400'),
    });
  });
});

describe('a sequence', limits, () => {
  it.each([
    ['sony', 'capture=1', 'capture=0'],
    ['canon', 'eosremoterelease=Press Full MF', 'eosremoterelease=Release Full'],
  ] as const)('of %s holds the shutter down: one command for all frames', async (body, press, release) => {
    await start({ body });
    const taken = await take(5);
    expect(taken).toHaveLength(5);
    const commands = (await typed()).map((line) => line.replace(/^set-config \/main\/actions\//, ''));
    expect(commands.filter((line) => line === press)).toHaveLength(1);
    expect(commands.filter((line) => line === release)).toHaveLength(1);
    expect(commands).not.toContain('capture-image-and-download');
    for (const [i, { frame, gapSeconds }] of taken.entries()) {
      expect(frame.exposureSeconds).toBe(0.1);
      if (i > 0) expect(gapSeconds).toBeGreaterThanOrEqual(0);
    }
  });

  it('goes frame by frame where the shutter is not to be held', async () => {
    await start({}, { holdShutter: false });
    expect(await take(3)).toHaveLength(3);
    expect((await typed()).filter((line) => line === 'capture-image-and-download').length).toBeGreaterThanOrEqual(3);
  });

  it('outlives a flood of events', async () => {
    await start({ floodLines: 50_000 });
    expect(await take(2)).toHaveLength(2);
  });

  it('goes on after the cable was out and the body came back under another address', async () => {
    await start({ pulledAt: 2 });
    const frames = camera.exposures({ exposureSeconds: 0.1 })[Symbol.asyncIterator]();
    await frames.next();
    await frames.next();
    await expect(frames.next()).rejects.toMatchObject({ code: 'lost', remedy: expect.stringContaining('cable') });
    await expect(camera.recover()).rejects.toMatchObject({ code: 'lost', remedy: expect.stringContaining('battery') });
    await standIn.set({ pulledAt: null, port: 'usb:001,009' });
    await camera.recover();
    expect(await take(2)).toHaveLength(2);
    expect((await standIn.calls()).filter((line) => line.startsWith('--port')).at(-1)).toContain('usb:001,009');
  });
});

describe('of two bodies', limits, () => {
  it('the serial number tells which, before and after', async () => {
    await start({ twinPort: 'usb:001,005' }, { camera: 'other' });
    expect(await camera.get('serialnumber')).toBe('other');
    await standIn.set({ port: 'usb:001,007', twinPort: 'usb:001,006' });
    await camera.recover();
    expect(await camera.get('serialnumber')).toBe('other');
    const list = await gphoto2Backend.list({ program: standIn.program });
    expect(list.map(({ id }) => id)).toEqual(['usb:001,007', 'usb:001,006']);
  });
});

describe('what goes wrong has a name and a remedy', limits, () => {
  it.each([
    [{ busy: true }, 'busy', 'Device Busy'],
    [{ cardFull: true }, 'disk-full', 'Store Full'],
    [{ batteryEmpty: true }, 'rejected', 'battery'],
  ] as const)('%o', async (traps, code, words) => {
    await start({ body: 'nikon' });
    await standIn.set(traps);
    await expect(camera.expose({ exposureSeconds: 0.1 })).rejects.toMatchObject({
      code,
      message: expect.stringContaining(words),
      remedy: expect.any(String),
    });
    // The session stands all the same.
    expect(await camera.get('iso')).toBe('800');
  });

  it('no body, a body that is taken, another one than was chosen, no program', async () => {
    await expect(start({ body: 'none' })).rejects.toMatchObject({
      code: 'lost',
      remedy: expect.stringContaining('PC Remote'),
    });
    await standIn.remove();
    await expect(start({ claimed: true })).rejects.toMatchObject({
      code: 'busy',
      remedy: expect.stringContaining('gvfs'),
    });
    await standIn.remove();
    await expect(start({}, { camera: 'Pentax K-1' })).rejects.toMatchObject({
      code: 'lost',
      remedy: expect.stringContaining('Sony Alpha-A7 IV (Control) (usb:001,004)'),
    });
    await expect(gphoto2Backend.list({ program: `${standIn.program}-not-there` })).rejects.toMatchObject({
      code: 'missing',
      remedy: 'Install it with: sudo apt install gphoto2',
    });
  });

  it('a setting of the configuration that the body has not', async () => {
    await expect(start({}, { settings: [{ name: 'iso', value: '99' }] })).rejects.toMatchObject({ code: 'bad-input' });
  });
});
