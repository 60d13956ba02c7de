/** The stars that an eye would see over a site, brightest first, where they are seen. For workers. */
import { loadCatalogue, magnitudeOf } from '../sky/catalogue.ts';
import { radians } from '../sky/coordinates.ts';
import { type GeographicPlace, Overhead } from './all-sky-overhead.ts';

export interface ReferenceStars {
  count: number;
  /** Unit vectors east, north, up, interleaved. */
  directions: Float64Array;
}

/** Magnitudes an airmass that the air takes, about: the order near the horizon is another than overhead. */
const extinction = 0.25;
const lowest = Math.sin(3 * radians);
const faintest = 6.5;

export function referencesOver(site: GeographicPlace, milliseconds: number, wanted: number): ReferenceStars {
  const { count, directions, magnitudeCodes } = loadCatalogue();
  const overhead = new Overhead(site, milliseconds);
  const found: { direction: readonly [number, number, number]; magnitude: number }[] = [];
  for (let star = 0; star < count; star++) {
    const magnitude = magnitudeOf(magnitudeCodes[star]!);
    if (magnitude > faintest) continue;
    const at = star * 3;
    const direction = overhead.seen([directions[at]!, directions[at + 1]!, directions[at + 2]!]);
    if (direction[2] < lowest) continue;
    found.push({ direction, magnitude: magnitude + extinction / direction[2] });
  }
  found.sort((one, other) => one.magnitude - other.magnitude);
  const kept = found.slice(0, wanted);
  return { count: kept.length, directions: Float64Array.from(kept.flatMap(({ direction }) => direction)) };
}
