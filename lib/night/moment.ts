/** When a sequence starts and stops: now, at a time of day or a date, or by the Sun's height. */
import { isoTime } from '../clock/clock.ts';
import { NightflowError } from '../process/errors.ts';
import { nextTimeOfDay } from '../sky/night-date.ts';
import type { Site } from '../sky/site.ts';
import { nextSunCrossing, sunAltitudeDegrees } from '../sky/sun.ts';

export type Moment =
  /** As a start: at once. */
  | { type: 'now' }
  /** As a stop: only when told or when the frames are taken. */
  | { type: 'never' }
  /** HH:MM or HH:MM:SS on the site's clocks (its next occurrence), or an ISO 8601 date with time (UTC unless it says otherwise). */
  | { type: 'time'; time: string }
  /** Start: the Sun stands below this, or sinks below it. Stop: it rises above it. Degrees, of its centre, without refraction. */
  | { type: 'sun'; altitudeDegrees: number };

/** It does not get dark today: a matter of waiting, unlike a height that the Sun never has here. */
export class SunStaysUp extends NightflowError {}

export type MomentInput = Moment | string | null | undefined;

/** Reads 'now', 'never', 'sun -6', '22:15' or an ISO date, or takes a Moment as it is. @throws bad-input that says what is expected. */
export function parseMoment(input: MomentInput | unknown, role: 'start' | 'stop'): Moment {
  const nothing: Moment = role === 'start' ? { type: 'now' } : { type: 'never' };
  if (input === null || input === undefined) return nothing;
  const moment = typeof input === 'string' ? parseText(input.trim(), nothing) : (input as Moment);
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', `The ${role} ${JSON.stringify(input)?.slice(0, 80)} ${why}.`, {
      remedy: `Write ${nothing.type}, sun -6, 22:15 or 2026-03-20T22:15:00Z.`,
    });
  };
  switch (moment?.type) {
    case 'now':
    case 'never':
      return moment.type === nothing.type ? { type: moment.type } : refuse(`can't be "${moment.type}"`);
    case 'sun':
      if (!(typeof moment.altitudeDegrees === 'number' && Math.abs(moment.altitudeDegrees) <= 90))
        refuse('has no height of the Sun between -90 and 90 degrees');
      return { type: 'sun', altitudeDegrees: moment.altitudeDegrees };
    case 'time':
      if (typeof moment.time !== 'string' || (secondsOfDay(moment.time) ?? dateOf(moment.time)) === null)
        refuse('is neither a time of day nor an ISO date');
      return { type: 'time', time: moment.time };
    default:
      return refuse('is not understood');
  }
}

/** UTC ms of the start, not before `now`. @throws SunStaysUp when the Sun does not get there within a day; bad-input when it never does, or without a site. */
export function resolveStart(moment: Moment, site: Site | null, now: number): number {
  if (moment.type === 'time') return Math.max(now, timeAfter(moment.time, site, now));
  if (moment.type !== 'sun') return now;
  const place = placeFor(site, 'start');
  if (sunAltitudeDegrees(place, now) < moment.altitudeDegrees) return now;
  const setting = nextSunCrossing(place, now, moment.altitudeDegrees, 'setting');
  if (setting !== null) return setting;
  const remedy = 'Start at a higher Sun or by time.';
  if (moment.altitudeDegrees < lowestSunDegrees(place))
    throw new NightflowError('bad-input', `The Sun never sinks below ${moment.altitudeDegrees}° here.`, { remedy });
  throw new SunStaysUp(
    'bad-input',
    `The Sun does not sink below ${moment.altitudeDegrees}° here in the day after ${isoTime(now)}.`,
    { remedy },
  );
}

/** The Sun's lowest height in a year, at midnight of the winter solstice; half a degree of room for all that is left out. */
function lowestSunDegrees({ latitude }: Site): number {
  const obliquityDegrees = 23.44;
  return Math.max(-90, Math.abs(latitude) - 90 - obliquityDegrees) - 0.5;
}

/** UTC ms of the stop for a sequence that starts at `start`; null without one, or when the Sun does not rise that high in a day (polar night). */
export function resolveStop(moment: Moment, site: Site | null, start: number): number | null {
  if (moment.type === 'time') return timeAfter(moment.time, site, start);
  if (moment.type !== 'sun') return null;
  const place = placeFor(site, 'stop');
  const above = sunAltitudeDegrees(place, start) > moment.altitudeDegrees;
  // Started by day: the stop is the dawn after the coming night, not a Sun that already stands high.
  const from = above ? nextSunCrossing(place, start, moment.altitudeDegrees, 'setting') : start;
  return from === null ? null : nextSunCrossing(place, from + 1000, moment.altitudeDegrees, 'rising');
}

function parseText(text: string, nothing: Moment): Moment {
  if (text === '') return nothing;
  if (text === 'now' || text === 'never') return { type: text };
  const sun = /^sun\s*[<>=]*\s*([+-]?\d+(?:\.\d+)?)\s*°?$/i.exec(text.replace('−', '-'));
  return sun ? { type: 'sun', altitudeDegrees: Number(sun[1]) } : { type: 'time', time: text };
}

function timeAfter(time: string, site: Site | null, from: number): number {
  const seconds = secondsOfDay(time);
  // Without a site the clocks are UTC's.
  return seconds === null ? dateOf(time)! : nextTimeOfDay(site ?? { longitude: 0, timeZone: null }, from, seconds);
}

function secondsOfDay(time: string): number | null {
  const match = /^(\d{1,2}):(\d{2})(?::(\d{2}))?$/.exec(time);
  if (!match) return null;
  const [hours, minutes, seconds] = [Number(match[1]), Number(match[2]), Number(match[3] ?? 0)];
  return hours < 24 && minutes < 60 && seconds < 60 ? hours * 3600 + minutes * 60 + seconds : null;
}

function dateOf(time: string): number | null {
  if (!/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}/.test(time) || time.length > 40) return null;
  const zoned = /(Z|[+-]\d{2}:?\d{2})$/i.test(time) ? time : `${time}Z`;
  const milliseconds = Date.parse(zoned.replace(' ', 'T'));
  return Number.isNaN(milliseconds) ? null : milliseconds;
}

function placeFor(site: Site | null, role: string): Site {
  if (site) return site;
  throw new NightflowError('bad-input', `A ${role} by the Sun's height needs a site.`, {
    remedy: 'Choose a site with latitude and longitude.',
  });
}
