/** The sources of an integration: each file looked at, what can't be read by rows unpacked, all held against the reference. */
import { job, type WorkerPool } from '../kernels/pool.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import { debayerFrame } from './debayer.ts';
import { type BayerPattern, Frame, type FrameFields } from './frame.ts';
import type { Inspected } from './integrate.job.ts';
import type { ScratchFolder } from './integrate-scratch.ts';
import type { RowSource } from './integrate-source.ts';
import { invertMatrix, type Matrix, multiplyMatrices } from './matrix.ts';
import { readFrame } from './read.ts';

/** A file, a frame, or samples that were unpacked before. */
export type Integrand = string | Frame | Inspected;

export interface Prepared {
  sources: RowSource[];
  headers: Omit<FrameFields, 'data'>[];
  /** Output pixel to stored pixel; null for what lies on the output as it is. */
  inverses: (Matrix | null)[];
  width: number;
  height: number;
  channels: 1 | 3;
  bayer: BayerPattern | null;
}

export interface PrepareOptions {
  matrices?: readonly (Matrix | null)[];
  width?: number;
  height?: number;
  reference?: number;
  pool: WorkerPool;
  scratch: ScratchFolder;
  signal?: AbortSignal;
}

/** Files that are read by rows, most likely. */
const plainFits = /\.(fits?|fts)$/i;

const inspectJob = job<{ path: string }, Inspected | null>(new URL('./integrate.job.ts', import.meta.url), 'inspect');

export async function prepareSources(
  inputs: readonly Integrand[],
  { matrices, reference = 0, pool, scratch, signal, ...size }: PrepareOptions,
): Promise<Prepared> {
  const moved = matrices?.some((matrix) => matrix !== null) ?? false;
  const found: Inspected[] = [];
  for (const [i, input] of inputs.entries()) {
    throwIfAborted(signal);
    found.push(await look(input, i));
  }
  const sources = found.map(({ source }) => source);
  const headers = found.map(({ header }) => header);
  const main = headers[reference]!;
  const width = (moved && size.width) || main.width;
  const height = (moved && size.height) || main.height;
  const inverses = sources.map((source, i) => {
    const matrix = matrices?.[i] ?? null;
    if (matrix === null) return null;
    const inverse = invertMatrix(matrix);
    // A file's rows may run upwards.
    return source.fits?.flip ? multiplyMatrices([1, 0, 0, 0, -1, source.height - 1, 0, 0, 1], inverse) : inverse;
  });
  for (const [i, header] of headers.entries()) {
    const { name } = sources[i]!;
    const expected = { ...main, width, height };
    const compared =
      inverses[i] === null ? (['width', 'height', 'channels', 'bayer'] as const) : (['channels'] as const);
    for (const property of compared)
      if (header[property] !== expected[property])
        throw new NightflowError(
          'bad-input',
          `${name} does not fit ${sources[reference]!.name}: its ${property} is ${header[property] ?? 'none'}, not ${expected[property] ?? 'none'}.`,
          { remedy: 'Integrate frames of one camera and one setting, or register them.' },
        );
  }
  return { sources, headers, inverses, width, height, channels: main.channels, bayer: main.bayer };

  async function look(input: Integrand, i: number): Promise<Inspected> {
    const more = inputs
      .slice(i + 1)
      .filter((each) => typeof each === 'string' && (moved || !plainFits.test(each))).length;
    if (typeof input === 'string') {
      const inspected = await pool.run(inspectJob, { path: input }, { signal });
      if (inspected && !(moved && inspected.header.bayer)) return inspected;
      const frame = await readFrame(input, { signal });
      return unpack(moved && frame.bayer ? await debayerFrame(frame, { signal }) : frame, input, more);
    }
    if (!(input instanceof Frame)) return input;
    const name = input.source ?? `frame ${i + 1}`;
    if (moved && input.bayer) return unpack(await debayerFrame(input, { signal }), name, more);
    return inMemory(input, name);
  }

  async function unpack(frame: Frame, name: string, more: number): Promise<Inspected> {
    const { data: _pixels, ...header } = frame.withoutOriginal as FrameFields;
    return { source: await scratch.add(frame, name, more), header };
  }
}

function inMemory(frame: Frame, name: string): Inspected {
  const { data, ...header } = frame.withoutOriginal as FrameFields;
  const { width, height, channels, pixelType } = frame;
  return { source: { name, width, height, channels, pixelType, place: { data }, fits: null }, header };
}
