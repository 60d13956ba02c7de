/**
 * The compiled kernels in this thread: the module is compiled once, and each worker has one scratch memory of fixed size.
 * Only workers (`*.job.ts`) call this: it reads a file synchronously.
 */
import { readFileSync } from 'node:fs';
import { NightflowError } from '../process/errors.ts';
import { packagePath } from '../process/package-root.ts';
import { fixedMemory, wasmPageBytes } from './wasm-memory.ts';

/** A kernel takes byte pointers and numbers. The names are those that lib/kernels/assembly exports. */
export type Kernels = Record<string, (...values: number[]) => number> & { memory?: never };

let compiled: WebAssembly.Module | null = null;

function kernelsModule(): WebAssembly.Module {
  if (compiled) return compiled;
  const path = packagePath('dist', 'wasm', 'kernels.wasm');
  try {
    compiled = new WebAssembly.Module(readFileSync(path));
  } catch (cause) {
    throw new NightflowError('missing', `The compiled kernels ${path} can't be loaded.`, {
      cause,
      remedy: 'Run `npm run build`.',
    });
  }
  return compiled;
}

/** The kernels bound to a memory. An instance takes microseconds to make; keep it no longer than the memory is wanted. */
export function kernelsOn(memory: WebAssembly.Memory): Kernels {
  return new WebAssembly.Instance(kernelsModule(), { env: { memory } }).exports as unknown as Kernels;
}

/** A worker's scratch: the kernels, the memory they see, and a bump allocator that each job starts afresh. */
export class Scratch {
  readonly memory: WebAssembly.Memory;
  readonly kernels: Kernels;
  /** All of the memory; copy with `Buffer.copy` (`typedArray.set` between shared buffers is 2-3 times slower in V8). */
  readonly bytes: Buffer;
  private next = wasmPageBytes;

  constructor(memory: WebAssembly.Memory) {
    this.memory = memory;
    this.kernels = kernelsOn(memory);
    this.bytes = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  }

  /** A pointer to `bytes` bytes, 64-byte aligned, with 64 bytes of slack on both sides; contents undefined. @throws unsupported when full. */
  take(bytes: number): number {
    const pointer = this.next + 64;
    this.next = (pointer + bytes + 64 + 63) & ~63;
    if (this.next > this.bytes.byteLength || this.next < pointer)
      throw new NightflowError('unsupported', `A block of ${bytes} bytes does not fit the kernels' scratch memory.`);
    return pointer;
  }

  reset(): void {
    this.next = wasmPageBytes;
  }

  u8(pointer: number, length: number): Uint8Array {
    return new Uint8Array(this.memory.buffer, pointer, length);
  }
  u16(pointer: number, length: number): Uint16Array {
    return new Uint16Array(this.memory.buffer, pointer, length);
  }
  u32(pointer: number, length: number): Uint32Array {
    return new Uint32Array(this.memory.buffer, pointer, length);
  }
  f32(pointer: number, length: number): Float32Array {
    return new Float32Array(this.memory.buffer, pointer, length);
  }
  f64(pointer: number, length: number): Float64Array {
    return new Float64Array(this.memory.buffer, pointer, length);
  }
}

/** Address space of a worker's scratch, bytes. */
const scratchBytes = 128 * 2 ** 20;

let own: Scratch | null = null;

/** This thread's scratch, emptied. The pool gives a worker one job at a time, so it is the job's own until it ends. */
export function scratch(): Scratch {
  own ??= new Scratch(fixedMemory(scratchBytes));
  own.reset();
  return own;
}
