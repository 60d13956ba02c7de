/**
 * A camera for the real gphoto2 without hardware: libgphoto2's own virtual Nikon (its "vusb" port), which Debian ships as source only.
 * Fetches that source through a package list of its own, since a stock Debian has none for sources, compiles the one library and keeps it.
 * `node scripts/virtual-camera.js` prints its folder, for gphoto2's environment variable IOLIBS. Needs gcc, apt-get and gphoto2.
 */
import { spawnSync } from 'node:child_process';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { brotliDecompressSync } from 'node:zlib';
import { root } from './toolchain.js';

const cache = join(root, 'node_modules', '.cache', 'nightflow-virtual-camera');
const library = join(cache, 'lib', 'vusb.so');
/** The pictures that the camera "takes" are those on its card. */
const card = join(cache, 'card');

/** Folder with nothing but the library, or null when it was not built. */
export const virtualCamera = () => (existsSync(library) ? join(cache, 'lib') : null);

/** Builds it unless it is there. @returns its folder, or null with the reason on the console */
export function buildVirtualCamera() {
  if (virtualCamera()) return virtualCamera();
  const work = mkdtempSync(join(tmpdir(), 'nightflow-vusb-'));
  try {
    putCard();
    const source = fetchSource(work);
    compile(source, join(work, 'vusb.so'));
    mkdirSync(join(cache, 'lib'), { recursive: true });
    writeFileSync(library, readFileSync(join(work, 'vusb.so')), { mode: 0o755 });
    return virtualCamera();
  } catch (error) {
    console.log(`No virtual camera for gphoto2: ${error.message}`);
    return null;
  } finally {
    rmSync(work, { recursive: true, force: true });
  }
}

function putCard() {
  const folder = join(card, 'DCIM', '100NCD75');
  mkdirSync(folder, { recursive: true });
  const pictures = join(root, 'test', 'camera', 'stand-in', 'rpicam-pictures.json');
  const packed = JSON.parse(readFileSync(pictures, 'utf8'))['still.jpg'];
  writeFileSync(join(folder, 'DSC_0001.JPG'), brotliDecompressSync(Buffer.from(packed, 'base64')));
}

/** @returns the folder of the unpacked source */
function fetchSource(work) {
  const release = /^VERSION_CODENAME=(\w+)/m.exec(readFileSync('/etc/os-release', 'utf8'))?.[1] ?? 'bookworm';
  const key = '/usr/share/keyrings/debian-archive-keyring.gpg';
  writeFileSync(
    join(work, 'sources.list'),
    `deb-src [signed-by=${key}] http://deb.debian.org/debian ${release} main\n`,
  );
  for (const folder of ['lists/partial', 'cache/archives/partial']) mkdirSync(join(work, folder), { recursive: true });
  const options = {
    'Dir::Etc::sourcelist': join(work, 'sources.list'),
    'Dir::Etc::sourceparts': '/dev/null',
    'Dir::State::lists': join(work, 'lists'),
    'Dir::Cache': join(work, 'cache'),
    'APT::Sandbox::User': process.getuid() === 0 ? 'root' : '',
  };
  const apt = Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`]);
  run('apt-get', [...apt, 'update'], work);
  run('apt-get', [...apt, 'source', '--download-only', 'libgphoto2'], work);
  const archive = readdirSync(work).find((name) => /\.orig\.tar\.\w+$/.test(name));
  if (!archive) throw new Error('Debian has no source of libgphoto2.');
  mkdirSync(join(work, 'source'));
  run('tar', ['xf', archive, '-C', 'source', '--strip-components=1'], work);
  return join(work, 'source');
}

/** The port's two files need none of the library's own configure. */
function compile(source, target) {
  const port = join(source, 'libgphoto2_port', 'vusb');
  // Without it, the port of 2.5.30 wants a file with a recorded session.
  const header = join(port, 'vcamera.h');
  writeFileSync(`${header}.new`, readFileSync(header, 'utf8').replace('#undef FUZZ_PTP', '#define FUZZ_PTP'));
  renameSync(`${header}.new`, header);
  writeFileSync(join(source, 'config.h'), '#define GETTEXT_PACKAGE_LIBGPHOTO2_PORT "libgphoto2_port-12"\n');
  const include = ['', 'libgphoto2_port', 'libgphoto2_port/vusb', 'camlibs/ptp2'].map(
    (folder) => `-I${join(source, folder)}`,
  );
  const define = ['-D_GPHOTO2_INTERNAL_CODE', `-DVCAMERADIR="${card}"`, '-include', join(source, 'config.h')];
  const files = ['vusb.c', 'vcamera.c'].map((name) => join(port, name));
  run(
    'gcc',
    ['-shared', '-fPIC', '-O1', '-w', ...define, ...include, ...files, '-o', target, '-l:libgphoto2_port.so.12'],
    source,
  );
}

function run(program, parameters, cwd) {
  const { status, stderr, error } = spawnSync(program, parameters, { cwd, encoding: 'utf8' });
  if (error) throw error;
  if (status !== 0) throw new Error(`${program} failed: ${stderr.trim().split('\n').slice(-3).join(' / ')}`);
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const folder = buildVirtualCamera();
  if (folder) console.log(folder);
  process.exitCode = folder ? 0 : 1;
}
