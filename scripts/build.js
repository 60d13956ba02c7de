/**
 * Builds the package: TypeScript to dist/, the editor's files of the nodes beside it, flows/ to examples/, dashboard/ to
 * resources/dashboard/, the kernels to dist/wasm/. What is up to date is left alone, so a second run takes a moment.
 */
import { createHash } from 'node:crypto';
import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { dirname, extname, join, relative, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import { entry, nodeProgram, root, run } from './toolchain.js';

const dist = join(root, 'dist');
const locks = join(root, 'node_modules', '.cache');

/** @returns whether everything was built; what failed is printed. */
export async function build() {
  const release = await lock(join(locks, 'nightflow-build.lock'));
  try {
    return (await compile()) && (await compileKernels()) && copyAssets() && checkNodes();
  } finally {
    release();
  }
}

async function compile() {
  const sources = [...files(join(root, 'lib'), '.ts'), ...files(join(root, 'nodes'), '.ts')].filter(
    (path) => !isKernel(path),
  );
  const stamp = fingerprint([...sources, join(root, 'tsconfig.json'), join(root, 'package-lock.json')]);
  if (readStamp('sources') === stamp) return true;
  const wanted = new Set(sources.map((path) => join(dist, relative(root, path)).replace(/\.ts$/, '.js')));
  for (const folder of ['lib', 'nodes'])
    for (const path of files(join(dist, folder), '.js')) if (!wanted.has(path)) rmSync(path);
  const code = await run(nodeProgram(), [entry('typescript', 'bin', 'tsc'), '-p', 'tsconfig.json']);
  if (code === 0) writeStamp('sources', stamp);
  else console.error('The TypeScript sources do not compile (see above).');
  return code === 0;
}

async function compileKernels() {
  const script = join(root, 'scripts', 'build-wasm.js');
  if (!existsSync(script)) return true;
  const sources = files(join(root, 'lib', 'kernels', 'assembly'), '.ts');
  const stamp = fingerprint([...sources, script, join(root, 'package-lock.json')]);
  if (readStamp('kernels') === stamp && existsSync(join(dist, 'wasm', 'kernels.wasm'))) return true;
  const code = await run(nodeProgram(), [script]);
  if (code === 0) writeStamp('kernels', stamp);
  else console.error('The kernels do not compile (see above).');
  return code === 0;
}

/** Node-RED looks for NAME.html, locales/ and icons/ beside each node's file, for examples/ and resources/ at the top. */
function copyAssets() {
  const wanted = new Map();
  for (const path of files(join(root, 'nodes')))
    if (extname(path) !== '.ts') wanted.set(join(dist, relative(root, path)), path);
  // Each icon once: the editor's icon picker shows the icon folders of all families as one list.
  for (const [type, file] of Object.entries(nodes())) {
    const icon = join(root, 'icons', `${type}.svg`);
    if (existsSync(icon)) wanted.set(join(root, dirname(file), 'icons', `${type}.svg`), icon);
  }
  for (const flow of files(join(root, 'flows'), '.json'))
    wanted.set(join(root, 'examples', relative(join(root, 'flows'), flow)), flow);
  for (const widget of files(join(root, 'dashboard'), '.js'))
    wanted.set(join(root, 'resources', 'dashboard', relative(join(root, 'dashboard'), widget)), widget);

  const made = files(join(dist, 'nodes')).filter((path) => extname(path) !== '.js');
  made.push(...files(join(root, 'examples')), ...files(join(root, 'resources', 'dashboard')));
  for (const path of made) if (!wanted.has(path)) rmSync(path);
  for (const [to, from] of wanted) if (!existsSync(to) || !readFileSync(to).equals(readFileSync(from))) copy(from, to);
  return true;
}

function checkNodes() {
  const missing = Object.values(nodes())
    .flatMap((file) => [file, file.replace(/\.js$/, '.html')])
    .filter((file) => !existsSync(join(root, file)));
  for (const file of missing) console.error(`package.json names ${file}, which the build did not make.`);
  return missing.length === 0;
}

/** Type and file of every node of the package. */
const nodes = () => JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))['node-red'].nodes;

const isKernel = (path) => relative(root, path).startsWith(join('lib', 'kernels', 'assembly') + sep);

/** All files below a folder with that extension, sorted; none when there is no such folder. */
function files(folder, extension = '') {
  if (!existsSync(folder)) return [];
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((each) => each.isFile() && each.name.endsWith(extension))
    .map((each) => join(each.parentPath, each.name))
    .sort();
}

function copy(from, to) {
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function fingerprint(paths) {
  const hash = createHash('sha256');
  for (const path of paths) {
    const { mtimeMs, size } = statSync(path);
    hash.update(`${relative(root, path)} ${mtimeMs} ${size}\n`);
  }
  return hash.digest('hex');
}

/** Stamps stand in dist/, so that deleting dist/ builds everything anew. */
const stampFile = (name) => join(dist, `.${name}-stamp`);
const readStamp = (name) => (existsSync(stampFile(name)) ? readFileSync(stampFile(name), 'utf8') : null);
function writeStamp(name, stamp) {
  mkdirSync(dist, { recursive: true });
  writeFileSync(stampFile(name), stamp);
}

/** Keeps two builds (a running test and a start) from treading on each other; a lock of a dead process is taken over. */
async function lock(path) {
  mkdirSync(dirname(path), { recursive: true });
  for (;;) {
    try {
      writeFileSync(path, String(process.pid), { flag: 'wx' });
      return () => rmSync(path, { force: true });
    } catch (error) {
      if (error.code !== 'EEXIST') throw error;
      if (!isAlive(path)) rmSync(path, { force: true });
      else await new Promise((resolve) => setTimeout(resolve, 100));
    }
  }
}

function isAlive(lockFile) {
  try {
    const owner = Number(readFileSync(lockFile, 'utf8'));
    if (owner === 0) return Date.now() - statSync(lockFile).mtimeMs < 5000;
    process.kill(owner, 0);
    return true;
  } catch (error) {
    return error.code !== 'ESRCH';
  }
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = (await build()) ? 0 : 1;
