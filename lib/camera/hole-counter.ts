/** Frames that a camera took in its run while nobody was connected: they show only as a hole between the start times of those that came. */
export class HoleCounter {
  private lastStart: number | null = null;
  /** Start to start, ms: the shortest so far, from the exposure on. */
  private period: number | null = null;
  private readonly exposureMilliseconds: number;
  private mayBeMissing = false;

  constructor(exposureSeconds: number) {
    this.exposureMilliseconds = exposureSeconds * 1000;
  }

  /** The connection broke while the run went on. */
  broke(): void {
    this.mayBeMissing = true;
  }

  /** The run ended, and frames follow at another pace. */
  ended(): void {
    this.mayBeMissing = false;
  }

  /** @param start Of a frame that came, UTC ms. @returns how many are missing before it */
  missingBefore(start: number | null): number {
    const before = this.lastStart;
    this.lastStart = start;
    if (start === null || before === null) return 0;
    const between = start - before;
    // Frames from before the break may come after it: the hole is looked for until it is found.
    const missing = this.mayBeMissing ? Math.round(between / (this.period ?? this.exposureMilliseconds)) - 1 : 0;
    if (missing > 0) this.mayBeMissing = false;
    else if (between >= this.exposureMilliseconds) this.period = Math.min(this.period ?? Infinity, between);
    return Math.max(0, missing);
  }
}
