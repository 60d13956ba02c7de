/** The one way to run a program: argument arrays (never a shell), a timeout, a clean stop, bounded output, typed errors. */
import { once } from 'node:events';
import { constants, setPriority } from 'node:os';
import { execa } from 'execa';
import { realSleep } from '../clock/clock.ts';
import { NightflowError, throwIfAborted } from './errors.ts';

export interface ProgramOptions {
  /**
   * Longest real time without a sign of life (output, or input taken), seconds; derive it from the work: what the slowest
   * machine needs for one step.
   */
  silenceSeconds: number;
  /** Longest real time of the whole run, seconds. Without one only silence ends it. */
  timeoutSeconds?: number;
  signal?: AbortSignal;
  /** The Debian package that brings the program; the program's name when not given. */
  aptPackage?: string;
  /** The program starts others: all of them end with it, at once and without being asked first. Not on Windows. */
  endsItsChildren?: boolean;
  /** Runs with lower priority, so that exposures don't wait for it. */
  background?: boolean;
  cwd?: string;
  env?: Record<string, string>;
  /** Each line of the standard output as it comes; the output is then not kept. */
  onLine?: (line: string) => void;
  /** The standard output as it comes, bytes; it is then not kept. */
  onChunk?: (chunk: Uint8Array) => void;
  /** Each line of the standard error as it comes: the log of a server. Its end is kept all the same. */
  onErrorLine?: (line: string) => void;
  /** Largest standard output that is kept; more is an error. 16 MB. */
  maximumOutputBytes?: number;
}

export interface ProgramResult {
  /** Empty when `onLine` or `onChunk` was given. */
  stdout: string;
  /** The last `stderrTailBytes` of the standard error. */
  stderrTail: string;
}

const stderrTailBytes = 4096;
/** Between SIGTERM and SIGKILL. */
const killDelayMilliseconds = 3000;

/**
 * Runs a program to its end.
 * @throws missing (the remedy is the line that installs it), timeout, aborted, failed (exit code or signal, with the end of its error output).
 */
export function runProgram(
  program: string,
  parameters: readonly string[],
  options: ProgramOptions,
): Promise<ProgramResult> {
  return run(program, parameters, options, null);
}

/**
 * Like runProgram, and streams `input` into the program's standard input no faster than it reads.
 * What `input` throws stops the program and is thrown; a program that ends before it has read everything has failed.
 */
export function feedProgram(
  program: string,
  parameters: readonly string[],
  input: AsyncIterable<Uint8Array>,
  options: ProgramOptions,
): Promise<ProgramResult> {
  return run(program, parameters, options, input);
}

async function run(
  program: string,
  parameters: readonly string[],
  options: ProgramOptions,
  input: AsyncIterable<Uint8Array> | null,
): Promise<ProgramResult> {
  const { signal, onLine, onChunk, maximumOutputBytes = 16e6 } = options;
  throwIfAborted(signal);
  const stop = new AbortController();
  const child = execa(program, parameters, {
    shell: false,
    reject: false,
    stripFinalNewline: false,
    stdin: input ? 'pipe' : 'ignore',
    buffer: false,
    cancelSignal: signal ? AbortSignal.any([signal, stop.signal]) : stop.signal,
    forceKillAfterDelay: killDelayMilliseconds,
    ...(options.endsItsChildren ? { detached: process.platform !== 'win32' } : {}),
    ...(options.cwd ? { cwd: options.cwd } : {}),
    ...(options.env ? { env: options.env } : {}),
  });
  if (options.background) lowerPriority(child.pid);
  const release = options.endsItsChildren ? endGroupWith(child.pid, [signal, stop.signal]) : () => {};
  const watch = watchdog(program, options, (error) => stop.abort(error));
  const output = collectOutput(program, onLine, maximumOutputBytes, (error) => stop.abort(error));
  child.stdout?.on('data', (chunk: Buffer) => {
    watch.alive();
    if (onChunk) onChunk(chunk);
    else output.add(chunk);
  });
  let stderrTail = Buffer.alloc(0);
  const errorLines = options.onErrorLine ? collectOutput(program, options.onErrorLine, 0, () => {}) : null;
  child.stderr?.on('data', (chunk: Buffer) => {
    watch.alive();
    errorLines?.add(chunk);
    stderrTail = Buffer.concat([stderrTail, chunk]).subarray(-stderrTailBytes);
  });

  const ended = new AbortController();
  const fed = input ? feed(child.stdin!, input, ended.signal, watch.alive) : Promise.resolve(true);
  fed.catch((error) => stop.abort(error));
  const result = await child;
  release();
  watch.end();
  ended.abort();
  const readAll = await fed.catch(() => false);

  throwIfAborted(signal);
  if (stop.signal.aborted) throw stop.signal.reason;
  const tail = stderrTail.toString('utf8').trim();
  if (result.failed || !readAll) throw failure(program, options.aptPackage ?? program, result, tail);
  return { stdout: output.text(), stderrTail: tail };
}

/** A detached program leads a group of its own, named by its number; what it started is in there. @returns ends the care. */
function endGroupWith(pid: number | undefined, signals: readonly (AbortSignal | undefined)[]): () => void {
  const end = () => {
    try {
      if (pid !== undefined) process.kill(process.platform === 'win32' ? pid : -pid, 'SIGKILL');
    } catch {
      // All of them are gone already.
    }
  };
  process.once('exit', end);
  for (const signal of signals) signal?.addEventListener('abort', end, { once: true });
  return () => {
    process.off('exit', end);
    for (const signal of signals) signal?.removeEventListener('abort', end);
  };
}

function lowerPriority(pid: number | undefined): void {
  try {
    if (pid !== undefined) setPriority(pid, constants.priority.PRIORITY_BELOW_NORMAL);
  } catch {
    // It is gone already, or the system has no priorities: then it runs as it is.
  }
}

/** @returns whether the program took everything. */
async function feed(
  stdin: NodeJS.WritableStream,
  input: AsyncIterable<Uint8Array>,
  ended: AbortSignal,
  alive: () => void,
): Promise<boolean> {
  // A program that dies closes its end; its exit tells why, the broken pipe does not.
  let broken = false;
  stdin.on('error', () => {
    broken = true;
  });
  const chunks = input[Symbol.asyncIterator]();
  for (;;) {
    const next = await unlessEnded(chunks.next(), ended);
    if (next?.done) break;
    if (!next || broken || ended.aborted) {
      void chunks.return?.()?.catch(() => {});
      return false;
    }
    if (!stdin.write(next.value)) await once(stdin, 'drain', { signal: ended }).catch(() => {});
    alive();
  }
  if (broken || ended.aborted) return false;
  stdin.end();
  return true;
}

/** What comes next may take for ever (a person types it): the program's end is the end of the wait, and null. */
function unlessEnded<T>(next: Promise<T>, ended: AbortSignal): Promise<T | null> {
  return new Promise((resolve, reject) => {
    const stop = () => resolve(null);
    if (ended.aborted) stop();
    ended.addEventListener('abort', stop, { once: true });
    next.then(resolve, reject).finally(() => ended.removeEventListener('abort', stop));
  });
}

function watchdog(program: string, options: ProgramOptions, expire: (error: NightflowError) => void) {
  const { silenceSeconds, timeoutSeconds = Infinity } = options;
  const over = new AbortController();
  const startedAt = performance.now();
  let lastSign = startedAt;
  const secondsSince = (milliseconds: number) => (performance.now() - milliseconds) / 1000;
  const watch = async () => {
    while (!over.signal.aborted) {
      const left = Math.min(silenceSeconds - secondsSince(lastSign), timeoutSeconds - secondsSince(startedAt));
      if (left <= 0) {
        const late = secondsSince(startedAt) >= timeoutSeconds;
        return expire(
          new NightflowError(
            'timeout',
            late
              ? `${program} was not ready after ${Math.round(timeoutSeconds)} s and was stopped.`
              : `${program} did nothing for ${Math.round(silenceSeconds)} s and was stopped.`,
          ),
        );
      }
      await realSleep(Math.ceil(left * 1000), over.signal);
    }
  };
  watch().catch(() => {}); // only the end of the watch rejects its sleep
  return {
    alive: () => {
      lastSign = performance.now();
    },
    end: () => over.abort(),
  };
}

function collectOutput(
  program: string,
  onLine: ((line: string) => void) | undefined,
  maximumBytes: number,
  refuse: (error: NightflowError) => void,
) {
  const chunks: Buffer[] = [];
  const decoder = new TextDecoder();
  let bytes = 0;
  let rest = '';
  return {
    add(chunk: Buffer) {
      if (onLine) {
        const lines = (rest + decoder.decode(chunk, { stream: true })).split('\n');
        rest = lines.pop()!.slice(-65536);
        for (const line of lines) onLine(line.trimEnd());
        return;
      }
      bytes += chunk.byteLength;
      if (bytes <= maximumBytes) chunks.push(chunk);
      else refuse(new NightflowError('failed', `${program} printed more than ${maximumBytes} bytes and was stopped.`));
    },
    text: () => Buffer.concat(chunks).toString('utf8'),
  };
}

function failure(
  program: string,
  aptPackage: string,
  result: { code?: string; exitCode?: number; signal?: string; cause?: unknown; isTerminated: boolean },
  tail: string,
): NightflowError {
  if (result.code === 'ENOENT' || result.code === 'EACCES')
    return new NightflowError('missing', `The program ${program} is not installed.`, {
      remedy: `Install it with: sudo apt install ${aptPackage}`,
      cause: result.cause,
    });
  const how = result.isTerminated
    ? `was ended by ${result.signal}`
    : result.exitCode
      ? `failed with exit code ${result.exitCode}`
      : 'ended before it had read everything';
  const lastLines = tail.split('\n').slice(-3).join(' / ').slice(-400);
  return new NightflowError('failed', `${program} ${how}${lastLines ? `: ${lastLines}` : '.'}`, {
    cause: result.cause ?? new Error(tail || how),
  });
}
