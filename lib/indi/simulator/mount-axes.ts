/** The geometry of a mount's axes, and their way from one place to another. */
import type { Clock } from '../../clock/clock.ts';
import { radians } from '../../sky/coordinates.ts';
import type { Axes, MountMechanics } from './mount-mechanics.ts';

export function altitudeOf({ hourAngleDegrees, decDegrees }: Axes, { latitude }: { latitude: number }): number {
  const [h, d, l] = [hourAngleDegrees * radians, decDegrees * radians, latitude * radians];
  return Math.asin(Math.sin(d) * Math.sin(l) + Math.cos(d) * Math.cos(l) * Math.cos(h)) / radians;
}

export const wrap = (degrees: number, from: number, to: number): number =>
  ((((degrees - from) % (to - from)) + (to - from)) % (to - from)) + from;

const shortestSeconds = 0.05;

/**
 * Both axes arrive together, at a place that may move meanwhile, and stand still there.
 * @returns where they were sent. @throws AbortError; the axes go on then, as whoever aborts wants them to.
 */
export async function slewAxes(
  mechanics: MountMechanics,
  clock: Clock,
  degreesPerSecond: number,
  target: (milliseconds: number) => Axes,
  signal: AbortSignal,
): Promise<Axes> {
  const start = clock.now();
  const from = mechanics.axesAt(start);
  let [to, seconds] = [target(start), shortestSeconds];
  // The place moves by a thousandth of the way, so each round is so much nearer.
  for (let round = 0; round < 4; round++) {
    const far = Math.max(
      Math.abs(to.hourAngleDegrees - from.hourAngleDegrees),
      Math.abs(to.decDegrees - from.decDegrees),
    );
    seconds = Math.max(shortestSeconds, far / degreesPerSecond);
    to = target(start + seconds * 1000);
  }
  const end = start + seconds * 1000;
  mechanics.run((to.hourAngleDegrees - from.hourAngleDegrees) / seconds, (to.decDegrees - from.decDegrees) / seconds);
  await clock.sleep(end - clock.now(), signal);
  mechanics.moveFrom(end, to, 0, 0);
  // Nobody wakes at the very moment: the axes are brought up with the sky for what it was late.
  if (clock.now() > end) mechanics.moveFrom(clock.now(), target(clock.now()), 0, 0);
  return to;
}
