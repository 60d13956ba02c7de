import { expect, it } from 'vitest';
import { type Clock, realSleep } from '../../lib/clock/clock.ts';
import { Sequence } from '../../lib/night/sequence.ts';
import { ScriptedCamera } from './scripted-camera.ts';
import { tromso } from './scripted-sequence.ts';

/** A computer's clock that is set while it runs; a sleep lasts a thousandth of its time. */
class SetClock implements Clock {
  readonly rate = 1;
  private set: number;
  private readonly started = performance.now();

  constructor(now: number) {
    this.set = now;
  }
  now(): number {
    return this.set + (performance.now() - this.started) * 1000;
  }
  change(milliseconds: number): void {
    this.set += milliseconds;
  }
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return realSleep(milliseconds / 1000, signal);
  }
  hold(): () => void {
    return () => {};
  }
}

it('a clock that is set right while a sequence waits moves its start and its end', async () => {
  // The Pi believes it is the morning of three days ago, as when it was switched off; then it hears of the right time, after dusk.
  const clock = new SetClock(Date.parse('2026-03-17T05:00:00Z'));
  const camera = new ScriptedCamera({ clock });
  const sequence = new Sequence({
    camera,
    clock,
    site: tromso,
    plan: { exposureSeconds: 30, start: 'sun -6', stop: 'sun -6' },
  });
  await sequence.start();
  await clock.sleep(20_000);
  clock.change(Date.parse('2026-03-20T20:00:00Z') - clock.now());
  while (camera.exposuresBegun < 2) await clock.sleep(5_000);
  expect(camera.starts[0]).toBeGreaterThan(Date.parse('2026-03-20T20:00:00Z'));
  // Dawn by astropy: see test/sky/sun.test.ts.
  const end = clock.now() + sequence.progress().secondsLeft! * 1000;
  expect(Math.abs(end - Date.parse('2026-03-21T03:39:06Z'))).toBeLessThan(600_000);
  await sequence.abort();
});
