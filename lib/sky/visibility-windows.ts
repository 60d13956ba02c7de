/**
 * When a target can be seen: its transit, rise and set over the user's horizon, and the windows of a night. What the target's altitude alone
 * decides is solved in closed form; horizon profile and Moon are sampled and their edges found by bisection.
 */
import type { FrameSite } from '../frame/frame.ts';
import { anglesOf, radians, refractionDegrees, siderealTime, type Vector } from './coordinates.ts';
import { directionOfDate, type EquatorialPlace } from './coordinates-date.ts';
import { horizonAltitude } from './horizon.ts';
import { moonDirection } from './moon.ts';
import { nextSunCrossing, sunAltitudeDegrees } from './sun.ts';
import { altitudeOfAirmass, halfTurn, type VisibilityLimits } from './visibility.ts';

/** UTC ms. */
export interface Stretch {
  start: number;
  end: number;
}

const siderealDay = 86_164_090.5;
const degreesPerMillisecond = 360 / siderealDay;
/** A chimney of a degree is passed in four minutes. */
const profileStep = 60_000;
const moonStep = 600_000;
const moonNodeStep = 1_800_000;
/** Edges are found to this, ms. */
const precision = 200;
/** Longest time that is looked at at once. */
const longestDays = 40;

/** What all targets of a time share: the turning sky, the dark hours, the Moon's path. Reuse one for a list of targets. */
export class SkyStretch {
  readonly site: FrameSite;
  readonly from: number;
  readonly to: number;
  /** Local sidereal time at the middle, degrees. */
  private readonly sidereal: number;
  private readonly dark = new Map<number, Stretch[]>();
  private moon: Vector[] | null = null;

  /** @param from @param to UTC ms, at most 40 days apart. */
  constructor(site: FrameSite, from: number, to: number) {
    if (!(to > from && to - from <= longestDays * 86_400_000))
      throw new RangeError(`A stretch from ${from} to ${to} is not one of up to ${longestDays} days.`);
    this.site = site;
    this.from = from;
    this.to = to;
    this.sidereal = siderealTime(this.middle) / radians + site.longitude;
  }

  get middle(): number {
    return (this.from + this.to) / 2;
  }

  siderealDegrees(at: number): number {
    return this.sidereal + (at - this.middle) * degreesPerMillisecond;
  }

  /** When the Sun is below an altitude. */
  darkness(sunAltitude: number): Stretch[] {
    const known = this.dark.get(sunAltitude);
    if (known) return known;
    const found: Stretch[] = [];
    let below = sunAltitudeDegrees(this.site, this.from) < sunAltitude;
    for (let at = this.from; at < this.to; below = !below) {
      const direction = below ? 'rising' : 'setting';
      const days = (this.to - at) / 86_400_000;
      const next = nextSunCrossing(this.site, at, sunAltitude, direction, days) ?? this.to;
      if (below) found.push({ start: at, end: Math.min(next, this.to) });
      // A second on, so that the crossing just found is not found again.
      at = Math.max(next, at + 1000);
    }
    this.dark.set(sunAltitude, found);
    return found;
  }

  /** The Moon's direction of date between nodes half an hour apart: straight lines are right to 0.01°. */
  moonAt(at: number): Vector {
    if (!this.moon) {
      const count = Math.ceil((this.to - this.from) / moonNodeStep) + 1;
      this.moon = Array.from({ length: count }, (_, i) => moonDirection(this.site, this.from + i * moonNodeStep));
    }
    const place = Math.min(Math.max(0, (at - this.from) / moonNodeStep), this.moon.length - 1);
    const index = Math.min(Math.floor(place), this.moon.length - 2);
    const [a, b] = [this.moon[Math.max(0, index)]!, this.moon[index + 1]!];
    const part = place - Math.max(0, index);
    return [a[0] + part * (b[0] - a[0]), a[1] + part * (b[1] - a[1]), a[2] + part * (b[2] - a[2])];
  }
}

/** When a target keeps all limits, in order, to the second. @throws bad-input */
export function windowsOf(sky: SkyStretch, place: EquatorialPlace, limits: VisibilityLimits): Stretch[] {
  const { horizon, maximumAirmass, minimumMoonDistanceDegrees, maximumSunAltitudeDegrees } = limits;
  const direction = directionOfDate(place, sky.middle);
  const { longitudeDegrees: ra, latitudeDegrees: dec } = anglesOf(direction);
  const lowest = Math.max(
    limits.minimumAltitudeDegrees,
    maximumAirmass === null ? -90 : altitudeOfAirmass(maximumAirmass),
    horizon === null ? 0 : Math.min(...horizon.altitudes),
  );
  let windows = above(sky, ra, dec, trueAltitude(lowest));
  if (maximumSunAltitudeDegrees !== null) windows = common(windows, sky.darkness(maximumSunAltitudeDegrees));
  if (minimumMoonDistanceDegrees !== null) {
    const cosine = Math.cos(minimumMoonDistanceDegrees * radians);
    windows = kept(windows, moonStep, (at) => {
      const moon = sky.moonAt(at);
      const length = Math.hypot(...moon);
      if (moon[0] * direction[0] + moon[1] * direction[1] + moon[2] * direction[2] < cosine * length) return true;
      const { longitudeDegrees, latitudeDegrees } = anglesOf(moon);
      return altitude(sky.site.latitude, latitudeDegrees, sky.siderealDegrees(at) - longitudeDegrees) <= 0;
    });
  }
  if (horizon !== null && horizon.points.length > 1)
    windows = kept(windows, profileStep, (at) => {
      const hourAngle = sky.siderealDegrees(at) - ra;
      const height = altitude(sky.site.latitude, dec, hourAngle);
      return height + refractionDegrees(height) >= horizonAltitude(horizon, azimuth(sky.site.latitude, dec, hourAngle));
    });
  return windows;
}

/** The next time the target crosses the meridian at its highest, UTC ms. */
export function nextTransit(site: FrameSite, place: EquatorialPlace, from: number): number {
  const sky = new SkyStretch(site, from, from + 86_400_000);
  const { longitudeDegrees } = anglesOf(directionOfDate(place, sky.middle));
  const hourAngle = sky.siderealDegrees(from) - longitudeDegrees;
  return from + ((((-hourAngle % 360) + 360) % 360) / 360) * siderealDay;
}

export interface RiseAndSet {
  /** UTC ms within the next day; null when there is none. */
  rise: number | null;
  set: number | null;
  /** up: above horizon and least altitude all day; down: never. */
  state: 'rises' | 'up' | 'down';
}

/** The next rise and set against horizon, least altitude and airmass; Sun and Moon don't count. */
export function riseAndSet(
  site: FrameSite,
  place: EquatorialPlace,
  from: number,
  limits: VisibilityLimits,
): RiseAndSet {
  const sky = new SkyStretch(site, from, from + siderealDay);
  const only = { ...limits, minimumMoonDistanceDegrees: null, maximumSunAltitudeDegrees: null };
  const windows = windowsOf(sky, place, only);
  if (windows.length === 0) return { rise: null, set: null, state: 'down' };
  const [first, last] = [windows[0]!, windows.at(-1)!];
  if (windows.length === 1 && first.start === sky.from && first.end === sky.to)
    return { rise: null, set: null, state: 'up' };
  const rise = windows.find(({ start }) => start > sky.from)?.start ?? null;
  const set = windows.find(({ end }) => end < sky.to)?.end ?? null;
  // A day of the stars later all is as it was: what begins with the stretch and ends with it is one window.
  return {
    rise: rise ?? (last.end < sky.to ? null : sky.to),
    set: set ?? (first.start > sky.from ? null : sky.to),
    state: 'rises',
  };
}

/** The moment of the windows when the target stands highest, UTC ms; null without a window. */
export function highestMoment(sky: SkyStretch, place: EquatorialPlace, windows: readonly Stretch[]): number | null {
  const { longitudeDegrees } = anglesOf(directionOfDate(place, sky.middle));
  const offset = (at: number) => halfTurn(sky.siderealDegrees(at) - longitudeDegrees);
  let best: { at: number; off: number } | null = null;
  for (const { start, end } of windows) {
    const transit = start + ((((-offset(start) % 360) + 360) % 360) / 360) * siderealDay;
    for (const at of transit <= end ? [transit] : [start, end]) {
      const off = Math.abs(offset(at));
      if (best === null || off < best.off) best = { at, off };
    }
  }
  return best?.at ?? null;
}

export const totalSeconds = (windows: readonly Stretch[]): number =>
  windows.reduce((sum, { start, end }) => sum + (end - start), 0) / 1000;

/** Closed form: the target is above an altitude within this hour angle of each transit. @param lowest true altitude, degrees */
function above(sky: SkyStretch, ra: number, dec: number, lowest: number): Stretch[] {
  const [phi, delta] = [sky.site.latitude * radians, dec * radians];
  const scale = Math.cos(phi) * Math.cos(delta);
  const level = Math.sin(lowest * radians) - Math.sin(phi) * Math.sin(delta);
  if (level >= scale) return [];
  if (level <= -scale) return [{ start: sky.from, end: sky.to }];
  const half = (Math.acos(level / scale) / radians / 360) * siderealDay;
  const found: Stretch[] = [];
  const first = sky.from - (halfTurn(sky.siderealDegrees(sky.from) - ra) / 360) * siderealDay;
  for (let transit = first - siderealDay; transit - half < sky.to; transit += siderealDay) {
    const [start, end] = [Math.max(sky.from, transit - half), Math.min(sky.to, transit + half)];
    if (end > start) found.push({ start, end });
  }
  return found;
}

/** The parts of the stretches where a condition holds. */
function kept(stretches: readonly Stretch[], step: number, holds: (at: number) => boolean): Stretch[] {
  const found: Stretch[] = [];
  for (const { start, end } of stretches) {
    const steps = Math.max(1, Math.ceil((end - start) / step));
    let before = holds(start);
    let since = start;
    for (let i = 1; i <= steps; i++) {
      const at = start + ((end - start) * i) / steps;
      const now = holds(at);
      if (now !== before) {
        const edge = edgeOf(at - (end - start) / steps, at, before, holds);
        if (before) found.push({ start: since, end: edge });
        since = edge;
        before = now;
      }
    }
    if (before && end > since) found.push({ start: since, end });
  }
  return found;
}

function edgeOf(from: number, to: number, before: boolean, holds: (at: number) => boolean): number {
  let [low, high] = [from, to];
  while (high - low > precision) {
    const middle = (low + high) / 2;
    if (holds(middle) === before) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

function common(a: readonly Stretch[], b: readonly Stretch[]): Stretch[] {
  return a.flatMap((one) =>
    b
      .map((other) => ({ start: Math.max(one.start, other.start), end: Math.min(one.end, other.end) }))
      .filter(({ start, end }) => end > start),
  );
}

function altitude(latitude: number, dec: number, hourAngle: number): number {
  const [phi, delta, h] = [latitude * radians, dec * radians, hourAngle * radians];
  const sine = Math.sin(phi) * Math.sin(delta) + Math.cos(phi) * Math.cos(delta) * Math.cos(h);
  return Math.asin(Math.min(1, Math.max(-1, sine))) / radians;
}

function azimuth(latitude: number, dec: number, hourAngle: number): number {
  const [phi, delta, h] = [latitude * radians, dec * radians, hourAngle * radians];
  const east = -Math.cos(delta) * Math.sin(h);
  const north = Math.cos(phi) * Math.sin(delta) - Math.sin(phi) * Math.cos(delta) * Math.cos(h);
  return Math.atan2(east, north) / radians;
}

/** The altitude without air that appears at an altitude. */
function trueAltitude(apparent: number): number {
  let altitude = apparent;
  for (let round = 0; round < 6; round++) altitude = apparent - refractionDegrees(altitude);
  return altitude;
}
