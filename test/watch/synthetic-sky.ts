/** Stars of a fixed all-sky camera as a detector would list them: turning about the pole, dimmed by clouds, lost in noise. No pixels. */
import { Frame, type FrameFields } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { starFlag } from '../../lib/stars/star-table.ts';
import { type CountedStars, gridOf } from '../../lib/watch/clouds-grid.ts';
import type { NoiseGrid } from '../../lib/watch/clouds-noise.ts';

export const [width, height] = [960, 720];
/** The sky's disc; the rest of the picture is black. */
const [centreX, centreY, radius] = [480, 360, 340];
const [poleX, poleY] = [480, 190];
const degreesPerSecond = 15.041 / 3600;
export const evening = Date.parse('2026-01-12T20:00:00Z');

type Place = (x: number, y: number) => number;

export interface Weather {
  /** What comes through, 0…1. */
  through?: Place;
  /** Of a pixel of the sky, ADU. */
  noise?: Place;
  /** Sources that stand still. */
  lamps?: number;
  flags?: number;
  frame?: Partial<FrameFields>;
}

export interface Seen {
  frame: Frame;
  stars: CountedStars;
  noise: NoiseGrid;
}

export class SyntheticSky {
  private readonly next: () => number;
  private readonly stars: { angle: number; distance: number; flux: number }[];

  /** @param count Stars brighter than 40 ADU within 700 pixels of the pole; their number falls as flux^-1.1. */
  constructor(seed = 1, count = 6000) {
    this.next = randomNumbers(seed);
    this.stars = Array.from({ length: count }, () => ({
      angle: this.next() * 2 * Math.PI,
      distance: 700 * Math.sqrt(this.next()),
      flux: 40 * (1 - this.next()) ** (-1 / 1.1),
    }));
  }

  see(seconds: number, { through = () => 1, noise = () => 10, lamps = 0, flags = 0, frame = {} }: Weather = {}): Seen {
    const turned = (seconds * degreesPerSecond * Math.PI) / 180;
    const found: [number, number, number][] = [];
    for (const { angle, distance, flux } of this.stars) {
      const x = poleX + distance * Math.cos(angle + turned);
      const y = poleY + distance * Math.sin(angle + turned);
      if (Math.hypot(x - centreX, y - centreY) > radius) continue;
      const measured = flux * through(x, y) * (0.93 + 0.14 * this.next());
      // A source of 5 sigma, smeared over some four pixels.
      if (measured > noise(x, y) * (9 + 3 * this.next())) found.push([x, y, measured]);
    }
    const lampPlaces = randomNumbers(99);
    for (let lamp = 0; lamp < lamps; lamp++) {
      const [x, y, jitter] = [lampPlaces() * width, lampPlaces() * height, (this.next() - 0.5) * 0.2];
      found.push([x + jitter, y + jitter, 1000]);
    }
    const column = (index: 0 | 1 | 2) => Float32Array.from(found, (star) => star[index]);
    const stars = {
      count: found.length,
      x: column(0),
      y: column(1),
      flux: column(2),
      hfr: Float32Array.from(found, () => 1.2 + 0.4 * this.next()),
      eccentricity: new Float32Array(found.length).fill(0.4),
      flags: new Float32Array(found.length).fill(flags),
    };
    const start = new Date(evening + seconds * 1000).toISOString();
    return { frame: frameOf({ start, ...frame }), stars, noise: noiseGrid(noise) };
  }
}

/** A trail of a satellite for every tenth star. */
export const withTrails = ({ frame, stars, noise }: Seen): Seen => ({
  frame,
  noise,
  stars: { ...stars, flags: stars.flags.map((flags, star) => (star % 10 === 0 ? starFlag.elongated : flags)) },
});

function noiseGrid(noise: Place): NoiseGrid {
  const { columns, rows } = gridOf(width, height);
  const at = (_: unknown, cell: number) =>
    noise((((cell % columns) + 0.5) * width) / columns, ((Math.floor(cell / columns) + 0.5) * height) / rows);
  return { noise: Array.from({ length: columns * rows }, at), saturated: new Array(columns * rows).fill(0) };
}

const memory = allocateShared(width * height);
const frameOf = (changes: Partial<FrameFields>): Frame =>
  new Frame({
    data: memory,
    width,
    height,
    pixelType: 'u8',
    camera: 'Test',
    exposureSeconds: 30,
    gain: 1,
    ...changes,
  });

/** mulberry32 */
function randomNumbers(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}
