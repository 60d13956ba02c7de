/** The rehearsal clock: starts at any date and runs `rate` times faster, or jumps from sleeper to sleeper when `rate` is Infinity. */
import { abortError, type Clock, realSleep } from './clock.ts';

interface Sleeper {
  wakeAt: number;
  wake: () => void;
}

export class RehearsalClock implements Clock {
  readonly rate: number;
  private readonly startMilliseconds: number;
  private readonly startedAt = performance.now();
  private virtualNow: number;
  private holds = 0;
  private turnScheduled = false;
  private sleepers: Sleeper[] = [];

  /** @param startMilliseconds UTC of the first moment, ms since 1970. @param rate > 0; Infinity jumps. */
  constructor(startMilliseconds: number, rate: number) {
    if (!Number.isFinite(startMilliseconds)) throw new RangeError('The rehearsal clock needs a start date.');
    if (!(rate > 0)) throw new RangeError(`The rehearsal clock needs a rate above 0, not ${rate}.`);
    this.startMilliseconds = startMilliseconds;
    this.virtualNow = startMilliseconds;
    this.rate = rate;
  }

  now(): number {
    return this.rate === Infinity
      ? this.virtualNow
      : this.startMilliseconds + (performance.now() - this.startedAt) * this.rate;
  }

  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    if (this.rate !== Infinity) return realSleep(milliseconds / this.rate, signal);
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const sleeper: Sleeper = { wakeAt: this.virtualNow + Math.max(0, milliseconds), wake: () => {} };
      const onAbort = () => {
        this.sleepers = this.sleepers.filter((other) => other !== sleeper);
        reject(abortError(signal!));
      };
      sleeper.wake = () => {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.sleepers.push(sleeper);
      this.scheduleTurn();
    });
  }

  hold(): () => void {
    this.holds++;
    let held = true;
    return () => {
      if (!held) return;
      held = false;
      this.holds--;
      this.scheduleTurn();
    };
  }

  /** Time jumps only when nothing holds it for several turns of the event loop, so that a message between two nodes arrives first. */
  private scheduleTurn(): void {
    if (this.turnScheduled) return;
    this.turnScheduled = true;
    let quietTurns = 0;
    const turn = () => {
      if (this.holds > 0 || this.sleepers.length === 0) {
        this.turnScheduled = false;
        return;
      }
      if (++quietTurns < 4) return void setImmediate(turn);
      this.turnScheduled = false;
      const next = this.sleepers.reduce((a, b) => (b.wakeAt < a.wakeAt ? b : a));
      this.sleepers = this.sleepers.filter((other) => other !== next);
      this.virtualNow = Math.max(this.virtualNow, next.wakeAt);
      next.wake();
      if (this.sleepers.length > 0) this.scheduleTurn();
    };
    setImmediate(turn);
  }
}
