/** The one worker pool: jobs are exported functions of modules named `*.job.ts`, run on long-lived worker threads. */
import { availableParallelism } from 'node:os';
import { type MessagePort, Worker } from 'node:worker_threads';
import { type ErrorCode, NightflowError } from '../process/errors.ts';
import { trackSharedIn } from './memory.ts';

/** A function to run in a worker: `name` exported by `module`. The type parameters are its input and output. */
export interface Job<Input, Output> {
  readonly module: string;
  readonly name: string;
  /** The worker is thrown away when the job fails (a WASM library may be left broken). */
  readonly discardWorkerOnError: boolean;
  /** Types only; never set. */
  readonly types?: (input: Input) => Output;
}

export interface RunOptions {
  signal?: AbortSignal;
  transfer?: readonly (ArrayBuffer | MessagePort)[];
}

export interface JobFailure {
  name: string;
  message: string;
  code?: ErrorCode;
  systemCode?: string;
  remedy?: string;
  stack?: string;
}

/**
 * Declares a job. Write the module as a TypeScript source beside the caller:
 * `job<In, Out>(new URL('./fits-read.job.ts', import.meta.url), 'readFits')`; compiled, it becomes the `.js` there.
 */
export function job<Input, Output>(
  module: URL,
  name: string,
  { discardWorkerOnError = false }: { discardWorkerOnError?: boolean } = {},
): Job<Input, Output> {
  const href = import.meta.url.endsWith('.ts') ? module.href : module.href.replace(/\.ts$/, '.js');
  return { module: href, name, discardWorkerOnError };
}

interface Task {
  id: number;
  job: Job<unknown, unknown>;
  input: unknown;
  transfer: readonly (ArrayBuffer | MessagePort)[];
  resolve: (output: unknown) => void;
  reject: (error: Error) => void;
  abandoned: boolean;
}

interface Lane {
  worker: Worker;
  task: Task | null;
}

const workerFile = new URL(import.meta.url.endsWith('.ts') ? './worker.ts' : './worker.js', import.meta.url);

export class WorkerPool {
  readonly size: number;
  private readonly lanes: Lane[] = [];
  private readonly queue: Task[] = [];
  private nextId = 1;
  private closed = false;

  constructor(size = defaultPoolSize()) {
    this.size = Math.max(1, Math.floor(size));
  }

  /** Runs a job. Aborting rejects at once (a job that already runs finishes unseen). */
  run<Input, Output>(job: Job<Input, Output>, input: Input, options: RunOptions = {}): Promise<Output> {
    const { signal, transfer = [] } = options;
    return new Promise<Output>((resolve, reject) => {
      if (this.closed) return reject(new NightflowError('aborted', 'The worker pool is closed.'));
      if (signal?.aborted) return reject(new NightflowError('aborted', 'stopped'));
      const onAbort = () => {
        task.abandoned = true;
        const queued = this.queue.indexOf(task);
        if (queued >= 0) this.queue.splice(queued, 1);
        reject(new NightflowError('aborted', 'stopped'));
      };
      const settle =
        <T>(then: (value: T) => void) =>
        (value: T) => {
          signal?.removeEventListener('abort', onAbort);
          if (!task.abandoned) then(value);
        };
      const task: Task = {
        id: this.nextId++,
        job: job as Job<unknown, unknown>,
        input,
        transfer,
        resolve: settle(resolve as (output: unknown) => void),
        reject: settle(reject),
        abandoned: false,
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      this.queue.push(task);
      this.pump();
    });
  }

  /** Ends all workers; what still runs is rejected as aborted. */
  async close(): Promise<void> {
    this.closed = true;
    const stopped = new NightflowError('aborted', 'The worker pool is closed.');
    for (const task of this.queue.splice(0)) task.reject(stopped);
    await Promise.all(
      this.lanes.splice(0).map((lane) => {
        lane.task?.reject(stopped);
        lane.task = null;
        return lane.worker.terminate();
      }),
    );
  }

  private pump(): void {
    while (this.queue.length > 0) {
      let lane = this.lanes.find((candidate) => candidate.task === null);
      if (!lane && this.lanes.length < this.size) lane = this.addLane();
      if (!lane) return;
      const task = this.queue.shift()!;
      lane.task = task;
      lane.worker.ref();
      try {
        lane.worker.postMessage({ id: task.id, module: task.job.module, name: task.job.name, input: task.input }, [
          ...task.transfer,
        ]);
      } catch (error) {
        this.finish(lane);
        task.reject(error as Error);
      }
    }
  }

  private addLane(): Lane {
    const lane: Lane = { worker: new Worker(workerFile), task: null };
    lane.worker.unref();
    lane.worker.on('message', (answer: { id: number; output?: unknown; failure?: JobFailure }) => {
      const task = lane.task;
      if (!task || task.id !== answer.id) return;
      if (answer.failure && task.job.discardWorkerOnError) this.discard(lane);
      else this.finish(lane);
      if (answer.failure) task.reject(failureToError(answer.failure));
      else {
        trackSharedIn(answer.output);
        task.resolve(answer.output);
      }
      this.pump();
    });
    const onDeath = (error: Error) => {
      const task = lane.task;
      this.discard(lane);
      task?.reject(
        new NightflowError('failed', `A worker thread ended in the middle of ${task.job.name}: ${error.message}`, {
          cause: error,
        }),
      );
      if (!this.closed) this.pump();
    };
    lane.worker.on('error', onDeath);
    lane.worker.on('exit', (code) => {
      if (this.lanes.includes(lane)) onDeath(new Error(`exit code ${code}`));
    });
    this.lanes.push(lane);
    return lane;
  }

  private finish(lane: Lane): void {
    lane.task = null;
    lane.worker.unref();
  }

  private discard(lane: Lane): void {
    lane.task = null;
    const at = this.lanes.indexOf(lane);
    if (at >= 0) this.lanes.splice(at, 1);
    void lane.worker.terminate();
  }
}

function failureToError(failure: JobFailure): Error {
  const error = new NightflowError(
    failure.code ?? (failure.systemCode === 'ENOSPC' ? 'disk-full' : 'failed'),
    failure.message,
    {
      remedy: failure.remedy,
    },
  );
  if (failure.stack) error.stack = failure.stack;
  return error;
}

function defaultPoolSize(): number {
  const asked = Number(process.env.NIGHTFLOW_WORKERS);
  return asked >= 1 ? asked : Math.max(1, Math.min(4, availableParallelism() - 1));
}

let shared: WorkerPool | null = null;

/** The pool that the whole process shares; its threads start with the first job and don't keep the process alive. */
export function sharedPool(): WorkerPool {
  shared ??= new WorkerPool();
  return shared;
}

/** For tests and for a clean end: closes the shared pool; the next use makes a new one. */
export async function closeSharedPool(): Promise<void> {
  const pool = shared;
  shared = null;
  await pool?.close();
}
