/** Finds the package's own files (compiled kernels, the star catalogue) from the sources and from `dist/` alike. */
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

function findRoot(): string {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'package.json'))) {
    const parent = dirname(folder);
    if (parent === folder) throw new Error('The package of Nightflow is incomplete: no package.json above lib/.');
    folder = parent;
  }
  return folder;
}

export const packageRoot: string = findRoot();

/** Absolute path of a file of the package, e.g. packagePath('dist/wasm/kernels.wasm'). */
export const packagePath = (...parts: string[]): string => join(packageRoot, ...parts);
