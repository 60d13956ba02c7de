/** Refraction as the renderer draws it. */
import { refractionDegrees } from '../coordinates.ts';

const highRefraction = 58.3 / 206265;
const bent = new Float64Array(3);

/** Lifts a direction by refraction. The answer is overwritten by the next call. */
export function refract(east: number, north: number, up: number): Float64Array {
  if (up > 0.35) {
    // High up, 58.3" times the tangent of the zenith distance is right to 0.5".
    bent[0] = east * (1 - highRefraction);
    bent[1] = north * (1 - highRefraction);
    bent[2] = up + (highRefraction * (1 - up * up)) / up;
    return bent;
  }
  const flat = Math.sqrt(east * east + north * north);
  const altitude = Math.atan2(up, flat);
  const seen = altitude + (refractionDegrees((altitude * 180) / Math.PI) * Math.PI) / 180;
  const scale = flat < 1e-12 ? 1 : Math.cos(seen) / flat;
  bent[0] = east * scale;
  bent[1] = north * scale;
  bent[2] = Math.sin(seen);
  return bent;
}
