/** The worker's side of the noise grid: differences of neighbours of one colour, which neither gradients nor stars widen. */
import type { NoiseGrid, NoiseInput } from './clouds-noise.ts';

/** Of a cell; 300 give the noise to some 6 %. */
const samplesPerCell = 300;
/** Mean of the smaller three quarters of |z|, z normal: 2 (φ(0) − φ(1.1503)) / 0.75. */
const trimmedMean = 0.5147;
const kept = 0.75;

export function measureNoise(input: NoiseInput): NoiseGrid {
  const { width, height, columns, rows, channels } = input;
  const all =
    input.pixelType === 'u8'
      ? new Uint8Array(input.data)
      : input.pixelType === 'u16'
        ? new Uint16Array(input.data)
        : new Float32Array(input.data);
  // The green plane stands for an RGB picture.
  const first = channels === 3 ? width * height : 0;
  const valueAt = input.transfer === 'srgb' ? linearReader(all, input.whiteLevel) : (at: number) => all[at]!;
  const noise = new Array<number>(columns * rows).fill(0);
  const saturated = new Array<number>(columns * rows).fill(0);
  const differences = new Float64Array(samplesPerCell);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const left = Math.floor((column * width) / columns);
      const top = Math.floor((row * height) / rows);
      const right = Math.max(left + 3, Math.floor(((column + 1) * width) / columns)) - 2;
      const bottom = Math.max(top + 1, Math.floor(((row + 1) * height) / rows));
      const pixels = Math.max(1, (Math.min(right, width - 2) - left) * (bottom - top));
      const step = Math.max(1, Math.floor(pixels / samplesPerCell));
      const wide = Math.max(1, Math.min(right, width - 2) - left);
      let samples = 0;
      let bright = 0;
      for (let pixel = 0; pixel < pixels && samples < samplesPerCell; pixel += step) {
        const at = first + (top + Math.floor(pixel / wide)) * width + left + (pixel % wide);
        // Two apart: the same colour of a mosaic.
        const difference = Math.abs(valueAt(at + 2) - valueAt(at));
        if (all[at]! >= input.whiteLevel) bright++;
        if (!Number.isNaN(difference)) differences[samples++] = difference;
      }
      if (samples === 0) continue;
      const cell = row * columns + column;
      const sorted = differences.subarray(0, samples).sort();
      const used = Math.max(1, Math.floor(samples * kept));
      let sum = 0;
      for (let i = 0; i < used; i++) sum += sorted[i]!;
      noise[cell] = sum / used / trimmedMean / Math.SQRT2;
      saturated[cell] = bright / samples;
    }
  return { noise, saturated };
}

/** IEC 61966-2-1, scaled so that white stays white. */
function linearReader(all: ArrayLike<number>, white: number): (at: number) => number {
  return (at) => {
    const value = all[at]! / white;
    return white * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
  };
}
