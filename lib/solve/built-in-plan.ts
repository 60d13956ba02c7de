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
  order: StarOrder;
  from: number;
  to: number;
}

const degrees = Math.PI / 180;
/** Octaves of the index: 40 degrees and down by sqrt 2. */
const octaves = Array.from({ length: 18 }, (_, i) => 40 * degrees * 2 ** (-i / 2));
/** Fields up to here, along the longer side, are taken as flat. */
const flatField = 19 * degrees;
const [smallestField, widestField] = [0.35 * degrees, 110 * degrees];
/** From one assumed field to the next; the focal length may be off by half of this. */
const fieldStep = 1.18;
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
/** Octaves smaller than these are expensive to build, and come after the others. */
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

export function plan(field: Field, known: Known): Stage[] {
  const widest = Math.min(widestField, angleOf(field, known.shortest));
  const smallest = angleOf(field, known.longest);
  const views: { octave: number; focalLength: number | null; price: number }[] = [];
  for (const octave of octaves) {
    if (!known.direction && octave < smallestOfAll) break;
    const price = known.direction ? 0 : octave < dearest ? 2 : octave < dear ? 1 : 0;
    if (
      smallest < flatField &&
      octave > smallest * leastPart &&
      octave / Math.SQRT2 < Math.min(widest, flatField) * mostPart
    )
      views.push({ octave, focalLength: null, price });
  }
  for (const angle of assumedFields(Math.max(flatField, smallest), widest))
    for (const octave of octaves)
      if (octave > angle * leastPart * 1.5 && octave / Math.SQRT2 < angle * mostPart)
        views.push({ octave, focalLength: focalLengthOf(field, angle), price: 0 });
  // The index of wide ones is built in no time.
  views.sort((a, b) => b.octave - a.octave);
  const stages: Stage[] = [];
  const add = (price: number, [from, to]: readonly [number, number]) => {
    for (const order of starOrders)
      for (const view of views) if (view.price === price) stages.push({ ...view, order, from, to });
  };
  for (const range of ranges.slice(0, 2)) add(0, range);
  for (const range of ranges.slice(0, 2)) add(1, range);
  add(0, ranges[2]);
  add(1, ranges[2]);
  for (const range of ranges.slice(0, 3)) add(2, range);
  for (const range of ranges.slice(3)) for (const price of [0, 1]) add(price, range);
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
