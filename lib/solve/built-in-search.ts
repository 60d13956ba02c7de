/** Looks for the quads of a picture in an octave of the index, and drops at once the candidates that other stars do not bear out. */
import { type Camera, cameraThrough, directionOf, type Field, focalLengthFor, project } from './built-in-camera.ts';
import { cellsNear } from './built-in-grid.ts';
import { imagOffset, type Octave, readQuad } from './built-in-index.ts';
import { Neighbourhood } from './built-in-neighbours.ts';
import { codeOf, codeOfFlat, type QuadCode } from './built-in-quad.ts';
import { anglesOf, raysOf } from './built-in-rays.ts';
import type { ImageStars } from './built-in-refine.ts';
import type { Sky } from './built-in-sky.ts';

/** One way to take the picture: flat, or as a pinhole camera of an assumed focal length (pixels), which changes the shape of wide quads. */
export interface Pass {
  focalLength: number | null;
  /** How far codes may differ. */
  tolerance: number;
  /** Image stars whose quads are looked for: those with the last of four from `from` on. */
  from: number;
  to: number;
}

export interface Limits {
  /** Focal length, pixels. */
  shortest: number;
  longest: number;
  /** The middle of the picture lies within this; cosine of the angle. */
  direction: ArrayLike<number> | null;
  cosine: number;
  /** How many of the other stars must be where a candidate says. */
  others: number;
}

/** Takes candidates; true ends the search. */
export type Take = (camera: Camera, hypothesis: readonly number[], reach: number) => boolean;

/** Quads shorter than this part of the shorter side say little. */
const shortestQuad = 0.08;
/** Other stars a candidate is checked on. */
const checkedStars = 12;

export class Search {
  /** Candidates checked on other stars: what chance had to play with. */
  tested = 0;
  private readonly sky: Sky;
  private readonly field: Field;
  private readonly limits: Limits;
  private readonly stop: () => boolean;
  private readonly code: QuadCode = { order: new Uint8Array(4), values: new Float64Array(4) };
  private readonly query = new Float64Array(4);
  private readonly place = new Float64Array(2);
  private readonly seen = new Float64Array(3);
  private readonly nearCells = new Uint32Array(64);
  private readonly quad = new Int32Array(4);
  private readonly stars = new Uint32Array(4);
  private neighbourhood: { octave: Octave; around: Neighbourhood } | null = null;

  constructor(sky: Sky, field: Field, limits: Limits, stop: () => boolean) {
    this.sky = sky;
    this.field = field;
    this.limits = limits;
    this.stop = stop;
  }

  /** @returns true when `take` took one */
  run(octave: Octave, image: ImageStars, pass: Pass, take: Take): boolean {
    const to = Math.min(pass.to, image.count);
    const { field, limits } = this;
    const rays = pass.focalLength === null ? null : raysOf(image, to, pass.focalLength);
    const sides = new Float64Array(to * to);
    for (let i = 0; i < to; i++)
      for (let j = 0; j < to; j++) sides[i * to + j] = Math.hypot(image.x[i]! - image.x[j]!, image.y[i]! - image.y[j]!);
    const angles = rays ? anglesOf(rays, to) : null;
    // Of a flat picture the longest side in pixels that this octave's quads can have. Of an assumed camera, the angle is known.
    const slack = rays ? 1.11 : 1.02;
    const most = rays ? octave.size * slack : octave.size * limits.longest * slack;
    const least = rays ? octave.size / Math.SQRT2 / slack : ((octave.size / Math.SQRT2) * limits.shortest) / slack;
    const table = angles ?? sides;
    const shortest = shortestQuad * Math.min(field.width, field.height);
    const corners = new Float64Array(12);
    const flat = new Float64Array(8);
    const { quad } = this;
    for (let d = Math.max(3, pass.from); d < to; d++) {
      if (this.stop()) return false;
      for (let c = 2; c < d; c++) {
        if (table[d * to + c]! > most) continue;
        for (let b = 1; b < c; b++) {
          if (table[d * to + b]! > most || table[c * to + b]! > most) continue;
          for (let a = 0; a < b; a++) {
            const longest = Math.max(
              table[d * to + c]!,
              table[d * to + b]!,
              table[c * to + b]!,
              table[d * to + a]!,
              table[c * to + a]!,
              table[b * to + a]!,
            );
            if (longest > most || longest < least) continue;
            quad[0] = a;
            quad[1] = b;
            quad[2] = c;
            quad[3] = d;
            if (rays) {
              for (let i = 0; i < 4; i++)
                for (let axis = 0; axis < 3; axis++) corners[i * 3 + axis] = rays[quad[i]! * 3 + axis]!;
              if (!codeOf(corners, this.code)) continue;
            } else {
              for (let i = 0; i < 4; i++) {
                flat[i * 2] = image.x[quad[i]!]!;
                flat[i * 2 + 1] = image.y[quad[i]!]!;
              }
              if (!codeOfFlat(flat, this.code)) continue;
            }
            const { order } = this.code;
            if (sides[quad[order[0]!]! * to + quad[order[1]!]!]! < shortest) continue;
            if (this.lookUp(octave, image, pass, take)) return true;
          }
        }
      }
    }
    return false;
  }

  /** Codes on the edge of an order may stand in the index the other way round. */
  private lookUp(octave: Octave, image: ImageStars, pass: Pass, take: Take): boolean {
    const [cx, cy, dx, dy] = this.code.values as unknown as [number, number, number, number];
    const { order } = this.code;
    const [a, b, c, d] = [order[0]!, order[1]!, order[2]!, order[3]!].map((i) => this.quad[i]!) as [
      number,
      number,
      number,
      number,
    ];
    const t = pass.tolerance;
    const turnable = cx + dx > 1 - 2 * t;
    const swappable = dx - cx < 2 * t;
    return (
      this.match(octave, image, pass, take, [a, b, c, d], cx, cy, dx, dy) ||
      (swappable && this.match(octave, image, pass, take, [a, b, d, c], dx, dy, cx, cy)) ||
      (turnable && this.match(octave, image, pass, take, [b, a, d, c], 1 - dx, -dy, 1 - cx, -cy)) ||
      (turnable && swappable && this.match(octave, image, pass, take, [b, a, c, d], 1 - cx, -cy, 1 - dx, -dy))
    );
  }

  private match(
    octave: Octave,
    image: ImageStars,
    { tolerance, focalLength }: Pass,
    take: Take,
    members: readonly [number, number, number, number],
    cx: number,
    cy: number,
    dx: number,
    dy: number,
  ): boolean {
    const { query } = this;
    const { bucketFirst, fractions, bins } = octave;
    query[0] = cx * bins.re;
    query[1] = (cy + imagOffset) * bins.re;
    query[2] = dx * bins.re;
    query[3] = (dy + imagOffset) * bins.re;
    const reach = tolerance * bins.re;
    const lo = (i: number, n: number) => Math.max(0, Math.min(n - 1, Math.floor(query[i]! - reach)));
    const hi = (i: number, n: number) => Math.max(0, Math.min(n - 1, Math.floor(query[i]! + reach)));
    const [c0, c1, i0, i1] = [lo(0, bins.re), hi(0, bins.re), lo(1, bins.im), hi(1, bins.im)];
    const [d0, d1, j0, j1] = [lo(2, bins.re), hi(2, bins.re), lo(3, bins.im), hi(3, bins.im)];
    const wide = reach * 256 + 0.5;
    for (let p = c0; p <= c1; p++)
      for (let q = i0; q <= i1; q++)
        for (let r = d0; r <= d1; r++)
          for (let s = j0; s <= j1; s++) {
            const bucket = ((p * bins.im + q) * bins.re + r) * bins.im + s;
            const end = bucketFirst[bucket + 1]!;
            const fp = (query[0]! - p) * 256 - 0.5;
            const fq = (query[1]! - q) * 256 - 0.5;
            const fr = (query[2]! - r) * 256 - 0.5;
            const fs = (query[3]! - s) * 256 - 0.5;
            for (let hit = bucketFirst[bucket]!; hit < end; hit++) {
              const at = hit * 4;
              if (Math.abs(fractions[at]! - fp) > wide || Math.abs(fractions[at + 1]! - fq) > wide) continue;
              if (Math.abs(fractions[at + 2]! - fr) > wide || Math.abs(fractions[at + 3]! - fs) > wide) continue;
              if (this.check(octave, image, members, hit, focalLength, tolerance, take)) return true;
            }
          }
    return false;
  }

  /** A camera through A and B; C, D and three of twelve other stars must be where it says. */
  private check(
    octave: Octave,
    image: ImageStars,
    members: readonly [number, number, number, number],
    hit: number,
    assumed: number | null,
    tolerance: number,
    take: Take,
  ): boolean {
    const { field, limits, place } = this;
    const { directions } = this.sky.catalogue;
    const [i, j] = members;
    const { stars } = this;
    readQuad(octave, hit, this.around(octave), stars);
    const a = stars[0]! * 3;
    const b = stars[1]! * 3;
    const [ax, ay, bx, by] = [image.x[i]!, image.y[i]!, image.x[j]!, image.y[j]!];
    const chord =
      (directions[a]! - directions[b]!) ** 2 +
      (directions[a + 1]! - directions[b + 1]!) ** 2 +
      (directions[a + 2]! - directions[b + 2]!) ** 2;
    const focalLength = focalLengthFor(ax, ay, bx, by, 1 - chord / 2);
    if (focalLength < limits.shortest || focalLength > limits.longest) return false;
    if (assumed !== null && (focalLength > assumed * 1.14 || focalLength < assumed / 1.14)) return false;
    const camera = cameraThrough(
      focalLength,
      [ax, ay, bx, by],
      directions.subarray(a, a + 3),
      directions.subarray(b, b + 3),
    );
    if (limits.direction) {
      const m = camera.axes;
      const along = m[6]! * limits.direction[0]! + m[7]! * limits.direction[1]! + m[8]! * limits.direction[2]!;
      if (along < limits.cosine) return false;
    }
    const long = Math.hypot(ax - bx, ay - by);
    const near = Math.max(3, 2.5 * tolerance * long) ** 2;
    for (const k of [2, 3]) {
      const star = stars[k]! * 3;
      if (!project(camera, field, directions[star]!, directions[star + 1]!, directions[star + 2]!, place)) return false;
      if ((place[0]! - image.x[members[k]!]!) ** 2 + (place[1]! - image.y[members[k]!]!) ** 2 > near) return false;
    }
    this.tested++;
    const reach = Math.max(4, field.width * (assumed === null ? 0.008 : 0.014));
    return this.enoughOthers(octave, image, members, camera, reach) && take(camera, members, reach * 1.5);
  }

  private around(octave: Octave): Neighbourhood {
    if (this.neighbourhood?.octave !== octave)
      this.neighbourhood = { octave, around: new Neighbourhood(this.sky, octave.grid, octave.reach) };
    return this.neighbourhood.around;
  }

  private enoughOthers(
    octave: Octave,
    image: ImageStars,
    members: readonly number[],
    camera: Camera,
    reach: number,
  ): boolean {
    const { directions } = this.sky.catalogue;
    const { grid } = octave;
    const { seen, field, nearCells } = this;
    const { others } = this.limits;
    const radius = reach / camera.focalLength;
    const chord = radius * radius;
    let there = 0;
    let looked = 0;
    for (let i = 0; i < image.count && looked < checkedStars; i++) {
      if (members.includes(i)) continue;
      if (others - there > checkedStars - looked) return false;
      looked++;
      directionOf(camera, field, image.x[i]!, image.y[i]!, seen);
      const [x, y, z] = [seen[0]!, seen[1]!, seen[2]!];
      const ra = Math.atan2(y, x);
      const cells = cellsNear(grid, Math.asin(z), ra < 0 ? ra + 2 * Math.PI : ra, radius, nearCells);
      search: for (let c = 0; c < cells; c++) {
        const last = grid.first[nearCells[c]! + 1]!;
        for (let s = grid.first[nearCells[c]!]!; s < last; s++) {
          const star = grid.stars[s]! * 3;
          const square =
            (directions[star]! - x) ** 2 + (directions[star + 1]! - y) ** 2 + (directions[star + 2]! - z) ** 2;
          if (square > chord) continue;
          if (++there === others) return true;
          break search;
        }
      }
    }
    return false;
  }
}
