import { expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';

const evening = Date.parse('2026-03-14T18:00:00Z');

it('starts at its date and runs at its rate', async () => {
  const clock = new RehearsalClock(evening, 1000);
  await clock.sleep(20_000);
  expect(clock.now()).toBeGreaterThanOrEqual(evening + 20_000);
});

it.each([1, 1000])('never wakes a sleeper early, at a rate of %s', async (rate) => {
  const clock = new RehearsalClock(evening, rate);
  for (let i = 0; i < 100; i++) {
    const due = clock.now() + 1.3 * rate;
    await clock.sleep(1.3 * rate);
    expect(clock.now()).toBeGreaterThanOrEqual(due - 0.001); // milliseconds since 1970 are good to 0.0002 in a double
  }
});

it('refuses a rate or a date that can not be', () => {
  expect(() => new RehearsalClock(evening, 0)).toThrow('above 0');
  expect(() => new RehearsalClock(Number.NaN, 1)).toThrow('start date');
});

it('of infinite rate jumps through ten hours, waking sleepers in the order of their time', async () => {
  const clock = new RehearsalClock(evening, Infinity);
  const woken: [string, number][] = [];
  const sleeper = async (name: string, seconds: number) => {
    await clock.sleep(seconds * 1000);
    woken.push([name, (clock.now() - evening) / 1000]);
  };
  await Promise.all([sleeper('dawn', 36_000), sleeper('first', 5), sleeper('second', 10)]);
  expect(woken).toEqual([
    ['first', 5],
    ['second', 10],
    ['dawn', 36_000],
  ]);
});

it('of infinite rate stands still while work holds it', async () => {
  const clock = new RehearsalClock(evening, Infinity);
  const release = clock.hold();
  let woke = false;
  const sleeping = clock.sleep(1000).then(() => {
    woke = true;
  });
  for (let turn = 0; turn < 50; turn++) await new Promise(setImmediate);
  expect(woke).toBe(false);
  release();
  release();
  await sleeping;
  expect(clock.now()).toBe(evening + 1000);
});

it.each([
  ['real', realClock],
  ['rehearsal', new RehearsalClock(evening, 10)],
  ['jumping', new RehearsalClock(evening, Infinity)],
])('a sleep of the %s clock ends at once with an AbortError when aborted', async (_name, clock) => {
  const controller = new AbortController();
  const release = clock.hold();
  const sleeping = clock.sleep(3_600_000, controller.signal);
  controller.abort();
  await expect(sleeping).rejects.toMatchObject({ name: 'AbortError' });
  await expect(clock.sleep(1, controller.signal)).rejects.toMatchObject({ name: 'AbortError' });
  release();
});
