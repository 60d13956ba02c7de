/**
 * The index of the built-in solver: four stars (a quad) told by their shape, after Lang et al. 2010, AJ 139, 1782. One octave holds the
 * quads whose longest side lies within a factor of sqrt 2, made from stars that are the brightest of their cells. A quad takes eight
 * bytes: its brightest star and which of that star's neighbours the others are, and its shape within a bucket of like ones.
 */
import { gridOf, type SkyGrid } from './built-in-grid.ts';
import { mostNeighbours, Neighbourhood, type Reach } from './built-in-neighbours.ts';
import { codeOf, type QuadCode } from './built-in-quad.ts';
import type { Sky } from './built-in-sky.ts';

export interface Octave {
  /** Longest side of its quads, radians; the shortest longest side is this over sqrt 2. */
  size: number;
  count: number;
  grid: SkyGrid;
  reach: Reach;
  bins: Bins;
  /** Quads of bucket i are bucketFirst[i] … bucketFirst[i + 1] − 1. */
  bucketFirst: Uint32Array;
  /** Star (21 bits), which three of its neighbours (6), in which order they are A B C D (5). */
  quads: Uint32Array;
  /** Where in its bucket a code lies: four bytes from the lowest, 1/256 of a bin each. */
  codes: Int32Array;
}

/** Re C, Im C, Re D, Im D. Of A = 0 and B = 1, the longest side, no star is farther than 1: Re 0 to 1, Im ±0.867. */
export interface Bins {
  re: number;
  im: number;
}

export const imagOffset = 0.88;
const starBits = 21;
/** Small octaves have so many quads that fewer a star do; that keeps all of the index below 110 MB. */
const [deepBelow, deepestBelow] = [0.025, 0.009];
const [usual, deep, deepest] = [
  { perCell: 3, quadsPerStar: 8 },
  { perCell: 2, quadsPerStar: 3 },
  { perCell: 2, quadsPerStar: 2 },
];

/** Bins of the real parts: so many that a bucket of two imaginary and two real parts, of which there are 3.1 bins⁴, has a few quads. */
const [leastBins, mostBins, quadsPerBucket] = [7, 18, 6];

/**
 * @param size Longest side of the quads, radians.
 * @param among Stars to make it from, bright first; all of the sky's if not given.
 * @param stop Asked now and then: true gives up.
 * @returns null when stopped
 */
export function buildOctave(sky: Sky, size: number, among?: Uint32Array, stop?: () => boolean): Octave | null {
  const { perCell, quadsPerStar } = among || size >= deepBelow ? usual : size >= deepestBelow ? deep : deepest;
  const reach = { size, chord: 4 * Math.sin(size / 2) ** 2, perCell };
  const grid = gridOf(sky, size / 2, among);
  let stars = 0;
  for (let cell = 0; cell + 1 < grid.first.length; cell++)
    stars += Math.min(perCell, grid.first[cell + 1]! - grid.first[cell]!);
  const most = stars * quadsPerStar;
  const fine = Math.max(leastBins, Math.min(mostBins, Math.round((most / quadsPerBucket) ** 0.25)));
  const bins = { re: fine, im: Math.ceil(2 * imagOffset * fine) };
  const draft = { count: 0, quads: untouched(most), codes: untouched(most), buckets: untouched(most) };
  const made = makeQuads(sky, grid, reach, bins, quadsPerStar, draft, stop);
  const octave = made ? { size, grid, reach, bins, count: draft.count, ...sortIntoBuckets(draft, bins) } : null;
  for (const { buffer } of [draft.quads, draft.codes, draft.buckets]) (buffer as ArrayBuffer).resize(0);
  return octave;
}

/** The stars A B C D of a quad. */
export function readQuad(octave: Octave, quad: number, around: Neighbourhood, into: Uint32Array): void {
  const packed = octave.quads[quad]!;
  around.of(packed & (2 ** starBits - 1));
  const three = triples[(packed >>> starBits) & 63]!;
  const order = orders[packed >>> (starBits + 6)]!;
  for (let i = 0; i < 4; i++) into[i] = around.members[order[i] === 0 ? 0 : three[order[i]! - 1]!]!;
}

interface Draft {
  count: number;
  quads: Uint32Array;
  codes: Uint32Array;
  buckets: Uint32Array;
}

/** Memory that the system gives only when it is touched, which most of it never is, and takes back when it is made smaller. */
const untouched = (count: number): Uint32Array =>
  new Uint32Array(new ArrayBuffer(count * 4, { maxByteLength: Math.max(4, count * 4) }), 0, count);

function sortIntoBuckets(
  { count, quads, codes, buckets }: Draft,
  { re, im }: Bins,
): Pick<Octave, 'bucketFirst' | 'quads' | 'codes'> {
  const bucketCount = re * re * im * im;
  const bucketFirst = new Uint32Array(bucketCount + 1);
  for (let quad = 0; quad < count; quad++) bucketFirst[buckets[quad]! + 1]!++;
  for (let bucket = 0; bucket < bucketCount; bucket++) bucketFirst[bucket + 1]! += bucketFirst[bucket]!;
  const at = bucketFirst.slice();
  const sorted = new Uint32Array(count);
  const placed = new Int32Array(count);
  for (let quad = 0; quad < count; quad++) {
    const to = at[buckets[quad]!]!++;
    placed[to] = codes[quad]!;
    sorted[to] = quads[quad]!;
  }
  return { bucketFirst, quads: sorted, codes: placed };
}

function makeQuads(
  sky: Sky,
  grid: SkyGrid,
  reach: Reach,
  bins: Bins,
  quadsPerStar: number,
  draft: Draft,
  stop?: () => boolean,
): boolean {
  const around = new Neighbourhood(sky, grid, reach);
  const maker = new QuadMaker(sky, reach, bins, quadsPerStar, draft);
  for (let ring = 0; ring < grid.ringCells.length; ring++) {
    if (stop?.()) return false;
    for (let cell = grid.ringFirst[ring]!; cell < grid.ringFirst[ring + 1]!; cell++) {
      const from = grid.first[cell]!;
      const to = Math.min(grid.first[cell + 1]!, from + reach.perCell);
      for (let place = from; place < to; place++) {
        const found = around.of(grid.stars[place]!);
        if (found >= 3) maker.make(around.members, found);
      }
    }
  }
  return true;
}

/** Every three of a star's neighbours in turn, the bright ones first; and every order of four. */
const triples: [number, number, number][] = [];
for (let k = 3; k <= mostNeighbours; k++)
  for (let j = 2; j < k; j++) for (let i = 1; i < j; i++) triples.push([i, j, k]);
const orders: number[][] = [];
for (let a = 0; a < 4; a++)
  for (let b = 0; b < 4; b++)
    for (let c = 0; c < 4; c++) if (a !== b && a !== c && b !== c) orders.push([a, b, c, 6 - a - b - c]);
const numberOfOrder = new Uint8Array(64);
for (const [i, [a, b, c]] of orders.entries()) numberOfOrder[a! * 16 + b! * 4 + c!] = i;

class QuadMaker {
  private readonly xyz = new Float64Array((mostNeighbours + 1) * 3);
  private readonly squares = new Float64Array((mostNeighbours + 1) ** 2);
  private readonly corners = new Float64Array(12);
  private readonly code: QuadCode = { order: new Uint8Array(4), values: new Float64Array(4) };
  private readonly shortest: number;

  private readonly sky: Sky;
  private readonly reach: Reach;
  private readonly bins: Bins;
  private readonly quadsPerStar: number;
  private readonly draft: Draft;

  constructor(sky: Sky, reach: Reach, bins: Bins, quadsPerStar: number, draft: Draft) {
    this.sky = sky;
    this.reach = reach;
    this.bins = bins;
    this.quadsPerStar = quadsPerStar;
    this.draft = draft;
    this.shortest = 4 * Math.sin(reach.size / 2 / Math.SQRT2) ** 2;
  }

  make(members: Uint32Array, found: number): void {
    const { squares, shortest, corners, xyz, code, draft } = this;
    const { chord } = this.reach;
    const w = mostNeighbours + 1;
    this.measure(members, found + 1);
    let made = 0;
    for (let t = 0; t < triples.length; t++) {
      const [i, j, k] = triples[t]!;
      if (k > found) return;
      const ij = squares[i * w + j]!;
      const ik = squares[i * w + k]!;
      const jk = squares[j * w + k]!;
      const longest = Math.max(squares[i]!, squares[j]!, squares[k]!, ij, ik, jk);
      if (longest <= shortest || longest > chord) continue;
      for (let axis = 0; axis < 3; axis++) {
        corners[axis] = xyz[axis]!;
        corners[3 + axis] = xyz[i * 3 + axis]!;
        corners[6 + axis] = xyz[j * 3 + axis]!;
        corners[9 + axis] = xyz[k * 3 + axis]!;
      }
      if (!codeOf(corners, code)) continue;
      const { order } = code;
      const orderNumber = numberOfOrder[order[0]! * 16 + order[1]! * 4 + order[2]!]!;
      const quad = draft.count++;
      draft.quads[quad] = (members[0]! | (t << starBits) | (orderNumber << (starBits + 6))) >>> 0;
      draft.buckets[quad] = this.place(quad);
      if (++made === this.quadsPerStar) return;
    }
  }

  private measure(members: Uint32Array, count: number): void {
    const { xyz, squares } = this;
    const { directions } = this.sky.catalogue;
    for (let i = 0; i < count; i++)
      for (let axis = 0; axis < 3; axis++) xyz[i * 3 + axis] = directions[members[i]! * 3 + axis]!;
    for (let i = 0; i < count; i++)
      for (let j = i + 1; j < count; j++) {
        const dx = xyz[i * 3]! - xyz[j * 3]!;
        const dy = xyz[i * 3 + 1]! - xyz[j * 3 + 1]!;
        const dz = xyz[i * 3 + 2]! - xyz[j * 3 + 2]!;
        squares[i * (mostNeighbours + 1) + j] = dx * dx + dy * dy + dz * dz;
      }
  }

  /** The bucket of the code; its place in there goes to the draft. */
  private place(quad: number): number {
    const { re, im } = this.bins;
    let bucket = 0;
    let packed = 0;
    for (let i = 0; i < 4; i++) {
      const imaginary = i & 1;
      const at = (this.code.values[i]! + (imaginary ? imagOffset : 0)) * re;
      const count = imaginary ? im : re;
      const bin = Math.max(0, Math.min(count - 1, Math.floor(at)));
      bucket = bucket * count + bin;
      packed |= Math.max(0, Math.min(255, Math.floor((at - bin) * 256))) << (8 * i);
    }
    this.draft.codes[quad] = packed >>> 0;
    return bucket;
  }
}
