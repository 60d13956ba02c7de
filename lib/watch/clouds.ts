/**
 * Tells cloudy frames from clear ones by their stars: each region's count, down to the brightness that its noise lets through, against
 * what the same camera sees of a clear sky. Moonlight, twilight, city glow and aurora raise the noise, not the difference: stars stay.
 */
import type { Frame, FrameSite } from '../frame/frame.ts';
import { moonAltitudeDegrees, moonIllumination, sunAltitudeDegrees } from '../sky/sun.ts';
import {
  type CellCounts,
  type CloudGrid,
  type CountedStars,
  cellOf,
  countStars,
  gridOf,
  poolCells,
  withoutTrails,
} from './clouds-grid.ts';
import { FixedLights } from './clouds-lights.ts';
import type { NoiseGrid } from './clouds-noise.ts';
import { atLevels, type CellSky, ClearSky, sum } from './clouds-reference.ts';

export type CloudState = 'clear' | 'cloudy' | 'unknown';
export type CloudSensitivity = 'low' | 'normal' | 'high';

export interface CloudVerdict {
  state: CloudState;
  /** Part of the sky (0…1) behind clouds; null without a verdict. */
  cloudFraction: number | null;
  /** Light of the stars that comes through, 1 a clear sky: over the whole picture; null without a verdict. */
  transparency: number | null;
  /** Stars bright enough to be compared, and how many of them a clear sky would show; the latter null while it is not known. */
  starCount: number;
  expectedCount: number | null;
  /** One sentence for people. */
  reason: string;
  /** What comes through of each region, row by row from the top left: 1 clear, 0 no star; null for ground and regions without a verdict. */
  cells: readonly (number | null)[];
  columns: number;
  rows: number;
  /** Degrees and lit part (0…1); null without site or time. */
  sunAltitudeDegrees: number | null;
  moonAltitudeDegrees: number | null;
  moonIllumination: number | null;
}

export interface CloudOptions {
  sensitivity: CloudSensitivity;
  /** Fewer stars than this are clouds even before the camera's clear sky is known; 0: no such limit. */
  minimumStars: number;
}

/** A cell is behind clouds below `cell` of its stars, a frame is cloudy from `frame` of its cells on. */
const limits = {
  low: { cell: 0.35, frame: 0.6 },
  normal: { cell: 0.5, frame: 0.35 },
  high: { cell: 0.6, frame: 0.15 },
} as const;

/** Frames that make a first idea of the clear sky, and the stars it must hold. */
const firstFrames = 5;
const leastExpected = 25;
/** Stars a region must expect: with 9, half of them missing by chance happens to one in 18. */
const enoughInRegion = 9;
/** Civil twilight. */
const brightestSunDegrees = -6;
/** Part of white pixels from which a cell is glare. */
const glare = 0.2;
/** Leaves the cloudy state below this part of the limit. */
const hysteresis = 0.7;

export class CloudWatch {
  private readonly references = new Map<string, ClearSky>();
  private readonly lights = new Map<string, FixedLights>();
  private state: CloudState = 'unknown';
  private recent: number[] = [];

  /** @param stars As measured in this frame. @param noise Of the grid `gridOf` gives for its size. */
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
    const key = referenceKey(frame);
    const counts = this.count(key, stars, grid, milliseconds);
    const verdict = {
      state: 'unknown' as CloudState,
      cloudFraction: null,
      transparency: null,
      starCount: stars.count,
      expectedCount: null,
      cells: new Array<null>(grid.columns * grid.rows).fill(null),
      columns: grid.columns,
      rows: grid.rows,
      ...light,
    };
    if (light.sunAltitudeDegrees !== null && light.sunAltitudeDegrees > brightestSunDegrees) {
      this.forgetRecent();
      const degrees = Math.round(light.sunAltitudeDegrees);
      const where = degrees < 0 ? `${-degrees}° below the horizon` : 'up';
      return { ...verdict, reason: `The Sun is ${where}: too bright to tell clouds by the stars.` };
    }
    const sky = this.referenceOf(key, grid, milliseconds);
    const frameLimit = faintestOf(stars, grid, noise);
    const level = sky.comparable(noise, Math.max(sky.limit, 0));
    const expected = sky.at(level);
    const seen = atLevels(counts, level, sky.cells);
    const valid = skyCells(expected, saturated);
    const expectedCount = sky.frames > 0 ? masked(expected, valid) : 0;
    const starCount = sky.frames > 0 ? masked(seen, valid) : stars.count;
    const pooled = poolCells(grid, seen, expected, valid, enoughInRegion);
    const cells = Array.from(valid, (is, cell) =>
      is === 0 ? null : Math.min(1.5, pooled.seen[cell]! / Math.max(1e-6, pooled.expected[cell]!)),
    );
    const enough = sky.frames >= firstFrames && expectedCount >= leastExpected;
    const limit = limits[options.sensitivity];
    const counted = cells.filter((ratio) => ratio !== null);
    const cloudFraction = counted.filter((ratio) => ratio < limit.cell).length / Math.max(1, counted.length);
    const clearing = isBrighter(sum(seen), sum(expected));
    const howEach = cells.map((ratio, cell): CellSky | null => {
      if (saturated[cell]! >= glare) return null;
      // A cell where nothing is expected may prove to be sky.
      if (ratio === null) return clearing ? 'brighter' : 'clear';
      return howOf(ratio, pooled.seen[cell]!, pooled.expected[cell]!);
    });
    sky.learn(counts, noise, frameLimit, howEach);
    if (stars.count < options.minimumStars) {
      this.state = 'cloudy';
      const reason = `${starsText(stars.count)}, fewer than the ${options.minimumStars} that are asked for.`;
      return { ...verdict, state: 'cloudy', cloudFraction: 1, reason };
    }
    if (!enough) {
      this.forgetRecent();
      const reason =
        sky.frames <= firstFrames
          ? `The clear sky of this camera is not known yet: frame ${sky.frames} of ${firstFrames}.`
          : `Only ${starsText(Math.round(expectedCount))} to compare with: overcast since the start, too bright a sky or too short an exposure.`;
      return { ...verdict, reason };
    }
    const through = counted.map((ratio) => ratio ** (1 / sky.slope(level)));
    const transparency = Math.min(1, sum(through) / Math.max(1, through.length));
    this.state = this.settle(cloudFraction, limit.frame);
    const shown = {
      cloudFraction: round(cloudFraction),
      transparency: round(transparency),
      starCount: Math.round(starCount),
      expectedCount: Math.round(expectedCount),
    };
    const share = cells.map((ratio) => (ratio === null ? null : round(Math.min(1, ratio))));
    return { ...verdict, ...shown, cells: share, state: this.state, reason: reasonOf(this.state, shown) };
  }

  /** Forgets every clear sky that was learnt: another lens, another place. */
  reset(): void {
    this.references.clear();
    this.lights.clear();
    this.forgetRecent();
  }

  /** What was learnt, for a file. */
  save(): SavedClouds {
    return {
      version: 1,
      references: Object.fromEntries(
        [...this.references].map(([key, sky]) => [key, { ...sky.save(), ...sizeOf(key) }]),
      ),
    };
  }

  /** Takes up what `save` gave; what is not of its shape is left out. */
  restore(saved: unknown): void {
    const { version, references } = (saved ?? {}) as Partial<SavedClouds>;
    if (version !== 1 || typeof references !== 'object' || references === null) return;
    for (const [key, each] of Object.entries(references).slice(0, mostReferences)) {
      const { width, height } = sizeOf(key);
      if (!(width > 0 && height > 0)) continue;
      const sky = ClearSky.restore(gridOf(width, height), each);
      if (sky) this.references.set(key, sky);
    }
  }

  private count(key: string, stars: CountedStars, grid: CloudGrid, milliseconds: number): CellCounts {
    let lights = this.lights.get(key);
    if (!lights) {
      if (this.lights.size >= mostReferences) this.lights.clear();
      lights = new FixedLights();
      this.lights.set(key, lights);
    }
    const fixed = lights.mark(stars, milliseconds);
    const isStar = withoutTrails(stars);
    return countStars(stars, grid, (star) => fixed[star] === 0 && isStar(star));
  }

  private referenceOf(key: string, grid: CloudGrid, milliseconds: number): ClearSky {
    let sky = this.references.get(key);
    if (!sky) {
      if (this.references.size >= mostReferences) {
        const [oldest] = [...this.references].sort(([, a], [, b]) => a.used - b.used)[0]!;
        this.references.delete(oldest);
      }
      sky = new ClearSky(grid);
      this.references.set(key, sky);
    }
    sky.used = milliseconds;
    return sky;
  }

  /** The median of three frames decides, at once only what is far beyond doubt. */
  private settle(fraction: number, limit: number): CloudState {
    this.recent = [...this.recent, fraction].slice(-3);
    const sorted = [...this.recent].sort((a, b) => a - b);
    const middle = sorted.length < 3 ? fraction : sorted[1]!;
    const far = Math.min(0.9, Math.max(2 * limit, limit + 0.25));
    if (fraction >= far) return 'cloudy';
    return middle >= (this.state === 'cloudy' ? limit * hysteresis : limit) ? 'cloudy' : 'clear';
  }

  private forgetRecent(): void {
    this.recent = [];
    this.state = 'unknown';
  }
}

export interface SavedClouds {
  version: 1;
  references: Record<string, object>;
}

/** Cameras times exposures times gains times targets: some 30 kB each in the file. */
const mostReferences = 12;

/** What makes two frames comparable. Exposure and gain to a tenth; the Moon needs no class: its light is in the noise. */
export function referenceKey(frame: Frame): string {
  const { width, height, bayer, camera, exposureSeconds, gain, target } = frame;
  const step = (value: number | null) => (value && value > 0 ? Math.round(10 * Math.log10(value)) / 10 : value);
  const filter = frame.keyword('FILTER');
  return [
    `${width}x${height}`,
    bayer ?? '',
    camera ?? '',
    step(exposureSeconds) ?? '',
    step(gain) ?? '',
    target?.name ?? '',
    typeof filter === 'string' ? filter : '',
  ]
    .join('|')
    .slice(0, 300);
}

function sizeOf(key: string): { width: number; height: number } {
  const [, width, height] = /^(\d{1,6})x(\d{1,6})\|/.exec(key) ?? [];
  return { width: Number(width), height: Number(height) };
}

/** Faint end of what was found, as flux over the noise where it stands: the fifth part of the stars is fainter. 0 with too few. */
function faintestOf(stars: CountedStars, grid: CloudGrid, noise: readonly number[]): number {
  if (stars.count < 20) return 0;
  const { x, y, flux } = stars;
  const depths: number[] = [];
  for (let star = 0; star < stars.count; star++) {
    const around = noise[cellOf(grid, x[star]!, y[star]!)]!;
    if (around > 0 && flux[star]! > 0) depths.push(flux[star]! / around);
  }
  depths.sort((a, b) => a - b);
  return depths[Math.floor(depths.length / 5)] ?? 0;
}

/** Ground, the corners of a fisheye's picture and the glare of the Moon say nothing. */
function skyCells(expected: Float32Array, saturated: readonly number[]): Uint8Array {
  const sorted = [...expected].filter((count) => count > 0).sort((a, b) => b - a);
  const usual = sum(sorted.slice(0, Math.ceil(sorted.length / 2))) / Math.max(1, Math.ceil(sorted.length / 2));
  return Uint8Array.from(expected, (count, cell) => (count >= usual * 0.12 && saturated[cell]! < glare ? 1 : 0));
}

function howOf(ratio: number, seen: number, expected: number): CellSky {
  if (ratio < 0.6) return 'cloudy';
  if (isBrighter(seen, expected)) return 'brighter';
  return ratio < 0.85 ? 'hazy' : 'clear';
}

/** More than chance and a better night bring. */
const isBrighter = (seen: number, expected: number): boolean =>
  seen > 1.2 * expected && seen - expected > 2.5 * Math.sqrt(Math.max(1, expected));

function reasonOf(
  state: CloudState,
  { cloudFraction, starCount, expectedCount }: { cloudFraction: number; starCount: number; expectedCount: number },
): string {
  const of = `${starCount} of ${expectedCount} stars`;
  if (state === 'clear')
    return cloudFraction < 0.05 ? `Clear: ${of}.` : `Some clouds, ${percent(cloudFraction)} of the sky: ${of}.`;
  if (cloudFraction > 0.95) return `Overcast, or the lens is covered: ${of}.`;
  return `Clouds over ${percent(cloudFraction)} of the sky: ${of}.`;
}

function skyLight(site: FrameSite | null, milliseconds: number) {
  if (!site) return { sunAltitudeDegrees: null, moonAltitudeDegrees: null, moonIllumination: null };
  return {
    sunAltitudeDegrees: round(sunAltitudeDegrees(site, milliseconds)),
    moonAltitudeDegrees: round(moonAltitudeDegrees(site, milliseconds)),
    moonIllumination: round(moonIllumination(milliseconds)),
  };
}

function middleOf({ start, middle, exposureSeconds }: Frame): number | null {
  const at = Date.parse(middle ?? '');
  if (!Number.isNaN(at)) return at;
  const begun = Date.parse(start ?? '');
  return Number.isNaN(begun) ? null : begun + (exposureSeconds ?? 0) * 500;
}

const masked = (values: Float32Array, valid: Uint8Array): number =>
  sum(values.map((value, cell) => value * valid[cell]!));
const starsText = (count: number): string => (count === 1 ? '1 star' : `${count} stars`);
const percent = (part: number): string => `${Math.round(part * 100)} %`;
const round = (value: number): number => Math.round(value * 100) / 100;
