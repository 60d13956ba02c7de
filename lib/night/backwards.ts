/** Time that ran backwards is a rehearsal that began again at its date: what was gathered before must not go on with frames that repeat. */
import { type Clock, RealClock } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';

/** Clocks that are set right and frames that overlap stay below it, ms. */
const rehearsalMilliseconds = 10 * 60_000;
/**
 * A Pi without a battery wakes up in the past after a power cut (fake-hwclock notes the time once an hour) until the network tells it
 * the time, and its night is to go on.
 */
const realMilliseconds = 90 * 60_000;

/** Whether `now` lies so far before `last` that it is of another rehearsal. @param last,now UTC ms; null: not known. */
export function ranBackwards(clock: Clock, last: number | null, now: number | null): boolean {
  const limit = clock instanceof RealClock ? realMilliseconds : rehearsalMilliseconds;
  return last !== null && now !== null && now < last - limit;
}

/** UTC ms when the exposure began; null when the frame doesn't know. */
export const startOf = ({ start }: Pick<Frame, 'start'>): number | null => {
  const milliseconds = start === null ? Number.NaN : Date.parse(start);
  return Number.isNaN(milliseconds) ? null : milliseconds;
};

/** UTC ms when the exposure ended; null when the frame doesn't know. */
export const endOf = (frame: Pick<Frame, 'start' | 'end' | 'exposureSeconds'>): number | null => {
  const start = startOf(frame);
  const end = frame.end === null ? Number.NaN : Date.parse(frame.end);
  if (!Number.isNaN(end)) return end;
  return start === null ? null : start + (frame.exposureSeconds ?? 0) * 1000;
};
