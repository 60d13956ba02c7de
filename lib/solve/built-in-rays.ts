/** Where the stars of a picture lie for a pinhole camera of an assumed focal length. */
import type { ImageStars } from './built-in-refine.ts';

/** Unit vectors of the first stars. */
export function raysOf(image: ImageStars, count: number, focalLength: number): Float64Array {
  const rays = new Float64Array(count * 3);
  for (let i = 0; i < count; i++) {
    const length = Math.hypot(image.x[i]!, image.y[i]!, focalLength);
    rays[i * 3] = image.x[i]! / length;
    rays[i * 3 + 1] = image.y[i]! / length;
    rays[i * 3 + 2] = focalLength / length;
  }
  return rays;
}

/** Radians between each two of them, row by row. */
export function anglesOf(rays: Float64Array, count: number): Float64Array {
  const angles = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) {
      const chord = Math.hypot(
        rays[i * 3]! - rays[j * 3]!,
        rays[i * 3 + 1]! - rays[j * 3 + 1]!,
        rays[i * 3 + 2]! - rays[j * 3 + 2]!,
      );
      angles[i * count + j] = 2 * Math.asin(Math.min(1, chord / 2));
    }
  return angles;
}
