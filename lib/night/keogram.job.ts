/** Jobs of the keogram: cutting a column out of display pixels, and drawing all columns with their time axis. */
import { readFileSync } from 'node:fs';
import sharp from 'sharp';
import { NightflowError } from '../process/errors.ts';
import type { Site } from '../sky/site.ts';
import { type Column, headerBytes, parseColumns } from './keogram-columns.ts';
import { axisPath, timeTicks } from './time-axis.ts';

export interface ColumnInput {
  /** Interleaved 8-bit display pixels, row 0 at the top. */
  data: SharedArrayBuffer;
  width: number;
  height: number;
  channels: 1 | 3;
  /** Clockwise turn of the column about the middle of the picture, degrees. */
  angleDegrees: number;
  /** Fraction of the width through which it passes at half height. */
  position: number;
  columnWidth: number;
  /** Pixels of the column to come out. */
  samples: number;
}

/** `samples` RGB pixels along the line, top to bottom, each the mean of what it covers along and across. */
export function cutColumn(input: ColumnInput): Uint8Array {
  const { width, height, channels, samples } = input;
  const pixels = new Uint8Array(input.data);
  const angle = (input.angleDegrees * Math.PI) / 180;
  // Along the column downwards, and across it to the right; y grows downwards.
  const [alongX, alongY] = [-Math.sin(angle), Math.cos(angle)];
  const [acrossX, acrossY] = [alongY, -alongX];
  const [middleX, middleY] = [input.position * (width - 1), (height - 1) / 2];
  const [from, to] = chord(middleX, middleY, alongX, alongY, width, height);
  const steps = Math.max(1, Math.ceil((to - from) / samples));
  const lanes = Math.max(1, Math.round(input.columnWidth));
  const column = new Uint8Array(samples * 3);
  for (let sample = 0; sample < samples; sample++) {
    let [red, green, blue] = [0, 0, 0];
    for (let step = 0; step < steps; step++) {
      const along = from + ((sample + (step + 0.5) / steps) / samples) * (to - from);
      for (let lane = 0; lane < lanes; lane++) {
        const across = lane - (lanes - 1) / 2;
        const x = Math.min(width - 1, Math.max(0, Math.round(middleX + along * alongX + across * acrossX)));
        const y = Math.min(height - 1, Math.max(0, Math.round(middleY + along * alongY + across * acrossY)));
        const at = (y * width + x) * channels;
        red += pixels[at]!;
        green += pixels[at + (channels === 3 ? 1 : 0)]!;
        blue += pixels[at + (channels === 3 ? 2 : 0)]!;
      }
    }
    const count = steps * lanes;
    column.set([Math.round(red / count), Math.round(green / count), Math.round(blue / count)], sample * 3);
  }
  return column;
}

/** How far the line through a point of the picture reaches both ways before it leaves the picture, pixels. */
function chord(x: number, y: number, dx: number, dy: number, width: number, height: number): [number, number] {
  let [from, to] = [-Infinity, Infinity];
  for (const [position, direction, limit] of [
    [x, dx, width],
    [y, dy, height],
  ] as const) {
    if (Math.abs(direction) < 1e-9) continue;
    const ends = [(-0.5 - position) / direction, (limit - 0.5 - position) / direction];
    from = Math.max(from, Math.min(...ends));
    to = Math.min(to, Math.max(...ends));
  }
  return [from, to];
}

export interface PictureInput {
  path: string;
  /** How many records of the file count. */
  columns: number;
  title: string;
  /** Whose local time the axis shows; null: UTC. */
  site: Pick<Site, 'longitude' | 'timeZone'> | null;
}

export interface KeogramPicture {
  png: Uint8Array;
  width: number;
  height: number;
  /** ISO 8601 UTC of the left and the right edge. */
  start: string;
  end: string;
  secondsPerPixel: number;
}

/** Widest picture of the sky part, pixels; the scale of time follows from it. */
const mostPixels = 1800;
/** A night that has just begun gets this width all the same; what is to come is dark. */
const fewestPixels = 480;
const margin = { left: 12, top: 30, right: 12, bottom: 30 };
/** Fits all pages: neither black, so that a gap of time is seen in it, nor bright. */
const paper = { r: 16, g: 20, b: 24 };
const ink = '#b9bec8';
const secondsPerPixelSteps = [0.1, 0.2, 0.5, 1, 2, 3, 5, 10, 15, 20, 30, 45, 60, 90, 120, 180, 240, 300, 600];

/** @throws bad-input when there is no column yet. */
export async function drawKeogram(input: PictureInput): Promise<KeogramPicture> {
  const bytes = readFileSync(input.path);
  const height = bytes.readUInt32LE(8);
  const columns = parseColumns(bytes, height, input.columns);
  if (columns.length === 0 || bytes.byteLength < headerBytes)
    throw new NightflowError('bad-input', 'A keogram without a frame has no picture.');
  const cadence = usualStep(columns);
  const start = columns[0]!.startMilliseconds;
  const last = columns.at(-1)!;
  const end = last.startMilliseconds + Math.max(last.exposureSeconds * 1000, Math.min(cadence, 600_000));
  const seconds = (end - start) / 1000;
  const wanted = Math.max(seconds / mostPixels, Math.min(cadence / 4000, seconds / fewestPixels));
  const secondsPerPixel = secondsPerPixelSteps.find((step) => step >= wanted) ?? Math.ceil(wanted / 600) * 600;
  const perMillisecond = 1 / (secondsPerPixel * 1000);
  const width = Math.max(fewestPixels, Math.ceil((end - start) * perMillisecond));
  const sky = spread(columns, height, width, start, perMillisecond, cadence);

  const size = { width: width + margin.left + margin.right, height: height + margin.top + margin.bottom };
  const ticks = timeTicks(start, start + width / perMillisecond, perMillisecond, input.site).map((tick) => ({
    ...tick,
    x: margin.left + Math.round((tick.atMilliseconds - start) * perMillisecond) + 0.5,
  }));
  const path = axisPath(ticks, input.title, { left: margin.left, top: margin.top, width, height });
  const svg = `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"><path d="${path}" fill="none" stroke="${ink}" stroke-width="1.2" stroke-linecap="round" stroke-linejoin="round"/></svg>`;
  const png = await sharp({ create: { ...size, channels: 3, background: paper } })
    .composite([
      { input: sky, raw: { width, height, channels: 3 }, left: margin.left, top: margin.top },
      { input: Buffer.from(svg), left: 0, top: 0 },
    ])
    .png({ compressionLevel: 6 })
    .toBuffer();
  return {
    png: new Uint8Array(png),
    ...size,
    start: new Date(start).toISOString(),
    end: new Date(end).toISOString(),
    secondsPerPixel,
  };
}

/** The median time between two frames, ms. */
function usualStep(columns: readonly Column[]): number {
  const steps = columns.slice(1).map((column, index) => column.startMilliseconds - columns[index]!.startMilliseconds);
  if (steps.length === 0) return Math.max(1000, columns[0]!.exposureSeconds * 1000);
  return Math.max(1, steps.sort((a, b) => a - b)[steps.length >> 1]!);
}

/** Lays each column over the time until the next; where no frame was for longer than usual, the picture stays black. */
function spread(
  columns: readonly Column[],
  height: number,
  width: number,
  start: number,
  perMillisecond: number,
  cadence: number,
): Buffer {
  const sums = new Float32Array(width * height * 3);
  const weights = new Float32Array(width);
  columns.forEach(({ startMilliseconds, exposureSeconds, pixels }, index) => {
    const next = columns[index + 1]?.startMilliseconds ?? Infinity;
    const longest = Math.max(1.5 * cadence, exposureSeconds * 1000 + 0.5 * cadence);
    const until =
      next - startMilliseconds <= longest
        ? next
        : startMilliseconds + Math.max(exposureSeconds * 1000, Math.min(cadence, longest));
    const from = (startMilliseconds - start) * perMillisecond;
    const to = Math.max((until - start) * perMillisecond, from + 1e-3);
    for (let x = Math.max(0, Math.floor(from)); x < Math.min(width, Math.ceil(to)); x++) {
      const weight = Math.min(to, x + 1) - Math.max(from, x);
      weights[x]! += weight;
      for (let y = 0, at = x * 3, of = 0; y < height; y++, at += width * 3, of += 3) {
        sums[at]! += weight * pixels[of]!;
        sums[at + 1]! += weight * pixels[of + 1]!;
        sums[at + 2]! += weight * pixels[of + 2]!;
      }
    }
  });
  const sky = Buffer.alloc(width * height * 3);
  for (let x = 0; x < width; x++) {
    const weight = weights[x]!;
    if (weight === 0) continue;
    for (let y = 0, at = x * 3; y < height; y++, at += width * 3)
      for (let channel = 0; channel < 3; channel++) sky[at + channel] = Math.round(sums[at + channel]! / weight);
  }
  return sky;
}
