/** The same frames through SEP (Barbary 2016, after Bertin & Arnouts 1996), which Debian packages as python3-sep. */
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { agreement, agrees, type PeerCatalogue } from '../../bench/hfr/agreement.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { frameOf, generator, lattice, lightOf, normal } from './sky.ts';

afterAll(closeSharedPool);

const [width, height] = [1200, 900];

/** Background level and noise, and the objects with their half-flux radius within 6 a. */
const script = `
import sys, json, numpy as np, sep
data = np.fromfile(sys.argv[1], dtype=np.uint16).reshape(${height}, ${width}).astype(np.float32)
background = sep.Background(data)
light = data - background
objects = sep.extract(light, 5, err=background.globalrms)
hfr, _ = sep.flux_radius(light, objects['x'], objects['y'], 6 * objects['a'], 0.5, subpix=5)
x, y, _ = sep.winpos(light, objects['x'], objects['y'], 2 / 2.35 * hfr)
snr = objects['flux'] / (background.globalrms * np.sqrt(objects['npix']))
columns = {'x': x, 'y': y, 'hfr': hfr, 'snr': snr, 'flag': objects['flag'], 'peak': objects['peak']}
answer = {name: [float(v) for v in column] for name, column in columns.items()}
print(json.dumps({**answer, 'level': background.globalback, 'noise': background.globalrms}))
`;

interface SepResult extends PeerCatalogue {
  peak: number[];
  level: number;
  noise: number;
}

function throughSep(samples: Uint8Array): SepResult {
  const folder = mkdtempSync(join(tmpdir(), 'nightflow-'));
  try {
    const path = join(folder, 'frame.u16');
    writeFileSync(path, samples);
    const done = spawnSync('/usr/bin/python3', ['-c', script, path], { encoding: 'utf8' });
    if (done.status !== 0) throw new Error(`SEP did not run: ${done.stderr}`);
    return JSON.parse(done.stdout) as SepResult;
  } finally {
    rmSync(folder, { recursive: true });
  }
}

describe('beside SEP', () => {
  it.each([
    { size: 2.2, noise: 8 },
    { size: 3, noise: 20 },
    { size: 4.5, noise: 12 },
  ])('stars of FWHM $size have its positions and radii', async ({ size, noise }) => {
    const stars = lattice({ width, height, step: 45, least: 150 * noise * size, most: 20_000 * noise });
    const light = lightOf({ width, height, stars, size });
    const random = generator(21);
    const slope = (i: number) => 0.1 * (i % width) + 0.05 * Math.floor(i / width);
    const frame = frameOf(width, height, 'u16', (i) => 400 + slope(i) + light[i]! + noise * normal(random));
    const sep = throughSep(new Uint8Array(frame.data));
    const ours = await measureStars(frame);
    expect(Math.abs(ours.background - sep.level)).toBeLessThan(0.05 * noise);
    expect(Math.abs(ours.noise / sep.noise - 1)).toBeLessThan(0.01);
    expect(Math.abs(ours.count / sep.x.length - 1)).toBeLessThan(0.02);
    const alone = agreement(ours.stars, sep, {});
    expect(alone.stars).toBeGreaterThan(300);
    expect(agrees(alone)).toBe(true);
    // Windowed positions are the same quantity on both sides.
    expect(alone.distance).toBeLessThan(0.005);
    expect(alone.within4).toBeGreaterThan(0.97);
  });

  it('a crowd of blends gives nearly as many stars', async () => {
    const random = generator(4);
    const stars = Array.from({ length: 1500 }, () => ({
      x: random() * width,
      y: random() * height,
      flux: 3000 * 30 ** random(),
    }));
    const light = lightOf({ width, height, stars, size: 3.2 });
    const frame = frameOf(width, height, 'u16', (i) => 400 + light[i]! + 10 * normal(random));
    const sep = throughSep(new Uint8Array(frame.data));
    const ours = await measureStars(frame);
    expect(Math.abs(ours.count / sep.x.length - 1)).toBeLessThan(0.03);
    const close = agreement(ours.stars, sep, { isolated: false });
    expect(close.stars).toBeGreaterThan(300);
    expect(close.matched).toBeGreaterThan(0.93);
  });
});
