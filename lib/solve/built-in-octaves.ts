/** The octaves of the index that a search asks for: of the whole sky, kept for the next search, or of the stars around a hint. */
import type { Field } from './built-in-camera.ts';
import { buildOctave, type Octave } from './built-in-index.ts';
import type { Known } from './built-in-plan.ts';
import { brightestAround, type Sky } from './built-in-sky.ts';

/** Of this thread, by size. */
const kept = new Map<number, Octave>();

export const isKept = (size: number): boolean => kept.has(size);

/** @returns what gives the octave of a size, null when it was stopped */
export function octaveFor(sky: Sky, field: Field, known: Known, stop: () => boolean): (size: number) => Octave | null {
  const local = new Map<number, Octave>();
  const { direction } = known;
  return (size) => {
    const there = kept.get(size) ?? local.get(size);
    if (there) return there;
    const among = direction ? around(sky, field, known, direction, size) : undefined;
    const built = buildOctave(sky, size, among, stop);
    if (built) (among ? local : kept).set(size, built);
    return built;
  };
}

/** Enough stars to fill the cells of an octave wherever the picture may lie. */
function around(
  sky: Sky,
  field: Field,
  { radius, shortest }: Known,
  direction: Float64Array,
  size: number,
): Uint32Array {
  const reach = Math.min(Math.PI, radius + Math.atan(field.halfDiagonal / shortest) + size / 2);
  const cells = (2 * Math.PI * (1 - Math.cos(reach))) / (size / 2) ** 2;
  return brightestAround(sky, direction, reach, Math.ceil(cells * 24 + 100));
}
