/** Says when the night of a site begins and ends, on any clock. */
import { type Clock, realClock } from '../clock/clock.ts';
import type { FrameSite } from '../frame/frame.ts';
import { nextSunCrossing, sunAltitudeDegrees } from './sun.ts';

export interface TwilightEvent {
  event: 'dusk' | 'dawn';
  /** UTC ms. */
  at: number;
}

/** A real clock may be set (NTP after the start of a computer without one): it is looked at this often, ms. */
const longestSleep = 60_000;
/** Polar day and night: the next look at the Sun, ms. */
const withoutCrossing = 6 * 3_600_000;
/** The Sun is on the other side for certain by then, ms. */
const behindCrossing = 200;
/** Of real time: a clock that jumps from event to event would otherwise run through the years without a pause, ms. */
const pauseOfJumps = 20;

/** Every passing of the Sun's centre through an altitude from now on, until the signal aborts. @throws AbortError */
export async function* watchTwilight(
  site: FrameSite,
  clock: Clock,
  sunAltitude: number,
  signal: AbortSignal,
): AsyncGenerator<TwilightEvent, void> {
  let night = sunAltitudeDegrees(site, clock.now()) < sunAltitude;
  for (;;) {
    const from = clock.now();
    const next = nextSunCrossing(site, from, sunAltitude, night ? 'rising' : 'setting');
    const until = next === null ? from + withoutCrossing : next + behindCrossing;
    const left = until - from;
    await clock.sleep(clock.rate === 1 ? Math.min(longestSleep, left) : left, signal);
    const now = clock.now();
    if (sunAltitudeDegrees(site, now) < sunAltitude !== night) {
      night = !night;
      yield { event: night ? 'dusk' : 'dawn', at: next !== null && Math.abs(now - next) < longestSleep ? next : now };
    }
    if (clock.rate !== Infinity) continue;
    const release = clock.hold();
    await realClock.sleep(pauseOfJumps, signal).finally(release);
  }
}
