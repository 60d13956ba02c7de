/** The rules of the house as functions over sources, so that a test can feed them good and bad ones. */
import { posix } from 'node:path';

export interface Source {
  /** From the repository's root, with forward slashes: 'lib/frame/frame.ts'. */
  path: string;
  text: string;
}

interface Import {
  /** A path like Source.path for our own modules, the bare name for packages. */
  target: string;
  typeOnly: boolean;
}

/** Bottom to top: a module of lib/ imports its own folder and rows above its own in this list. */
const layers = [
  ['clock'],
  ['process'],
  ['kernels'],
  ['frame'],
  ['stars', 'sky'],
  ['solve'],
  ['indi'],
  ['camera'],
  ['archive', 'watch', 'night', 'field'],
];
const layerOf = new Map(layers.flatMap((folders, level) => folders.map((folder) => [folder, level])));

const longestFile = 300;

/** Where the system's time is read or real time must pass, and why. */
const mayUseRealTime = [
  /** The clocks themselves. */
  /^lib\/clock\//,
  /** The limit of a node's close is Node-RED's, in real seconds. */
  /^nodes\/handle\.ts$/,
];

/** May read synchronously once, at start: it finds the package. */
const mayBlock = [/^lib\/process\/package-root\.ts$/];

export function importArrows(sources: readonly Source[]): string[] {
  return sources.flatMap((source) =>
    importsOf(source)
      .map(({ target }) => complaintAboutArrow(source.path, target))
      .filter((complaint) => complaint !== null)
      .map((complaint) => `${source.path}: ${complaint}`),
  );
}

function complaintAboutArrow(from: string, to: string): string | null {
  if (!from.startsWith('lib/')) return null;
  if (to === 'node-red' || to.startsWith('@node-red/')) return 'lib does not know Node-RED';
  if (to.startsWith('nodes/')) return `lib does not import ${to}`;
  if (!to.startsWith('lib/')) return null;
  const [mine, theirs] = [from, to].map((path) => path.split('/')[1]!);
  const [level, other] = [layerOf.get(mine!), layerOf.get(theirs!)];
  if (level === undefined) return `the folder lib/${mine} has no layer`;
  if (mine === theirs || (other !== undefined && other < level)) return null;
  return `${mine} may not import ${to}`;
}

/** Packages that are imported at run time must be in package.json; types vanish. */
export function undeclaredPackages(sources: readonly Source[], declared: readonly string[]): string[] {
  return sources.flatMap((source) =>
    importsOf(source)
      .filter(({ target, typeOnly }) => !typeOnly && !/^(lib|nodes)\/|^node:/.test(target))
      .map(({ target }) => target.split('/', target.startsWith('@') ? 2 : 1).join('/'))
      .filter((name) => !declared.includes(name))
      .map((name) => `${source.path}: ${name} is not a dependency`),
  );
}

/** Synchronous calls and pixel loops in modules that the main thread loads (all but those only workers reach). */
export function mainThreadWork(sources: readonly Source[]): string[] {
  const main = mainThreadModules(sources);
  return sources
    .filter(({ path }) => main.has(path) && !mayBlock.some((allowed) => allowed.test(path)))
    .flatMap(({ path, text }) => {
      const code = withoutComments(text);
      const found = [...code.matchAll(/\b\w+Sync\s*\(|\bAtomics\.wait\s*\(/g)].map(
        ([call]) => `${call}) blocks the main thread`,
      );
      const loop = /\bfor\s*\([^;{]*;[^;{]*<=?\s*(?:\w+\.)*(?:pixels|samples|data)\.length\b/.exec(code);
      const rows =
        /\bfor\s*\([^;{]*;[^;{]*<=?\s*(?:\w+\.)*height\b[^{;]*;[^{]*\{?[^}]*?\bfor\s*\([^;{]*;[^;{]*<=?\s*(?:\w+\.)*width\b/.exec(
          code,
        );
      if (loop || rows) found.push('a loop over pixels belongs into a job');
      return found.map((complaint) => `${path}: ${complaint}`);
    });
}

/** What is not only reached from jobs: everything that something besides jobs imports, and what nobody imports. */
function mainThreadModules(sources: readonly Source[]): Set<string> {
  const byPath = new Map(sources.map((source) => [source.path, source]));
  const isWorkerEntry = (path: string) => /\.job\.ts$|\/worker\.ts$/.test(path);
  const reach = (roots: readonly string[], enter: (path: string) => boolean) => {
    const reached = new Set<string>();
    for (const queue = [...roots]; queue.length > 0; ) {
      const path = queue.pop()!;
      const source = byPath.get(path);
      if (!source || reached.has(path) || !enter(path)) continue;
      reached.add(path);
      queue.push(
        ...importsOf(source)
          .filter(({ typeOnly }) => !typeOnly)
          .map(({ target }) => target),
      );
    }
    return reached;
  };
  const all = [...byPath.keys()];
  const workers = reach(all.filter(isWorkerEntry), () => true);
  return reach(
    all.filter((path) => !workers.has(path)),
    (path) => !isWorkerEntry(path),
  );
}

/** performance.now() is let be: it measures how long something took and can't tell the time. */
export function systemTime(sources: readonly Source[]): string[] {
  const asks =
    /\bDate\.now\s*\(|\bnew Date\s*\(\s*\)|\bset(?:Timeout|Interval)\s*\(|\bAbortSignal\.timeout\s*\(|'node:timers\/promises'/g;
  return sources
    .filter(({ path }) => !mayUseRealTime.some((allowed) => allowed.test(path)))
    .flatMap(({ path, text }) =>
      [...withoutComments(text).matchAll(asks)].map(([call]) => `${path}: ${call} does not ask the clock`),
    );
}

export function tooLong(sources: readonly Source[]): string[] {
  return sources
    .map(({ path, text }) => ({ path, lines: text.trimEnd().split('\n').length }))
    .filter(({ lines }) => lines > longestFile)
    .map(({ path, lines }) => `${path}: ${lines} lines`);
}

/** Absolute paths of somebody's computer; /home/pi is the Raspberry Pi of the docs. */
export function machinePaths(sources: readonly Source[]): string[] {
  return sources.flatMap(({ path, text }) =>
    [...text.matchAll(/(?<![\w.:/)\\-])\/(?:home\/(?!pi\b)|root\/|Users\/|work\/)[\w.-]*/g)].map(
      ([found]) => `${path}: ${found}`,
    ),
  );
}

function importsOf({ path, text }: Source): Import[] {
  const code = withoutComments(text);
  const found: Import[] = [];
  const add = (name: string, typeOnly: boolean) =>
    found.push({ target: name.startsWith('.') ? posix.join(posix.dirname(path), name) : name, typeOnly });
  for (const [, type, name] of code.matchAll(/^\s*(?:import|export)\s+(type\s)?[^'";]*?from\s+'([^']+)'/gm))
    add(name!, !!type);
  for (const [, name] of code.matchAll(/^\s*import\s+'([^']+)'/gm)) add(name!, false);
  for (const [, name] of code.matchAll(/\bimport\(\s*'([^']+)'/g)) add(name!, false);
  return found;
}

/** Good enough for our sources: no string of ours holds a comment's beginning but an address. */
const withoutComments = (text: string): string => text.replace(/\/\*[\s\S]*?\*\/|(?<![:'"])\/\/.*$/gm, '');
