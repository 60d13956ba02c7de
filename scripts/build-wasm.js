/** Compiles the AssemblyScript kernels to dist/wasm/kernels.wasm. Needs nothing but npm's assemblyscript; runs under any Node >= 20. */
import { mkdir, rename } from 'node:fs/promises';
import { dirname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const target = join(root, 'dist', 'wasm', 'kernels.wasm');

/** 65536 pages of 64 KiB: all that 32-bit pointers reach. Each memory that the kernels get is smaller, and of fixed size. */
const maximumPages = 65_536;

/** Compiles; resolves to the path of the result, throws with the compiler's own text. */
export async function buildWasm() {
  const { default: asc } = await import('assemblyscript/asc');
  await mkdir(dirname(target), { recursive: true });
  // Renamed into place, so that a test that runs meanwhile never reads half a module.
  const partial = `${target}.${process.pid}.part`;
  const { error, stderr } = await asc.main([
    join(root, 'lib', 'kernels', 'assembly', 'index.ts'),
    '--outFile',
    partial,
    '--baseDir',
    root,
    ...['--runtime', 'stub', '--noAssert', '--optimizeLevel', '3', '--shrinkLevel', '0', '--converge'],
    ...['--enable', 'simd', '--enable', 'threads', '--enable', 'relaxed-simd', '--importMemory', '--sharedMemory'],
    ...['--initialMemory', '1', '--maximumMemory', String(maximumPages)],
  ]);
  if (error) throw new Error(`The kernels do not compile: ${error.message}\n${stderr.toString()}`);
  await rename(partial, target);
  return target;
}

if (process.argv[1] && fileURLToPath(import.meta.url) === process.argv[1])
  console.log(`${relative(process.cwd(), await buildWasm())} built`);
