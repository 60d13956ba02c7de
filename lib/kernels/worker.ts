/** The worker thread's side of the pool: imports the job's module once, runs it, answers with its output or its failure. */
import { parentPort } from 'node:worker_threads';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { sweepForgotten, trackSharedIn } from './memory.ts';
import type { JobFailure } from './pool.ts';

type JobFunction = (input: unknown) => unknown;

const port = parentPort!;

port.on(
  'message',
  async ({ id, module, name, input }: { id: number; module: string; name: string; input: unknown }) => {
    try {
      trackSharedIn(input);
      const run = ((await import(module)) as Record<string, JobFunction>)[name];
      if (typeof run !== 'function') throw new NightflowError('failed', `${module} exports no job named ${name}`);
      const output = await run(input);
      trackSharedIn(output);
      port.postMessage({ id, output });
    } catch (thrown) {
      const error = asNightflowError(thrown);
      const failure: JobFailure = {
        name: error.name,
        message: error.message,
        code: error.code,
        remedy: error.remedy,
        stack: error.stack,
      };
      port.postMessage({ id, failure });
    }
    // Not at once: this function still holds the job's input and output.
    setImmediate(sweepForgotten);
  },
);
