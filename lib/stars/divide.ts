/** Runs the measurement in one thread, or divides it among those of the pool. */
import { job, type WorkerPool } from '../kernels/pool.ts';
import { throwIfAborted } from '../process/errors.ts';
import type { Measured, MeasureInput } from './measure.job.ts';
import type {
  FoundShare,
  Joined,
  JoinInput,
  MeasuredShare,
  MeshShare,
  ObjectShare,
  SearchShare,
  SortInput,
  Start,
} from './measure-shares.job.ts';
import type { Plane } from './plane.ts';

const whole = job<MeasureInput, Measured>(new URL('./measure.job.ts', import.meta.url), 'measurePlane');
const shares = new URL('./measure-shares.job.ts', import.meta.url);
const start = job<{ plane: Plane }, Start>(shares, 'startShares');
const mesh = job<MeshShare, void>(shares, 'measureMeshShare');
const search = job<SearchShare, FoundShare>(shares, 'searchShare');
const join = job<JoinInput, Joined>(shares, 'joinShares');
const measure = job<ObjectShare, MeasuredShare>(shares, 'measureShare');
const sort = job<SortInput, Measured>(shares, 'sortShares');

/** What of a worker pool is needed. */
export type JobRunner = Pick<WorkerPool, 'run' | 'size'>;

/** Smaller planes take less than the threads would cost. */
const leastPixels = 4_000_000;

export async function measureOn(
  pool: JobRunner,
  input: MeasureInput,
  { threads, signal }: { threads?: number; signal?: AbortSignal },
): Promise<Measured> {
  const { plane, thresholdSigma } = input;
  const parts = threads ?? (plane.width * plane.height < leastPixels ? 1 : pool.size);
  if (parts < 2) return pool.run(whole, input, { signal });
  const begun = await pool.run(start, { plane }, { signal });
  if (Number.isNaN(begun.guess.level)) return pool.run(whole, input, { signal });
  const common = { ...begun, plane };
  await Promise.all(
    ranges(begun.mesh.rows, parts, 1).map((range) => pool.run(mesh, { ...common, ...range }, { signal })),
  );
  const found = await Promise.all(
    ranges(plane.height, parts, 8).map((range) =>
      pool.run(search, { ...common, ...range, thresholdSigma }, { signal }),
    ),
  );
  const joined = await pool.run(join, { ...common, thresholdSigma, shares: found }, { signal });
  if (joined.large) return joined.large;
  throwIfAborted(signal);
  const measured = await Promise.all(
    ranges(joined.count, parts, 1).map((range) =>
      pool.run(measure, { plane, mesh: begun.mesh, joined, ...range }, { signal }),
    ),
  );
  return pool.run(sort, { joined, saturated: begun.saturated, shares: measured }, { signal });
}

/** As many even shares of `count`, each but the last a multiple of `step`. */
function ranges(count: number, parts: number, step: number): { from: number; to: number }[] {
  const border = (part: number) => (part === parts ? count : Math.floor((count * part) / parts / step) * step);
  return Array.from({ length: parts }, (_, part) => ({ from: border(part), to: border(part + 1) })).filter(
    ({ from, to }) => to > from,
  );
}
