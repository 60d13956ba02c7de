/**
 * Frames on their way to those who keep and use them: handed over one after the other, in order, while the next exposure runs. One that
 * is not accepted stops the hand-over; it and those behind it stay in memory to be handed over again.
 */
import { asNightflowError, type NightflowError } from '../process/errors.ts';

export class AcceptQueue<Item> {
  /** What was taken but not accepted yet, oldest first. */
  readonly pending: Item[] = [];
  /** Why the oldest was not accepted. */
  failure: NightflowError | null = null;
  private readonly limit: number;
  private readonly accept: (item: Item) => Promise<void>;
  private running: Promise<void> | null = null;
  private waiting: (() => void)[] = [];

  /** @param limit Frames in memory before `room` waits. */
  constructor(limit: number, accept: (item: Item) => Promise<void>) {
    this.limit = Math.max(1, limit);
    this.accept = accept;
  }

  push(item: Item): void {
    this.pending.push(item);
    if (!this.failure) this.running ??= this.run();
  }

  get full(): boolean {
    return this.pending.length >= this.limit;
  }

  /** Resolves when fewer than the limit wait, when one failed, or when `signal` aborts. */
  async room(signal: AbortSignal): Promise<void> {
    while (this.full && !this.failure && !signal.aborted)
      await new Promise<void>((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        signal.addEventListener('abort', wake, { once: true });
        this.waiting.push(wake);
      });
  }

  /** Resolves when all are accepted or one failed. */
  async settled(): Promise<void> {
    await this.running;
  }

  /** Hands over again what was not accepted. @throws what the hand-over threw */
  async retry(): Promise<void> {
    await this.running;
    this.failure = null;
    if (this.pending.length > 0) this.running ??= this.run();
    await this.running;
    if (this.failure) throw this.failure;
  }

  private async run(): Promise<void> {
    while (this.pending.length > 0) {
      try {
        await this.accept(this.pending[0]!);
      } catch (error) {
        this.failure = asNightflowError(error);
      }
      if (!this.failure) this.pending.shift();
      for (const wake of this.waiting.splice(0)) wake();
      if (this.failure) break;
    }
    this.running = null;
  }
}
