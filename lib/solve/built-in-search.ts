/** Looks for the quads of a picture in an octave of the index. */
import type { Camera, Field } from './built-in-camera.ts';
import { Candidates, type Limits } from './built-in-candidate.ts';
import { type ImageQuads, quadsOf } from './built-in-image-quads.ts';
import { imagOffset, type Octave } from './built-in-index.ts';
import type { ImageStars } from './built-in-refine.ts';
import type { Sky } from './built-in-sky.ts';

/** One way to take the picture: flat, or as a pinhole camera of an assumed focal length (pixels), which changes the shape of wide quads. */
export interface Pass {
  focalLength: number | null;
  /** Focal lengths that are looked for, pixels. */
  shortest: number;
  longest: number;
  /** How far codes may differ: the length of the difference. */
  tolerance: number;
  /** Image stars whose quads are looked for: those with the last of four from `from` on. */
  from: number;
  to: number;
}

/** The stars of the picture in one order. The second way is the first mirrored. */
export type Ways = readonly [ImageStars, ImageStars?];

/** Takes candidates of one of the ways, 0 or 1; true ends the search. The camera and the hypothesis are only lent. */
export type Take = (way: number, camera: Camera, hypothesis: readonly number[], reach: number) => boolean;

/** Quads shorter than this part of the shorter side say little. */
const shortestQuad = 0.08;
/** An octave's quads may come out longer and shorter by this factor: in a flat picture and in one of an assumed camera. */
const [flatSlack, assumedSlack] = [1.02, 1.11];
/** Quads from one look at the clock to the next. */
const betweenStops = 512;
/** How far the other stars of a candidate may be off, as a part of the width: in a flat picture and in one of an assumed camera. */
const [flatReach, assumedReach] = [0.008, 0.014];
/** Of two pairs of bytes, each in the lower half of 16 bits, the bits above them. */
const guard = 0x01000100;
const pair = 0x00ff00ff;

export class Search {
  private readonly field: Field;
  private readonly stop: () => boolean;
  private readonly candidates: Candidates;
  private readonly query = new Float64Array(4);
  // What is looked for, and where.
  private octave!: Octave;
  private ways!: Ways;
  private pass!: Pass;
  private take!: Take;
  private last: { image: ImageStars; from: number; focalLength: number | null; quads: ImageQuads } | null = null;

  constructor(sky: Sky, field: Field, limits: Limits, stop: () => boolean) {
    this.field = field;
    this.stop = stop;
    this.candidates = new Candidates(sky, field, limits);
  }

  /** Candidates checked on other stars: what chance had to play with. */
  get tested(): number {
    return this.candidates.tested;
  }

  /** @returns true when `take` took one */
  run(octave: Octave, ways: Ways, pass: Pass, take: Take): boolean {
    [this.octave, this.ways, this.pass, this.take] = [octave, ways, pass, take];
    const { count, longest } = this.quadsFor(ways[0], pass);
    const { size } = octave;
    // Of a flat picture the longest side in pixels that this octave's quads can have. Of an assumed camera, the angle is known.
    const flat = pass.focalLength === null;
    const most = flat ? size * pass.longest * flatSlack : size * assumedSlack;
    const least = flat ? ((size / Math.SQRT2) * pass.shortest) / flatSlack : size / Math.SQRT2 / assumedSlack;
    for (let quad = 0; quad < count; quad++) {
      if (quad % betweenStops === 0 && this.stop()) return false;
      if (longest[quad]! <= most && longest[quad]! >= least && this.lookUp(quad)) return true;
    }
    return false;
  }

  /** One view after the other looks for the same quads. */
  private quadsFor(image: ImageStars, { from, to, focalLength }: Pass): ImageQuads {
    const { last, field } = this;
    if (last?.image === image && last.from === from && last.focalLength === focalLength) return last.quads;
    const quads = quadsOf(image, from, to, focalLength, shortestQuad * Math.min(field.width, field.height));
    this.last = { image, from, focalLength, quads };
    return quads;
  }

  /** Codes on the edge of an order may stand in the index the other way round. A mirrored one has the other imaginary parts. */
  private lookUp(quad: number): boolean {
    const { codes, members } = this.last!.quads;
    const four = members[quad]!;
    const [a, b, c, d] = [four & 255, (four >>> 8) & 255, (four >>> 16) & 255, four >>> 24];
    const at = quad * 4;
    const [cx, cy, dx, dy] = [codes[at]!, codes[at + 1]!, codes[at + 2]!, codes[at + 3]!];
    const { tolerance } = this.pass;
    const turnable = cx + dx > 1 - 2 * tolerance;
    const swappable = dx - cx < 2 * tolerance;
    for (let way = 0; way < this.ways.length; way++) {
      const s = way === 0 ? 1 : -1;
      if (this.match(way, a, b, c, d, cx, s * cy, dx, s * dy)) return true;
      if (swappable && this.match(way, a, b, d, c, dx, s * dy, cx, s * cy)) return true;
      if (!turnable) continue;
      if (this.match(way, b, a, d, c, 1 - dx, -s * dy, 1 - cx, -s * cy)) return true;
      if (swappable && this.match(way, b, a, c, d, 1 - cx, -s * cy, 1 - dx, -s * dy)) return true;
    }
    return false;
  }

  /** Walks the buckets that the tolerance reaches into. Four bytes of a code are compared at a time, without a branch. */
  private match(
    way: number,
    a: number,
    b: number,
    c: number,
    d: number,
    cx: number,
    cy: number,
    dx: number,
    dy: number,
  ): boolean {
    const { query } = this;
    const { bucketFirst, codes, bins } = this.octave;
    const { re, im } = bins;
    const reach = this.pass.tolerance * re;
    const q0 = cx * re;
    const q1 = (cy + imagOffset) * re;
    const q2 = dx * re;
    const q3 = (dy + imagOffset) * re;
    query[0] = q0;
    query[1] = q1;
    query[2] = q2;
    query[3] = q3;
    const p1 = binOf(q0 + reach, re);
    const r1 = binOf(q1 + reach, im);
    const s1 = binOf(q2 + reach, re);
    const t1 = binOf(q3 + reach, im);
    for (let p = binOf(q0 - reach, re); p <= p1; p++) {
      const [lowP, highP] = [lowest(q0 - p - reach), highest(q0 - p + reach)];
      for (let r = binOf(q1 - reach, im); r <= r1; r++) {
        const [lowR, highR] = [lowest(q1 - r - reach), highest(q1 - r + reach)];
        for (let s = binOf(q2 - reach, re); s <= s1; s++) {
          const lowEven = lowP | (lowest(q2 - s - reach) << 16);
          const highEven = highP | (highest(q2 - s + reach) << 16) | guard;
          for (let t = binOf(q3 - reach, im); t <= t1; t++) {
            const lowOdd = lowR | (lowest(q3 - t - reach) << 16);
            const highOdd = highR | (highest(q3 - t + reach) << 16) | guard;
            const bucket = ((p * im + r) * re + s) * im + t;
            const end = bucketFirst[bucket + 1]!;
            for (let hit = bucketFirst[bucket]!; hit < end; hit++) {
              const code = codes[hit]!;
              const even = code & pair;
              const odd = (code >>> 8) & pair;
              const inside =
                ((even | guard) - lowEven) & (highEven - even) & ((odd | guard) - lowOdd) & (highOdd - odd);
              if ((inside & guard) !== guard || this.tooFar(code, p, r, s, t)) continue;
              const { members } = this.candidates;
              members[0] = a;
              members[1] = b;
              members[2] = c;
              members[3] = d;
              if (this.check(way, hit)) return true;
            }
          }
        }
      }
    }
    return false;
  }

  /** Of a code in the bucket of the four bins, to a byte's half. */
  private tooFar(code: number, p: number, r: number, s: number, t: number): boolean {
    const { query } = this;
    const e0 = query[0]! - p - ((code & 255) + 0.5) / 256;
    const e1 = query[1]! - r - (((code >>> 8) & 255) + 0.5) / 256;
    const e2 = query[2]! - s - (((code >>> 16) & 255) + 0.5) / 256;
    const e3 = query[3]! - t - ((code >>> 24) + 0.5) / 256;
    const most = this.pass.tolerance * this.octave.bins.re;
    return e0 * e0 + e1 * e1 + e2 * e2 + e3 * e3 > most * most;
  }

  private check(way: number, hit: number): boolean {
    const { candidates, field, pass } = this;
    const reach = Math.max(4, field.width * (pass.focalLength === null ? flatReach : assumedReach));
    const { shortest, longest, tolerance } = pass;
    if (!candidates.holds(this.octave, hit, this.ways[way]!, shortest, longest, 2.5 * tolerance, reach)) return false;
    return this.take(way, candidates.camera, candidates.members, reach * 1.5);
  }
}

const binOf = (place: number, count: number): number =>
  place < 0 ? 0 : place >= count ? count - 1 : Math.floor(place);
/** The bytes of the codes in a bin that are not below and not above a place in it. */
const lowest = (place: number): number => Math.max(0, Math.min(255, Math.floor(place * 256)));
const highest = (place: number): number => Math.max(0, Math.min(255, Math.floor(place * 256)));
