/**
 * Pixel memory. A SharedArrayBuffer puts no pressure on V8's garbage collector, so a night of discarded frames would
 * fill the machine. Every so many bytes of them, one is tied to an untouched ArrayBuffer of that size, which does.
 */
import { totalmem } from 'node:os';

/**
 * Bytes of shared memory that a thread may meet before its garbage collector hears of them. A token for each frame makes
 * a collection for every 64 MB (2 ms of CPU a frame in a worker, a pause of Node-RED's whole heap in the main thread);
 * this makes one for every 256 MB, less on a small machine.
 */
const budgetBytes = Math.max(64 * 2 ** 20, Math.min(256 * 2 ** 20, totalmem() / 32));

const known = new WeakSet<SharedArrayBuffer>();
const pressure = new WeakMap<SharedArrayBuffer, ArrayBuffer>();
let unheardBytes = 0;

/** Makes the garbage collector feel a SharedArrayBuffer that came from another thread. Calling it twice is harmless. */
export function trackShared(buffer: SharedArrayBuffer): SharedArrayBuffer {
  if (known.has(buffer)) return buffer;
  known.add(buffer);
  unheardBytes += buffer.byteLength;
  if (unheardBytes >= budgetBytes) {
    pressure.set(buffer, untouched(unheardBytes));
    unheardBytes = 0;
  }
  return buffer;
}

/**
 * A resizable buffer comes straight from the system, zeroed only when touched. A plain one may come from glibc's heap,
 * which clears it by hand: 1-4 ms for 25 MB, measured.
 */
const untouched = (bytes: number): ArrayBuffer => new ArrayBuffer(bytes, { maxByteLength: bytes });

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
