import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot } from '../lib/process/package-root.ts';
import {
  importArrows,
  machinePaths,
  mainThreadWork,
  type Source,
  systemTime,
  tooLong,
  undeclaredPackages,
} from './house/architecture.ts';

function sourcesOf(folders: readonly string[], kinds: RegExp): Source[] {
  return folders.flatMap((folder) =>
    readdirSync(join(packageRoot, folder), { recursive: true, withFileTypes: true })
      .filter((each) => each.isFile() && kinds.test(each.name))
      .map((each) => join(each.parentPath, each.name))
      .map((path) => ({
        path: path.slice(packageRoot.length + 1).replaceAll('\\', '/'),
        text: readFileSync(path, 'utf8'),
      })),
  );
}

const product = sourcesOf(['lib', 'nodes'], /\.ts$/).filter(({ path }) => !path.startsWith('lib/kernels/assembly/'));
const everything = sourcesOf(
  ['lib', 'nodes', 'test', 'bench', 'scripts', 'flows', 'dashboard', 'docs', 'icons'],
  /\.(ts|js|py|html|json|md|svg)$/,
);
const manifest = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8'));
const declared = [...Object.keys(manifest.dependencies), ...Object.keys(manifest.peerDependencies)];

describe('the house', () => {
  it('has its import arrows pointing one way', () => {
    expect(product.length).toBeGreaterThan(20);
    expect(importArrows(product)).toEqual([]);
  });
  it('imports only packages that it declares', () => expect(undeclaredPackages(product, declared)).toEqual([]));
  it('keeps blocking calls and pixels off the main thread', () => expect(mainThreadWork(product)).toEqual([]));
  it('asks its clock for the time', () => expect(systemTime(product)).toEqual([]));
  it('has no file longer than 300 lines', () => {
    expect(tooLong(everything.filter(({ path }) => /\.(ts|js|html)$/.test(path)))).toEqual([]);
  });
  it('names no path of a developer’s machine', () => expect(machinePaths(everything)).toEqual([]));
});

/** Each rule is shown to be able to fail, and not to fail on the good neighbour of the bad sample. */
describe('the rules', () => {
  const file = (path: string, text: string): Source => ({ path, text });

  it.each([
    ['lib/frame/a.ts', "import { b } from '../camera/b.ts';", 'frame may not import lib/camera/b.ts'],
    ['lib/sky/a.ts', "import type { B } from '../stars/b.ts';", 'sky may not import lib/stars/b.ts'],
    ['lib/clock/a.ts', "export { b } from '../process/b.ts';", 'clock may not import lib/process/b.ts'],
    ['lib/night/a.ts', "import {\n  b,\n  c,\n} from '../field/b.ts';", 'night may not import lib/field/b.ts'],
    ['lib/night/a.ts', "const b = await import('../watch/b.ts');", 'night may not import lib/watch/b.ts'],
    ['lib/camera/a.ts', "import type { Node } from 'node-red';", 'lib does not know Node-RED'],
    ['lib/camera/a.ts', "import { b } from '../../nodes/b.ts';", 'lib does not import nodes/b.ts'],
    ['lib/misc/a.ts', "import { b } from '../clock/b.ts';", 'the folder lib/misc has no layer'],
  ])('see the wrong arrow in %s: %s', (path, text, complaint) => {
    expect(importArrows([file(path, text)])).toEqual([`${path}: ${complaint}`]);
  });
  it('let right arrows be', () => {
    const text = "import { a } from '../clock/a.ts';\nimport { b } from './b.ts';\nimport { c } from '../frame/c.ts';";
    expect(
      importArrows([file('lib/night/a.ts', text), file('nodes/a.ts', "import type { N } from 'node-red';")]),
    ).toEqual([]);
  });

  it('see an undeclared package, not a type', () => {
    const text =
      "import x from 'left-pad';\nimport type { Y } from '@scope/types/deep';\nimport { z } from '@scope/there/deep';";
    expect(undeclaredPackages([file('lib/sky/a.ts', text)], ['@scope/there'])).toEqual([
      'lib/sky/a.ts: left-pad is not a dependency',
    ]);
  });

  it.each([
    ['a synchronous call', "const a = readFileSync('x');", 'readFileSync() blocks the main thread'],
    [
      'a loop over samples',
      'for (let i = 0; i < frame.data.length; i++) sum += data[i];',
      'a loop over pixels belongs into a job',
    ],
    [
      'a loop over rows',
      'for (let y = 0; y < f.height; y++) {\n for (let x = 0; x < f.width; x++) s++; }',
      'a loop over pixels belongs into a job',
    ],
  ])('see %s on the main thread, and let workers do it', (_what, text, complaint) => {
    const helper = file('lib/frame/pixels.ts', text);
    const job = file('lib/frame/a.job.ts', "import { b } from './pixels.ts';");
    const user = file('nodes/a.ts', "import { b } from '../lib/frame/pixels.ts';");
    const typeUser = file('nodes/a.ts', "import type { B } from '../lib/frame/pixels.ts';");
    expect(mainThreadWork([helper])).toEqual([`lib/frame/pixels.ts: ${complaint}`]);
    expect(mainThreadWork([helper, job, user])).toEqual([`lib/frame/pixels.ts: ${complaint}`]);
    expect(mainThreadWork([helper, job, typeUser])).toEqual([]);
  });

  it.each(['Date.now()', 'new Date()', 'setTimeout(f, 5)', 'AbortSignal.timeout(5)'])(
    'see that %s asks the system for the time',
    (text) => {
      expect(systemTime([file('lib/night/a.ts', `f(${text});`)])).toHaveLength(1);
      expect(systemTime([file('lib/clock/a.ts', `f(${text});`)])).toEqual([]);
      expect(systemTime([file('lib/night/a.ts', `// ${text}\nnew Date(milliseconds);`)])).toEqual([]);
    },
  );

  it('see a file of 301 lines', () => {
    expect(tooLong([file('a.ts', 'x\n'.repeat(301)), file('b.ts', 'x\n'.repeat(300))])).toEqual(['a.ts: 301 lines']);
  });

  it('see a path of a machine', () => {
    const path = ['', 'home', 'somebody', 'project'].join('/');
    expect(machinePaths([file('a.md', `see ${path}`)])).toHaveLength(1);
    expect(
      machinePaths([file('a.md', `see ${['', 'home', 'pi', 'x'].join('/')} and https://example.org/work/x`)]),
    ).toEqual([]);
  });
});
