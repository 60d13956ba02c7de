/** The worker's side of the measurement: background, search, objects and their shapes in one go. */
import { allocateShared } from '../kernels/memory.ts';
import { type Scratch, scratch } from '../kernels/wasm.ts';
import {
  firstGuess,
  measureMesh,
  medianOf,
  type Quantisation,
  quantisationOf,
  smallestNoise,
  smoothMesh,
} from './background.ts';
import { largeObject } from './large.ts';
import { drawNodes, type Nodes } from './nodes.ts';
import type { Plane } from './plane.ts';
import { runBytes, searchRows } from './search.ts';
import { joinRuns, largestRadius, largestSide, type Objects, openPlane, record, recordFloats } from './shapes.ts';

export interface MeasureInput {
  plane: Plane;
  thresholdSigma: number;
  /** Objects that are kept, brightest first. */
  maximumStars: number;
}

export interface Measured {
  /** Rows of `rowFloats` f32 in plane coordinates, brightest first: x, y, flux, peak, hfr, fwhm, eccentricity, angle (radians), snr, flags. */
  rows: SharedArrayBuffer;
  count: number;
  /** Plane units; NaN for a plane without a value. */
  background: number;
  noise: number;
  /** Part of the samples at or above saturation, by a few thousand of them. */
  saturated: number;
  hotPixels: number;
  /** What had to be left out. */
  incomplete: 'runs' | 'objects' | null;
}

export const rowFloats = 10;

/** A pixel and its four neighbours, as SEP asks by default. */
const leastPixels = 5;
const contrast = 0.005;
const mostRuns = 1_000_000;
const mostObjects = 200_000;
const planeBytes = 48 * 2 ** 20;

export function measurePlane({ plane, thresholdSigma, maximumStars }: MeasureInput): Measured {
  const guess = firstGuess(plane);
  const saturated = saturatedPart(plane);
  const empty = { rows: allocateShared(4), count: 0, saturated, hotPixels: 0, incomplete: null };
  if (Number.isNaN(guess.level)) return { ...empty, background: Number.NaN, noise: Number.NaN };
  const work = scratch();
  const quantisation = quantisationOf(plane, guess);
  const raw = measureMesh(work, plane, quantisation, guess.noise);
  const mesh = smoothMesh(raw, Math.max(1e-6, smallestNoise(plane) * quantisation.scale));
  const background = drawNodes(mesh.background, mesh, plane);
  const noise = drawNodes(mesh.noise, mesh, plane);
  const sigma = medianOf(mesh.noise);
  const level = toPlane(medianOf(mesh.background), plane, quantisation);
  work.reset();
  const found = searchRows(work, {
    ...{ plane, quantisation, background, noise, sigma, thresholdSigma, mostRuns },
    from: 0,
    to: plane.height,
  });
  const objects = joinRuns(work, found.pointer, found.count, leastPixels, mostObjects);
  const own = { columns: background.columns, rows: background.rows };
  const measured = measureObjects(work, plane, objects, {
    background: { ...own, values: background.values.map((value) => toPlane(value, plane, quantisation)) },
    noise: { ...own, values: noise.values.map((value) => value / quantisation.scale) },
  });
  const incomplete = !found.complete ? 'runs' : objects.left > 0 ? 'objects' : null;
  const table = brightest(measured.rows, maximumStars);
  return {
    ...{ rows: table.rows, count: table.count, hotPixels: measured.hotPixels, saturated, incomplete },
    background: level,
    noise: sigma / quantisation.scale,
  };
}

const toPlane = (value: number, plane: Plane, { low, scale }: Quantisation): number =>
  plane.type === 'u16' ? value : low + (value + 0.5) / scale;

/** Part of a few thousand samples that are saturated. */
function saturatedPart(plane: Plane): number {
  const samples = plane.type === 'u16' ? new Uint16Array(plane.data) : new Float32Array(plane.data);
  const step = Math.max(1, Math.floor(samples.length / 4099));
  let [all, full] = [0, 0];
  for (let i = 0; i < samples.length; i += step) {
    all++;
    if (samples[i]! >= plane.saturation) full++;
  }
  return full / all;
}

/** Deblends and measures the objects, a stretch of rows at a time. */
function measureObjects(
  work: Scratch,
  plane: Plane,
  objects: Objects,
  meshes: { background: Nodes; noise: Nodes },
): { rows: number[][]; hotPixels: number } {
  const rowBytes = plane.width * (plane.type === 'u16' ? 2 : 4);
  const inMemory = Math.min(plane.height, Math.floor(planeBytes / rowBytes));
  const margin = inMemory === plane.height ? 0 : Math.min(largestRadius + 4, inMemory >> 2);
  const tallest = inMemory === plane.height ? largestSide : Math.min(largestSide, inMemory - 2 * margin);
  const context = openPlane(work, { plane, ...meshes, contrast, leastPixels, rows: inMemory });
  const starts = Int32Array.from(work.u32(objects.starts, objects.count + 1));
  const mostAtOnce = 4096;
  const records = work.take(mostAtOnce * recordFloats * 4);
  const out = work.take(mostAtOnce * rowFloats * 4);
  const radial = work.take(256 * 4 + 2 * (2 * largestRadius + 3) * 4);
  const rows: number[][] = [];
  let hotPixels = 0;
  for (let i = 0; i < objects.count; i++) {
    const runs = objects.runs + starts[i]! * runBytes;
    const count = starts[i + 1]! - starts[i]!;
    const box = boxOf(work, runs, count);
    if (box.right - box.left >= largestSide || box.bottom - box.top >= tallest) {
      rows.push(largeObject(plane, meshes, work.u32(runs, count * 3)));
      continue;
    }
    if (margin === 0) context.show(0, plane.height);
    else if (!context.holds(box.top - margin, box.bottom + margin + 1)) {
      const from = Math.max(0, Math.min(plane.height - inMemory, box.top - margin));
      context.show(from, from + inMemory);
    }
    const stars = work.kernels.starsOfObject!(context.pointer, runs, count, records, mostAtOnce);
    const views = work.f32(records, stars * recordFloats);
    let kept = 0;
    for (let star = 0; star < stars; star++) {
      if (isHotPixel(views, star * recordFloats)) {
        hotPixels++;
        continue;
      }
      views.copyWithin(kept++ * recordFloats, star * recordFloats, (star + 1) * recordFloats);
    }
    work.kernels.starsMeasure!(context.pointer, records, kept, out, largestRadius, radial);
    const measured = work.f32(out, kept * rowFloats);
    for (let star = 0; star < kept; star++) {
      const row = Array.from(measured.subarray(star * rowFloats, (star + 1) * rowFloats));
      if (row[4]! > 0) rows.push(row);
    }
  }
  return { rows, hotPixels };
}

/** The eight pixels around a star's brightest hold more light than it even where the FWHM is 1.2 pixels (1.2 times as much). */
function isHotPixel(records: Float32Array, at: number): boolean {
  return records[at + record.around]! < 0.35;
}

function boxOf(work: Scratch, runs: number, count: number) {
  const words = work.u32(runs, count * 3);
  let [left, right] = [Number.POSITIVE_INFINITY, 0];
  for (let i = 0; i < words.length; i += 3) {
    if (words[i + 1]! < left) left = words[i + 1]!;
    if (words[i + 2]! > right) right = words[i + 2]!;
  }
  return { left, right, top: words[0]!, bottom: words[words.length - 3]! };
}

function brightest(rows: number[][], most: number): { rows: SharedArrayBuffer; count: number } {
  rows.sort((a, b) => b[2]! - a[2]!);
  const count = Math.min(most, rows.length);
  const buffer = allocateShared(Math.max(4, count * rowFloats * 4));
  const floats = new Float32Array(buffer);
  for (let i = 0; i < count; i++) floats.set(rows[i]!, i * rowFloats);
  return { rows: buffer, count };
}
