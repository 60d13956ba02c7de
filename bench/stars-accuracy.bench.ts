/** Stars against known truth (completeness, false ones, positions, HFR by SNR), and on the real frames of NIGHTFLOW_DATA against SEP. */
import { mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Frame } from '../lib/frame/frame.ts';
import { readFrame } from '../lib/frame/read.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { measureStars } from '../lib/stars/measure.ts';
import { type BenchLine, dataFolder, figureLine, median, type PythonPeer, python3Peer } from './harness.ts';
import { agreement, describeAgreement, grid, type PeerCatalogue } from './hfr/agreement.ts';
import { type Field, starField } from './hfr/field.ts';

const bench = 'stars-accuracy';
const bins = [5, 7, 10, 20, 50, Infinity];

/** SEP on a file of floats: mono, or the mean of the channels, or of each 2x2 of a mosaic. */
const sepScript = `
import numpy as np, sep
sep.set_extract_pixstack(5000000)
def run(task):
    data = np.fromfile(task['path'], dtype=np.float32).reshape(task['channels'], task['height'], task['width'])
    data = np.ascontiguousarray(data.mean(axis=0, dtype=np.float32))
    if task['mosaic']:
        data = (data[:-1, :-1] + data[:-1, 1:] + data[1:, :-1] + data[1:, 1:]) / 4
    offset = 0.5 if task['mosaic'] else 0.0
    if not np.isfinite(data).all(): data = np.nan_to_num(data, nan=float(np.nanmedian(data)))
    background = sep.Background(data)
    light = data - background
    objects = sep.extract(light, 5, err=background.globalrms)
    hfr, _ = sep.flux_radius(light, objects['x'], objects['y'], 6 * objects['a'], 0.5, subpix=5)
    if task['mosaic']: hfr = np.sqrt(np.maximum(0.3 * hfr ** 2, hfr ** 2 - 0.3466))
    snr = objects['flux'] / (background.globalrms * np.sqrt(objects['npix']))
    # Light in a pixel or two is a hot one or a cosmic ray, to SEP a star; what fills hundreds is a nebula or a galaxy.
    defect = (hfr < 0.65) | (objects['npix'] > 200)
    flag = objects['flag'] + (objects['peak'] + background.globalback >= task['white']) + defect
    columns = {'x': objects['x'] + offset, 'y': objects['y'] + offset, 'hfr': hfr, 'snr': snr, 'flag': flag}
    answer = {name: [float(v) for v in column] for name, column in columns.items()}
    return {**answer, 'level': background.globalback, 'noise': background.globalrms}
`;

interface SepResult extends PeerCatalogue {
  level: number;
  noise: number;
}

export default async function starsAccuracy(): Promise<BenchLine[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-'));
  const python = python3Peer(sepScript);
  try {
    const lines = await synthetic(folder, python);
    const data = dataFolder();
    if (data) lines.push(...(await realFrames(data, folder, python)));
    else console.log('NIGHTFLOW_DATA is not set: the real frames are left out.');
    return lines;
  } finally {
    await python.close();
    await closeSharedPool();
    await rm(folder, { recursive: true });
  }
}

async function throughSep(frame: Frame, folder: string, python: PythonPeer): Promise<SepResult> {
  const path = join(folder, 'samples.f32');
  await writeFile(path, new Uint8Array(Float32Array.from(frame.pixels).buffer));
  const { width, height, channels, bayer, whiteLevel } = frame;
  const task = { path, width, height, channels, mosaic: bayer !== null, white: whiteLevel };
  return (await python.run(task)).result as SepResult;
}

async function synthetic(folder: string, python: PythonPeer): Promise<BenchLine[]> {
  const field = starField({ width: 3000, height: 2000, stars: 1500, fwhm: 3, seed: 19 });
  const [ours, sep] = [await measureStars(field.frame), await throughSep(field.frame, folder, python)];
  // The light of a star of this FWHM over the noise of the 3x3 filter's best 12 pixels: what decides whether it is seen.
  const snr = Array.from(field.flux, (flux) => flux / (ours.noise * Math.sqrt(60)));
  console.log('SNR of the truth    stars  found: ours   SEP   position, px: ours    SEP');
  const rates: { ours: number; sep: number }[] = [];
  for (const [i, low] of bins.slice(0, -1).entries()) {
    const inside = snr.flatMap((value, star) => (value >= low && value < bins[i + 1]! ? [star] : []));
    const [a, b] = [recovered(field, ours.stars, inside), recovered(field, sep, inside)];
    rates.push({ ours: a.rate, sep: b.rate });
    const range = `${low} to ${bins[i + 1]}`.padEnd(18);
    const [found, places] = [
      [a.rate, b.rate],
      [a.distance, b.distance],
    ].map((pair) => pair.map((v) => v.toFixed(3)));
    console.log(
      `${range} ${String(inside.length).padStart(6)}        ${found!.join('  ')}            ${places!.join('  ')}`,
    );
  }
  const falseOnes = (catalogue: { x: ArrayLike<number>; y: ArrayLike<number> }) => {
    const near = grid(field);
    return Array.from(catalogue.x).filter((x, i) => near(x, catalogue.y[i]!, 3).length === 0).length;
  };
  const [wrong, sepWrong] = [falseOnes(ours.stars), falseOnes(sep)];
  console.log(`false: ours ${wrong} of ${ours.stars.count}, SEP ${sepWrong} of ${sep.x.length}`);
  console.log(`HFR: ${describeAgreement(agreement(ours.stars, sep, {}))}`);
  const bright = rates.at(-1)!;
  const behind = Math.max(...rates.map(({ ours: a, sep: b }) => b - a));
  return [
    figureLine({ bench, part: 'found of SNR > 50, %', figure: 100 * bright.ours, goal: 97, atLeast: true }),
    figureLine({ bench, part: 'fewer than SEP in any SNR bin, %', figure: 100 * behind, goal: 2 }),
    figureLine({ bench, part: 'false, %', figure: (100 * wrong) / ours.stars.count, goal: 0.5 }),
  ];
}

function recovered(field: Field, catalogue: { x: ArrayLike<number>; y: ArrayLike<number> }, stars: readonly number[]) {
  const near = grid(catalogue);
  const distances = stars
    .flatMap((star) => near(field.x[star]!, field.y[star]!, 2).slice(0, 1))
    .map((found) => found.distance);
  return {
    rate: distances.length / Math.max(1, stars.length),
    distance: distances.length === 0 ? Number.NaN : median(distances),
  };
}

/** Every FITS frame that reads: the figures are of all isolated stars of all frames together. */
async function realFrames(data: string, folder: string, python: PythonPeer): Promise<BenchLine[]> {
  const paths = (await readdir(join(data, 'ingest'), { recursive: true }))
    .filter((path) => /\.(fits|fit|fts)(\.fz)?$/i.test(path))
    .sort();
  let [stars, matched, within4] = [0, 0, 0];
  for (const path of paths) {
    const frame = await readFrame(join(data, 'ingest', path)).catch(() => null);
    if (frame?.kind !== 'light' || frame.width < 64 || frame.height < 64) continue;
    const sep = await throughSep(frame, folder, python).catch(() => null);
    if (!sep) continue;
    const ours = await measureStars(frame);
    const alone = agreement(ours.stars, sep, {});
    const noise = ours.noise / Math.sqrt(frame.bayer ? 4 : frame.channels) / sep.noise;
    const compared = alone.stars === 0 ? 'none to compare' : describeAgreement(alone);
    console.log(`${path}: ours ${ours.count}, SEP ${sep.x.length}; ${compared}; noise ${noise.toFixed(3)} of SEP's`);
    stars += alone.stars;
    matched += alone.stars * alone.matched;
    within4 += alone.stars * alone.matched * alone.within4;
  }
  const all = `real frames, ${stars} stars`;
  return [
    figureLine({ bench, part: `${all}: matched, %`, figure: (100 * matched) / stars, goal: 97, atLeast: true }),
    figureLine({
      bench,
      part: `${all}: HFR within 4 %, %`,
      figure: (100 * within4) / matched,
      goal: 80,
      atLeast: true,
    }),
  ];
}
