/**
 * Tells cloudy frames from clear ones by their stars: each region's count, down to the brightness that its noise lets through, against
 * what the same camera sees of a clear sky. Moonlight, twilight, city glow and aurora raise the noise, not the difference: stars stay.
 */
import type { Frame, FrameSite } from '../frame/frame.ts';
import { type CloudGrid, type CountedStars, cellOf, countStars, gridOf, poolCells } from './clouds-grid.ts';
import { KnownSkies, type SavedClouds } from './clouds-known.ts';
import type { NoiseGrid } from './clouds-noise.ts';
import { atLevels, type CellSky, sum } from './clouds-reference.ts';
import { isStar, learnShape } from './clouds-shape.ts';
import {
  type CloudOptions,
  type CloudState,
  type CloudVerdict,
  middleOf,
  reasons,
  round,
  skyLight,
} from './clouds-verdict.ts';

/** A cell is behind clouds below `cell` of its stars, a frame is cloudy from `frame` of its cells on. */
const limits = {
  low: { cell: 0.35, frame: 0.6 },
  normal: { cell: 0.5, frame: 0.35 },
  high: { cell: 0.6, frame: 0.15 },
} as const;

/** Frames that make a first idea of the clear sky, and the stars it must hold. */
const firstFrames = 5;
const leastExpected = 15;
/** Stars a region must expect: with 9, half of them missing by chance happens to one in 18. */
const enoughInRegion = 9;
const enoughToLearn = 36;
/** Civil twilight. */
const brightestSunDegrees = -6;
/** Part of white pixels from which a cell is glare. */
const glare = 0.2;
/** Leaves the cloudy state below this part of the limit. */
const hysteresis = 0.7;

export class CloudWatch {
  private readonly known = new KnownSkies();
  private state: CloudState = 'unknown';
  private recent: number[] = [];

  /**
   * @param stars As measured in this frame. @param noise Of the grid `gridOf` gives for its size.
   * @param fallback For a frame that knows neither place nor time.
   */
  judge(
    frame: Frame,
    stars: CountedStars,
    { noise, saturated }: NoiseGrid,
    options: CloudOptions,
    fallback: { site: FrameSite | null; milliseconds: number },
  ): CloudVerdict {
    const grid = gridOf(frame.width, frame.height);
    const milliseconds = middleOf(frame) ?? fallback.milliseconds;
    const light = skyLight(frame.site ?? fallback.site, milliseconds);
    const unknown: CloudVerdict = {
      state: 'unknown',
      cloudFraction: null,
      transparency: null,
      starCount: stars.count,
      expectedCount: null,
      reason: '',
      cells: new Array<null>(grid.columns * grid.rows).fill(null),
      columns: grid.columns,
      rows: grid.rows,
      ...light,
    };
    const { sky, lights } = this.known.of(frame, milliseconds);
    const fixed = lights.mark(stars, milliseconds);
    if (light.sunAltitudeDegrees !== null && light.sunAltitudeDegrees > brightestSunDegrees) {
      this.forgetRecent();
      return { ...unknown, reason: reasons.sun(light.sunAltitudeDegrees) };
    }
    sky.shape = learnShape(stars, sky.shape, sky.secondsTo(milliseconds));
    const hasShape = isStar(stars, sky.shape);
    const use = (star: number) => fixed[star] === 0 && hasShape(star);
    const counts = countStars(stars, grid, use);
    const frameLimit = faintestOf(stars, grid, noise, use);
    const level = sky.comparable(noise);
    const expected = sky.at(level);
    const seen = atLevels(counts, level, sky.cells);
    const valid = skyCells(expected, saturated, grid);
    const framesBefore = sky.frames;
    const expectedCount = framesBefore > 0 ? masked(expected, valid) : 0;
    const starCount = framesBefore > 0 ? masked(seen, valid) : stars.count;
    const pooled = poolCells(grid, seen, expected, valid, enoughInRegion);
    const cells = Array.from(valid, (is, cell) =>
      is === 0 ? null : Math.min(1.5, pooled.seen[cell]! / Math.max(1e-6, pooled.expected[cell]!)),
    );
    const limit = limits[options.sensitivity];
    const counted = cells.filter((ratio) => ratio !== null);
    const cloudFraction = counted.filter((ratio) => ratio < limit.cell).length / Math.max(1, counted.length);
    // What is learnt is chosen by regions large enough that chance doesn't: taking only the lucky ones would raise the reference.
    const wide = poolCells(grid, seen, expected, valid, enoughToLearn);
    const clearing = isBrighter(sum(seen), sum(expected));
    const howEach = cells.map((ratio, cell): CellSky | null => {
      if (saturated[cell]! >= glare) return null;
      // A cell where nothing is expected may prove to be sky.
      if (ratio === null) return clearing ? 'brighter' : 'clear';
      return howOf(wide.seen[cell]!, wide.expected[cell]!);
    });
    sky.learn(counts, noise, frameLimit, howEach, milliseconds);
    if (stars.count < options.minimumStars) {
      this.state = 'cloudy';
      const reason = reasons.fewer(stars.count, options.minimumStars);
      return { ...unknown, state: 'cloudy', cloudFraction: 1, reason };
    }
    if (framesBefore < firstFrames || expectedCount < leastExpected) {
      this.forgetRecent();
      const learning = framesBefore < firstFrames;
      return {
        ...unknown,
        reason: learning ? reasons.learning(framesBefore + 1, firstFrames) : reasons.tooFew(expectedCount),
      };
    }
    const through = counted.map((ratio) => ratio ** (1 / sky.slope(level)));
    const transparency = Math.min(1, sum(through) / Math.max(1, through.length));
    this.state = this.settle(cloudFraction, limit.frame);
    const [of, count] = [Math.round(expectedCount), Math.round(starCount)];
    return {
      ...unknown,
      state: this.state,
      cloudFraction: round(cloudFraction),
      transparency: round(transparency),
      starCount: count,
      expectedCount: of,
      reason: reasons.verdict(this.state, cloudFraction, count, of),
      cells: cells.map((ratio) => (ratio === null ? null : round(Math.min(1, ratio)))),
    };
  }

  /** Forgets every clear sky that was learnt: another lens, another place. */
  reset(): void {
    this.known.clear();
    this.forgetRecent();
  }

  /** What was learnt, for a file. */
  save(): SavedClouds {
    return this.known.save();
  }

  /** Takes up what `save` gave; what is not of its shape is left out. */
  restore(saved: unknown): void {
    this.known.restore(saved);
  }

  /** The median of three frames decides, at once only what is far beyond doubt. */
  private settle(fraction: number, limit: number): CloudState {
    this.recent = [...this.recent, fraction].slice(-3);
    const sorted = [...this.recent].sort((a, b) => a - b);
    const middle = sorted.length < 3 ? fraction : sorted[1]!;
    const far = Math.min(0.9, Math.max(2 * limit, limit + 0.25));
    if (fraction >= far) return 'cloudy';
    // No chance puts all the stars back behind clouds.
    if (fraction <= limit * 0.25) return 'clear';
    return middle >= (this.state === 'cloudy' ? limit * hysteresis : limit) ? 'cloudy' : 'clear';
  }

  private forgetRecent(): void {
    this.recent = [];
    this.state = 'unknown';
  }
}

/** Faint end of what was found, as flux over the noise where it stands: the fifth part of the stars is fainter. 0 with too few. */
function faintestOf(
  stars: CountedStars,
  grid: CloudGrid,
  noise: readonly number[],
  use: (star: number) => boolean,
): number {
  if (stars.count < 20) return 0;
  const { x, y, flux } = stars;
  const depths: number[] = [];
  for (let star = 0; star < stars.count; star++) {
    const around = noise[cellOf(grid, x[star]!, y[star]!)]!;
    if (around > 0 && flux[star]! > 0 && use(star)) depths.push(flux[star]! / around);
  }
  depths.sort((a, b) => a - b);
  return depths[Math.floor(depths.length / 5)] ?? 0;
}

/** Ground, the corners of a fisheye's picture (hot pixels and all) and the glare of the Moon say nothing. */
function skyCells(expected: Float32Array, saturated: readonly number[], grid: CloudGrid): Uint8Array {
  const sorted = [...expected].filter((count) => count > 0).sort((a, b) => b - a);
  const half = Math.ceil(sorted.length / 2);
  const usual = sum(sorted.slice(0, half)) / Math.max(1, half);
  const all = new Uint8Array(expected.length).fill(1);
  const around = poolCells(grid, Float32Array.from(all), expected, all, 0, 1);
  return Uint8Array.from(expected, (count, cell) => {
    const mean = around.expected[cell]! / Math.max(1, around.seen[cell]!);
    return count >= usual * 0.12 && mean >= usual * 0.25 && saturated[cell]! < glare ? 1 : 0;
  });
}

function howOf(seen: number, expected: number): CellSky {
  const ratio = seen / Math.max(1e-6, expected);
  if (ratio < 0.6) return 'cloudy';
  if (isBrighter(seen, expected)) return 'brighter';
  return ratio < 0.85 ? 'hazy' : 'clear';
}

/** More than chance and a better night bring. */
const isBrighter = (seen: number, expected: number): boolean =>
  seen > 1.4 * expected && seen - expected > 4 * Math.sqrt(Math.max(1, expected));

const masked = (values: Float32Array, valid: Uint8Array): number =>
  sum(values.map((value, cell) => value * valid[cell]!));
