/** One gphoto2 shell: commands in, lines out, one at a time. The session with the body lasts as long as the program runs. */
import { realSleep } from '../clock/clock.ts';
import { feedProgram } from '../process/child.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { gphoto2Error } from './gphoto2-errors.ts';

export interface ShellOptions {
  /** 'usb:001,004'; null: the only body. */
  port: string | null;
  /** Where downloaded files go. */
  folder: string;
  /** Pictures on the card stay there after they were sent. For those in the camera's memory it must not be set: they would pile up here. */
  keep?: boolean;
  /** Path of gphoto2, or its name. */
  program: string;
  environment?: Record<string, string>;
}

export interface RunOptions {
  /** Longest real time until the prompt comes back, seconds. */
  timeoutSeconds: number;
  signal?: AbortSignal;
  /** Each line as it comes. */
  onLine?: (line: string) => void;
}

/** What the shell prints when it waits: 'gphoto2: {/here} /folder/on/camera> '. */
const prompt = /(?:^|\n)gphoto2: \{[^\n]*\} [^\n]*> $/;
/** Sony's bodies take three seconds to open. */
const openSeconds = 40;
/** The error's explanation comes on the other stream, perhaps a little later. */
const explanationMilliseconds = 60;
const exitMilliseconds = 4000;
/** A body that floods us with property events (168000 lines in two seconds have been seen) must not fill the memory. */
const longestAnswer = 4_000_000;
/** Of what has no end of line yet. */
const longestLine = 100_000;

export class Gphoto2Shell {
  private readonly options: ShellOptions;
  private readonly stopping = new AbortController();
  private readonly input = new Commands();
  private program: Promise<void> | null = null;
  private failure: NightflowError | null = null;
  private heard = '';
  private complaints: string[] = [];
  private answer: { lines: string[]; rest: string; bytes: number; onLine?: (line: string) => void } | null = null;
  private wake: () => void = () => {};
  private turn: Promise<unknown> = Promise.resolve();
  private atPrompt = false;
  private readonly decoder = new TextDecoder();

  constructor(options: ShellOptions) {
    this.options = options;
  }

  /** Starts the program and waits for its first prompt. @throws missing, lost, busy, timeout, aborted */
  async start(signal?: AbortSignal): Promise<void> {
    const { port, folder, program, environment, keep } = this.options;
    const words = [
      ...(port ? ['--port', port] : []),
      '--shell',
      ...(keep ? ['--keep'] : []),
      '--force-overwrite',
      '--filename',
      `${folder}/s-%n.%C`,
    ];
    this.answer = { lines: [], rest: '', bytes: 0 };
    this.program = this.run(program, words, environment ?? {});
    await this.untilPrompt({ timeoutSeconds: openSeconds, signal }, 'gphoto2 --shell');
    this.answer = null;
  }

  /** Whether the session still stands. */
  get alive(): boolean {
    return this.program !== null && this.failure === null && !this.stopping.signal.aborted;
  }

  /**
   * One command, after those before it. @returns its lines, without the echo.
   * @throws what the body or libgphoto2 answered; timeout and lost end the session
   */
  send(command: string, options: RunOptions): Promise<string[]> {
    const result = this.turn.then(() => this.sendNow(command, options));
    this.turn = result.catch(() => {});
    return result;
  }

  /** Ends the session at once: whoever waits for an answer is told. */
  drop(): void {
    this.failure ??= new NightflowError('lost', 'The session was given up.');
    this.stopping.abort();
    this.wake();
  }

  /** Ends the session politely, then less so. */
  async end(): Promise<void> {
    if (!this.program) return;
    this.input.push('exit\n');
    this.input.end();
    const limit = new AbortController();
    await Promise.race([this.program, realSleep(exitMilliseconds, limit.signal).catch(() => {})]);
    limit.abort();
    this.stopping.abort();
    await this.program;
  }

  private async run(program: string, words: string[], environment: Record<string, string>): Promise<void> {
    try {
      await feedProgram(program, words, this.input, {
        silenceSeconds: Number.POSITIVE_INFINITY,
        signal: this.stopping.signal,
        aptPackage: 'gphoto2',
        // It writes a download to a file here first and renames it then: from elsewhere it would go by way of the SD card.
        cwd: this.options.folder,
        // Its messages are parsed: they must not be translated.
        env: { ...environment, LC_ALL: 'C', LANGUAGE: 'C' },
        onChunk: (chunk) => this.read(this.decoder.decode(chunk, { stream: true })),
        onErrorLine: (line) => {
          this.complaints = [...this.complaints, line.trim()].filter((each) => each !== '').slice(-20);
        },
      });
      this.failure ??= new NightflowError('lost', 'The session with the camera has ended.');
    } catch (thrown) {
      this.failure ??= this.explain(asNightflowError(thrown));
    } finally {
      this.input.end();
      this.wake();
    }
  }

  private explain(error: NightflowError): NightflowError {
    if (error.code !== 'failed') return error;
    const told = `${this.heard}\n${this.complaints.join('\n')}`;
    if (told.includes('*** Error')) return gphoto2Error(told, error);
    return new NightflowError('lost', `gphoto2 ended in the middle of its work: ${error.message}`, {
      remedy: 'It is started anew; if that happens again, install a newer libgphoto2.',
      cause: error,
    });
  }

  private async sendNow(command: string, options: RunOptions): Promise<string[]> {
    throwIfAborted(options.signal);
    if (this.failure) throw this.failure;
    if (!this.program) throw new NightflowError('lost', 'The camera is not open.');
    this.complaints = [];
    const answer = { lines: [] as string[], rest: '', bytes: 0, onLine: options.onLine };
    this.answer = answer;
    this.atPrompt = false;
    this.input.push(`${command}\n`);
    try {
      await this.untilPrompt(options, command);
    } finally {
      this.answer = null;
    }
    const lines = answer.lines.filter((line, i) => !(i < 2 && line === command));
    const error = lines.findIndex((line) => /\*\*\* Error/.test(line));
    if (error < 0) return lines;
    await realSleep(explanationMilliseconds);
    throw gphoto2Error([...lines.slice(error), ...this.complaints].join('\n'));
  }

  private read(text: string): void {
    this.heard = (this.heard + text).slice(-2000);
    const { answer } = this;
    if (answer) {
      answer.bytes += text.length;
      const parts = (answer.rest + text).split('\n');
      answer.rest = parts.pop()!.slice(0, longestLine);
      if (answer.bytes < longestAnswer) answer.lines.push(...parts);
      for (const line of parts) answer.onLine?.(line);
    }
    this.atPrompt = prompt.test(this.heard);
    if (this.atPrompt) this.wake();
  }

  /** A command that is given up leaves the session in an unknown state: it is ended. */
  private async untilPrompt({ timeoutSeconds, signal }: RunOptions, command: string): Promise<void> {
    const over = new AbortController();
    const stop = signal ? AbortSignal.any([signal, over.signal]) : over.signal;
    const late = realSleep(timeoutSeconds * 1000, stop).then(() => {
      throw new NightflowError(
        'timeout',
        `The camera did not answer to "${command}" for ${Math.round(timeoutSeconds)} s.`,
        {
          remedy: 'Look at its battery, its cable, and whether a picture is still being written to its card.',
        },
      );
    });
    late.catch(() => {});
    try {
      while (!this.atPrompt) {
        if (this.failure) throw this.failure;
        await Promise.race([
          late,
          new Promise<void>((resolve) => {
            this.wake = resolve;
          }),
        ]);
      }
    } catch (thrown) {
      const error = asNightflowError(thrown);
      this.failure ??= error.code === 'aborted' ? new NightflowError('lost', 'The session was given up.') : error;
      this.stopping.abort();
      throw error;
    } finally {
      over.abort();
    }
  }
}

/** Commands as they come, for the program's standard input. */
class Commands implements AsyncIterable<Uint8Array> {
  private readonly waiting: string[] = [];
  private over = false;
  private wake: () => void = () => {};

  push(text: string): void {
    this.waiting.push(text);
    this.wake();
  }

  end(): void {
    this.over = true;
    this.wake();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Uint8Array> {
    for (;;) {
      const text = this.waiting.shift();
      if (text !== undefined) yield Buffer.from(text);
      else if (this.over) return;
      else
        await new Promise<void>((resolve) => {
          this.wake = resolve;
        });
    }
  }
}
