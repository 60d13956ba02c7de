/** A time axis under a picture: round local times as ticks with labels, drawn as an SVG path. */
import { localMilliseconds } from '../sky/night-date.ts';
import type { Site } from '../sky/site.ts';
import { textPath, textWidth } from './stroke-font.ts';

export interface TimeTick {
  atMilliseconds: number;
  /** 23:00, or nothing between labelled ticks. */
  label: string;
}

type Place = Pick<Site, 'longitude' | 'timeZone'>;

const minute = 60_000;
const tickSteps = [1, 2, 5, 10, 15, 30, 60, 120, 180, 360].map((minutes) => minutes * minute);
const utc: Place = { longitude: 0, timeZone: 'UTC' };
const labelHeight = 10;
/** Between the beginnings of two labels, pixels. */
const labelPitch = textWidth('00:00', labelHeight) + 24;

/** Ticks at round local times from `start` to `end` (UTC ms), labels no closer than fits. A change of clocks moves them by itself. */
export function timeTicks(start: number, end: number, pixelsPerMillisecond: number, place: Place | null): TimeTick[] {
  const step = tickSteps.find((each) => each * pixelsPerMillisecond >= labelPitch) ?? tickSteps.at(-1)!;
  const local = (milliseconds: number) => localMilliseconds(place ?? utc, milliseconds);
  const ticks: TimeTick[] = [];
  // Whole minutes of the local clock are whole minutes of UTC but for solar time: step by minutes of the local clock.
  const firstMinute = start + ((minute - (local(start) % minute)) % minute);
  for (let at = firstMinute; at <= end; at += minute) {
    const shown = Math.round(local(at) / minute) * minute;
    if (shown % step === 0) ticks.push({ atMilliseconds: at, label: new Date(shown).toISOString().slice(11, 16) });
  }
  return ticks;
}

export interface AxisLayout {
  left: number;
  /** Of the picture that the axis belongs to, pixels. */
  top: number;
  width: number;
  height: number;
}

/** Frame, ticks, labels and title as one stroke path. */
export function axisPath(ticks: readonly (TimeTick & { x: number })[], title: string, layout: AxisLayout): string {
  const { left, top, width, height } = layout;
  const bottom = top + height;
  let path = `M${left} ${bottom + 0.5}H${left + width}`;
  path += textPath(title, left, top - 8 - labelHeight, labelHeight);
  for (const { x, label } of ticks) {
    path += `M${x} ${bottom}V${bottom + 6}`;
    const labelWidth = textWidth(label, labelHeight);
    const labelX = Math.min(left + width - labelWidth, Math.max(left, x - labelWidth / 2));
    path += textPath(label, labelX, bottom + 10, labelHeight);
  }
  return path;
}
