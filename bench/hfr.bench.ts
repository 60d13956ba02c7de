/** Background, detection with deblending and HFR of some 2,000 stars in 12 Mpx: against SEP, and as a process against source-extractor. */
import { existsSync } from 'node:fs';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { writeFrame } from '../lib/frame/write.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { measureStars } from '../lib/stars/measure.ts';
import { buildPackage } from '../test/house/node-red.ts';
import { type BenchLine, cpu, type PythonPeer, pairedBench, python3Peer, unavailable } from './harness.ts';
import { agreement, agrees, type Catalogue, describeAgreement, type PeerCatalogue } from './hfr/agreement.ts';
import { starField } from './hfr/field.ts';

const [width, height] = [4056, 3040];
const sigmas = 5;

/** SEP's whole way, deblending with its defaults as ours; it wants floats, and gets them before the clock runs. */
const sepScript = (raw: string) => `
import numpy as np, sep
data = np.fromfile(${JSON.stringify(raw)}, dtype=np.uint16).reshape(${height}, ${width}).astype(np.float32)
def run(full):
    background = sep.Background(data)
    light = data - background
    objects = sep.extract(light, ${sigmas}, err=background.globalrms)
    hfr, _ = sep.flux_radius(light, objects['x'], objects['y'], 6 * objects['a'], 0.5, subpix=5)
    if not full: return len(objects)
    snr = objects['flux'] / (background.globalrms * np.sqrt(objects['npix']))
    columns = {'x': objects['x'], 'y': objects['y'], 'hfr': hfr, 'snr': snr, 'flag': objects['flag']}
    return {name: [float(v) for v in column] for name, column in columns.items()}
`;

/** Runs a program in a folder; what it and its children used is counted by the harness. */
const processScript = `
import subprocess
def run(task):
    done = subprocess.run(task['arguments'], cwd=task['folder'], capture_output=True, text=True)
    if done.returncode != 0: raise RuntimeError(done.stderr)
    return done.stdout
`;

export default async function hfr(): Promise<BenchLine[]> {
  const { frame } = starField({ width, height, stars: 2900, fwhm: 3, seed: 7 });
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-'));
  const raw = join(folder, 'raw.u16');
  const fits = join(folder, 'field.fits');
  await writeFile(raw, new Uint8Array(frame.data));
  await writeFrame(frame, fits, { format: 'fits' });
  const python = python3Peer(sepScript(raw));
  const programs = python3Peer(processScript);
  try {
    const peer = (await python.run(true)).result as PeerCatalogue;
    const one = { threads: 1, thresholdSigma: sigmas };
    // A night measures thousands: V8's compilers work in the background through the first dozens, and that counts as CPU.
    for (let i = 0; i < 40; i++) await measureStars(frame, one);
    const inProcess = await pairedBench({
      bench: 'hfr',
      part: '1 thread against SEP',
      goal: 0.1,
      pairs: 15,
      ours: () => cpu(() => measureStars(frame, one), { repeat: 4 }),
      peer: () => python.run(false),
      agree: async () => compare((await measureStars(frame, one)).stars, peer),
    });
    return [inProcess, await wholeProcess(folder, fits, programs, peer)];
  } finally {
    await Promise.all([python.close(), programs.close()]);
    await closeSharedPool();
    await rm(folder, { recursive: true });
  }
}

function compare(ours: Catalogue, peer: PeerCatalogue): true | string {
  const alone = agreement(ours, peer, {});
  console.log(
    `hfr: ${ours.x.length} stars, the peer has ${peer.x.length}; isolated, SNR > 20: ${describeAgreement(alone)}`,
  );
  console.log(`hfr: blended or beside a neighbour: ${describeAgreement(agreement(ours, peer, { isolated: false }))}`);
  return agrees(alone);
}

async function wholeProcess(
  folder: string,
  fits: string,
  programs: PythonPeer,
  peer: PeerCatalogue,
): Promise<BenchLine> {
  const part = 'whole process against source-extractor';
  const program = ['/usr/bin/source-extractor', '/usr/bin/sex'].find((path) => existsSync(path));
  if (!program) return unavailable('hfr', 'source-extractor is not installed: apt-get install source-extractor');
  buildPackage();
  const library = pathToFileURL(join(import.meta.dirname, '..', 'dist', 'lib')).href;
  const script = join(import.meta.dirname, 'hfr', 'measure-file.js');
  const ours = (...more: string[]) => ({ folder, arguments: [process.execPath, script, library, fits, ...more] });
  await writeFile(join(folder, 'columns.param'), 'X_IMAGE\nY_IMAGE\nFLUX_RADIUS\nFLAGS\nFLUX_ISO\n');
  const [smooth, catalogue] = ['smooth.conv', 'field.cat'];
  await writeFile(join(folder, smooth), 'CONV NORM\n1 2 1\n2 4 2\n1 2 1\n');
  const settings = {
    CATALOG_NAME: catalogue,
    PARAMETERS_NAME: 'columns.param',
    FILTER_NAME: smooth,
    DETECT_THRESH: sigmas,
    ANALYSIS_THRESH: sigmas,
    VERBOSE_TYPE: 'QUIET',
    WRITE_XML: 'N',
  };
  const options = Object.entries(settings).flatMap(([name, value]) => [`-${name}`, String(value)]);
  return pairedBench({
    bench: 'hfr',
    part,
    goal: 0.5,
    pairs: 15,
    ours: () => programs.run(ours()),
    peer: () => programs.run({ folder, arguments: [program, fits, '-c', '/dev/null', ...options] }),
    agree: async () => compare(JSON.parse((await programs.run(ours('--stars'))).result as string) as Catalogue, peer),
  });
}
