/** The one error class of the house: a code from a closed list, the sentence, and what the user can do about it. */

export type ErrorCode =
  /** The input (file, message, setting) is wrong: says which and how to mend it. */
  | 'bad-input'
  /** Understood, but this program or device can't do it. */
  | 'unsupported'
  /** The device or server said no. */
  | 'rejected'
  | 'timeout'
  /** Stopped on request: never shown as a failure. */
  | 'aborted'
  /** The device, file or server that was there is gone. */
  | 'lost'
  | 'busy'
  /** A program or package is not installed: the remedy is the line to type. */
  | 'missing'
  | 'disk-full'
  /** Anything else, always with a cause. */
  | 'failed';

export interface ErrorDetails {
  /** What the user can do, one sentence. */
  remedy?: string;
  cause?: unknown;
}

export class NightflowError extends Error {
  readonly code: ErrorCode;
  readonly remedy: string | undefined;

  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = 'NightflowError';
    this.code = code;
    this.remedy = details.remedy;
  }
}

/** Wraps whatever was thrown (strings included) so that it carries a code. Node's ENOSPC becomes `disk-full`, an AbortError `aborted`. */
export function asNightflowError(thrown: unknown, what?: string): NightflowError {
  if (thrown instanceof NightflowError) return thrown;
  const error = thrown instanceof Error ? thrown : new Error(String(thrown));
  const systemCode = (error as NodeJS.ErrnoException).code;
  const text = what ? `${what}: ${error.message}` : error.message;
  if (error.name === 'AbortError' || systemCode === 'ABORT_ERR')
    return new NightflowError('aborted', text, { cause: thrown });
  if (systemCode === 'ENOSPC' || systemCode === 'EDQUOT')
    return new NightflowError('disk-full', sentence(text), {
      cause: thrown,
      remedy: 'Free some space on the disk or save to another one.',
    });
  if (systemCode === 'ENOENT')
    return new NightflowError('lost', sentence(text), { cause: thrown, remedy: 'Check that the path exists.' });
  return new NightflowError('failed', text, { cause: thrown });
}

/** Node's `ENOSPC: no space left on device, write` as a person would say it, with a full stop before the remedy. */
const sentence = (text: string): string => `${text.replace(/\bE[A-Z]{3,}: /, '').replace(/, [a-z]+$/, '')}.`;

export function throwIfAborted(signal: AbortSignal | undefined, what = 'stopped'): void {
  if (signal?.aborted) throw new NightflowError('aborted', what, { cause: signal.reason });
}
