/** The worker's side of the noise grid: the spread of pixels about their median, in blocks as large as the star detection's background mesh. */
import type { NoiseGrid, NoiseInput } from './clouds-noise.ts';

/** A cell of a large frame is measured in so many blocks along each side; streaks of aurora count as noise here as they do there. */
const mostBlocks = 2;
const blockPixels = 64;
/** Of a block; they give its noise to some 8 %. */
const samplesPerBlock = 200;
const sigmaOfMad = 1.4826;

export function measureNoise(input: NoiseInput): NoiseGrid {
  const { width, height, columns, rows, channels, bayer, whiteLevel } = input;
  const all =
    input.pixelType === 'u8'
      ? new Uint8Array(input.data)
      : input.pixelType === 'u16'
        ? new Uint16Array(input.data)
        : new Float32Array(input.data);
  // The green plane stands for an RGB picture, the mean of four neighbours, one of each colour, for a mosaic.
  const first = channels === 3 ? width * height : 0;
  const reach = bayer ? 1 : 0;
  const plain = bayer
    ? (at: number) => (all[at]! + all[at + 1]! + all[at + width]! + all[at + width + 1]!) / 4
    : (at: number) => all[at]!;
  const valueAt = input.transfer === 'srgb' ? (at: number) => linear(plain(at), whiteLevel) : plain;
  const noise = new Array<number>(columns * rows).fill(0);
  const saturated = new Array<number>(columns * rows).fill(0);
  const values = new Float64Array(samplesPerBlock * 2);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const [left, right] = [Math.floor((column * width) / columns), Math.floor(((column + 1) * width) / columns)];
      const [top, bottom] = [Math.floor((row * height) / rows), Math.floor(((row + 1) * height) / rows)];
      const across = blocksOf(right - left);
      const down = blocksOf(bottom - top);
      let [sum, blocks, samples, bright] = [0, 0, 0, 0];
      for (let block = 0; block < across * down; block++) {
        const from = left + Math.floor(((right - left) * (block % across)) / across);
        const to = Math.min(width - reach, from + Math.min(blockPixels, Math.ceil((right - left) / across)));
        const under = top + Math.floor(((bottom - top) * Math.floor(block / across)) / down);
        const over = Math.min(height - reach, under + Math.min(blockPixels, Math.ceil((bottom - top) / down)));
        const step = Math.max(1, Math.floor(Math.sqrt(((to - from) * (over - under)) / samplesPerBlock)));
        let found = 0;
        for (let y = under; y < over; y += step)
          for (let x = from; x < to && found < values.length; x += step) {
            const at = first + y * width + x;
            const value = valueAt(at);
            if (Number.isNaN(value)) continue;
            if (all[at]! >= whiteLevel) bright++;
            values[found++] = value;
          }
        samples += found;
        if (found < 9) continue;
        sum += sigmaOf(values.subarray(0, found));
        blocks++;
      }
      const cell = row * columns + column;
      noise[cell] = blocks > 0 ? sum / blocks : 0;
      saturated[cell] = samples > 0 ? bright / samples : 0;
    }
  return { noise: withNeighbours(noise, columns, rows), saturated };
}

/** The mesh of the detection is smoothed: what is restless beside a cell hides its faint stars too. */
function withNeighbours(noise: readonly number[], columns: number, rows: number): number[] {
  return noise.map((own, cell) => {
    const [column, row] = [cell % columns, Math.floor(cell / columns)];
    let [sum, count] = [0, 0];
    for (let y = Math.max(0, row - 1); y <= Math.min(rows - 1, row + 1); y++)
      for (let x = Math.max(0, column - 1); x <= Math.min(columns - 1, column + 1); x++) {
        sum += noise[y * columns + x]!;
        count++;
      }
    return Math.max(own, sum / count);
  });
}

const blocksOf = (pixels: number): number => Math.min(mostBlocks, Math.max(1, Math.floor(pixels / blockPixels)));

function sigmaOf(values: Float64Array): number {
  const median = values.sort()[values.length >> 1]!;
  for (let i = 0; i < values.length; i++) values[i] = Math.abs(values[i]! - median);
  return sigmaOfMad * values.sort()[values.length >> 1]!;
}

/** IEC 61966-2-1, scaled so that white stays white. */
function linear(sample: number, white: number): number {
  const value = sample / white;
  return white * (value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4);
}
