/** Waiting for something to become true: looked at now and after every event, with a time limit and a way to stop. */
import type { Clock } from '../clock/clock.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';

export interface WaitOptions {
  clock: Clock;
  timeoutSeconds: number;
  signal?: AbortSignal;
  /** What is waited for, as the sentence's object: 'the definition of CCD1'. */
  what?: string;
}

/** Puts a listener on and returns how to take it off: what `look` depends on. */
export type Subscribe = (listener: () => void) => () => void;

/**
 * Resolves with what `look` returns once that is not undefined.
 * @throws timeout, aborted, and whatever `look` throws
 */
export async function waitFor<T>(subscribe: Subscribe, look: () => T | undefined, options: WaitOptions): Promise<T> {
  const { clock, timeoutSeconds, signal, what = 'an answer' } = options;
  throwIfAborted(signal);
  const over = new AbortController();
  let unsubscribe = () => {};
  try {
    return await new Promise<T>((resolve, reject) => {
      const attempt = () => {
        try {
          const found = look();
          if (found !== undefined) resolve(found);
        } catch (error) {
          reject(error as Error);
        }
      };
      signal?.addEventListener('abort', () => reject(new NightflowError('aborted', 'stopped')), {
        once: true,
        signal: over.signal,
      });
      unsubscribe = subscribe(attempt);
      attempt();
      clock.sleep(timeoutSeconds * 1000, over.signal).then(
        () => reject(new NightflowError('timeout', `Waited ${timeoutSeconds} s in vain for ${what}.`)),
        () => {},
      );
    });
  } finally {
    unsubscribe();
    over.abort();
  }
}

/** Work that several share: what one caller gives up goes on for the others. @throws aborted, and what the work throws */
export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(new NightflowError('aborted', 'stopped'));
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
