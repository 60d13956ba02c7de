/** Lets one message at a time through and, of those that wait meanwhile, only the newest: for a live picture on a slow machine. */
export class LatestOnly {
  private busy = false;
  private waiting: ((goes: boolean) => void) | null = null;

  /** Resolves with true when it is this message's turn, with false when a newer one took its place. */
  enter(): Promise<boolean> {
    if (!this.busy) {
      this.busy = true;
      return Promise.resolve(true);
    }
    this.waiting?.(false);
    return new Promise((resolve) => {
      this.waiting = resolve;
    });
  }

  /** To call once by each message that was let through. */
  leave(): void {
    const next = this.waiting;
    this.waiting = null;
    this.busy = next !== null;
    next?.(true);
  }
}
