/** Weights for making `from` samples into fewer: each new sample is the mean of the area that it covers. */

export interface Taps {
  /** The first sample that counts. */
  first: number;
  /** Weights (Q15) of it and of the next two; they add up to 32768. */
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
    const second = Math.round(share(1) * 32_768);
    const third = Math.round(share(2) * 32_768);
    return { first, weights: [32_768 - second - third, second, third] };
  });
}
