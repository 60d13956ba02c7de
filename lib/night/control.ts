/** What a person asks of a running sequence, and waits that end when something is asked. */
import type { Clock } from '../clock/clock.ts';

export class Control {
  paused = false;
  /** No further exposure; the one under way is finished. */
  stopping = false;
  /** `aborted`: the exposure under way is dropped. `suspended`: as well, but the sequence is to go on later. */
  dropped: 'aborted' | 'suspended' | null = null;
  private readonly dropping = new AbortController();
  private interrupt = new AbortController();

  /** Aborts what is exposing. */
  get signal(): AbortSignal {
    return this.dropping.signal;
  }

  get ending(): boolean {
    return this.stopping || this.dropped !== null;
  }

  pause(): void {
    this.paused = true;
    this.wake();
  }

  resume(): void {
    this.paused = false;
    this.wake();
  }

  stop(): void {
    this.stopping = true;
    this.wake();
  }

  drop(how: 'aborted' | 'suspended'): void {
    this.dropped ??= how;
    this.dropping.abort();
    this.wake();
  }

  /** Ends the waits that are under way. */
  wake(): void {
    this.interrupt.abort();
    this.interrupt = new AbortController();
  }

  /** true when that time is reached, false when something was asked before. @param time UTC ms */
  async sleepUntil(clock: Clock, time: number): Promise<boolean> {
    const { signal } = this.interrupt;
    try {
      while (clock.now() < time) await clock.sleep(time - clock.now(), signal);
      return true;
    } catch (error) {
      if (signal.aborted) return false;
      throw error;
    }
  }

  /** Resolves when something is asked, or when `done` aborts. */
  asked(done?: AbortSignal): Promise<void> {
    const { signal } = this.interrupt;
    return new Promise((resolve) => {
      const wake = () => {
        signal.removeEventListener('abort', wake);
        done?.removeEventListener('abort', wake);
        resolve();
      };
      signal.addEventListener('abort', wake);
      if (done?.aborted) wake();
      else done?.addEventListener('abort', wake);
    });
  }
}
