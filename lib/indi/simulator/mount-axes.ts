/** Where the axes of a mount point over its site. */
import { radians } from '../../sky/coordinates.ts';
import type { Axes } from './mount-mechanics.ts';

export function altitudeOf({ hourAngleDegrees, decDegrees }: Axes, { latitude }: { latitude: number }): number {
  const [h, d, l] = [hourAngleDegrees * radians, decDegrees * radians, latitude * radians];
  return Math.asin(Math.sin(d) * Math.sin(l) + Math.cos(d) * Math.cos(l) * Math.cos(h)) / radians;
}
