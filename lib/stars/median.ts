/** The median of a few numbers; the mean of the middle two when their number is even, NaN without any. */
export function median(values: ArrayLike<number>): number {
  const { length } = values;
  if (length === 0) return Number.NaN;
  const sorted = new Float64Array(length);
  for (let i = 0; i < length; i++) sorted[i] = values[i]!;
  sorted.sort();
  const half = length >> 1;
  return length % 2 === 1 ? sorted[half]! : (sorted[half - 1]! + sorted[half]!) / 2;
}
