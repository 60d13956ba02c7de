/** The only way the product learns the time or waits: the real clock, or a rehearsal clock that runs the same night faster. */

export interface Clock {
  /** Milliseconds since 1970-01-01T00:00:00 UTC, with a fraction. */
  now(): number;
  /** Resolves after `milliseconds` of this clock's time; rejects with an AbortError as soon as `signal` aborts. */
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void>;
  /** How many clock seconds pass in a real second; Infinity when time jumps from one sleeper to the next. */
  readonly rate: number;
  /** Work is under way: a clock of infinite rate stands still until the returned function is called. No effect on others. */
  hold(): () => void;
}

/** ISO 8601 UTC with milliseconds. */
export const isoTime = (milliseconds: number): string => new Date(milliseconds).toISOString();

export function abortError(signal: AbortSignal): Error {
  return signal.reason instanceof Error && signal.reason.name === 'AbortError'
    ? signal.reason
    : new DOMException('This operation was aborted', 'AbortError');
}

/**
 * A sleep in real milliseconds, never shorter than asked. setTimeout's limit of 2^31 ms is passed in slices; it counts in whole
 * milliseconds and may fire up to one early: what is left then, below half of one, is waited out in turns of the event loop.
 */
export function realSleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted) return reject(abortError(signal));
    const deadline = performance.now() + milliseconds;
    let timer: NodeJS.Timeout;
    const onAbort = () => {
      clearTimeout(timer);
      reject(abortError(signal!));
    };
    const arm = () => {
      const left = deadline - performance.now();
      if (signal?.aborted) return;
      if (left <= 0) {
        signal?.removeEventListener('abort', onAbort);
        resolve();
      } else if (left < 0.5) setImmediate(arm);
      else timer = setTimeout(arm, Math.min(left, 0x7fffffff));
    };
    signal?.addEventListener('abort', onAbort, { once: true });
    arm();
  });
}

export class RealClock implements Clock {
  readonly rate = 1;
  now(): number {
    return Date.now();
  }
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return realSleep(milliseconds, signal);
  }
  hold(): () => void {
    return () => {};
  }
}

export const realClock: Clock = new RealClock();
