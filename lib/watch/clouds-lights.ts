/** Lamps, masts and hot pixels stand still while the stars of a fixed camera move on: they are told apart by that. */
import type { CountedStars } from './clouds-grid.ts';

interface Light {
  x: number;
  y: number;
  /** UTC ms. */
  first: number;
  last: number;
  seen: number;
  frames: number;
}

/** A star of an all-sky camera moves two pixels in two minutes; one within 5° of the pole may pass for a lamp, which costs nothing. */
const stillPixels = 1;
const stillMilliseconds = 12 * 60_000;
const leastSightings = 10;
/** Missed in so many of ten frames, it is no lamp. */
const leastShare = 0.6;
/** Brightest stars of a frame that are followed. */
const followed = 4000;
const forgetMilliseconds = 30 * 60_000;
const binPixels = 2;
/** A share each frame: half in some six hours of minutes. */
const fading = 0.998;
/** Some 8 MB. */
const mostLights = 50_000;

export class FixedLights {
  private readonly lights = new Map<number, Light>();
  private frame = 0;
  /** Stars of an open sky. */
  private usual = 0;
  private follows = false;

  /** Takes a frame's stars. @returns whether each is a light that stands still; none where most stars do: that camera follows the sky. */
  mark(stars: CountedStars, milliseconds: number): Uint8Array {
    this.frame++;
    const fixed = new Uint8Array(stars.count);
    const { x, y } = stars;
    let still = 0;
    for (let star = 0; star < Math.min(followed, stars.count); star++) {
      const light = this.at(x[star]!, y[star]!, milliseconds);
      if (
        light.seen >= leastSightings &&
        milliseconds - light.first >= stillMilliseconds &&
        light.seen >= leastShare * (this.frame - light.frames + 1)
      ) {
        fixed[star] = 1;
        still++;
      }
    }
    if (this.frame % 20 === 0) this.forget(milliseconds);
    this.usual = Math.max(stars.count, this.usual * fading);
    // Behind clouds only the lamps are left: what kind of camera it is shows on an open sky.
    if (stars.count > this.usual * 0.6) this.follows = still > stars.count * 0.5;
    if (this.follows) fixed.fill(0);
    return fixed;
  }

  private at(x: number, y: number, now: number): Light {
    const [column, row] = [Math.round(x / binPixels), Math.round(y / binPixels)];
    for (const dy of [0, -1, 1])
      for (const dx of [0, -1, 1]) {
        const light = this.lights.get(key(column + dx, row + dy));
        if (light && Math.hypot(light.x - x, light.y - y) <= stillPixels) {
          light.last = now;
          light.seen++;
          return light;
        }
      }
    const light = { x, y, first: now, last: now, seen: 1, frames: this.frame };
    if (this.lights.size < mostLights) this.lights.set(key(column, row), light);
    return light;
  }

  private forget(now: number): void {
    for (const [name, light] of this.lights) {
      const old = now - light.last > (light.seen >= leastSightings ? forgetMilliseconds : forgetMilliseconds / 6);
      // A clock that was set back makes everything old.
      if (old || light.last > now) this.lights.delete(name);
    }
  }
}

const key = (column: number, row: number): number => row * 65536 + column;
