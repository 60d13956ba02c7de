/** Pictures on their way from a camera to a consumer that may be slow: bounded, and what does not fit is counted. */
import { unlink } from 'node:fs/promises';
import { NightflowError } from '../process/errors.ts';
import type { Taken } from './gphoto2-capture.ts';

export interface QueuedPicture {
  taken: Taken;
  lostBefore: number;
}

export class TakenQueue {
  private readonly limit: number;
  private readonly waiting: QueuedPicture[] = [];
  private lost = 0;
  private over = false;
  private failure: NightflowError | null = null;
  private listeners = new Set<() => void>();

  constructor(limit: number) {
    this.limit = limit;
  }

  /** A picture that finds the queue full is lost, and its file removed. */
  push(taken: Taken): void {
    if (this.over || this.waiting.length >= this.limit) {
      this.lost++;
      void unlink(taken.path).catch(() => {});
      return;
    }
    this.waiting.push({ taken, lostBefore: this.lost });
    this.lost = 0;
    this.changed();
  }

  end(failure: NightflowError | null = null): void {
    this.over = true;
    this.failure ??= failure;
    this.changed();
  }

  /** The next one; null at the end. @throws aborted, and what ended it */
  async take(stop: AbortSignal): Promise<QueuedPicture | null> {
    for (;;) {
      if (stop.aborted) throw new NightflowError('aborted', 'stopped');
      const next = this.waiting.shift();
      if (next) {
        this.changed();
        return next;
      }
      if (this.failure) throw this.failure;
      if (this.over) return null;
      await this.change(stop);
    }
  }

  /** Resolves when a picture would fit. @throws aborted */
  async room(stop: AbortSignal): Promise<void> {
    while (this.waiting.length >= this.limit) {
      if (stop.aborted) throw new NightflowError('aborted', 'stopped');
      await this.change(stop);
    }
  }

  async clear(): Promise<void> {
    this.over = true;
    await Promise.all(this.waiting.splice(0).map(({ taken }) => unlink(taken.path).catch(() => {})));
  }

  private change(stop: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        this.listeners.delete(done);
        stop.removeEventListener('abort', done);
        resolve();
      };
      this.listeners.add(done);
      stop.addEventListener('abort', done, { once: true });
    });
  }

  private changed(): void {
    for (const listener of [...this.listeners]) listener();
  }
}
