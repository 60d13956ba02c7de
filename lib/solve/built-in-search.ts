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
    const { bucketFirst, codes, bins } = this.octave;
    const { re, im } = bins;
    // In 256th of a bin, as the codes of the index are.
    const unit = 256 * re;
    const tolerance = this.pass.tolerance * unit;
    const most = tolerance * tolerance;
    const reach = Math.ceil(tolerance);
    const q0 = Math.floor(cx * unit);
    const q1 = Math.floor((cy + imagOffset) * unit);
    const q2 = Math.floor(dx * unit);
    const q3 = Math.floor((dy + imagOffset) * unit);
    const p1 = binOf(q0 + reach, re);
    const r1 = binOf(q1 + reach, im);
    const s0 = binOf(q2 - reach, re);
    const s1 = binOf(q2 + reach, re);
    const t0 = binOf(q3 - reach, im);
    const t1 = binOf(q3 + reach, im);
    for (let p = binOf(q0 - reach, re); p <= p1; p++) {
      const e0 = q0 - (p << 8);
      for (let r = binOf(q1 - reach, im); r <= r1; r++) {
        const e1 = q1 - (r << 8);
        for (let s = s0; s <= s1; s++) {
          const e2 = q2 - (s << 8);
          const lowEven = byteOf(e0 - reach) | (byteOf(e2 - reach) << 16);
          const highEven = byteOf(e0 + reach) | (byteOf(e2 + reach) << 16) | guard;
          for (let t = t0; t <= t1; t++) {
            const e3 = q3 - (t << 8);
            const lowOdd = byteOf(e1 - reach) | (byteOf(e3 - reach) << 16);
            const highOdd = byteOf(e1 + reach) | (byteOf(e3 + reach) << 16) | guard;
            const bucket = ((p * im + r) * re + s) * im + t;
            const end = bucketFirst[bucket + 1]!;
            for (let hit = bucketFirst[bucket]!; hit < end; hit++) {
              const code = codes[hit]!;
              const even = code & pair;
              const odd = (code >>> 8) & pair;
              const inside =
                ((even | guard) - lowEven) & (highEven - even) & ((odd | guard) - lowOdd) & (highOdd - odd);
              if ((inside & guard) !== guard || squareTo(code, e0, e1, e2, e3) > most) continue;
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

  private check(way: number, hit: number): boolean {
    const { candidates, field, pass } = this;
    const reach = Math.max(4, field.width * (pass.focalLength === null ? flatReach : assumedReach));
    const { shortest, longest, tolerance } = pass;
    if (!candidates.holds(this.octave, hit, this.ways[way]!, shortest, longest, 2.5 * tolerance, reach)) return false;
    return this.take(way, candidates.camera, candidates.members, reach * 1.5);
  }
}

/** The bin of a place in 256th of one. */
const binOf = (place: number, count: number): number => (place < 0 ? 0 : Math.min(place >> 8, count - 1));
const byteOf = (place: number): number => (place < 0 ? 0 : Math.min(place, 255));

/** From a code of the index to a place in its bucket. */
function squareTo(code: number, e0: number, e1: number, e2: number, e3: number): number {
  const d0 = (code & 255) - e0;
  const d1 = ((code >>> 8) & 255) - e1;
  const d2 = ((code >>> 16) & 255) - e2;
  const d3 = (code >>> 24) - e3;
  return d0 * d0 + d1 * d1 + d2 * d2 + d3 * d3;
}
