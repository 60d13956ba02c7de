/** The worker's side of the statistics: streams the frame through the counting kernels. */
import { type Scratch, scratch } from '../kernels/wasm.ts';
import { bytesPerSample } from './frame.ts';
import type { FrameStatistics } from './statistics.ts';
import { countsToHistogram, measureCounts } from './statistics-counts.ts';
import { measureFloats } from './statistics-float.ts';
import {
  type Lattice,
  latticesOf,
  type StatisticsInput,
  samplesInRow,
  takeBlock,
  visitRows,
} from './statistics-rows.ts';

export function measure(input: StatisticsInput): FrameStatistics {
  const work = scratch();
  const lattices = latticesOf(input);
  return input.pixelType === 'f32' ? measureFloats(work, input, lattices) : measureIntegers(work, input, lattices);
}

function measureIntegers(work: Scratch, input: StatisticsInput, lattices: Lattice[]): FrameStatistics {
  const { width, pixelType, whiteLevel } = input;
  const bytes = bytesPerSample[pixelType];
  const values = pixelType === 'u8' ? 256 : 65536;
  const block = takeBlock(work, input);
  const pointers = lattices.map(() => work.take(values * 4));
  for (const pointer of pointers) work.u32(pointer, values).fill(0);
  const count = work.kernels[pixelType === 'u8' ? 'countU8' : 'countU16']!;
  for (const plane of new Set(lattices.map((lattice) => lattice.plane)))
    visitRows(work, input, plane, block, (row, y) => {
      for (const [index, { plane: own, offsets, step }] of lattices.entries())
        if (own === plane)
          for (const offset of offsets[y % 2]!)
            count(row + offset * bytes, samplesInRow(width, offset, step), step, pointers[index]!);
    });
  // Copies, since views of shared memory are slow in V8 and these are read many times.
  const counts = pointers.map((pointer) => new Uint32Array(work.u32(pointer, values)));
  const perChannel = counts.map((each, i) => measureCounts(each, lattices[i]!.channel, whiteLevel));
  const all = new Uint32Array(values);
  for (const each of counts) for (let v = 0; v < values; v++) all[v] = all[v]! + each[v]!;
  const overall = lattices.length === 1 ? perChannel[0]! : measureCounts(all, 'all', whiteLevel);
  const high = Math.max(whiteLevel, Number.isNaN(overall.maximum) ? 0 : overall.maximum);
  return { ...overall, perChannel, histogram: counts.map((each) => countsToHistogram(each, high)) };
}
