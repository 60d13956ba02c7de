/**
 * Pixel memory. A SharedArrayBuffer puts no pressure on V8's garbage collector, so a night of discarded frames would
 * fill the machine. Every so many bytes of them, one is tied to an untouched ArrayBuffer of that size, which does; and a
 * worker, which forgets each frame as soon as its job is done, sweeps its young objects between jobs.
 */
import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/**
 * Bytes of shared memory that a thread may meet before its garbage collector hears of them. A token starts a whole
 * collection: 9 ms of CPU in a worker, and pauses of Node-RED's large heap.
 */
const mainBudgetBytes = 256 * 2 ** 20;
/**
 * In a worker the sweeps do the work, and the tokens are for the few frames that live long enough to grow old: of
 * those, an eighth of the machine's memory may wait.
 */
const workerBudgetBytes = Math.max(2 ** 29, Math.min(2 ** 32, totalmem() / 8));
/** The same for what no sweep frees. */
const unsweptBudgetBytes = 256 * 2 ** 20;

/** Bytes that a worker may forget before it sweeps: a quarter of a millisecond for five frames of 25 MB. */
const sweepBytes = 128 * 2 ** 20;
/** The same in the middle of a job. What is still in use then grows old, so a sweep between jobs is better. */
const sweepWithinJobBytes = 512 * 2 ** 20;

/** Enough for V8 to act, little enough for a small machine to promise. */
const largestToken = 256 * 2 ** 20;

const known = new WeakSet<SharedArrayBuffer>();
const pressure = new WeakMap<SharedArrayBuffer, ArrayBuffer>();
let unheardBytes = 0;
let unsweptBytes = 0;

/**
 * Makes the garbage collector feel a SharedArrayBuffer that came from another thread. Calling it twice is harmless.
 * @param growsOld No sweep of young objects frees it: the memory of a WebAssembly instance.
 */
export function trackShared(buffer: SharedArrayBuffer, growsOld = false): SharedArrayBuffer {
  if (known.has(buffer)) return buffer;
  known.add(buffer);
  unsweptBytes += buffer.byteLength;
  if (!isMainThread && unsweptBytes >= sweepWithinJobBytes) sweepYoung();
  const sweeps = !isMainThread && collect !== null;
  const budgetBytes = sweeps ? workerBudgetBytes : mainBudgetBytes;
  unheardBytes += sweeps && growsOld ? (buffer.byteLength * budgetBytes) / unsweptBudgetBytes : buffer.byteLength;
  if (unheardBytes >= budgetBytes) {
    pressure.set(buffer, untouched(Math.min(unheardBytes, largestToken)));
    unheardBytes = 0;
  }
  return buffer;
}

/** Called by a worker between two jobs, when nothing holds the frames of the last one any more. */
export function sweepForgotten(): void {
  if (unsweptBytes >= sweepBytes) sweepYoung();
}

/**
 * A resizable buffer comes straight from the system, zeroed only when touched. A plain one may come from glibc's heap,
 * which clears it by hand: 1-4 ms for 25 MB, measured.
 */
const untouched = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes, { maxByteLength: bytes });

type Collect = (options: { type: 'minor' }) => void;
let collect: Collect | null | undefined;

/** V8 has no other way to ask for it than the `gc` of --expose-gc; where that is not to be had, the tokens alone do. */
function sweepYoung(): void {
  unsweptBytes = 0;
  if (collect === undefined) {
    setFlagsFromString('--expose-gc');
    const found: unknown = runInNewContext('globalThis.gc');
    collect = typeof found === 'function' ? (found as Collect) : null;
  }
  collect?.({ type: 'minor' });
}

/** Pixel memory of `bytes` bytes, zeroed, that the garbage collector knows the size of. */
export function allocateShared(bytes: number): SharedArrayBuffer {
  return trackShared(new SharedArrayBuffer(bytes));
}

/** Tracks every SharedArrayBuffer found in a value's own enumerable properties, two levels deep: what jobs and frames use. */
export function trackSharedIn(value: unknown, depth = 3): void {
  if (value instanceof SharedArrayBuffer) trackShared(value);
  else if (depth > 0 && value !== null && typeof value === 'object' && !ArrayBuffer.isView(value))
    for (const inner of Array.isArray(value) ? value : Object.values(value)) trackSharedIn(inner, depth - 1);
}
