/** The worker's side of defect maps. */
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { DefectMap } from './calibrate-defects.ts';
import { Frame, type FrameFields, maximumPixels, type PixelType } from './frame.ts';

interface Samples {
  data: SharedArrayBuffer;
  pixelType: PixelType;
}

export interface FindInput {
  dark: Samples;
  flat: (Samples & { black: number }) | null;
  width: number;
  height: number;
  colourStep: 1 | 2;
  hotSigma: number;
  coldSigma: number;
  flatDeviation: number;
}

export interface FoundDefects {
  indices: SharedArrayBuffer;
  hot: number;
  cold: number;
  /** There were more than the most that are listed. */
  limited: boolean;
}

/** A part of the pixels: beyond it mending would smear the picture. */
const mostFound = 0.01;
const mostRead = 0.05;
const maximumTextBytes = 64 * 2 ** 20;
const sampledRows = 200;

export function find(input: FindInput): FoundDefects {
  const { width, height, flat, hotSigma, coldSigma, flatDeviation } = input;
  const limit = Math.max(1, Math.floor(mostFound * width * height));
  const sigma = sigmaOf(input);
  // How many of its own limits each one stands out, so that dark and flat can be compared.
  const found = new Map<number, { excess: number; hot: boolean }>();
  const note = (index: number, excess: number, hot: boolean) => {
    if (excess > 1 && excess > (found.get(index)?.excess ?? 0)) found.set(index, { excess, hot });
    // Far beyond the limit only the strongest can stay: the map stays bounded.
    if (found.size > 8 * limit) keepStrongest(found, limit);
  };
  visitDeviations(input.dark, input, 1, (deviation, _local, index) => {
    if (deviation > 0) note(index, deviation / (hotSigma * sigma), true);
    else if (deviation < 0) note(index, -deviation / (coldSigma * sigma), false);
    else if (deviation !== 0) note(index, Number.MAX_VALUE, true); // NaN
  });
  if (flat)
    visitDeviations(flat, input, 1, (deviation, local, index) => {
      const level = local - flat.black;
      if (level > 0) note(index, Math.abs(deviation) / (flatDeviation * level), deviation > 0);
    });
  const limited = found.size > limit;
  if (limited) keepStrongest(found, limit);
  const indices = shared([...found.keys()].sort((a, b) => a - b));
  const hot = [...found.values()].filter((each) => each.hot).length;
  return { indices, hot, cold: found.size - hot, limited };
}

function keepStrongest(found: Map<number, { excess: number }>, limit: number): void {
  const weaker = [...found].sort((a, b) => b[1].excess - a[1].excess).slice(limit);
  for (const [index] of weaker) found.delete(index);
}

/** 1.4826 x the median absolute deviation from the neighbours; never 0, for a dark without noise has whole ADU still. */
function sigmaOf(input: FindInput): number {
  const sizes: number[] = [];
  const every = Math.max(1, Math.floor(input.height / sampledRows));
  visitDeviations(input.dark, input, every, (deviation) => {
    if (deviation - deviation === 0) sizes.push(Math.abs(deviation));
  });
  const sorted = Float64Array.from(sizes).sort();
  const sigma = 1.4826 * (sorted[sorted.length >> 1] ?? 0);
  return Math.max(sigma, input.dark.pixelType === 'f32' ? 1e-6 : 0.5);
}

/**
 * Visits how far each pixel stands from the mean of the middle two of its four neighbours of the same colour (mirrored at the
 * edges): one defect beside it does not count.
 */
function visitDeviations(
  { data, pixelType }: Samples,
  { width, height, colourStep: step }: FindInput,
  every: number,
  visit: (deviation: number, local: number, index: number) => void,
): void {
  const all = view(data, pixelType);
  const row = (y: number) => {
    const at = y < 0 ? y + 2 * step : y >= height ? y - 2 * step : y;
    return Float32Array.from(all.subarray(at * width, (at + 1) * width));
  };
  if (width <= 2 * step || height <= 2 * step) return;
  for (let y = 0; y < height; y += every) {
    const [up, own, down] = [row(y - step), row(y), row(y + step)];
    for (let x = 0; x < width; x++) {
      const left = own[x < step ? x + step : x - step]!;
      const right = own[x + step >= width ? x - step : x + step]!;
      const [above, below] = [up[x]!, down[x]!];
      const low = Math.min(Math.min(left, right), Math.min(above, below));
      const high = Math.max(Math.max(left, right), Math.max(above, below));
      const local = 0.5 * (left + right + above + below - low - high);
      // A neighbour without a value says nothing of this pixel.
      if (Number.isFinite(local) || Number.isNaN(own[x])) visit(own[x]! - local, local, y * width + x);
    }
  }
}

const view = (data: SharedArrayBuffer, type: PixelType) =>
  type === 'u8' ? new Uint8Array(data) : type === 'u16' ? new Uint16Array(data) : new Float32Array(data);

function shared(indices: readonly number[]): SharedArrayBuffer {
  const list = new SharedArrayBuffer(indices.length * 4);
  new Uint32Array(list).set(indices);
  return list;
}

export function toMask({ map, target }: { map: DefectMap; target: SharedArrayBuffer }): void {
  const mask = new Uint8Array(target);
  for (const index of new Uint32Array(map.indices)) mask[index] = 1;
}

export function listMask(fields: FrameFields): SharedArrayBuffer {
  const { pixels, source } = new Frame(fields);
  const indices: number[] = [];
  for (let i = 0; i < pixels.length; i++) {
    if (pixels[i] !== 0) indices.push(i);
    if (indices.length > mostRead * pixels.length) throw tooMany(source ?? 'the mask', pixels.length);
  }
  return shared(indices);
}

export function toText({ width, height, indices }: DefectMap): string {
  const lines = Array.from(new Uint32Array(indices), (index) => `point ${index % width} ${Math.floor(index / width)}`);
  const head = ['# Nightflow defect map: 0-based pixels from the top left', `size ${width} ${height}`];
  return `${[...head, ...lines].join('\n')}\n`;
}

export function parse({ path }: { path: string }): Omit<DefectMap, 'source'> {
  let [width, height] = [0, 0];
  const indices = new Set<number>();
  const add = (x: number, y: number, line: string) => {
    if (width === 0) throw notAMap(path, 'its size does not come first');
    if (x >= width || y >= height) throw notAMap(path, `"${line}" lies outside ${width} x ${height}`);
    indices.add(y * width + x);
    if (indices.size > mostRead * width * height) throw tooMany(path, width * height);
  };
  for (const raw of readText(path).split(/\r?\n/)) {
    const line = raw.replace(/#.*/, '').trim();
    if (line === '') continue;
    const [, word, first, second] = /^(size|point|column|row)\s+(\d{1,9})(?:\s+(\d{1,9}))?$/i.exec(line) ?? [];
    const [a, b] = [Number(first), Number(second ?? Number.NaN)];
    const kind = word?.toLowerCase();
    if (kind === 'size' && width === 0 && a > 0 && b > 0 && a * b <= maximumPixels) [width, height] = [a, b];
    else if (kind === 'point' && second !== undefined) add(a, b, line);
    else if (kind === 'column' && second === undefined) for (let y = 0; y < Math.max(1, height); y++) add(a, y, line);
    else if (kind === 'row' && second === undefined) for (let x = 0; x < Math.max(1, width); x++) add(x, a, line);
    else throw notAMap(path, `"${line.slice(0, 60)}" is none of size, point, column, row`);
  }
  if (width === 0) throw notAMap(path, 'it does not say its size');
  return { width, height, indices: shared([...indices].sort((a, b) => a - b)) };
}

function readText(path: string): string {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch (error) {
    throw asNightflowError(error, `${path} can't be opened`);
  }
  try {
    const { size } = fstatSync(descriptor);
    if (size > maximumTextBytes) throw notAMap(path, `${size} bytes are too many`);
    const bytes = Buffer.alloc(size);
    const read = readSync(descriptor, bytes, 0, size, 0);
    return bytes.subarray(0, read).toString('latin1');
  } finally {
    closeSync(descriptor);
  }
}

const notAMap = (path: string, why: string) =>
  new NightflowError('bad-input', `${path} is no defect map: ${why}.`, {
    remedy:
      'Make one with findDefects or the calibrate node, or write lines such as "point 12 34" after "size 4056 3040".',
  });

const tooMany = (path: string, samples: number) =>
  new NightflowError('bad-input', `${path} calls more than ${mostRead * 100} % of ${samples} pixels defective.`, {
    remedy: 'Choose a higher threshold.',
  });
