/** Statistics of floating-point frames: moments in one pass, median and MAD by an exact selection on the bits of the values. */
import type { Scratch } from '../kernels/wasm.ts';
import type { ChannelStatistics, FrameStatistics, Histogram } from './statistics.ts';
import { type Lattice, type StatisticsInput, samplesInRow, takeBlock, visitRows } from './statistics-rows.ts';

const binCount = 65_536;
const histogramBins = 256;

/** Calls a kernel with the pointer, count and step of each row's share of the lattice. */
type Visit = (call: (row: number, count: number, step: number) => void) => void;

export function measureFloats(work: Scratch, input: StatisticsInput, lattices: Lattice[]): FrameStatistics {
  const block = takeBlock(work, input);
  const bins = work.take(binCount * 4);
  const moments = work.take(48);
  const over =
    (wanted: Lattice[]): Visit =>
    (call) => {
      for (const { plane, offsets, step } of wanted)
        visitRows(work, input, plane, block, (row, y) => {
          for (const offset of offsets[y % 2]!) call(row + offset * 4, samplesInRow(input.width, offset, step), step);
        });
    };
  const measured = (visit: Visit, channel: ChannelStatistics['channel']) =>
    measureVisited(work, visit, channel, input.whiteLevel, bins, moments);
  const perChannel = lattices.map((lattice) => measured(over([lattice]), lattice.channel));
  const overall = lattices.length === 1 ? perChannel[0]! : measured(over(lattices), 'all');
  const low = Math.min(0, Number.isFinite(overall.minimum) ? overall.minimum : 0);
  const high = Math.max(input.whiteLevel, Number.isFinite(overall.maximum) ? overall.maximum : 0);
  const histogram = lattices.map((lattice): Histogram => {
    const counts = work.u32(bins, histogramBins);
    counts.fill(0);
    const scale = histogramBins / (high - low || 1);
    over([lattice])((row, count, step) => work.kernels.binF32!(row, count, step, bins, histogramBins, low, scale));
    return { counts: Array.from(counts), low, high };
  });
  return { ...overall, perChannel, histogram };
}

function measureVisited(
  work: Scratch,
  visit: Visit,
  channel: ChannelStatistics['channel'],
  whiteLevel: number,
  bins: number,
  moments: number,
): ChannelStatistics {
  const select = (rank: number, absolute: boolean, centre: number) =>
    selectFloat(work, visit, bins, rank, absolute, centre);
  const view = work.f64(moments, 6);
  const measureMoments = (shift: number): Float64Array => {
    view.set([0, 0, 0, Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY, 0]);
    visit((row, count, step) => work.kernels.momentsF32!(row, count, step, moments, shift, whiteLevel));
    return view;
  };
  const [samples, , , minimum, maximum, saturated] = measureMoments(0) as unknown as [
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  if (samples === 0) {
    const none = Number.NaN;
    return {
      channel,
      samples,
      minimum: none,
      maximum: none,
      mean: none,
      median: none,
      standardDeviation: none,
      mad: none,
      saturatedFraction: none,
    };
  }
  const middle = (absolute: boolean, centre: number) => {
    const upper = select(Math.floor(samples / 2), absolute, centre);
    return samples % 2 ? upper : (select(samples / 2 - 1, absolute, centre) + upper) / 2;
  };
  const median = middle(false, 0);
  const mad = middle(true, median);
  // Around the median the squares don't cancel.
  const [, sum, squares] = measureMoments(median) as unknown as [number, number, number];
  const shifted = sum / samples;
  return {
    channel,
    samples,
    minimum,
    maximum,
    mean: median + shifted,
    median,
    standardDeviation: Math.sqrt(Math.max(0, squares / samples - shifted * shifted)),
    mad,
    saturatedFraction: saturated / samples,
  };
}

/** The value of a rank (0 = the smallest): first its upper 16 bits, then its lower ones. */
function selectFloat(
  work: Scratch,
  visit: Visit,
  bins: number,
  rank: number,
  absolute: boolean,
  centre: number,
): number {
  const bin = (prefix: number, wanted: number): { bin: number; before: number } => {
    const counts = work.u32(bins, binCount);
    counts.fill(0);
    visit((row, count, step) => work.kernels.countBitsF32!(row, count, step, bins, prefix, absolute ? 1 : 0, centre));
    let before = 0;
    for (let i = 0; i < binCount; i++) {
      if (before + counts[i]! > wanted) return { bin: i, before };
      before += counts[i]!;
    }
    return { bin: binCount - 1, before };
  };
  const upper = bin(-1, rank);
  const lower = bin(upper.bin, rank - upper.before);
  const ordered = ((upper.bin << 16) | lower.bin) >>> 0;
  const bits = ordered & 0x8000_0000 ? ordered & 0x7fff_ffff : ~ordered >>> 0;
  return new Float32Array(new Uint32Array([bits]).buffer)[0]!;
}
