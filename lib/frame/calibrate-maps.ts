/** Where the maps of a calibration lie in its shared memory: what is subtracted, what is multiplied, room for a block. */
import { wasmPageBytes } from '../kernels/wasm-memory.ts';
import type { Frame } from './frame.ts';

export interface MapLayout {
  samples: number;
  /** f32 a sample: bias, scaled dark, or both, ADU. Packed: u16, see PackedMaps. */
  dark: number;
  /** f32 a sample: mean of the flat / flat. 0 without a flat. */
  gain: number;
  /** Room for a block of samples, and for its result. */
  light: number;
  result: number;
  total: number;
}

/**
 * Maps of half the size for 16-bit frames, exact to a sixteenth of an ADU and, for what is far above the dark, to 1/32768
 * (1/16384 where gains above 2 are common). The few pixels that don't fit are kept apart.
 */
export interface PackedMaps {
  /** A gain of 1 is 2^(shift + 4); 0 without a flat. */
  shift: 11 | 10 | 0;
  /** Sixteenths of an ADU that the map of the dark begins at. */
  base: number;
  /** Of the pixels kept apart: indices (u32), and dark and gain (f32 pairs). */
  indices: SharedArrayBuffer;
  values: SharedArrayBuffer;
}

export interface Maps {
  memory: WebAssembly.Memory;
  layout: MapLayout;
  packed: PackedMaps | null;
}

/** Samples of a block: light, result and packed maps take 512 kB, which stay in a second-level cache. */
export const blockSamples = 65_536;

export function layOutMaps(samples: number, withGain: boolean, bytesPerValue: 2 | 4): MapLayout {
  const room = (bytes: number) => Math.ceil(bytes / 64) * 64 + 64;
  const dark = wasmPageBytes;
  const gain = withGain ? dark + room(samples * bytesPerValue) : 0;
  const light = dark + room(samples * bytesPerValue) * (withGain ? 2 : 1);
  const result = light + room(blockSamples * 4);
  return { samples, dark, gain, light, result, total: result + room(blockSamples * 4) };
}

/** What a calibrated frame's samples are: see CalibrateOptions.format. */
export const resultType = (
  { pixelType }: Pick<Frame, 'pixelType'>,
  { format = 'auto' }: { format?: 'auto' | 'f32' },
): 'u16' | 'f32' => (pixelType === 'u16' && format !== 'f32' ? 'u16' : 'f32');
