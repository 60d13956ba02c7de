/**
 * The index of the built-in solver: four stars (a quad) told by their shape, after Lang et al. 2010, AJ 139, 1782. One octave holds the
 * quads whose longest side lies within a factor of sqrt 2, made from stars that are the brightest of their cells.
 */
import { cellsNear, gridOf, perCell, type SkyGrid } from './built-in-grid.ts';
import { codeOf, type QuadCode } from './built-in-quad.ts';
import type { Sky } from './built-in-sky.ts';

export interface Octave {
  /** Longest side of its quads, radians; the shortest longest side is this over sqrt 2. */
  size: number;
  count: number;
  grid: SkyGrid;
  /** Quads of bucket i are bucketFirst[i] … bucketFirst[i + 1] − 1. */
  bucketFirst: Uint32Array;
  /** Star numbers A B C D. */
  stars: Uint32Array;
  /** Where in its bucket a code lies: four bytes, 1/256 of a bin each. */
  fractions: Uint8Array;
}

/** Bins of Re C, Im C, Re D, Im D. Of A = 0 and B = 1, the longest side, no star is farther than 1: Re 0 to 1, Im ±0.867. */
export const bins = { re: 17, im: 30 };
export const binWidth = 1 / 17;
export const imagOffset = 0.88;
const buckets = bins.re * bins.re * bins.im * bins.im;

/** The brightest stars of a cell that quads are made of. */
const perCellInQuads = 3;
/** A star makes quads with the brightest of its fainter neighbours, and not more than so many. */
const [neighbours, quadsPerStar] = [7, 8];

/**
 * @param size Longest side of the quads, radians.
 * @param among Stars to make it from, bright first; all of the sky's if not given.
 * @param stop Asked now and then: true gives up.
 * @returns null when stopped
 */
export function buildOctave(sky: Sky, size: number, among?: Uint32Array, stop?: () => boolean): Octave | null {
  const grid = gridOf(sky, size / 2, among);
  let most = 0;
  for (const held of grid.held) most += Math.min(held, perCellInQuads);
  most *= quadsPerStar;
  const draft = { count: 0, stars: untouched(most * 16), codes: untouched(most * 4), buckets: untouched(most * 4) };
  if (!makeQuads(sky, grid, size, draft, stop)) return null;
  return { size, grid, count: draft.count, ...sortIntoBuckets(draft) };
}

interface Draft {
  count: number;
  stars: Uint32Array;
  codes: Uint32Array;
  buckets: Uint32Array;
}

/** Memory that the system gives only when it is touched: most of it never is. */
const untouched = (bytes: number): Uint32Array =>
  new Uint32Array(new ArrayBuffer(bytes, { maxByteLength: Math.max(4, bytes) }), 0, bytes / 4);

function sortIntoBuckets({
  count,
  stars,
  codes,
  buckets: bucketOf,
}: Draft): Pick<Octave, 'bucketFirst' | 'stars' | 'fractions'> {
  const bucketFirst = new Uint32Array(buckets + 1);
  for (let quad = 0; quad < count; quad++) bucketFirst[bucketOf[quad]! + 1]!++;
  for (let bucket = 0; bucket < buckets; bucket++) bucketFirst[bucket + 1]! += bucketFirst[bucket]!;
  const at = bucketFirst.slice();
  const sorted = new Uint32Array(count * 4);
  const fractions = new Uint32Array(count);
  for (let quad = 0; quad < count; quad++) {
    const to = at[bucketOf[quad]!]!++;
    fractions[to] = codes[quad]!;
    for (let i = 0; i < 4; i++) sorted[to * 4 + i] = stars[quad * 4 + i]!;
  }
  return { bucketFirst, stars: sorted, fractions: new Uint8Array(fractions.buffer) };
}

function makeQuads(sky: Sky, grid: SkyGrid, size: number, draft: Draft, stop?: () => boolean): boolean {
  const { directions, magnitudeCodes } = sky.catalogue;
  const chord = 4 * Math.sin(size / 2) ** 2;
  const shortest = 4 * Math.sin(size / 2 / Math.SQRT2) ** 2;
  const nearCells = new Uint32Array(4096);
  // Brightest first, ties by number: one key each, below 2^31.
  const keys = new Int32Array(neighbours + 1);
  const members = new Uint32Array(neighbours + 1);
  const squares = new Float64Array((neighbours + 1) ** 2);
  const xyz = new Float64Array((neighbours + 1) * 3);
  const code: QuadCode = { order: new Uint8Array(4), values: new Float64Array(4) };
  const corners = new Float64Array(12);
  const { rings, ringFirst, ringCells, held, stars } = grid;
  for (let ring = 0; ring < rings; ring++) {
    if (stop?.()) return false;
    for (let cell = ringFirst[ring]!; cell < ringFirst[ring + 1]!; cell++) {
      if (held[cell] === 0) continue;
      // Cells within reach of this one, from its middle to its corners.
      const dec = ((ring + 0.5) / rings - 0.5) * Math.PI;
      const ra = ((cell - ringFirst[ring]! + 0.5) / ringCells[ring]!) * 2 * Math.PI;
      const near = cellsNear(grid, dec, ra, Math.min(Math.PI / 2, size * 1.38), nearCells);
      for (let place = 0; place < Math.min(held[cell]!, perCellInQuads); place++) {
        const own = stars[cell * perCell + place]!;
        const ownKey = magnitudeCodes[own]! * 2 ** 22 + own;
        const ox = directions[own * 3]!;
        const oy = directions[own * 3 + 1]!;
        const oz = directions[own * 3 + 2]!;
        let found = 0;
        for (let n = 0; n < near; n++) {
          const base = nearCells[n]! * perCell;
          const there = Math.min(held[nearCells[n]!]!, perCellInQuads);
          for (let i = 0; i < there; i++) {
            const star = stars[base + i]!;
            const key = magnitudeCodes[star]! * 2 ** 22 + star;
            if (key <= ownKey) continue;
            if (found === neighbours && key >= keys[neighbours]!) break;
            const dx = directions[star * 3]! - ox;
            const dy = directions[star * 3 + 1]! - oy;
            const dz = directions[star * 3 + 2]! - oz;
            if (dx * dx + dy * dy + dz * dz > chord) continue;
            let at = found < neighbours ? ++found : neighbours;
            for (; at > 1 && keys[at - 1]! > key; at--) {
              keys[at] = keys[at - 1]!;
              members[at] = members[at - 1]!;
            }
            keys[at] = key;
            members[at] = star;
          }
        }
        if (found < 3) continue;
        members[0] = own;
        for (let i = 0; i <= found; i++)
          for (let axis = 0; axis < 3; axis++) xyz[i * 3 + axis] = directions[members[i]! * 3 + axis]!;
        measureSides(xyz, squares, found + 1);
        addQuads(draft, members, xyz, squares, found, { shortest, chord }, code, corners);
      }
    }
  }
  return true;
}

function measureSides(xyz: Float64Array, squares: Float64Array, count: number): void {
  for (let i = 0; i < count; i++)
    for (let j = i + 1; j < count; j++)
      squares[i * (neighbours + 1) + j] =
        (xyz[i * 3]! - xyz[j * 3]!) ** 2 +
        (xyz[i * 3 + 1]! - xyz[j * 3 + 1]!) ** 2 +
        (xyz[i * 3 + 2]! - xyz[j * 3 + 2]!) ** 2;
}

function addQuads(
  draft: Draft,
  members: Uint32Array,
  xyz: Float64Array,
  squares: Float64Array,
  found: number,
  sides: { shortest: number; chord: number },
  code: QuadCode,
  corners: Float64Array,
): void {
  const w = neighbours + 1;
  const pick = [0, 0, 0, 0];
  let made = 0;
  for (let k = 3; k <= found; k++)
    for (let j = 2; j < k; j++)
      for (let i = 1; i < j; i++) {
        const longest = Math.max(
          squares[i]!,
          squares[j]!,
          squares[k]!,
          squares[i * w + j]!,
          squares[i * w + k]!,
          squares[j * w + k]!,
        );
        if (longest <= sides.shortest || longest > sides.chord) continue;
        pick[1] = i;
        pick[2] = j;
        pick[3] = k;
        for (let c = 0; c < 4; c++)
          for (let axis = 0; axis < 3; axis++) corners[c * 3 + axis] = xyz[pick[c]! * 3 + axis]!;
        if (!codeOf(corners, code)) continue;
        const quad = draft.count++;
        for (let c = 0; c < 4; c++) draft.stars[quad * 4 + c] = members[pick[code.order[c]!]!]!;
        draft.buckets[quad] = place(code.values, draft.codes, quad);
        if (++made === quadsPerStar) return;
      }
}

/** The bucket of a code; its place in there goes to `fractions`. */
function place(values: Float64Array, fractions: Uint32Array, quad: number): number {
  let bucket = 0;
  let packed = 0;
  for (let i = 0; i < 4; i++) {
    const imaginary = i & 1;
    const at = (values[i]! + (imaginary ? imagOffset : 0)) / binWidth;
    const most = (imaginary ? bins.im : bins.re) - 1;
    const bin = Math.max(0, Math.min(most, Math.floor(at)));
    bucket = bucket * (most + 1) + bin;
    packed |= Math.max(0, Math.min(255, Math.floor((at - bin) * 256))) << (8 * i);
  }
  fractions[quad] = packed >>> 0;
  return bucket;
}
