/** How far a batch is: a bar on a terminal, a line for each frame elsewhere. */
import type { WriteStream } from 'node:tty';
import type { FetchProgress } from './client.ts';

const barWidth = 30;
const usualColumns = 80;

export class CaptureBar {
  fetched = 0;
  gone = 0;
  /** Frames on this side, earlier runs included. */
  here = 0;
  /** Frames that were acknowledged before this run: it goes on where another ended. */
  private earlier: number | null = null;
  private shown = '';
  private readonly output: NodeJS.WriteStream;
  private readonly start = performance.now();

  constructor(output: NodeJS.WriteStream) {
    this.output = output;
  }

  show({ batch, fetched, bytes, gone, file, problem }: FetchProgress): void {
    this.fetched = fetched;
    this.gone = gone;
    this.earlier ??= batch.acknowledged;
    const total = Math.max(1, batch.count);
    this.here = Math.min(total, this.earlier + fetched);
    const { here } = this;
    const state = usualStates.includes(batch.state) ? '' : ` · ${batch.state}`;
    if (!this.output.isTTY) {
      if (file) this.line(`${here}/${total} ${file}`);
      else if (problem || state) this.line(problem ?? `${batch.state}: ${batch.message ?? ''}`);
      return;
    }
    const done = Math.round((here / total) * barWidth);
    const taken = Math.round((batch.taken / total) * barWidth);
    const bar = `${'█'.repeat(done)}${'▒'.repeat(Math.max(0, taken - done))}`.padEnd(barWidth, '·');
    const speed = (bytes / 1e3 / Math.max(1, performance.now() - this.start)).toFixed(1);
    const rest = problem ?? `${here}/${total} here, ${batch.taken} taken, ${speed} MB/s${state}`;
    // Some terminals say 0: they do not know.
    const columns = (this.output as WriteStream).columns || usualColumns;
    // A line that wraps would not be written over.
    this.output.write(`\r\x1b[K${[...`${bar} ${rest}`].slice(0, columns - 1).join('')}`);
  }

  end(): void {
    if (this.output.isTTY) this.output.write('\n');
  }

  /** What is said already is not said again. */
  private line(text: string): void {
    if (text === this.shown) return;
    this.shown = text;
    this.output.write(`${text}\n`);
  }
}

const usualStates = ['running', 'done'];
