/** In which order the built-in solver looks: cheap and likely first. Angles are radians. */
import type { Field } from './built-in-camera.ts';

/** What is known of the camera and where it looks. */
export interface Known {
  /** Unit vector and angle. */
  direction: Float64Array | null;
  radius: number;
  /** Focal length, pixels. */
  shortest: number;
  longest: number;
}

/** By brightness, or by brightness over area; each also spread over the picture. Where one is led astray by clumps, another is not. */
export const starOrders = ['flux', 'sharp', 'fluxSpread', 'sharpSpread'] as const;
export type StarOrder = (typeof starOrders)[number];

export interface Stage {
  /** Longest side of the quads. */
  octave: number;
  /** Null: flat. */
  focalLength: number | null;
  /** Focal lengths that are looked for, pixels. */
  shortest: number;
  longest: number;
  /** How far codes may differ. */
  tolerance: number;
  order: StarOrder;
  from: number;
  to: number;
}

const degrees = Math.PI / 180;
/** Octaves of the index: 40 degrees and down by sqrt 2. */
const octaves = Array.from({ length: 18 }, (_, i) => 40 * degrees * 2 ** (-i / 2));
/** Fields up to here, along the longer side, are taken as flat. */
const flatField = 19 * degrees;
/** What is found flat may turn out so wide. */
const widestFlat = 24 * degrees;
/** How far codes may differ in a flat picture and in one taken by an assumed camera. Of 7,000 true ones, half differ by a fifth of this. */
const [flatTolerance, assumedTolerance] = [0.008, 0.017];
/** The quads of faint stars are so many that chance has nine of ten candidates in them: in the whole sky, they must fit better. */
const strict = { from: 24, part: 0.5 };
const [smallestField, widestField] = [0.35 * degrees, 110 * degrees];
/** From one assumed field to the next; the focal length may be off by half of this, and some more. */
const [fieldStep, mostOff] = [1.18, 1.14];
/** A quad's longest side over the longer side of the picture: a share of what is used. */
const [leastPart, mostPart] = [0.13, 0.95];
/** Ranges of image stars, in the order in which they are tried. */
const ranges = [
  [3, 10],
  [10, 16],
  [16, 24],
  [24, 34],
  [34, 45],
] as const;
/** Octaves smaller than these are expensive to build, and come after the others until they are there. */
const [dear, dearest] = [1.5 * degrees, 0.8 * degrees];
/** Of the whole sky, smaller ones would take more memory than all others together; around a hint they take none. */
const smallestOfAll = 0.4 * degrees;

/** Focal length (pixels) of a field along the longer side. */
export const focalLengthOf = (field: Field, angle: number): number =>
  Math.max(field.width, field.height) / 2 / Math.tan(angle / 2);
const angleOf = (field: Field, focalLength: number): number =>
  2 * Math.atan(Math.max(field.width, field.height) / 2 / focalLength);

/** Everything that can be. */
export const nothingKnown = (field: Field): Known => ({
  direction: null,
  radius: Math.PI,
  shortest: focalLengthOf(field, widestField),
  longest: focalLengthOf(field, smallestField),
});

/** @param isThere Whether an octave of the whole sky has been built. */
export function plan(field: Field, known: Known, isThere: (octave: number) => boolean): Stage[] {
  const widest = Math.min(widestField, angleOf(field, known.shortest));
  const smallest = angleOf(field, known.longest);
  const views: (Omit<Stage, 'order' | 'from' | 'to'> & { price: number })[] = [];
  const flat = {
    ...{ focalLength: null, tolerance: flatTolerance, longest: known.longest },
    shortest: Math.max(known.shortest, focalLengthOf(field, widestFlat)),
  };
  // The index of wide ones is built in no time.
  for (const angle of assumedFields(Math.max(flatField, smallest), widest)) {
    const focalLength = focalLengthOf(field, angle);
    const assumed = {
      ...{ focalLength, tolerance: assumedTolerance, price: 0 },
      shortest: Math.max(known.shortest, focalLength / mostOff),
      longest: Math.min(known.longest, focalLength * mostOff),
    };
    for (const octave of octaves)
      if (octave > angle * leastPart * 1.5 && octave / Math.SQRT2 < angle * mostPart)
        views.push({ ...assumed, octave });
  }
  for (const octave of octaves) {
    if (!known.direction && octave < smallestOfAll) break;
    const price = known.direction || isThere(octave) ? 0 : octave < dearest ? 2 : octave < dear ? 1 : 0;
    if (
      smallest < flatField &&
      octave > smallest * leastPart &&
      octave / Math.SQRT2 < Math.min(widest, flatField) * mostPart
    )
      views.push({ ...flat, octave, price });
  }
  const stages: Stage[] = [];
  const add = (only: readonly number[], [from, to]: readonly [number, number]) => {
    const part = !known.direction && from >= strict.from ? strict.part : 1;
    for (const order of starOrders)
      for (const { price, ...view } of views)
        if (only.includes(price)) stages.push({ ...view, tolerance: part * view.tolerance, order, from, to });
  };
  for (const range of ranges.slice(0, 2)) add([0], range);
  for (const range of ranges.slice(0, 2)) add([1], range);
  add([0], ranges[2]);
  add([1], ranges[2]);
  for (const range of ranges.slice(0, 3)) add([2], range);
  for (const range of ranges.slice(3)) add([0, 1], range);
  return stages;
}

/** Fields (radians) that cover a range, no more than a step apart. */
function assumedFields(from: number, to: number): number[] {
  if (to <= from) return [];
  const tangent = (angle: number) => Math.tan(angle / 2);
  const ratio = tangent(to) / tangent(from);
  const count = Math.max(1, Math.ceil(Math.log(ratio) / Math.log(fieldStep)));
  return Array.from({ length: count }, (_, i) => 2 * Math.atan(tangent(from) * ratio ** ((i + 0.5) / count)));
}
