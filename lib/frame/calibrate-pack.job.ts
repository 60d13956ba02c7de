/** The worker's side of packing the maps of a calibration into half their size. */
import { blockSamples, type MapLayout, type PackedMaps } from './calibrate-maps.ts';

export interface PackInput {
  from: { memory: WebAssembly.Memory; layout: MapLayout };
  to: { memory: WebAssembly.Memory; layout: MapLayout };
  /** ADU: the mean of the dark. */
  mean: number;
  /** Gain that a thousandth of the pixels is above. */
  high: number;
}

/** More pixels apart than this part would cost more than packing saves. */
const mostApart = 0.01;
/** Of 65536 sixteenths, so many lie below the mean: darks reach further up than down. */
const belowMean = 16_384;

/** Null when too many pixels don't fit. */
export function pack({ from, to, mean, high }: PackInput): PackedMaps | null {
  const { samples, dark, gain } = from.layout;
  const shift = gain === 0 ? 0 : high < 1.9 ? 11 : 10;
  const unit = 2 ** (shift + 4);
  const base = Math.round(16 * mean) - belowMean;
  const apart: number[] = [];
  const values: number[] = [];
  for (let start = 0; start < samples; start += blockSamples) {
    const count = Math.min(blockSamples, samples - start);
    // Copies, since views of shared memory are slow in V8.
    const darks = new Float32Array(new Float32Array(from.memory.buffer, dark + start * 4, count));
    const gains = gain ? new Float32Array(new Float32Array(from.memory.buffer, gain + start * 4, count)) : null;
    const packedDark = new Uint16Array(count);
    const packedGain = new Uint16Array(count);
    for (let i = 0; i < count; i++) {
      const factor = gains ? Math.round(gains[i]! * unit) : 1;
      const level = Math.round(16 * darks[i]! * (gains ? factor / unit : 1)) - base;
      if (factor > 65535 || level < 0 || level > 65535) {
        apart.push(start + i);
        values.push(darks[i]!, gains ? gains[i]! : 1);
      }
      packedDark[i] = level;
      packedGain[i] = factor;
    }
    if (apart.length > mostApart * samples) return null;
    new Uint16Array(to.memory.buffer, to.layout.dark + start * 2, count).set(packedDark);
    if (gains) new Uint16Array(to.memory.buffer, to.layout.gain + start * 2, count).set(packedGain);
  }
  const indices = new SharedArrayBuffer(apart.length * 4);
  new Uint32Array(indices).set(apart);
  const pairs = new SharedArrayBuffer(values.length * 4);
  new Float32Array(pairs).set(values);
  return { shift, base, indices, values: pairs };
}
