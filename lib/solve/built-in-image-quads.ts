/**
 * The quads of a picture's brightest stars with their codes, in the order in which the index has them: so a search goes through the
 * buckets of an octave in one sweep, and not to and fro in memory.
 */
import { codeOf, codeOfFlat, type QuadCode } from './built-in-quad.ts';
import { anglesOf, raysOf } from './built-in-rays.ts';
import type { ImageStars } from './built-in-refine.ts';

export interface ImageQuads {
  count: number;
  /** Image stars A, B, C, D: a byte each, from the lowest. */
  members: Uint32Array;
  /** Four numbers each. */
  codes: Float32Array;
  /** Longest side: pixels of a flat picture, else radians. */
  longest: Float32Array;
}

/** No quad has a star beyond this. */
export const mostQuadStars = 255;
/** Real and imaginary parts of C that are one stretch of memory in all octaves, more or less. */
const [columns, rows] = [16, 29];

/**
 * The next call takes its memory back.
 * @param from The last of the four stars is this one or a later one, up to `to`.
 * @param focalLength Null: flat.
 * @param shortest Quads whose longest side is shorter than so many pixels are left out.
 */
export function quadsOf(
  image: ImageStars,
  from: number,
  to: number,
  focalLength: number | null,
  shortest: number,
): ImageQuads {
  const stars = Math.min(to, image.count, mostQuadStars);
  const sides = sidesOf(image, stars);
  const rays = focalLength === null ? null : raysOf(image, stars, focalLength);
  const angles = rays && anglesOf(rays, stars);
  const quads = room(0, ofFour(stars) - ofFour(Math.min(stars, Math.max(3, from))));
  const code: QuadCode = { order: new Uint8Array(4), values: new Float64Array(4) };
  const corners = new Float64Array(12);
  const points = new Float64Array(8);
  const quad = new Uint8Array(4);
  const place = (i: number, star: number) => {
    quad[i] = star;
    points[i * 2] = image.x[star]!;
    points[i * 2 + 1] = image.y[star]!;
    if (rays) for (let axis = 0; axis < 3; axis++) corners[i * 3 + axis] = rays[star * 3 + axis]!;
  };
  for (let d = Math.max(3, from); d < stars; d++) {
    place(3, d);
    for (let c = 2; c < d; c++) {
      place(2, c);
      for (let b = 1; b < c; b++) {
        place(1, b);
        for (let a = 0; a < b; a++) {
          place(0, a);
          if (!(rays ? codeOf(corners, code) : codeOfFlat(points, code))) continue;
          const { order, values } = code;
          const side = quad[order[0]!]! * stars + quad[order[1]!]!;
          if (sides[side]! < shortest) continue;
          const n = quads.count++;
          quads.longest[n] = angles ? angles[side]! : sides[side]!;
          quads.members[n] =
            quad[order[0]!]! | (quad[order[1]!]! << 8) | (quad[order[2]!]! << 16) | (quad[order[3]!]! << 24);
          for (let i = 0; i < 4; i++) quads.codes[n * 4 + i] = values[i]!;
        }
      }
    }
  }
  return sorted(quads);
}

/** Memory that is used again: a search makes a thousand lists, and only the last one counts. */
const kept: ImageQuads[] = [0, 1].map(() => ({
  ...{ count: 0, members: new Uint32Array(0), codes: new Float32Array(0), longest: new Float32Array(0) },
}));

function room(which: 0 | 1, most: number): ImageQuads {
  const quads = kept[which]!;
  quads.count = 0;
  if (quads.members.length < most) {
    quads.members = new Uint32Array(most);
    quads.codes = new Float32Array(4 * most);
    quads.longest = new Float32Array(most);
  }
  return quads;
}

/** Quads of so many stars. */
const ofFour = (stars: number): number => (stars * (stars - 1) * (stars - 2) * (stars - 3)) / 24;

/** A counting sort by the place of C. */
function sorted(quads: ImageQuads): ImageQuads {
  const { count, codes } = quads;
  const keyOf = (quad: number) => {
    const column = Math.max(0, Math.min(columns - 1, Math.floor(codes[quad * 4]! * columns)));
    const row = Math.max(0, Math.min(rows - 1, Math.floor((codes[quad * 4 + 1]! + 0.9) * columns)));
    return column * rows + row;
  };
  const at = new Uint32Array(columns * rows + 1);
  for (let quad = 0; quad < count; quad++) at[keyOf(quad) + 1]!++;
  for (let key = 0; key < columns * rows; key++) at[key + 1]! += at[key]!;
  const into = room(1, count);
  into.count = count;
  for (let quad = 0; quad < count; quad++) {
    const to = at[keyOf(quad)]!++;
    into.members[to] = quads.members[quad]!;
    into.longest[to] = quads.longest[quad]!;
    for (let i = 0; i < 4; i++) into.codes[to * 4 + i] = codes[quad * 4 + i]!;
  }
  return into;
}

/** Pixels between each two of the first stars, row by row. */
function sidesOf({ x, y }: ImageStars, count: number): Float64Array {
  const sides = new Float64Array(count * count);
  for (let i = 0; i < count; i++)
    for (let j = 0; j < count; j++) sides[i * count + j] = Math.hypot(x[i]! - x[j]!, y[i]! - y[j]!);
  return sides;
}
