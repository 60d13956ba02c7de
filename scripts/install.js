/** Whether the dependencies are there as the lock file says, and their installation when they are not. */
import { createHash } from 'node:crypto';
import { existsSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isAtLeast, ownNode, root, run } from './toolchain.js';

/** Of the machine; Node 24, which runs everything else, comes with the dependencies. */
const oldestNode = '20.12.0';

/** What a machine must have; the rest comes from npm. @returns the remedy, or null. */
export function unsuitable(node = process.versions.node, architecture = process.arch) {
  if (!isAtLeast(node, oldestNode))
    return `Nightflow starts with Node.js ${oldestNode} or later; this is ${node}. Install a newer one: https://nodejs.org/en/download`;
  if (architecture !== 'x64' && architecture !== 'arm64')
    return `Nightflow needs a 64-bit system; this Node.js is for ${architecture}. On a Raspberry Pi install the 64-bit OS.`;
  return null;
}

/** Runs `npm ci` when node_modules is missing or not what package-lock.json says. @returns whether all is there now. */
export async function install() {
  const stamp = createHash('sha256')
    .update(readFileSync(join(root, 'package-lock.json')))
    .digest('hex');
  const stampFile = join(root, 'node_modules', '.nightflow-stamp');
  const stamped = existsSync(stampFile) && readFileSync(stampFile, 'utf8') === stamp;
  if (!stamped && !isInstalled(readLock('package-lock.json'), readLock('node_modules', '.package-lock.json'))) {
    console.log('Installing the dependencies (npm ci): a few minutes the first time …');
    if ((await npm('ci', '--no-audit', '--no-fund', '--loglevel=error')) !== 0) {
      console.error('npm ci failed (see above). It needs the internet once; then try again.');
      return false;
    }
    writeFileSync(stampFile, stamp);
  }
  if (ownNode() === null) await npm('rebuild', 'node', '--ignore-scripts=false', '--loglevel=error');
  if (ownNode() !== null || isAtLeast(process.versions.node, '22.13.0')) return true;
  console.error('npm did not install Node 24. Type: npm rebuild node --ignore-scripts=false --foreground-scripts');
  return false;
}

/** The npm that started us, else the one on the path. */
function npm(...args) {
  const own = process.env.npm_execpath;
  if (own?.endsWith('js')) return run(process.execPath, [own, ...args]);
  return run('npm', args, { shell: process.platform === 'win32' });
}

/**
 * For those who ran npm themselves: what it installed stands in node_modules/.package-lock.json. Packages for other systems
 * are optional and may be absent.
 */
export function isInstalled(lock, installed) {
  if (lock === null || installed === null) return false;
  return Object.entries(lock.packages).every(([path, { version, optional, link }]) => {
    if (path === '' || link) return true;
    const there = installed.packages[path];
    return there ? there.version === version : optional === true;
  });
}

function readLock(...path) {
  const file = join(root, ...path);
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}
