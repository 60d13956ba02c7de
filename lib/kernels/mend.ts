/** Replaces defective pixels by the median of their good neighbours of the same colour. Runs in workers. */
import type { SampleType } from './fold-layout.ts';

export interface Mosaic {
  width: number;
  height: number;
  planes: number;
  /** Distance of the next pixel of the same colour: 2 for a Bayer mosaic, else 1. */
  colourStep: 1 | 2;
}

/** @param defects Indices (u32, ascending or not) into all planes; those beyond the picture are passed over. A pixel without a good neighbour stays. */
export function mendDefects(
  target: SharedArrayBuffer,
  type: SampleType,
  { width, height, planes, colourStep }: Mosaic,
  defects: SharedArrayBuffer,
): void {
  const samples =
    type === 'u8' ? new Uint8Array(target) : type === 'u16' ? new Uint16Array(target) : new Float32Array(target);
  const list = new Uint32Array(defects);
  const bad = new Set(list);
  const total = width * height * planes;
  for (const index of list) {
    if (index >= total) continue;
    const x = index % width;
    const row = Math.floor(index / width);
    const plane = Math.floor(row / height) * height;
    const good: number[] = [];
    for (let dy = -colourStep; dy <= colourStep; dy += colourStep)
      for (let dx = -colourStep; dx <= colourStep; dx += colourStep) {
        const inside = x + dx >= 0 && x + dx < width && row + dy >= plane && row + dy < plane + height;
        const neighbour = index + dy * width + dx;
        if (inside && !bad.has(neighbour) && !Number.isNaN(samples[neighbour])) good.push(samples[neighbour]!);
      }
    if (good.length === 0) continue;
    good.sort((a, b) => a - b);
    const middle = good.length >> 1;
    samples[index] = good.length % 2 ? good[middle]! : (good[middle - 1]! + good[middle]!) / 2;
  }
}
