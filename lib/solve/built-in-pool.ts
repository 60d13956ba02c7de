/** The thread of the built-in solver: only one, so that the index is in memory once. Several solves take turns. */
import { WorkerPool } from '../kernels/pool.ts';

let pool: WorkerPool | null = null;

export function solverPool(): WorkerPool {
  pool ??= new WorkerPool(1);
  return pool;
}

/** Ends the worker and frees the index; the next solve makes a new one. */
export async function closeBuiltInSolver(): Promise<void> {
  const closing = pool;
  pool = null;
  await closing?.close();
}
