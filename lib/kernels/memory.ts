/**
 * Pixel memory. A SharedArrayBuffer puts no pressure on V8's garbage collector, so a night of discarded frames would
 * fill the machine. Each is tied to an untouched (lazily zeroed, hence free) ArrayBuffer of the same size that does.
 */

const pressure = new WeakMap<SharedArrayBuffer, ArrayBuffer>();

/** Makes the garbage collector feel a SharedArrayBuffer that came from another thread. Calling it twice is harmless. */
export function trackShared(buffer: SharedArrayBuffer): SharedArrayBuffer {
  if (!pressure.has(buffer)) pressure.set(buffer, new ArrayBuffer(buffer.byteLength));
  return buffer;
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
