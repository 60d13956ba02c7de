/**
 * Pixel memory. A SharedArrayBuffer puts no pressure on V8's garbage collector, so a night of discarded frames would
 * fill the machine. So the young objects are swept every so many bytes, which frees what was forgotten soon: in a worker
 * between jobs, when nothing holds the last one's frames. For what lives longer, a frame now and then is tied to an
 * untouched ArrayBuffer of the size of those before it, which does put on pressure.
 */
import { totalmem } from 'node:os';
import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { isMainThread } from 'node:worker_threads';

/**
 * Bytes of shared memory that a thread may meet before its garbage collector hears of them. A token starts a whole
 * collection: 9 ms of CPU in a worker, 100 ms with pauses of 20 for Node-RED's heap. It is for the few frames that live long
 * enough to grow old: of those, an eighth of the machine's memory may wait, and no more than 512 MB.
 */
const budgetBytes = Math.max(2 ** 28, Math.min(2 ** 29, totalmem() / 8));
/** The same where sweeps are not to be had. */
const sweeplessBudgetBytes = 2 ** 27;
/** The same for what no sweep frees. */
const unsweptBudgetBytes = 256 * 2 ** 20;

/** Bytes that may be forgotten before a sweep: a quarter of a millisecond for five frames of 25 MB, in a worker. */
const sweepBytes = 128 * 2 ** 20;
/** The same in the middle of a worker's job. What is still in use then grows old, so a sweep between jobs is better. */
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
  if (unsweptBytes >= (isMainThread ? sweepBytes : sweepWithinJobBytes)) sweepYoung();
  const sweeps = collect !== null;
  const budget = sweeps ? budgetBytes : sweeplessBudgetBytes;
  unheardBytes += sweeps && growsOld ? (buffer.byteLength * budget) / unsweptBudgetBytes : buffer.byteLength;
  // A worker collects by itself once its job is done; in the middle of one, only what is far beyond.
  if (unheardBytes >= (sweeps && !isMainThread ? 2 * budget : budget)) {
    pressure.set(buffer, untouched(Math.min(unheardBytes, largestToken)));
    unheardBytes = 0;
  }
  return buffer;
}

/**
 * Called by a worker between two jobs, when nothing holds the frames of the last one any more. A token only asks for a collection, and a
 * busy machine lets it wait while memory goes on being taken.
 */
export function sweepForgotten(): void {
  if (collect && unheardBytes >= budgetBytes) {
    [unheardBytes, unsweptBytes] = [0, 0];
    collect({ type: 'major' });
  } else if (unsweptBytes >= sweepBytes) sweepYoung();
}

/**
 * A resizable buffer comes straight from the system, zeroed only when touched. A plain one may come from glibc's heap,
 * which clears it by hand: 1-4 ms for 25 MB, measured.
 */
const untouched = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes, { maxByteLength: bytes });

type Collect = (options: { type: 'minor' | 'major' }) => void;
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

/** Tracks every SharedArrayBuffer found in a value's own enumerable properties, three levels deep: what jobs and frames use. */
export function trackSharedIn(value: unknown, depth = 4): void {
  if (value instanceof SharedArrayBuffer) trackShared(value);
  else if (depth > 0 && value !== null && typeof value === 'object' && !ArrayBuffer.isView(value))
    for (const inner of Array.isArray(value) ? value : Object.values(value)) trackSharedIn(inner, depth - 1);
}
