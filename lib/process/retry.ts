/** The one retry of the house: waits that double, with jitter so that ten stations don't come back in the same second. */
import type { Clock } from '../clock/clock.ts';
import { asNightflowError, type NightflowError, throwIfAborted } from './errors.ts';

export interface BackOff {
  /** Wait after the first failure, seconds. */
  firstSeconds: number;
  factor: number;
  maximumSeconds: number;
  /** 0.5: each wait is shortened by a random part of up to a half. */
  jitter: number;
}

export const defaultBackOff: BackOff = { firstSeconds: 1, factor: 2, maximumSeconds: 60, jitter: 0.5 };

/** Seconds to wait after failure number `failures` (from 1). @param random 0..1, for tests. */
export function backOffSeconds(failures: number, backOff: BackOff = defaultBackOff, random = Math.random()): number {
  const full = Math.min(backOff.maximumSeconds, backOff.firstSeconds * backOff.factor ** Math.max(0, failures - 1));
  return full * (1 - backOff.jitter * random);
}

export interface RetryOptions {
  clock: Clock;
  signal?: AbortSignal;
  /** Tries in all; Infinity without a limit. */
  attempts?: number;
  backOff?: BackOff;
  /** Whether trying again can help; by default a wrong input, an unsupported wish and a missing program stay what they are. */
  isTransient?: (error: NightflowError) => boolean;
  /** Told of each failure and of the wait that follows it. */
  onFailure?: (error: NightflowError, failures: number, waitSeconds: number) => void;
}

/** Runs `work` until it succeeds. @throws its last error when the tries are used up or trying again can't help; aborted */
export async function retry<T>(work: (signal?: AbortSignal) => Promise<T>, options: RetryOptions): Promise<T> {
  const { clock, signal, attempts = Infinity, isTransient: mayPass = isTransient } = options;
  for (let failures = 1; ; failures++) {
    throwIfAborted(signal);
    try {
      return await work(signal);
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (signal?.aborted || failures >= attempts || !mayPass(error)) throw error;
      const seconds = backOffSeconds(failures, options.backOff);
      options.onFailure?.(error, failures, seconds);
      await clock.sleep(seconds * 1000, signal).catch((thrown) => {
        throw asNightflowError(thrown);
      });
    }
  }
}

/** Whether the same request may succeed later. */
export const isTransient = ({ code }: NightflowError): boolean =>
  code === 'lost' || code === 'timeout' || code === 'busy' || code === 'failed' || code === 'rejected';
