/** All that is to say about a target and a night in plain values: for messages, pages and logs. */
import { isoTime } from '../clock/clock.ts';
import type { FrameSite } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';
import type { EquatorialPlace } from './coordinates-date.ts';
import { darkStretch, nightAround } from './twilight.ts';
import {
  altitudeOfAirmass,
  type Observation,
  observe,
  type Refusal,
  refusalsOf,
  type VisibilityLimits,
} from './visibility.ts';
import {
  highestMoment,
  nextTransit,
  riseAndSet,
  SkyStretch,
  type Stretch,
  totalSeconds,
  windowsOf,
} from './visibility-windows.ts';

/** `msg.visibility`: times are ISO 8601 UTC. */
export interface Visibility extends Omit<Observation, 'at'> {
  visible: boolean;
  /** Why not, in one sentence; null when it is visible. */
  reason: string | null;
  /** The limits that are not kept at `time`. */
  refusals: Refusal[];
  time: string;
  /** Of the night under way or to come, from `time` on: when all limits are kept. */
  windows: { start: string; end: string }[];
  visibleSeconds: number;
  /** The highest moment of the windows; null without one. */
  best: { time: string; altitudeDegrees: number } | null;
  transit: string;
  /** The next over horizon and least altitude; null when there is none within a day. */
  rise: string | null;
  set: string | null;
  /** When the Sun is low enough: null without such a limit, or when it never is. */
  dark: { start: string; end: string } | null;
}

/** Keeps the night that all targets of a list share. */
export class VisibilityReport {
  private sky: SkyStretch | null = null;

  /**
   * @param milliseconds UTC of the question @param tonightSeconds null: is it visible at that moment? Otherwise: for so long in that night?
   * @throws bad-input
   */
  of(
    site: FrameSite,
    milliseconds: number,
    target: EquatorialPlace & { name: string },
    limits: VisibilityLimits,
    tonightSeconds: number | null,
  ): Visibility {
    const { at, ...seen } = observe(site, milliseconds, target, limits.horizon);
    const sky = this.skyOf(site, milliseconds);
    // By day the night to come, and of a night under way what is left of it.
    const windows = windowsOf(sky, target, limits)
      .map(({ start, end }) => ({ start: Math.max(start, milliseconds), end }))
      .filter(({ start, end }) => end > start);
    const refusals = refusalsOf({ at, ...seen }, limits);
    const reason =
      tonightSeconds === null
        ? nowReason(target, refusals)
        : tonightReason(sky, target, windows, tonightSeconds, limits);
    const best = highestMoment(sky, target, windows);
    const { rise, set } = riseAndSet(site, target, milliseconds, limits);
    const sun = limits.maximumSunAltitudeDegrees;
    const dark = sun === null ? null : darkStretch(site, sky.middle, sun);
    return {
      visible: reason === null,
      reason,
      refusals,
      time: isoTime(at),
      ...seen,
      windows: windows.map(isoStretch),
      visibleSeconds: totalSeconds(windows),
      best:
        best === null
          ? null
          : { time: isoTime(best), altitudeDegrees: observe(site, best, target).apparentAltitudeDegrees },
      transit: isoTime(nextTransit(site, target, milliseconds)),
      rise: rise === null ? null : isoTime(rise),
      set: set === null ? null : isoTime(set),
      dark: dark && isoStretch(dark),
    };
  }

  private skyOf(site: FrameSite, milliseconds: number): SkyStretch {
    if (!Number.isFinite(milliseconds)) throw new NightflowError('bad-input', `${milliseconds} is not a time.`);
    const { from, to } = nightAround(site, milliseconds);
    if (this.sky?.site !== site || this.sky.from !== from) this.sky = new SkyStretch(site, from, to);
    return this.sky;
  }
}

const isoStretch = ({ start, end }: Stretch) => ({ start: isoTime(start), end: isoTime(end) });

const nowReason = ({ name }: { name: string }, refusals: readonly Refusal[]): string | null =>
  refusals.length === 0 ? null : `${name} can't be seen: ${refusals.map(({ reason }) => reason).join('; ')}.`;

function tonightReason(
  sky: SkyStretch,
  target: EquatorialPlace & { name: string },
  windows: readonly Stretch[],
  seconds: number,
  limits: VisibilityLimits,
): string | null {
  const total = totalSeconds(windows);
  if (total > 0 && total >= seconds) return null;
  const dark = limits.maximumSunAltitudeDegrees === null ? '' : ' in the dark';
  if (total > 0)
    return `${target.name} can be seen for ${Math.round(total / 60)} min only${dark}, less than ${Math.round(seconds / 60)} min.`;
  return neverReason(sky, target, limits);
}

/** Limits are added one after the other until nothing is left: the last one added is the reason. */
function neverReason(sky: SkyStretch, target: EquatorialPlace & { name: string }, limits: VisibilityLimits): string {
  const { name } = target;
  const open = { ...limits, horizon: null, minimumMoonDistanceDegrees: null, maximumSunAltitudeDegrees: null };
  const none = (some: VisibilityLimits) => windowsOf(sky, target, some).length === 0;
  if (none(open)) {
    const highest = observe(sky.site, nextTransit(sky.site, target, sky.from), target).apparentAltitudeDegrees;
    const airmass = limits.maximumAirmass === null ? -90 : altitudeOfAirmass(limits.maximumAirmass);
    const lowest = Math.max(limits.minimumAltitudeDegrees, airmass, 0);
    return `${name} never gets above ${lowest.toFixed(1)}° here: at most ${highest.toFixed(1)}°.`;
  }
  const withHorizon = { ...open, horizon: limits.horizon };
  if (none(withHorizon)) return `${name} never gets above your horizon.`;
  const withSun = { ...withHorizon, maximumSunAltitudeDegrees: limits.maximumSunAltitudeDegrees };
  if (none(withSun)) return `${name} is up only while it is not dark.`;
  if (none(limits)) {
    const distance = limits.minimumMoonDistanceDegrees!.toFixed(1);
    return `While ${name} can be seen${limits.maximumSunAltitudeDegrees === null ? '' : ' in the dark'}, the Moon is up and closer than ${distance}°.`;
  }
  return `The time of ${name} is over for this night.`;
}
