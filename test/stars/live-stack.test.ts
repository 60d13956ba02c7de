import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../lib/frame/frame.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { LiveStack, type LiveStackOptions } from '../../lib/stars/live-stack.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { randomOf, type Size, similarity, sky } from './fields.ts';
import { type Rendering, render } from './frames.ts';

let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-live-'));
});
afterAll(async () => {
  await closeSharedPool();
  await rm(folder, { recursive: true });
});

const size: Size = { width: 402, height: 301 };
const field = sky(randomOf(1), 150, -100, -100, 500, 400).map((star) => ({ ...star, flux: 40 * star.flux + 4000 }));

/** Frame `i` of a night that drifts and turns a little. */
const nightFrame = (i: number, how: Rendering = {}) => {
  const random = randomOf(100 + i);
  const map = similarity(0.15 * i, 1, 1.37 * i, -0.81 * i, size);
  return render(random, field, size, { map, start: new Date(1e12 + 10_000 * i).toISOString(), ...how });
};

/** A satellite's trail, 3 px wide. */
const trail = (offset: number, height: number) => (x: number, y: number) =>
  Math.abs(y - offset - 0.4 * x) < 1.5 ? height : 0;

async function stackOf(frames: Iterable<Frame>, options: LiveStackOptions): Promise<LiveStack> {
  const stack = new LiveStack(options);
  for (const frame of frames) await stack.add(frame);
  return stack;
}

describe('a live stack aligned by stars', () => {
  it('keeps stars sharp and in place through drift and field rotation', async () => {
    const stack = await stackOf(
      Array.from({ length: 8 }, (_, i) => nightFrame(i)),
      { mode: 'sigma-clip', align: 'stars' },
    );
    expect(stack.count).toBe(8);
    expect(stack.leftOut).toBe(0);
    const picture = await stack.result();
    expect(picture).toMatchObject({ ...size, pixelType: 'f32', channels: 1, combined: 8, exposureSeconds: 10 });
    const [first, stacked] = [await measureStars(nightFrame(0)), await measureStars(picture)];
    expect(Math.abs(stacked.fwhm! / first.fwhm! - 1)).toBeLessThan(0.06);
    expect(stacked.noise).toBeLessThan(first.noise * 0.45);
    const bright = [0, 1, 2, 3, 4].map((i) => first.stars.row(i));
    for (const star of bright) {
      const nearest = Math.min(
        ...Array.from({ length: stacked.count }, (_, i) =>
          Math.hypot(stacked.stars.x[i]! - star.x, stacked.stars.y[i]! - star.y),
        ),
      );
      expect(nearest).toBeLessThan(0.1);
    }
  });

  it('says how each frame lies, and weighs the worse ones less', async () => {
    const stack = new LiveStack({ mode: 'sigma-clip', align: 'stars' });
    expect(await stack.add(nightFrame(0))).toMatchObject({ leftOut: null, weight: 1, registration: null });
    const turned = await stack.add(nightFrame(4));
    expect(turned.registration!.rotationDegrees).toBeCloseTo(-0.6, 1);
    expect(turned.weight).toBeGreaterThan(0.8);
    const noisy = await stack.add(nightFrame(5, { noise: 30 }));
    expect(noisy.weight).toBeLessThan(0.4);
    const soft = await stack.add(nightFrame(6, { fwhm: 3.6 }));
    expect(soft.weight).toBeLessThan(0.75);
  });

  it('lays a frame from beyond the meridian on the others', async () => {
    const stack = new LiveStack({ mode: 'mean', align: 'stars' });
    await stack.add(nightFrame(0));
    const flipped = await stack.add(nightFrame(1, { map: similarity(180.2, 1, 6, -4, size) }));
    expect(flipped.registration).toMatchObject({ flipped: true });
    const [first, stacked] = [await measureStars(nightFrame(0)), await measureStars(await stack.result())];
    expect(Math.abs(stacked.fwhm! / first.fwhm! - 1)).toBeLessThan(0.08);
  });

  it('makes colour of a mosaic', async () => {
    const stack = await stackOf(
      [0, 1, 2].map((i) => nightFrame(i, { bayer: 'RGGB' })),
      { mode: 'winsorised', align: 'stars' },
    );
    const picture = await stack.result();
    expect(picture).toMatchObject({ channels: 3, bayer: null, pixelType: 'f32' });
    const middle = picture.pixels.length / 6;
    expect(picture.pixels[Math.round(middle)]).toBeGreaterThan(900);
  });

  it.each([
    ['clouds', (i: number) => nightFrame(i, { transparency: 0.03 }), 'clouds'],
    ['no stars at all', (i: number) => nightFrame(i, { transparency: 0 }), 'no-stars'],
    [
      'another field',
      () =>
        render(
          randomOf(77),
          sky(randomOf(5), 60, 0, 0, 402, 301).map((star) => ({ ...star, flux: 40 * star.flux + 9000 })),
          size,
        ),
      'no-match',
    ],
    ['blurred stars', (i: number) => nightFrame(i, { fwhm: 6 }), 'blurred'],
  ])('leaves a frame with %s out and says so', async (_, make, code) => {
    const stack = new LiveStack({ mode: 'sigma-clip', align: 'stars' });
    for (const i of [0, 1, 2]) await stack.add(nightFrame(i));
    const before = await stack.result();
    const outcome = await stack.add(make(3));
    expect(outcome.leftOut).toMatchObject({ code });
    expect(outcome.leftOut!.text.length).toBeGreaterThan(20);
    expect([stack.count, stack.leftOut]).toEqual([3, 1]);
    expect(Buffer.from((await stack.result()).data).equals(Buffer.from(before.data))).toBe(true);
  });

  it('takes hot pixels out before they become rows of dots', async () => {
    const hot = (x: number, y: number) => (x % 40 === 17 && y % 40 === 23 ? 9000 : 0);
    const picture = async (hotPixels: 'off' | 'robust', extra?: typeof hot) => {
      const frames = [0, 1, 2].map((i) => nightFrame(i, { extra }));
      const stack = await stackOf(frames, { mode: 'mean', align: 'stars', hotPixels });
      return new Float32Array((await stack.result()).data);
    };
    const clean = await picture('off');
    const dots = (pixels: typeof clean) => pixels.reduce((n, value, i) => n + (value - clean[i]! > 500 ? 1 : 0), 0);
    expect(dots(await picture('off', hot))).toBeGreaterThan(200);
    // One that lies on a star is taken for it.
    expect(dots(await picture('robust', hot))).toBeLessThan(12);
  });

  it('begins with the first frame that has stars', async () => {
    const stack = new LiveStack({ mode: 'sigma-clip', align: 'stars' });
    expect((await stack.add(nightFrame(0, { transparency: 0 }))).leftOut).toMatchObject({ code: 'no-stars' });
    await expect(stack.result()).rejects.toThrow('has no picture');
    expect((await stack.add(nightFrame(1))).leftOut).toBeNull();
    expect([stack.count, stack.leftOut]).toEqual([1, 1]);
  });
});

describe('a live stack on the disk', () => {
  it('goes on after a restart as if there had been none', async () => {
    const options = { mode: 'winsorised', align: 'stars' } as const;
    const whole = await stackOf(
      Array.from({ length: 6 }, (_, i) => nightFrame(i, { extra: trail(30 * i, 900) })),
      options,
    );
    const half = await stackOf(
      [0, 1, 2].map((i) => nightFrame(i, { extra: trail(30 * i, 900) })),
      options,
    );
    const path = join(folder, 'live.bin');
    await half.save(path);
    half.close();
    const restored = await LiveStack.restore(path, options);
    expect(restored.count).toBe(3);
    for (const i of [3, 4, 5]) await restored.add(nightFrame(i, { extra: trail(30 * i, 900) }));
    const [a, b] = [await whole.result(), await restored.result()];
    expect(b).toMatchObject({ combined: 6, start: a.start, end: a.end });
    expect(Buffer.from(b.data).equals(Buffer.from(a.data))).toBe(true);
  });

  it('refuses a file that is none, is damaged, or is of other settings', async () => {
    const options = { mode: 'sigma-clip', align: 'none' } as const;
    const stack = await stackOf([nightFrame(0)], options);
    const path = join(folder, 'refused.bin');
    await stack.save(path);
    await expect(LiveStack.restore(path, { ...options, mode: 'mean' })).rejects.toThrow('other settings');
    await expect(LiveStack.restore(join(folder, 'nothing.bin'), options)).rejects.toMatchObject({ code: 'lost' });
    const bytes = await readFile(path);
    await writeFile(path, bytes.subarray(0, bytes.length - 10));
    await expect(LiveStack.restore(path, options)).rejects.toThrow('its size is not what its header says');
    await writeFile(path, Buffer.from('NFLIVE_1\x10\0\0\0{"options":null}'));
    await expect(LiveStack.restore(path, options)).rejects.toThrow('its header is damaged');
    await expect(new LiveStack(options).save(path)).rejects.toThrow('nothing to save');
  });
});

describe('a live stack', () => {
  it('refuses a frame of another size and goes on', async () => {
    const stack = await stackOf([nightFrame(0)], { mode: 'mean', align: 'stars' });
    const other = render(randomOf(1), field, { width: 300, height: 200 });
    await expect(stack.add(other)).rejects.toThrow('does not fit into a stack of 402 x 301 mono 16 bit');
    expect((await stack.add(nightFrame(1))).leftOut).toBeNull();
  });

  it('begins anew after a reset, with frames of any size, in the order of the calls', async () => {
    const stack = new LiveStack({ mode: 'sigma-clip', align: 'stars' });
    await stack.add(nightFrame(0));
    stack.reset();
    expect(stack.count).toBe(0);
    await Promise.all([1, 2, 3].map((i) => stack.add(nightFrame(i))));
    expect(stack.count).toBe(3);
    const again = await stackOf(
      [1, 2, 3].map((i) => nightFrame(i)),
      { mode: 'sigma-clip', align: 'stars' },
    );
    expect(Buffer.from((await stack.result()).data).equals(Buffer.from((await again.result()).data))).toBe(true);
  });

  it('stops at once, and refuses limits that can’t be', async () => {
    const stack = new LiveStack({ mode: 'sigma-clip', align: 'stars' });
    await expect(stack.add(nightFrame(0), AbortSignal.abort())).rejects.toMatchObject({ code: 'aborted' });
    expect(() => new LiveStack({ mode: 'sigma-clip', align: 'none', highSigma: 0.5 })).toThrow("can't be");
  });
});
