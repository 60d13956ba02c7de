/** The worker's side of preparing a calibration: masters of any sample type become one map to subtract and one to multiply. */
import { type Kernels, kernelsOn } from '../kernels/wasm.ts';
import { colourAt, type Mosaicked } from './calibrate-colours.ts';
import { blockSamples, type MapLayout } from './calibrate-maps.ts';
import { bytesPerSample, type FrameFields } from './frame.ts';

/** A master's samples; times `scale` they are ADU of the frames. */
export interface Plate extends Pick<FrameFields, 'data' | 'pixelType'> {
  scale: number;
}

export interface PrepareInput extends Mosaicked {
  memory: WebAssembly.Memory;
  layout: MapLayout;
}

export interface DarkInput extends PrepareInput {
  bias: Plate | null;
  dark: Plate | null;
  /** Factor of the dark above the bias; 1 when there is no bias. */
  factor: number;
  /** What is subtracted when there is neither, ADU. */
  black: number;
  /** Where a dark pixel is so bright that the light in it is lost in its noise, ADU above the dark's mean. */
  useless: number;
}

export interface PreparedDark {
  /** ADU, of the pixels that have a value. */
  mean: number;
  /** Indices (u32): pixels without a value, or useless. */
  defects: SharedArrayBuffer;
  /** How many of these have no value. */
  holes: number;
}

export interface GainInput extends PrepareInput {
  flat: Plate;
  /** Bias or dark of the flat. */
  flatDark: Plate | null;
  /** What is subtracted without one, ADU. */
  black: number;
  /** One level for each colour, or one for all. */
  perColour: boolean;
}

export interface PreparedGain {
  /** Mean of the flat by colour (R, G, B; or one), ADU above black. */
  levels: number[];
  /** Gain that a thousandth of the pixels is above. */
  high: number;
  /** Pixels too dark to divide by, unless they are too many to be defects; and what part (0...1) they are. */
  defects: SharedArrayBuffer;
  tooDark: number;
}

/** A flat's pixel below this part of the mean is no measurement of the light that falls there. */
const darkestFlat = 0.05;
/** More defects than this part are no defects but the shape of the picture (the corners of an all-sky lens): not listed. */
export const mostDefects = 0.01;

export function prepareDark(input: DarkInput): PreparedDark {
  const { memory, layout, bias, dark, factor, black, useless } = input;
  const map = new MapWriter(memory, layout);
  map.eachBlock((at, start, count) => {
    const base = bias ?? dark;
    if (base) map.load(base, layout.dark + at, start, count);
    else map.view(layout.dark + at, count).fill(black);
    if (bias && dark) {
      map.load(dark, map.spare, start, count);
      map.kernels.scaleAboveF32!(layout.dark + at, map.spare, count, factor);
    }
  });
  let [sum, known] = [0, 0];
  map.eachValue(layout.dark, (value) => {
    if (!Number.isFinite(value)) return;
    sum += value;
    known++;
  });
  const mean = known > 0 ? sum / known : Number.NaN;
  const list = new DefectList(layout.samples);
  let holes = 0;
  map.eachValue(layout.dark, (value, index, values, i) => {
    if (Math.abs(value - mean) <= useless) return;
    if (!Number.isFinite(value)) holes++;
    // Nothing can be got out of these; the products of the kernels stay bounded.
    values[i] = mean;
    list.add(index);
  });
  return { mean, defects: list.shared(), holes };
}

export function prepareGain(input: GainInput): PreparedGain {
  const { memory, layout, flat, flatDark, black, perColour } = input;
  const map = new MapWriter(memory, layout);
  map.eachBlock((at, start, count) => {
    map.load(flat, layout.gain + at, start, count);
    if (flatDark) map.load(flatDark, map.spare, start, count);
    else map.view(map.spare, count).fill(black);
    map.kernels.subtractF32!(layout.gain + at, map.spare, count);
  });
  const colourOf = perColour ? colourAt(input) : () => 0;
  const overall = meansAbove(map, layout.gain, () => 0, [-Infinity])[0]!;
  if (!(overall > 0)) return { levels: [overall], high: Number.NaN, defects: new SharedArrayBuffer(0), tooDark: 1 };
  const floor = darkestFlat * overall;
  const colours = perColour && (input.bayer || input.channels === 3) ? 3 : 1;
  const levels = meansAbove(map, layout.gain, colourOf, Array<number>(colours).fill(floor));
  const list = new DefectList(layout.samples);
  const counts = new Uint32Array(histogramBins);
  map.eachValue(layout.gain, (value, index, values, i) => {
    const level = levels[colourOf(index)]!;
    if (!(value > darkestFlat * level && value < Infinity)) {
      values[i] = 1;
      list.add(index);
      return;
    }
    const gain = level / value;
    values[i] = gain;
    counts[Math.floor(gain * binsPerUnit)]!++;
  });
  return { levels, high: quantile(counts, 0.999), defects: list.shared(), tooDark: list.count / layout.samples };
}

/** A gain is at most 1 / darkestFlat. */
const binsPerUnit = 200;
const histogramBins = binsPerUnit / darkestFlat + 1;

function quantile(counts: Uint32Array, part: number): number {
  let left = part * counts.reduce((a, b) => a + b, 0);
  for (const [bin, count] of counts.entries()) {
    left -= count;
    if (left <= 0) return (bin + 1) / binsPerUnit;
  }
  return 1;
}

function meansAbove(map: MapWriter, at: number, colourOf: (index: number) => number, floors: number[]): number[] {
  const sums = floors.map(() => 0);
  const known = floors.map(() => 0);
  map.eachValue(at, (value, index) => {
    const colour = colourOf(index);
    if (!(value > floors[colour]! && value < Infinity)) return;
    sums[colour]! += value;
    known[colour]!++;
  });
  return sums.map((sum, colour) => (known[colour]! > 0 ? sum / known[colour]! : Number.NaN));
}

class MapWriter {
  readonly kernels: Kernels;
  readonly spare: number;
  private readonly raw: number;
  private readonly bytes: Buffer;
  private readonly memory: WebAssembly.Memory;
  private readonly samples: number;

  /** Nothing is calibrated while maps are prepared: the room for blocks is free. */
  constructor(memory: WebAssembly.Memory, layout: MapLayout) {
    this.memory = memory;
    this.kernels = kernelsOn(memory);
    this.bytes = Buffer.from(memory.buffer as unknown as ArrayBuffer);
    this.samples = layout.samples;
    this.raw = layout.light;
    this.spare = layout.result;
  }

  /** `at` in bytes of an f32 map. */
  eachBlock(use: (at: number, start: number, count: number) => void): void {
    for (let start = 0; start < this.samples; start += blockSamples)
      use(start * 4, start, Math.min(blockSamples, this.samples - start));
  }

  load({ data, pixelType, scale }: Plate, target: number, start: number, count: number): void {
    const size = bytesPerSample[pixelType];
    Buffer.from(data as unknown as ArrayBuffer).copy(this.bytes, this.raw, start * size, (start + count) * size);
    this.kernels[`floatsFrom${pixelType.toUpperCase()}`]!(target, this.raw, count, scale);
  }

  view(pointer: number, count: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, count);
  }

  /** Visits a map's values; what `use` writes to `values[i]` is kept. A copy, since views of shared memory are slow in V8. */
  eachValue(map: number, use: (value: number, index: number, values: Float32Array, i: number) => void): void {
    this.eachBlock((at, start, count) => {
      const shared = this.view(map + at, count);
      const values = new Float32Array(shared);
      for (let i = 0; i < count; i++) use(values[i]!, start + i, values, i);
      shared.set(values);
    });
  }
}

/** Collects indices until they are too many to be defects. */
class DefectList {
  private readonly indices: number[] = [];
  private readonly limit: number;
  count = 0;

  constructor(samples: number) {
    this.limit = Math.ceil(mostDefects * samples);
  }

  add(index: number): void {
    this.count++;
    if (this.indices.length <= this.limit) this.indices.push(index);
  }

  /** Empty when there are too many. */
  shared(): SharedArrayBuffer {
    const kept = this.indices.length > this.limit ? [] : this.indices;
    const list = new SharedArrayBuffer(kept.length * 4);
    new Uint32Array(list).set(kept);
    return list;
  }
}
