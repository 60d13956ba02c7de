/** Samples for the kernels' tests: seeded noise in shared memory, and views of it. */
import type { SampleType } from '../../lib/kernels/fold.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';

const bytes = { u8: 1, u16: 2, f32: 4 } as const;

export const view = (data: SharedArrayBuffer, type: SampleType): Uint8Array | Uint16Array | Float32Array =>
  type === 'u8' ? new Uint8Array(data) : type === 'u16' ? new Uint16Array(data) : new Float32Array(data);

/** Uniform numbers in 0…1, the same for the same seed (mulberry32). */
export function generator(seed: number): () => number {
  let state = seed | 0;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let t = Math.imul(state ^ (state >>> 15), 1 | state);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The whole range of the type; a tenth of the floats is NaN, and some are negative. */
export function random(seed: number, samples: number, type: SampleType): SharedArrayBuffer {
  const next = generator(seed);
  return shared(type, samples, () => {
    const value = next();
    return type === 'f32' ? (value < 0.1 ? Number.NaN : value * 1000 - 300) : value * (type === 'u8' ? 256 : 65536);
  });
}

export function shared(type: SampleType, samples: number, value: (index: number) => number): SharedArrayBuffer {
  const data = allocateShared(samples * bytes[type]);
  const target = view(data, type);
  for (let i = 0; i < samples; i++) target[i] = value(i);
  return data;
}
