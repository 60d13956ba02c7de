/** The tables of a preview: what 16-bit value of a row becomes what brightness, from the levels and a sample of the picture. */
import type { Scratch } from '../kernels/wasm.ts';
import { bytesPerSample } from './frame.ts';
import type { PreviewInput } from './preview.job.ts';
import type { Encoding } from './preview-rows.ts';
import { madOfCounts, medianOfCounts } from './statistics-counts.ts';
import { latticesOf, samplesInRow } from './statistics-rows.ts';
import {
  autoTransfer,
  type Background,
  compressBackground,
  compressRange,
  linearTransfer,
  type MidtonesTransfer,
  midtonesTransfer,
  srgbFromLinear,
} from './stretch.ts';

export interface DisplayTables {
  /** Pointers to a table of 65536 bytes for each plane. */
  tables: number[];
  encoding: Encoding;
}

const tableSize = 65_536;
/** Pairs of rows that are looked at for the background: half a million pixels of a 12 megapixel frame. */
const sampledPairs = 64;
/** A picture with a display gamma is stretched only when its brightest channel's median is below this. */
const nearlyBlack = 0.05;

export function displayTables(work: Scratch, input: PreviewInput): DisplayTables {
  const { bayer, channels, pixelType, transfer, stretch, drc } = input;
  const planes = bayer || channels === 3 ? 3 : 1;
  const balance = planes === 3 && input.whiteBalance ? input.whiteBalance : ([1, 1, 1] as const);
  const auto = stretch === 'auto';
  const backgrounds = auto ? (pixelType === 'f32' ? sampleFloats(input) : sampleIntegers(work, input)) : [];
  const encoding = encodingFor(input, backgrounds);
  const light = decoder(input, encoding);
  const transfers = auto
    ? autoTransfers(backgrounds, balance, input)
    : new Array<MidtonesTransfer>(planes).fill(linearTransfer);
  const display = auto || transfer === 'srgb' ? (x: number) => x : srgbFromLinear;
  const tables: number[] = [];
  for (let plane = 0; plane < planes; plane++) {
    const { shadows, midtones } = transfers[plane]!;
    const same = tables.findIndex(
      (_, other) => transfers[other] === transfers[plane] && balance[other] === balance[plane],
    );
    const brightness = (value: number): number => {
      // Above the white level all is white.
      if (light(value) * Math.min(1, balance[plane]!) >= 1) return 255;
      const x = Math.min(1, light(value) * balance[plane]!);
      const y = midtonesTransfer(midtones, (compressRange(drc, x) - shadows) / Math.max(1e-6, 1 - shadows));
      return Math.round(255 * display(y));
    };
    tables.push(same >= 0 ? tables[same]! : risingTable(work, brightness));
  }
  return { tables, encoding };
}

/** Kept from call to call: new ones for each preview made more garbage than anything else in a worker. */
const table = new Uint8Array(tableSize);

/**
 * A table of a function that never falls and has 256 values: between two places of the same brightness all is the same, so
 * a few thousand of its 65536 places are evaluated.
 */
function risingTable(work: Scratch, brightness: (value: number) => number): number {
  const fill = (first: number, last: number, lowest: number, highest: number) => {
    if (lowest === highest) table.fill(lowest, first, last + 1);
    else if (last - first === 1) {
      table[first] = lowest;
      table[last] = highest;
    } else {
      const middle = (first + last) >> 1;
      const value = brightness(middle);
      fill(first, middle, lowest, value);
      fill(middle, last, value, highest);
    }
  };
  fill(0, tableSize - 1, brightness(0), brightness(tableSize - 1));
  const pointer = work.take(tableSize);
  work.bytes.set(table, pointer);
  return pointer;
}

const lightRange = ({ blackLevel, whiteLevel }: PreviewInput): number => Math.max(1e-30, whiteLevel - blackLevel);

/** Floats keep what is below the black level (a sky that was subtracted), as far as its noise reaches. */
function encodingFor(input: PreviewInput, backgrounds: Background[]): Encoding {
  const { blackLevel } = input;
  const range = lightRange(input);
  const lowest = Math.min(0, ...backgrounds.map(({ median, mad }) => median - 8 * mad));
  const low = blackLevel + lowest * range;
  return { low, scale: 1 / (range * (1 - lowest)) };
}

/** The light (0 black level … 1 white level) of a 16-bit value of a row. */
function decoder(input: PreviewInput, { low, scale }: Encoding): (value: number) => number {
  const { pixelType, blackLevel } = input;
  const range = lightRange(input);
  if (pixelType === 'f32') return (value) => ((value / 65_535) ** 2 / scale + low - blackLevel) / range;
  const unit = pixelType === 'u8' ? 1 / 256 : 1;
  return (value) => (value * unit - blackLevel) / range;
}

/**
 * With a known white balance the channels share one transfer, which keeps the colours; without, each has its own, which
 * makes the sky grey.
 */
function autoTransfers(
  backgrounds: Background[],
  balance: readonly number[],
  { transfer, whiteBalance, drc }: PreviewInput,
): MidtonesTransfer[] {
  if (transfer === 'srgb' && Math.max(...backgrounds.map(({ median }) => median)) >= nearlyBlack)
    return backgrounds.map(() => linearTransfer);
  const balanced = backgrounds.map(({ median, mad }, plane) =>
    compressBackground(drc, { median: Math.min(1, Math.max(0, median * balance[plane]!)), mad: mad * balance[plane]! }),
  );
  const linked = balanced.length > 1 && (whiteBalance !== null || transfer === 'srgb');
  if (!linked) return balanced.map(autoTransfer);
  const mean = (of: (background: Background) => number) =>
    balanced.reduce((sum, b) => sum + of(b), 0) / balanced.length;
  const shared = autoTransfer({ median: mean(({ median }) => median), mad: mean(({ mad }) => mad) });
  return balanced.map(() => shared);
}

/** Pairs of rows (a mosaic's two kinds) spread over the picture. */
function* sampledRows(height: number): Generator<number> {
  const step = Math.max(2, 2 * Math.floor(height / (2 * sampledPairs)));
  for (let top = 0; top < height; top += step) for (let y = top; y < Math.min(height, top + 2); y++) yield y;
}

/** A histogram out of the scratch: views of shared memory are slow in V8. */
const histogram = new Uint32Array(tableSize);
const histogramBytes = Buffer.from(histogram.buffer);

/** Median and MAD of each channel, as light. */
function sampleIntegers(work: Scratch, input: PreviewInput): Background[] {
  const { data, width, height, pixelType, blackLevel } = input;
  const bytes = bytesPerSample[pixelType];
  const frame = Buffer.from(data as unknown as ArrayBuffer);
  const block = work.take(width * bytes);
  const bins = work.take(tableSize * 4);
  const count = work.kernels[pixelType === 'u8' ? 'countU8' : 'countU16']!;
  return latticesOf(input).map(({ plane, offsets, step }) => {
    work.u32(bins, tableSize).fill(0);
    for (const y of sampledRows(height)) {
      const from = (plane * height + y) * width * bytes;
      if (offsets[y % 2]!.length > 0) frame.copy(work.bytes, block, from, from + width * bytes);
      for (const offset of offsets[y % 2]!)
        count(block + offset * bytes, samplesInRow(width, offset, step), step, bins);
    }
    work.bytes.copy(histogramBytes, 0, bins, bins + histogramBytes.length);
    const { counts, samples } = filled(histogram);
    const median = medianOfCounts(counts, samples);
    const range = lightRange(input);
    return samples === 0
      ? { median: 0, mad: 0 }
      : { median: (median - blackLevel) / range, mad: madOfCounts(counts, samples, median) / range };
  });
}

/** The bins up to the last one that counts, and the sum of them: most of a histogram is empty. */
function filled(bins: Uint32Array): { counts: Uint32Array; samples: number } {
  let end = bins.length;
  while (end > 0 && bins[end - 1] === 0) end--;
  let samples = 0;
  for (let i = 0; i < end; i++) samples += bins[i]!;
  return { counts: bins.subarray(0, end), samples };
}

/** Samples of each channel that are sorted, about: 0.7 % of sigma on the median. */
const floatSamples = 32_768;

function sampleFloats(input: PreviewInput): Background[] {
  const { data, width, height, blackLevel } = input;
  const pixels = new Float32Array(data);
  const rows = [...sampledRows(height)];
  return latticesOf(input).map(({ plane, offsets, step }) => {
    const stride = step * Math.max(1, Math.floor((width * rows.length) / (step * floatSamples)));
    const light: number[] = [];
    for (const y of rows)
      for (const offset of offsets[y % 2]!)
        for (let x = offset; x < width; x += stride) {
          const value = pixels[(plane * height + y) * width + x]!;
          if (Number.isFinite(value)) light.push((value - blackLevel) / lightRange(input));
        }
    if (light.length === 0) return { median: 0, mad: 0 };
    const median = middleOf(light);
    return { median, mad: middleOf(light.map((value) => Math.abs(value - median))) };
  });
}

const middleOf = (values: number[]): number => Float64Array.from(values).sort()[values.length >> 1]!;
