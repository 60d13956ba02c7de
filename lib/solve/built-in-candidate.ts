/** A quad of the picture that looks like one of the index: the camera it means, and whether other stars bear it out. */
import { type Camera, cameraThrough, directionOf, type Field, focalLengthFor, project } from './built-in-camera.ts';
import { cellsNear } from './built-in-grid.ts';
import { type Octave, readQuad } from './built-in-index.ts';
import { Neighbourhood } from './built-in-neighbours.ts';
import type { ImageStars } from './built-in-refine.ts';
import type { Sky } from './built-in-sky.ts';

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

/** Other stars a candidate is checked on. */
const checkedStars = 12;

export class Candidates {
  /** Those checked on other stars: what chance had to play with. */
  tested = 0;
  /** Of the last one; the next one takes its place. */
  readonly camera = { axes: [0, 0, 0, 0, 0, 0, 0, 0, 0], focalLength: 0, distortion: 0 };
  /** Image stars of the last one: A, B, C, D. */
  readonly members = [0, 0, 0, 0];
  private readonly sky: Sky;
  private readonly field: Field;
  private readonly limits: Limits;
  private readonly place = new Float64Array(2);
  private readonly seen = new Float64Array(3);
  private readonly nearCells = new Uint32Array(64);
  private readonly stars = new Uint32Array(4);
  private neighbourhood: { octave: Octave; around: Neighbourhood } | null = null;

  constructor(sky: Sky, field: Field, limits: Limits) {
    this.sky = sky;
    this.field = field;
    this.limits = limits;
  }

  /**
   * A camera through A and B; C, D and some of twelve other stars must be where it says.
   * @param shortest Focal lengths from here to `longest` are taken, pixels.
   * @param near How far C and D may be off, as a part of the distance from A to B.
   * @param reach How far the others may be off, pixels.
   */
  holds(
    octave: Octave,
    quad: number,
    image: ImageStars,
    shortest: number,
    longest: number,
    near: number,
    reach: number,
  ): boolean {
    const { field, limits, place, camera, members, stars } = this;
    const { directions } = this.sky.catalogue;
    readQuad(octave, quad, this.around(octave), stars);
    const a = stars[0]! * 3;
    const b = stars[1]! * 3;
    const ax = image.x[members[0]!]!;
    const ay = image.y[members[0]!]!;
    const bx = image.x[members[1]!]!;
    const by = image.y[members[1]!]!;
    const dx = directions[a]! - directions[b]!;
    const dy = directions[a + 1]! - directions[b + 1]!;
    const dz = directions[a + 2]! - directions[b + 2]!;
    const focalLength = focalLengthFor(ax, ay, bx, by, 1 - (dx * dx + dy * dy + dz * dz) / 2);
    if (focalLength < shortest || focalLength > longest) return false;
    camera.focalLength = focalLength;
    cameraThrough(camera, ax, ay, bx, by, directions, a, b);
    if (limits.direction) {
      const m = camera.axes;
      const along = m[6]! * limits.direction[0]! + m[7]! * limits.direction[1]! + m[8]! * limits.direction[2]!;
      if (along < limits.cosine) return false;
    }
    const most = Math.max(9, near * near * ((ax - bx) * (ax - bx) + (ay - by) * (ay - by)));
    for (let k = 2; k < 4; k++) {
      const star = stars[k]! * 3;
      if (!project(camera, field, directions[star]!, directions[star + 1]!, directions[star + 2]!, place)) return false;
      const x = place[0]! - image.x[members[k]!]!;
      const y = place[1]! - image.y[members[k]!]!;
      if (x * x + y * y > most) return false;
    }
    this.tested++;
    return this.enoughOthers(octave, image, camera, reach);
  }

  private around(octave: Octave): Neighbourhood {
    if (this.neighbourhood?.octave !== octave)
      this.neighbourhood = { octave, around: new Neighbourhood(this.sky, octave.grid, octave.reach) };
    return this.neighbourhood.around;
  }

  private enoughOthers({ grid }: Octave, image: ImageStars, camera: Camera, reach: number): boolean {
    const { seen, field, nearCells, members } = this;
    const { others } = this.limits;
    const radius = reach / camera.focalLength;
    let there = 0;
    let looked = 0;
    for (let i = 0; i < image.count && looked < checkedStars; i++) {
      if (i === members[0] || i === members[1] || i === members[2] || i === members[3]) continue;
      if (others - there > checkedStars - looked) return false;
      looked++;
      directionOf(camera, field, image.x[i]!, image.y[i]!, seen);
      const ra = Math.atan2(seen[1]!, seen[0]!);
      const cells = cellsNear(grid, Math.asin(seen[2]!), ra < 0 ? ra + 2 * Math.PI : ra, radius, nearCells);
      for (let c = 0; c < cells; c++) {
        if (!this.hasStar(grid.stars, grid.first[nearCells[c]!]!, grid.first[nearCells[c]! + 1]!, radius)) continue;
        if (++there === others) return true;
        break;
      }
    }
    return false;
  }

  /** Whether one of a cell's stars is where `seen` points, to `radius` radians. */
  private hasStar(stars: Uint32Array, from: number, to: number, radius: number): boolean {
    const { directions } = this.sky.catalogue;
    const { seen } = this;
    for (let s = from; s < to; s++) {
      const star = stars[s]! * 3;
      const x = directions[star]! - seen[0]!;
      const y = directions[star + 1]! - seen[1]!;
      const z = directions[star + 2]! - seen[2]!;
      if (x * x + y * y + z * z <= radius * radius) return true;
    }
    return false;
  }
}
