import { describe, expect, it } from 'vitest';
import { numbers, setUp, upTo } from './scripted-sequence.ts';

describe('the disk of a sequence', () => {
  const limit = (free: () => number) => ({
    folder: '/somewhere',
    minimumFreeBytes: 5e9,
    bytesPerFrame: 25e6,
    measure: async () => free(),
  });

  it('is forecast before the start', async () => {
    const { sequence, warnings } = setUp(
      { exposureSeconds: 5, durationSeconds: 8 * 3600 },
      { storage: limit(() => 53e9) },
    );
    const forecast = await sequence.start();
    expect(forecast).toMatchObject({ framesThatFit: 1920, framesExpected: 5760, fits: false });
    expect(warnings[0]).toBe(
      '53.0 GB free on the disk of /somewhere: room for 1920 frames of 25.0 MB, 2.7 h, but the plan makes 5760 in 8.0 h.',
    );
    await sequence.abort();
  });

  it('below the limit nothing starts', async () => {
    const { sequence, camera } = setUp({ exposureSeconds: 5 }, { storage: limit(() => 4.9e9) });
    await expect(sequence.start()).rejects.toMatchObject({ code: 'disk-full' });
    expect(camera.exposuresBegun).toBe(0);
  });

  it('ends the sequence before the limit is passed, with every frame handed over', async () => {
    let free = 5e9 + 10 * 25e6;
    const { sequence, frames } = setUp(
      { exposureSeconds: 5 },
      {
        storage: limit(() => free),
        onFrame: async () => {
          free -= 25e6;
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(end).toMatchObject({ reason: 'error', unaccepted: [] });
    expect(end.error).toMatchObject({ code: 'disk-full' });
    expect(free).toBeGreaterThanOrEqual(5e9);
    expect(numbers(frames)).toEqual(upTo(end.frames));
    expect(end.frames).toBeGreaterThanOrEqual(8);
  });

  it('that refuses a frame ends it; the frames in memory are handed over again once there is room', async () => {
    let full = true;
    const written: number[] = [];
    const { sequence } = setUp(
      { exposureSeconds: 5 },
      {
        onFrame: async ({ n }) => {
          if (n >= 4 && full) throw Object.assign(new Error('no space left on device'), { code: 'ENOSPC' });
          written.push(n);
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(end).toMatchObject({ reason: 'error', frames: 3 });
    expect(end.error).toMatchObject({ code: 'disk-full' });
    expect(end.unaccepted.length).toBeGreaterThanOrEqual(1);
    await expect(sequence.retryUnaccepted()).rejects.toMatchObject({ code: 'disk-full' });
    full = false;
    await sequence.retryUnaccepted();
    expect(written).toEqual(upTo(3 + end.unaccepted.length));
  });
});
