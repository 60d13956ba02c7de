/** Where the maps of a calibration lie in its shared memory: what is subtracted, what is multiplied, a lane for each worker. */
import { wasmPageBytes } from '../kernels/wasm-memory.ts';

export interface MapLayout {
  samples: number;
  /** f32 a sample: bias, scaled dark, or both, ADU. */
  dark: number;
  /** f32 a sample: mean of the flat / flat. 0 without a flat. */
  gain: number;
  /** One area of `laneBytes` for each frame that is worked on at the same time: its samples, then room for the result. */
  lanes: number;
  laneBytes: number;
  laneCount: number;
  total: number;
}

/** Samples of a block: with both maps 192 kB, which stay in a second-level cache. */
export const blockSamples = 16_384;

export function layOutMaps(samples: number, withGain: boolean, laneCount: number): MapLayout {
  const room = (bytes: number) => Math.ceil(bytes / 64) * 64 + 64;
  const laneBytes = 2 * room(blockSamples * 4);
  const dark = wasmPageBytes;
  const gain = withGain ? dark + room(samples * 4) : 0;
  const lanes = dark + room(samples * 4) * (withGain ? 2 : 1);
  return { samples, dark, gain, lanes, laneBytes, laneCount, total: lanes + laneCount * laneBytes };
}
