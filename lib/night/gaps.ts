/** Dead time between frames: exact sums and extremes, quantiles from a logarithmic histogram, in constant memory for any length of night. */

export interface GapSummary {
  /** Gaps measured. */
  count: number;
  /** Seconds; null before the first gap. */
  minimum: number | null;
  /** To 1 %. */
  median: number | null;
  /** 95th percentile, to 1 %. */
  p95: number | null;
  maximum: number | null;
  /** Seconds without light in all. */
  totalSeconds: number;
  exposedSeconds: number;
  /** Part of the time between first and last frame in which the shutter was open, 0..100; null when no exposure time is known. */
  usedPercent: number | null;
}

/** What goes into a journal. */
export interface GapState {
  count: number;
  minimum: number;
  maximum: number;
  totalSeconds: number;
  exposedSeconds: number;
  /** [bin, count] of the bins in use. */
  bins: [number, number][];
}

/** Bins 2 % wide from 10 µs; bin 0 holds what is shorter (and overlaps by clock jitter, which count as none). */
const lowestSeconds = 1e-5;
const binRatio = Math.log(1.02);
/** Beyond some 100 days. */
const highestBin = 1400;

export class GapStatistics {
  private count = 0;
  private minimum = Infinity;
  private maximum = 0;
  private totalSeconds = 0;
  private exposedSeconds = 0;
  private readonly bins = new Map<number, number>();

  addExposure(seconds: number): void {
    if (seconds > 0) this.exposedSeconds += seconds;
  }

  /** @param seconds From the end of an exposure to the start of the next. */
  addGap(seconds: number): void {
    if (!Number.isFinite(seconds)) return;
    const gap = Math.max(0, seconds);
    this.count++;
    this.minimum = Math.min(this.minimum, gap);
    this.maximum = Math.max(this.maximum, gap);
    this.totalSeconds += gap;
    const bin =
      gap <= lowestSeconds ? 0 : Math.min(highestBin, 1 + Math.floor(Math.log(gap / lowestSeconds) / binRatio));
    this.bins.set(bin, (this.bins.get(bin) ?? 0) + 1);
  }

  summary(): GapSummary {
    const some = this.count > 0;
    const span = this.exposedSeconds + this.totalSeconds;
    return {
      count: this.count,
      minimum: some ? this.minimum : null,
      median: this.quantile(0.5),
      p95: this.quantile(0.95),
      maximum: some ? this.maximum : null,
      totalSeconds: this.totalSeconds,
      exposedSeconds: this.exposedSeconds,
      usedPercent: this.exposedSeconds > 0 ? (100 * this.exposedSeconds) / span : null,
    };
  }

  state(): GapState {
    const { count, minimum, maximum, totalSeconds, exposedSeconds } = this;
    return { count, minimum: some(minimum), maximum, totalSeconds, exposedSeconds, bins: [...this.bins] };
  }

  /** Takes over what a journal kept of an earlier part of the sequence. */
  restore(state: GapState): void {
    this.count = state.count;
    this.minimum = state.count > 0 ? state.minimum : Infinity;
    this.maximum = state.maximum;
    this.totalSeconds = state.totalSeconds;
    this.exposedSeconds = state.exposedSeconds;
    this.bins.clear();
    for (const [bin, count] of state.bins) this.bins.set(bin, count);
  }

  private quantile(part: number): number | null {
    if (this.count === 0) return null;
    let left = Math.ceil(part * this.count);
    for (const [bin, count] of [...this.bins].sort(([a], [b]) => a - b)) {
      left -= count;
      if (left > 0) continue;
      const middle = bin === 0 ? 0 : lowestSeconds * Math.exp((bin - 0.5) * binRatio);
      return Math.min(this.maximum, Math.max(this.minimum, middle));
    }
    return this.maximum;
  }
}

const some = (seconds: number): number => (Number.isFinite(seconds) ? seconds : 0);
