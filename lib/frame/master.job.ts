/** The worker's side of master flats. */
import type { PixelType } from './frame.ts';

export interface FlatInput {
  /** f32, changed in place: nobody else has it yet. */
  data: SharedArrayBuffer;
  samples: number;
  /** What is in the flats besides light, or null to take out `black` alone. */
  dark: { data: SharedArrayBuffer; pixelType: PixelType } | null;
  /** The level about which the flats were scaled, ADU. */
  black: number;
  /** Mean factor of the flats. */
  scale: number;
}

const blockSamples = 65_536;

export function subtractFlatDark({ data, samples, dark, black, scale }: FlatInput): void {
  const all = new Float32Array(data);
  const taken = dark && view(dark);
  for (let start = 0; start < samples; start += blockSamples) {
    const end = Math.min(samples, start + blockSamples);
    // Copies, since views of shared memory are slow in V8.
    const block = new Float32Array(all.subarray(start, end));
    const own = taken && Float32Array.from(taken.subarray(start, end));
    for (let i = 0; i < block.length; i++) block[i]! -= black + (own ? scale * (own[i]! - black) : 0);
    all.set(block, start);
  }
}

function view({ data, pixelType }: NonNullable<FlatInput['dark']>): Uint8Array | Uint16Array | Float32Array {
  return pixelType === 'u8'
    ? new Uint8Array(data)
    : pixelType === 'u16'
      ? new Uint16Array(data)
      : new Float32Array(data);
}
