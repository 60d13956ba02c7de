import { afterEach, expect, it } from 'vitest';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { job, WorkerPool } from '../../lib/kernels/pool.ts';
import type { NightflowError } from '../../lib/process/errors.ts';

const here = new URL('./echo.job.ts', import.meta.url);
const pools: WorkerPool[] = [];
const pool = (size: number) => {
  const made = new WorkerPool(size);
  pools.push(made);
  return made;
};
afterEach(async () => {
  for (const open of pools.splice(0)) await open.close();
});

it('runs more jobs than it has threads and answers each', async () => {
  const workers = pool(2);
  const double = job<{ value: number }, number>(here, 'double');
  const answers = await Promise.all(Array.from({ length: 20 }, (_, value) => workers.run(double, { value })));
  expect(answers).toEqual(Array.from({ length: 20 }, (_, value) => value * 2));
});

it('shares memory with the worker instead of copying it', async () => {
  const data = allocateShared(16);
  await pool(1).run(job<{ data: SharedArrayBuffer; value: number }, unknown>(here, 'fill'), { data, value: 7 });
  expect([...new Uint8Array(data)]).toEqual(Array(16).fill(7));
});

it('carries code, sentence and remedy of an error across the thread', async () => {
  const failure = await pool(1)
    .run(job(here, 'refuse'), null)
    .catch((error: NightflowError) => error);
  expect(failure).toMatchObject({ code: 'bad-input', message: 'no such thing', remedy: 'ask for another' });
});

it('survives a worker that dies, and goes on with a new one', async () => {
  const workers = pool(1);
  await expect(workers.run(job(here, 'die'), null)).rejects.toMatchObject({ code: 'failed' });
  expect(await workers.run(job<{ value: number }, number>(here, 'double'), { value: 4 })).toBe(8);
});

it('rejects at once when aborted', async () => {
  const workers = pool(1);
  await expect(workers.run(job(here, 'double'), { value: 1 }, { signal: AbortSignal.abort() })).rejects.toMatchObject({
    code: 'aborted',
  });
});
