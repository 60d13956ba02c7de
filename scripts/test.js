/**
 * `npm test`: sets up what the tests need, builds, checks types and style, runs every test under Node 24 and ends with one
 * plain line. `npm test -- test/frame` runs some. Debian or Ubuntu; elsewhere it says what has to be there.
 */
import { spawnSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { build } from './build.js';
import { install, unsuitable } from './install.js';
import { entry, nodeProgram, root, run } from './toolchain.js';
import { buildVirtualCamera } from './virtual-camera.js';

/** Programs that the tests hold our results against, with the Debian package of each. */
const programs = [
  { package: 'ffmpeg', there: () => onPath('ffmpeg') },
  { package: 'chromium', there: () => onPath('chromium') },
  { package: 'python3-astropy', there: () => pythonHas('astropy') },
  { package: 'python3-numpy', there: () => pythonHas('numpy') },
  { package: 'python3-pil', there: () => pythonHas('PIL') },
  { package: 'python3-sep', there: () => pythonHas('sep') },
  { package: 'indi-bin', there: () => onPath('indiserver') },
  { package: 'astrometry.net', there: () => onPath('solve-field') },
  {
    package: 'astrometry-data-tycho2-10-19-littleendian',
    there: () => existsSync('/usr/share/astrometry/index-tycho2-11.littleendian.fits'),
  },
  { package: 'astap-cli', there: () => onPath('astap_cli') },
  { package: 'chrony', there: () => onPath('chronyd') || existsSync('/usr/sbin/chronyd') },
  { package: 'gphoto2', there: () => onPath('gphoto2') },
  { package: 'openssl', there: () => onPath('openssl') },
  { package: 'gcc', there: () => onPath('gcc') },
  { package: 'libc6-dev', there: () => existsSync('/usr/include/stdio.h') },
  { package: 'siril', there: () => onPath('siril-cli') },
];

async function test(selection) {
  const remedy = unsuitable();
  if (remedy) return refuse(remedy);
  if (!(await install()) || !setUpPrograms() || !(await build())) return 1;
  // Without it one test file is shorter, and says so.
  buildVirtualCamera();
  const node = nodeProgram();
  console.log('Types …');
  if ((await run(node, [entry('typescript', 'bin', 'tsc'), '-p', 'tsconfig.test.json'])) !== 0)
    return refuse('The tests do not type-check (see above).');
  console.log('Style …');
  if ((await run(node, [entry('@biomejs', 'biome', 'bin', 'biome'), 'check', '.'])) !== 0)
    return refuse('Biome complains (see above). Most of it goes away with: npm run format');
  return runTests(node, selection);
}

/** Ends with `N passed, N failed`; a test file that does not load counts as a failed test. */
async function runTests(node, selection) {
  const folder = mkdtempSync(join(tmpdir(), 'nightflow-test-'));
  const report = join(folder, 'report.json');
  try {
    const reporters = ['--reporter=default', '--reporter=json', `--outputFile.json=${report}`];
    const code = await run(node, [entry('vitest', 'vitest.mjs'), 'run', ...reporters, ...selection], {
      env: { ...process.env, PATH: join(root, 'node_modules', '.bin') + delimiter + process.env.PATH },
    });
    if (!existsSync(report)) return refuse('vitest ended without a report (see above).');
    const line = closingLine(JSON.parse(readFileSync(report, 'utf8')), code);
    console.log(line.text);
    return line.code;
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** @param results vitest's JSON report. @param code vitest's exit code: errors outside of any test fail the run too. */
export function closingLine(results, code) {
  const broken = results.testResults.filter(
    (file) => file.status === 'failed' && !file.assertionResults.some(isFailed),
  ).length;
  const skipped = results.numPendingTests + results.numTodoTests;
  let failed = results.numFailedTests + broken;
  if (failed === 0 && (code !== 0 || results.numPassedTests === 0)) failed = 1;
  const text = `${results.numPassedTests} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`;
  return { text, code: failed === 0 ? 0 : 1 };
}

const isFailed = (assertion) => assertion.status === 'failed';

/** Installs the missing Debian packages where that needs no question, or says the line to type. */
function setUpPrograms() {
  const missing = programs.filter((each) => !each.there()).map((each) => each.package);
  if (missing.length === 0) return true;
  const installation = ['install', '--no-install-recommends', '-y', ...missing];
  if (!onPath('apt-get')) {
    refuse(
      `The tests compare with programs that are not here: ${missing.join(', ')}. They run on Debian, Ubuntu and Raspberry Pi OS; ` +
        'on macOS and Windows the tests are not supported (Nightflow itself starts there: npm start).',
    );
    return false;
  }
  const prefix = process.getuid?.() === 0 ? [] : ['sudo', '-n'];
  if (prefix.length > 0 && spawnSync('sudo', ['-n', 'true'], { stdio: 'ignore' }).status !== 0) {
    refuse(
      `The tests need some Debian packages. Type this, then npm test again:\nsudo apt-get update && sudo apt-get ${installation.join(' ')}`,
    );
    return false;
  }
  console.log(`Installing Debian packages: ${missing.join(' ')} …`);
  const environment = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' };
  for (const args of [['update', '-q'], installation]) {
    const [program, ...rest] = [...prefix, 'apt-get', ...args];
    if (spawnSync(program, rest, { stdio: 'inherit', env: environment }).status !== 0) {
      refuse(`apt-get ${args.join(' ')} failed (see above).`);
      return false;
    }
  }
  return true;
}

function onPath(program) {
  return (process.env.PATH ?? '').split(delimiter).some((folder) => existsSync(join(folder, program)));
}

function pythonHas(module) {
  const question = `import importlib.util, sys; sys.exit(importlib.util.find_spec('${module}') is None)`;
  return spawnSync('/usr/bin/python3', ['-c', question], { stdio: 'ignore' }).status === 0;
}

function refuse(text) {
  console.error(text);
  return 1;
}

if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) process.exitCode = await test(process.argv.slice(2));
