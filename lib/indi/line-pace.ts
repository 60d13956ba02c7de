/** A driver that talks without end must not drown the log and the flow: so many lines a second pass, and the rest is counted. */

const linesPerSecond = 50;

export class LinePace {
  private allowance = linesPerSecond;
  private at = performance.now();
  private kept = 0;

  /** @returns null: keep this line back. Otherwise how many were kept back before it. */
  pass(): number | null {
    const now = performance.now();
    this.allowance = Math.min(linesPerSecond, this.allowance + ((now - this.at) / 1000) * linesPerSecond);
    this.at = now;
    if (this.allowance < 1) {
      this.kept++;
      return null;
    }
    this.allowance--;
    const { kept } = this;
    this.kept = 0;
    return kept;
  }
}
