/** Pictures that a body saved to its card and could not send: fetched once it is back, none twice, none from before. */
import { readdir } from 'node:fs/promises';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { CapturedFrame } from '../../lib/camera/camera.ts';
import { type Gphoto2Options, gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import type { Gphoto2Camera } from '../../lib/camera/gphoto2-camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { type Gphoto2StandIn, type Gphoto2Traps, makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';
import { pictureNumber } from './stand-in/gphoto2-numbers.ts';

const limits = { timeout: 90_000 };
const exposureSeconds = 0.4;
let standIn: Gphoto2StandIn;
let camera: Gphoto2Camera;

async function start(traps: Partial<Gphoto2Traps> = {}, options: Partial<Gphoto2Options> = {}): Promise<void> {
  standIn = await makeGphoto2StandIn({ cardFiles: 9, ...traps });
  const settings = [{ name: 'capturetarget', value: 'card' }];
  camera = gphoto2Backend.create(
    { program: standIn.program, usb: standIn.usb, settings, ...options },
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

async function take(count: number): Promise<CapturedFrame[]> {
  const taken: CapturedFrame[] = [];
  for await (const captured of camera.exposures({ exposureSeconds })) {
    taken.push(captured);
    if (taken.length === count) break;
  }
  return taken;
}

/** Frames until the cable is out. */
async function takeUntilLost(): Promise<Frame[]> {
  const frames: Frame[] = [];
  const taking = (async () => {
    for await (const { frame } of camera.exposures({ exposureSeconds })) frames.push(frame);
  })();
  await expect(taking).rejects.toMatchObject({ code: 'lost' });
  return frames;
}

async function plugIn(port = 'usb:001,009'): Promise<void> {
  await standIn.set({ pulledAt: null, port });
  await camera.recover();
}

async function fetched(since = 0): Promise<Frame[]> {
  const frames: Frame[] = [];
  for await (const { frame, lostBefore, gapSeconds } of camera.leftBehind(since)) {
    expect({ lostBefore, gapSeconds }).toEqual({ lostBefore: 0, gapSeconds: null });
    frames.push(frame);
  }
  return frames;
}
const numbers = (frames: readonly Frame[]) => frames.map(pictureNumber);
const typed = async () => (await standIn.calls()).filter((line) => line.startsWith('> ')).map((line) => line.slice(2));

describe('pictures left on the card', limits, () => {
  it.each([
    ['a burst', 'sony', 'card', true],
    ['a burst that also sends from memory', 'sony', 'card+sdram', true],
    ['one by one', 'nikon', 'Memory card', true],
  ] as const)(
    'of %s come when the body is back, none is missing and none twice',
    async (_, body, value, holdShutter) => {
      await start(
        { body, pulledAt: 3, savedAfterPull: body === 'nikon' ? 1 : 3 },
        { settings: [{ name: 'capturetarget', value }], holdShutter },
      );
      if (body === 'nikon') {
        const frames: Frame[] = [];
        for (let i = 0; i < 3; i++) frames.push(await camera.expose({ exposureSeconds: 0.25 }));
        await expect(camera.expose({ exposureSeconds: 0.25 })).rejects.toMatchObject({ code: 'lost' });
        await plugIn();
        expect([...numbers(frames), ...numbers(await fetched())]).toEqual([1, 2, 3, 4]);
        return;
      }
      const sent = await takeUntilLost();
      await plugIn();
      const left = await fetched();
      expect([...numbers(sent), ...numbers(left)]).toEqual([1, 2, 3, 4, 5, 6]);
      expect(await fetched()).toEqual([]);
      // From the camera's clock, an hour slow and in whole seconds, as it ran against ours.
      const after = Date.parse(sent.at(-1)!.end!);
      for (const [i, frame] of left.entries()) {
        const expected = after + i * exposureSeconds * 1000;
        expect(frame).toMatchObject({ timeSource: 'file', camera: 'Sony Alpha-A7 IV (Control)', exposureSeconds });
        expect(frame.timeUncertaintySeconds).toBeGreaterThan(1);
        expect(frame.timeUncertaintySeconds).toBeLessThan(60);
        expect(Math.abs(Date.parse(frame.start!) - expected) / 1000).toBeLessThan(2 * frame.timeUncertaintySeconds!);
      }
      expect((await standIn.card()).length).toBeGreaterThanOrEqual(6);
    },
  );

  it('are only those since the sequence began, and nothing on the card is removed', async () => {
    await start({ pulledAt: 2, savedAfterPull: 2 });
    const before = realClock.now();
    await takeUntilLost();
    await plugIn();
    const later = realClock.now();
    expect(await fetched(later)).toEqual([]);
    expect(await fetched(before)).toEqual([]);
    expect(await standIn.card()).toEqual(['DSC00001.ARW', 'DSC00002.ARW', 'DSC00003.ARW', 'DSC00004.ARW']);
    expect((await typed()).some((line) => line.includes('OLD') || line.startsWith('delete'))).toBe(false);
    expect((await standIn.calls()).find((line) => line.includes('--shell'))).toContain('--keep');
  });

  it('come one after the other, and the rest is there the next time', async () => {
    await start({ pulledAt: 1, savedAfterPull: 3 });
    await takeUntilLost();
    await plugIn();
    const first: Frame[] = [];
    for await (const { frame } of camera.leftBehind(0)) {
      first.push(frame);
      break;
    }
    const taken = await take(1);
    const rest = await fetched();
    expect(numbers([...first, ...rest])).toEqual([2, 3, 4]);
    expect(numbers(taken.map(({ frame }) => frame))).not.toContain(2);
  });

  it('are those of two interruptions', async () => {
    await start({ pulledAt: 1, savedAfterPull: 2 });
    const sent = await takeUntilLost();
    await standIn.set({ port: 'usb:001,011' });
    await camera.recover();
    sent.push(...(await takeUntilLost()));
    await plugIn('usb:001,012');
    expect(numbers([...sent, ...(await fetched())]).sort((a, b) => a - b)).toEqual([1, 2, 3, 4, 5, 6]);
  });

  it('in the middle of its way to us: the picture is whole from the card', async () => {
    await start({ pulledAt: 1, pulledIn: 'transfer' });
    expect(numbers(await takeUntilLost())).toEqual([1]);
    await plugIn();
    expect(numbers(await fetched())).toEqual([2]);
  });

  it('are none where the body saves to memory only, or shows no card, and the card is not asked for', async () => {
    await start({ pulledAt: 1 }, { settings: [] });
    await takeUntilLost();
    await plugIn();
    expect(await fetched()).toEqual([]);
    expect((await typed()).some((line) => line.startsWith('ls '))).toBe(false);
    expect((await standIn.calls()).find((line) => line.includes('--shell'))).not.toContain('--keep');
    await camera.close();
    await standIn.remove();
    await start({ pulledAt: 1, cardHidden: true });
    await takeUntilLost();
    await plugIn();
    expect(await fetched()).toEqual([]);
  });

  it('cost one listing at the start of a sequence, and nothing for each picture', async () => {
    await start({ cardFiles: 3000 });
    const taken = await take(4);
    const commands = await typed();
    const last = commands.findLastIndex((line) => line.startsWith('ls '));
    expect(commands.filter((line) => line.startsWith('ls '))).toHaveLength(4);
    expect(last).toBeLessThan(commands.findIndex((line) => line.startsWith('wait-event')));
    expect(taken).toHaveLength(4);
  });

  it('stay when the target is set to the card after the opening: the session begins anew with it', async () => {
    await start({}, { settings: [] });
    expect(await camera.set('capturetarget', 'card')).toBe('card');
    expect(await camera.get('capturetarget')).toBe('card');
    expect((await standIn.calls()).findLast((line) => line.includes('--shell'))).toContain('--keep');
    expect(await camera.set('capturetarget', 'sdram')).toBe('sdram');
    expect((await standIn.calls()).findLast((line) => line.includes('--shell'))).not.toContain('--keep');
    expect(await take(1)).toHaveLength(1);
  });
});
