import { describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { Events } from '../../lib/process/events.ts';
import { backOffSeconds, retry } from '../../lib/process/retry.ts';

describe('retry', () => {
  it('waits longer each time, never beyond the maximum, shortened by the jitter', () => {
    const backOff = { firstSeconds: 1, factor: 2, maximumSeconds: 10, jitter: 0.5 };
    expect([1, 2, 3, 4, 5, 50].map((n) => backOffSeconds(n, backOff, 0))).toEqual([1, 2, 4, 8, 10, 10]);
    expect(backOffSeconds(3, backOff, 1)).toBe(2);
  });

  it('succeeds at the third try and told of two failures', async () => {
    const clock = new RehearsalClock(0, Infinity);
    const told: number[] = [];
    let tries = 0;
    const result = await retry(
      async () => {
        if (++tries < 3) throw new NightflowError('lost', 'gone');
        return 'back';
      },
      { clock, onFailure: (_error, failures) => told.push(failures) },
    );
    expect([result, told]).toEqual(['back', [1, 2]]);
    expect(clock.now()).toBeGreaterThan(1400);
    expect(clock.now()).toBeLessThanOrEqual(3000);
  });

  it('gives up at once when trying again cannot help, and after the tries allowed', async () => {
    const clock = new RehearsalClock(0, Infinity);
    const wrong = async () => {
      throw new NightflowError('bad-input', 'wrong');
    };
    await expect(retry(wrong, { clock })).rejects.toThrow('wrong');
    expect(clock.now()).toBe(0);
    let tries = 0;
    const busy = async () => {
      tries++;
      throw new NightflowError('busy', 'busy');
    };
    await expect(retry(busy, { clock, attempts: 4 })).rejects.toMatchObject({ code: 'busy' });
    expect(tries).toBe(4);
  });

  it('ends a wait when it is aborted', async () => {
    const stop = new AbortController();
    const clock = new RehearsalClock(0, 1);
    const work = retry(
      async () => {
        throw new NightflowError('lost', 'gone');
      },
      { clock, signal: stop.signal, onFailure: () => setImmediate(() => stop.abort()) },
    );
    await expect(work).rejects.toMatchObject({ code: 'aborted' });
  });
});

describe('events', () => {
  it('reach every listener still on, whatever another one throws', () => {
    const errors: unknown[] = [];
    const seen: number[] = [];
    const events = new Events<{ count: number }>((error) => errors.push(error));
    const off = events.on('count', () => {
      throw new Error('broken');
    });
    events.on('count', (n) => seen.push(n));
    events.emit('count', 1);
    off();
    events.emit('count', 2);
    expect(seen).toEqual([1, 2]);
    expect(errors).toHaveLength(1);
  });
});
