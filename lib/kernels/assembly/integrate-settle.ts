/**
 * The samples of one pixel, sorted: outliers leave at both ends, the rest is averaged or its median taken.
 *
 * A rejection works as published and as in Siril, so that the results can be compared: samples further than kappa sigma
 * from the median leave, then median and sigma (n - 1) are taken anew, until none leaves. Winsorised: sigma is that of the
 * samples pulled to median +- 1.5 sigma, times 1.134, repeated until it changes by less than 0.0005 of itself (Huber 1981).
 *
 * `rules` holds f64: kappa low, kappa high, and i32 at 16: rejection (0 none, 1 sigma clipping, 2 winsorised), at 20: not 0
 * for the median of what is left instead of the mean.
 */

/** What `settle` finds: the kept samples are the sorted ones from `first` to before `end`. */
export let first: i32 = 0;
export let end: i32 = 0;
export let result: f64 = 0;

// @ts-ignore: decorator
@inline
function sample<T>(column: usize, k: i32): f64 {
  return <f64>load<T>(column + (<usize>k << 4));
}

// @ts-ignore: decorator
@inline
function middle<T>(column: usize, from: i32, to: i32): f64 {
  const n = to - from;
  const half = from + (n >> 1);
  return n & 1 ? sample<T>(column, half) : 0.5 * (sample<T>(column, half - 1) + sample<T>(column, half));
}

/** Sigma of the 16-bit samples in single precision, mean and squares rounded as Siril's are: it settles ties. */
function singleSigma(column: usize, from: i32, to: i32): f32 {
  let sum: f64 = 0;
  for (let k = from; k < to; k++) sum += sample<u16>(column, k);
  const mean = <f32>(sum / <f64>(to - from));
  let squares: f64 = 0;
  for (let k = from; k < to; k++) {
    const deviation = <f32>load<u16>(column + (<usize>k << 4)) - mean;
    squares += <f64>(deviation * deviation);
  }
  return sqrt<f32>(<f32>(squares / <f64>(to - from - 1)));
}

/** Sigma of the samples pulled to the median +- 1.5 sigma; `sums` holds running sums of d and d^2 (f64 pairs). */
// @ts-ignore: decorator
@inline
function winsorisedSigma<T>(column: usize, sums: usize, pivot: f64, median: f64, start: f64): f64 {
  const n = <f64>(end - first);
  let sigma = start;
  let low = -Infinity;
  let high = Infinity;
  let a = first;
  let b = end;
  for (let round = 0; round < 100; round++) {
    let from = median - 1.5 * sigma;
    let to = median + 1.5 * sigma;
    if (isInteger<T>()) {
      from = max<f64>(0, min<f64>(65535, floor<f64>(from + 0.5)));
      to = max<f64>(0, min<f64>(65535, floor<f64>(to + 0.5)));
    }
    // Pulled samples stay where they are when the limits widen again.
    low = max<f64>(low, from);
    high = min<f64>(high, to);
    while (a < b && sample<T>(column, a) < low) a++;
    while (b > a && sample<T>(column, b - 1) > high) b--;
    const below = <f64>(a - first);
    const above = <f64>(end - b);
    const l = below > 0 ? low - pivot : 0;
    const h = above > 0 ? high - pivot : 0;
    const A = sums + (<usize>a << 4);
    const B = sums + (<usize>b << 4);
    const sum = below * l + above * h + load<f64>(B) - load<f64>(A);
    const squares = below * l * l + above * h * h + load<f64>(B, 8) - load<f64>(A, 8);
    const before = sigma;
    sigma = 1.134 * sqrt<f64>(max<f64>(0, (squares - (sum * sum) / n) / (n - 1)));
    if (abs<f64>(sigma - before) <= before * 0.0005) break;
  }
  return sigma;
}

/** One pixel's rejection and combination over its `n` sorted samples, every 16 bytes from `column` on. */
export function settle<T>(column: usize, n: i32, rules: usize, sums: usize): void {
  const rejection = load<i32>(rules, 16);
  const pivot = sample<T>(column, n >> 1);
  first = 0;
  end = n;
  // Running sums of deviations, exact for integers.
  let sum: f64 = 0;
  let squares: f64 = 0;
  store<f64>(sums, 0);
  store<f64>(sums, 0, 8);
  for (let k = 0; k < n; k++) {
    const d = sample<T>(column, k) - pivot;
    sum += d;
    squares += d * d;
    store<f64>(sums + (<usize>k << 4), sum, 16);
    store<f64>(sums + (<usize>k << 4), squares, 24);
  }
  let median = middle<T>(column, 0, n);
  if (rejection > 0 && n > 2) {
    let rejected = 0;
    let changed = true;
    while (changed) {
      const kept = <f64>(end - first);
      let sigma = sqrt<f64>(max<f64>(0, (squares - (sum * sum) / kept) / (kept - 1)));
      if (rejection == 2) sigma = winsorisedSigma<T>(column, sums, pivot, median, sigma);
      // At least four stay; what left before counts twice, as in Siril.
      let allowed = end - first - rejected - 4;
      let reachLow = load<f64>(rules) * sigma;
      let reachHigh = load<f64>(rules, 8) * sigma;
      if (isInteger<T>() && rejection == 1) {
        const low = median - sample<T>(column, first);
        const high = sample<T>(column, end - 1) - median;
        if (abs<f64>(low - reachLow) <= 1e-5 * reachLow || abs<f64>(high - reachHigh) <= 1e-5 * reachHigh) {
          const single = singleSigma(column, first, end);
          reachLow = <f64>(<f32>load<f64>(rules) * single);
          reachHigh = <f64>(<f32>load<f64>(rules, 8) * single);
        }
      }
      changed = false;
      while (allowed > 0) {
        const low = (median - sample<T>(column, first)) - reachLow;
        const high = (sample<T>(column, end - 1) - median) - reachHigh;
        if (!(low > 0) && !(high > 0)) break;
        if (low > high) first++;
        else end--;
        allowed--;
        rejected++;
        changed = true;
      }
      if (end - first <= 3) changed = false;
      if (changed) {
        median = middle<T>(column, first, end);
        const a = sums + (<usize>first << 4);
        const b = sums + (<usize>end << 4);
        sum = load<f64>(b) - load<f64>(a);
        squares = load<f64>(b, 8) - load<f64>(a, 8);
      }
    }
    const a = sums + (<usize>first << 4);
    const b = sums + (<usize>end << 4);
    sum = load<f64>(b) - load<f64>(a);
  }
  if (load<i32>(rules, 20)) result = middle<T>(column, first, end);
  else if (isInteger<T>()) result = (pivot * <f64>(end - first) + sum) / <f64>(end - first);
  else result = pivot + sum / <f64>(end - first);
}

// @ts-ignore: decorator
@inline
export function storeKept<T>(lows: usize, highs: usize, counts: usize, i: i32, column: usize, n: i32): void {
  if (lows) {
    store<T>(lows + (<usize>i * sizeof<T>()), load<T>(column + (<usize>first << 4)));
    store<T>(highs + (<usize>i * sizeof<T>()), load<T>(column + (<usize>(end - 1) << 4)));
  }
  if (counts) {
    store<u16>(counts + (<usize>i << 2), <u16>first);
    store<u16>(counts + (<usize>i << 2), <u16>(n - end), 2);
  }
}
