/** WebAssembly memory that several threads share; the main thread makes it, workers bind the kernels to it (wasm.ts). */
import { NightflowError } from '../process/errors.ts';

export const wasmPageBytes = 65_536;

/**
 * Shared WebAssembly memory of fixed size (growing would detach views; only shared memory reaches workers).
 * Untouched pages cost address space, not memory. A view of it must never be part of a message: that clones all of it.
 * @throws unsupported above 4 GiB, failed when the system has no address space left.
 */
export function fixedMemory(bytes: number): WebAssembly.Memory {
  const pages = Math.ceil(bytes / wasmPageBytes);
  if (pages > 65_536)
    throw new NightflowError('unsupported', `The kernels can't hold ${(bytes / 2 ** 30).toFixed(1)} GiB at once.`);
  try {
    return new WebAssembly.Memory({ initial: pages, maximum: pages, shared: true });
  } catch (cause) {
    throw new NightflowError('failed', `No memory of ${Math.ceil(bytes / 2 ** 20)} MiB is to be had.`, {
      cause,
      remedy: 'Close other programs or stack smaller pictures.',
    });
  }
}
