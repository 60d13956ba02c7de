/** The backend `rpicam` against each trap of the real programs, by the switches of the stand-in. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Camera, CapturedFrame } from '../../lib/camera/camera.ts';
import { type RpicamOptions, rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { makeRpicamStandIn, type RpicamStandIn, type RpicamTraps } from './stand-in/rpicam-bin.ts';
import { rampSample } from './stand-in/rpicam-pixels.ts';

const exposureSeconds = 0.15;
let standIn: RpicamStandIn;
let camera: Camera;

async function start(traps: Partial<RpicamTraps> = {}, options: Partial<RpicamOptions> = {}): Promise<void> {
  standIn = await makeRpicamStandIn(traps);
  const { programFolder } = standIn;
  camera = rpicamBackend.create(
    // So many that a busy machine loses none by itself.
    { programFolder, mode: '1640x1232 10-bit', packing: 'packed', waitingFrames: 40, ...options },
    { clock: realClock, site: null },
  );
  await camera.open();
}
afterEach(async () => {
  await camera?.close();
  await standIn?.remove();
});
afterAll(() => closeSharedPool());

async function take(count: number, each: (captured: CapturedFrame, n: number) => unknown = () => {}) {
  const taken: CapturedFrame[] = [];
  for await (const captured of camera.exposures({ exposureSeconds })) {
    taken.push(captured);
    await each(captured, taken.length);
    if (taken.length === count) break;
  }
  return taken;
}

const limits = { timeout: 60_000 };

describe('the command lines', limits, () => {
  it('of a sequence fix everything, so that no frame is spent on finding an exposure', async () => {
    await start();
    await take(1);
    const call = (await standIn.calls()).find(([program]) => program === 'rpicam-raw')!;
    const line = call.join(' ');
    expect(line).toMatch(/^rpicam-raw -t 0 /);
    for (const words of [
      '--shutter 150000',
      '--gain 8',
      '--awbgains 2,1.6',
      '--framerate 0',
      '--mode 1640:1232:10:P',
      '--flush',
      '--segment 1',
      '--metadata-format txt',
    ])
      expect(line).toContain(words);
    expect(line).toMatch(/-o \S+\/f%06d\.raw --metadata \S+/);
  });

  it('of a still too; its DNG comes from memory, and nothing is left there', async () => {
    await start({ pixels: 'ramp' });
    const frame = await camera.expose({ exposureSeconds, gain: 4 });
    expect(frame).toMatchObject({
      width: 1640,
      height: 1232,
      bayer: 'RGGB',
      blackLevel: 64,
      whiteLevel: 1023,
      gain: 4,
    });
    expect(frame).toMatchObject({ timeSource: 'camera', temperatureCelsius: 31, camera: 'imx477', source: null });
    expect(frame.pixels[5 * 1640 + 7]).toBe(rampSample(7, 5, 0, 10));
    const call = (await standIn.calls()).find(([program]) => program === 'rpicam-still')!.join(' ');
    expect(call).toMatch(/-n --immediate .*--awbgains 2,1.6 .*--denoise off --raw -o \S+\.jpg --metadata \S+\.json$/);
    const left = await readdir('/dev/shm');
    expect(left.filter((name) => name.startsWith(`nightflow-camera-${process.pid}-`))).toEqual([]);
  });
});

describe('the samples', limits, () => {
  const cases = [
    ['packed 10 bits', '1640x1232 10-bit', 'packed', 'pi4', 10],
    ['packed 12 bits', '4056x3040 12-bit', 'packed', 'pi4', 12],
    ['10 bits in 16', '2028x1520 10-bit', 'unpacked', 'pi4', 10],
    ['12 bits in 16', '4056x3040 12-bit', 'unpacked', 'pi4', 12],
    ['12 bits at the upper end of 16', '4056x3040 12-bit', 'unpacked', 'pi5', 12],
  ] as const;
  it.each(cases)('of %s come out as the sensor gave them', async (_name, mode, packing, board, bits) => {
    await start({ pixels: 'ramp', board }, { mode, packing, waitingFrames: 6 });
    const [{ frame }] = (await take(1)) as [CapturedFrame];
    const [width, height] = mode.split(/[x ]/).map(Number) as [number, number];
    expect(frame).toMatchObject({ width, height, bayer: 'RGGB', pixelType: 'u16' });
    expect([frame.blackLevel, frame.whiteLevel]).toEqual([2 ** (bits - 4), 2 ** bits - 1]);
    const pixels = frame.pixels;
    for (const [x, y] of [
      [0, 0],
      [1, 0],
      [2, 0],
      [3, 0],
      [width - 1, 0],
      [0, 1],
      [5, height - 1],
      [width - 1, height - 1],
    ] as const)
      expect([x, y, pixels[y * width + x]]).toEqual([x, y, rampSample(x, y, 0, bits)]);
  });

  it('of a frame whose file is cut short are dropped, and counted', async () => {
    await start({ shortFrame: 1 });
    const taken = await take(3);
    expect(taken.map(({ lostBefore }) => lostBefore)).toEqual([0, 1, 0]);
    expect(camera.warnings!()[0]).toContain('1300992 bytes');
  });
});

describe('times', limits, () => {
  it('are those of the sensor, whose stamp is the end of the exposure', async () => {
    await start();
    const taken = await take(3);
    for (const { frame } of taken) {
      expect(Date.parse(frame.end!) - Date.parse(frame.start!)).toBeCloseTo(150, -0.5);
      expect(frame).toMatchObject({ timeSource: 'camera', timeUncertaintySeconds: 0.001, exposureSeconds: 0.15 });
    }
    expect(taken[1]!.gapSeconds).toBeCloseTo(0.00005, 5);
    expect(Math.abs(Date.parse(taken[0]!.frame.start!) - realClock.now())).toBeLessThan(60_000);
  });

  it('come from the computer where old programs tell no wall clock', async () => {
    await start({ noWallClock: true });
    const [{ frame }] = (await take(1)) as [CapturedFrame];
    expect(frame).toMatchObject({ timeSource: 'host', timeUncertaintySeconds: 0.02 });
    expect(frame.start).toMatch(/^\d{4}-/);
  });
});

describe('a sequence', limits, () => {
  it('reports frames that the camera lost without a word', async () => {
    await start({ lose: [2, 3, 6] });
    const taken = await take(5);
    expect(taken.map(({ lostBefore }) => lostBefore)).toEqual([0, 0, 2, 0, 1]);
    expect(taken[2]!.gapSeconds).toBeCloseTo(2 * 0.15005 + 0.00005, 4);
    expect(camera.warnings!()).toEqual([
      'The camera lost 2 frames in its own buffers.',
      'The camera lost 1 frame in its own buffers.',
    ]);
    expect(camera.warnings!()).toEqual([]);
  });

  it('never stops the camera for a slow reader: what does not fit is counted', async () => {
    await start({}, { waitingFrames: 2 });
    const taken = await take(4, (_captured, n) => (n === 1 ? realClock.sleep(2000) : null));
    const lost = taken.reduce((sum, { lostBefore }) => sum + lostBefore, 0);
    expect(lost).toBeGreaterThan(0);
    expect(camera.warnings!()).toContain('A frame was lost: its reader is slower than the camera.');
    // What was counted is what is missing between the stamps.
    const first = Date.parse(taken[0]!.frame.start!);
    const passed = Math.round((Date.parse(taken[3]!.frame.start!) - first) / 150.05);
    expect(passed).toBe(3 + lost);
  });

  it('changes a setting by starting anew between two frames', async () => {
    await start();
    const taken = await take(6, (_captured, n) => (n === 2 ? camera.set('gain', 2) : null));
    const gains = taken.map(({ frame }) => frame.gain);
    expect(gains.slice(0, 2)).toEqual([8, 8]);
    expect(gains.at(-1)).toBe(2);
    expect([...gains].sort((a, b) => b! - a!)).toEqual(gains);
    expect(taken.map(({ lostBefore }) => lostBefore)).toEqual([0, 0, 0, 0, 0, 0]);
    const calls = (await standIn.calls()).filter(([program]) => program === 'rpicam-raw');
    expect(calls).toHaveLength(2);
    expect(calls[1]!.join(' ')).toContain('--gain 2 ');
  });

  it('counts a frame once whose metadata come without a time', async () => {
    await start({ timeless: [1], lose: [3] });
    const taken = await take(3);
    expect(taken.map(({ lostBefore }) => lostBefore)).toEqual([0, 1, 1]);
    expect(camera.warnings!()).toEqual([
      'A frame was lost: its metadata came without a time.',
      'The camera lost 1 frame in its own buffers.',
    ]);
  });

  it('refuses frames of another exposure than was asked for', async () => {
    await start({ snapsToSeconds: 0.1 });
    await expect(take(1)).rejects.toMatchObject({
      code: 'unsupported',
      message: 'The camera exposed for 0.1 s instead of 0.15 s.',
    });
  });

  it('lives with sensors that give hidden frames first', async () => {
    await start({ hiddenFrames: 2 });
    expect(await take(2)).toHaveLength(2);
  });

  it('ends when the sensor does not come back from its restarts', async () => {
    await start({ restartsAfter: 1 });
    await expect(take(3)).rejects.toMatchObject({ code: 'lost', message: expect.stringContaining('3 restarts') });
    expect(camera.warnings!()[0]).toContain('stopped sending');
    await standIn.set({ restartsAfter: null });
    await camera.recover();
    expect(await take(2)).toHaveLength(2);
  });

  it('ends when the program dies, and can go on', async () => {
    await start({ dieAfter: 2 });
    await expect(take(5)).rejects.toMatchObject({ code: 'lost', remedy: expect.any(String) });
    await standIn.set({ dieAfter: null });
    await camera.recover();
    expect(await take(1)).toHaveLength(1);
  });

  it('ends the program even when it is deaf', async () => {
    await start({ deaf: true });
    expect(await take(1)).toHaveLength(1);
    await standIn.set({ deaf: false });
    expect(await take(1)).toHaveLength(1);
  });
});

describe('what goes wrong has a name and a remedy', limits, () => {
  it.each([
    [{ busy: true }, 'busy', 'in use by another process', 'Stop the other program'],
    [{ cameras: 0 }, 'lost', 'no cameras available', 'ribbon cable'],
    [{ noMemory: true }, 'failed', 'memory', 'smaller mode'],
  ] as const)('%o', async (traps, code, sentence, remedy) => {
    await start();
    await standIn.set(traps);
    const error = { code, message: expect.stringContaining(sentence), remedy: expect.stringContaining(remedy) };
    await expect(take(1)).rejects.toMatchObject(error);
    await expect(camera.expose({ exposureSeconds })).rejects.toMatchObject({ code });
  });

  it('no camera, another camera, no programs', async () => {
    await expect(start({ cameras: 0 })).rejects.toMatchObject({
      code: 'lost',
      remedy: expect.stringContaining('cable'),
    });
    expect(await rpicamBackend.list({ programFolder: standIn.programFolder })).toEqual([]);
    await standIn.remove();
    await expect(start({}, { camera: '/base/imx999@1a' })).rejects.toMatchObject({
      code: 'lost',
      remedy: expect.stringContaining('imx477'),
    });
    const nowhere = await mkdtemp(join(tmpdir(), 'nightflow-nowhere-'));
    await expect(rpicamBackend.list({ programFolder: nowhere })).rejects.toMatchObject({
      code: 'missing',
      remedy: 'Install it with: sudo apt install rpicam-apps',
    });
    await rm(nowhere, { recursive: true });
  });

  it('a setting of the configuration that this camera can not have', async () => {
    await expect(start({}, { mode: '9x9 12-bit' })).rejects.toMatchObject({
      code: 'bad-input',
      remedy: expect.stringContaining('4056x3040 12-bit'),
    });
  });

  it('a program that is not what its name says', async () => {
    await start();
    await writeFile(join(standIn.programFolder, 'rpicam-raw'), '#!/bin/sh\nexit 0\n');
    await expect(take(1)).rejects.toMatchObject({ code: 'lost', message: 'rpicam-raw ended by itself.' });
  });
});

describe('live pictures', limits, () => {
  it('come from the idle camera, give way to exposures, show the frames of a sequence, and come back', async () => {
    await start();
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { jpeg, from } of camera.livePictures!({ width: 320, signal: stop.signal })) {
        expect([jpeg[0], jpeg[1], jpeg.at(-2), jpeg.at(-1)]).toEqual([0xff, 0xd8, 0xff, 0xd9]);
        if (seen.at(-1) !== from) seen.push(from);
      }
    })();
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['live']);
    await take(3, async (_captured, n) => {
      if (n === 2) await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['live', 'frame']);
    });
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['live', 'frame', 'live']);
    stop.abort();
    await watching;
  });

  it('fail for their viewer alone when the camera is taken', async () => {
    await start();
    await standIn.set({ busy: true });
    const pictures = camera.livePictures!()[Symbol.asyncIterator]();
    await expect(pictures.next()).rejects.toMatchObject({ code: 'busy' });
  });
});
