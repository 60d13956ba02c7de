/** Weights for making `from` samples into fewer: each new sample is the mean of the area that it covers. */

/** 1 in Q14, which fits a signed 16-bit number. */
export const fullWeight = 16_384;

export interface Taps {
  /** The first sample that counts. */
  first: number;
  /** Weights of it and of the next two; they add up to `fullWeight`. */
  weights: [number, number, number];
}

/** @param from Samples there are, at most twice `to`. @param to Samples wanted. */
export function areaTaps(from: number, to: number): Taps[] {
  const ratio = from / to;
  return Array.from({ length: to }, (_, i) => {
    const start = i * ratio;
    const end = Math.min(from, start + ratio);
    const first = Math.min(from - 1, Math.floor(start + 1e-9));
    const share = (k: number) => Math.max(0, Math.min(end, first + k + 1) - Math.max(start, first + k)) / (end - start);
    const second = Math.round(share(1) * fullWeight);
    const third = Math.round(share(2) * fullWeight);
    return { first, weights: [fullWeight - second - third, second, third] };
  });
}
