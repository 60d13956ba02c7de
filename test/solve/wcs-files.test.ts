/**
 * Coordinates in files, beyond what wcs.test.ts holds: our files through astrometry.net's library and WCSLIB (Debian's wcs-xy2rd), odd headers and picture heights read as astropy reads them, and headers that are broken.
 */
import { execFileSync } from 'node:child_process';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { allocatePixels, Frame, type Keyword } from '../../lib/frame/frame.ts';
import { formatTable, parseTable } from '../../lib/solve/fits-table.ts';
import { pixelToSky, scaleOf, separation, skyToPixel, type Wcs } from '../../lib/solve/wcs.ts';
import { frameWcs, wcsKeywords, wcsOf, withWcs } from '../../lib/solve/wcs-header.ts';
import { generator } from './drawn-fields.ts';

const [width, height] = [301, 200];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-wcs-files-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const sip = {
  a: [[0, 0, 3e-5, -1e-8], [0, 1e-5, 4e-8], [-4e-5, 2e-8], [5e-9]],
  b: [[0, 0, -2e-5, 2e-8], [0, 2e-5, 1e-8], [1e-5, -3e-8], [4e-9]],
  ap: [],
  bp: [],
};

/** Scale in arcsec, up in degrees east of north. */
function aimed(
  raDegrees: number,
  decDegrees: number,
  scale: number,
  up: number,
  more: { mirrored?: boolean; bent?: boolean } = {},
): Wcs {
  const [s, t] = [scale / 3600, (up * Math.PI) / 180];
  const flip = more.mirrored ? -1 : 1;
  return {
    ...{ width, height, x: 150, y: 99.5, raDegrees, decDegrees },
    cd: [
      [-s * Math.cos(t) * flip, -s * Math.sin(t)],
      [s * Math.sin(t) * flip, -s * Math.cos(t)],
    ],
    sip: more.bent ? sip : null,
  };
}
const samples: Record<string, Wcs> = {
  upright: aimed(83.6, -5.4, 2, 0),
  'across 0 h, mirrored': aimed(359.99, 41, 30, 123.4, { mirrored: true }),
  'near the pole, distorted': aimed(12, 89.2, 20, 200, { bent: true }),
  'over the south pole, mirrored and distorted': aimed(200, -89.9, 40, 77, { mirrored: true, bent: true }),
  'across 0 h, distorted': aimed(0.02, -30, 100, 301, { bent: true }),
};
/** Corners to the outer edge, borders and within. */
const grid = [-0.5, 0, 75.25, 150, width - 1, width - 0.5].flatMap((x) =>
  [-0.5, 0, 40, 99.5, height - 1, height - 0.5].map((y) => ({ x, y })),
);
const blank = (down = height) =>
  new Frame({ data: allocatePixels(width, down, 1, 'u16'), width, height: down, pixelType: 'u16' });

describe.each([
  ['astrometry.net', []],
  ['WCSLIB', ['-L']],
])('our files through %s', (library, flags) => {
  it.each(Object.keys(samples))('are a hundredth of a pixel: %s', async (name) => {
    const wcs = samples[name]!;
    const base = join(folder, `${library}-${name}`.replaceAll(/\W+/g, '-'));
    await writeFits(withWcs(blank(), wcs), `${base}.fits`);
    const [X, Y] = [grid.map(({ x }) => x + 1), grid.map(({ y }) => y + 1)];
    await writeFile(`${base}.xyls`, formatTable({ X, Y }));
    execFileSync('wcs-xy2rd', [...flags, '-w', `${base}.fits`, '-i', `${base}.xyls`, '-o', `${base}.rdls`], {
      stdio: 'ignore',
    });
    const sky = parseTable(await readFile(`${base}.rdls`), 'rdls');
    for (const [i, pixel] of grid.entries()) {
      const theirs = { raDegrees: sky.get('RA')![i]!, decDegrees: sky.get('DEC')![i]! };
      expect((separation(pixelToSky(wcs, pixel), theirs) * 3600) / scaleOf(wcs)).toBeLessThan(0.01);
      const back = skyToPixel(wcs, theirs)!;
      expect(Math.hypot(back.x - pixel.x, back.y - pixel.y)).toBeLessThan(0.01);
    }
  });
});

type Card = readonly [string, string | number];
const place: Card[] = [['CTYPE1', 'RA---TAN'], ['CTYPE2', 'DEC--TAN'], ['CRPIX1', 150.5], ['CRPIX2', 60.25], ['CRVAL1', 0.05], ['CRVAL2', 61.5]]; // biome-ignore format: a table
const moved = (changes: Card[], from = place): Card[] => [
  ...from.map((card) => changes.find(([name]) => name === card[0]) ?? card),
  ...changes.filter(([name]) => !from.some((card) => card[0] === name)),
];
const foreign: Record<string, Card[]> = {
  'CROTA2, mirrored': moved([['CDELT1', 2e-3], ['CDELT2', 2e-3], ['CROTA2', -77]]), // biome-ignore format: a table
  'CROTA2, steps downwards': moved([['CDELT1', -2e-3], ['CDELT2', -2.5e-3], ['CROTA2', 140], ['EPOCH', 2000]]), // biome-ignore format: a table
  'PC off the diagonal only': moved([['CDELT1', -2e-3], ['CDELT2', 2e-3], ['PC1_2', 0.3], ['PC2_1', -0.3]]), // biome-ignore format: a table
  'PC and LONPOLE': moved([['CDELT1', -2e-3], ['CDELT2', 2e-3], ['PC1_1', 0.6], ['PC1_2', -0.8], ['PC2_1', 0.8], ['PC2_2', 0.6], ['LONPOLE', 170]]), // biome-ignore format: a table
  'CD beside CDELT': moved([['CD1_1', -2e-3], ['CD2_2', 2e-3], ['CD1_2', 1e-4], ['CD2_1', 1e-4], ['CDELT1', 1], ['CDELT2', 1]]), // biome-ignore format: a table
  'the pole, no LONPOLE': moved([['CRVAL2', 90], ['CD1_1', -2e-3], ['CD1_2', 5e-4], ['CD2_1', 5e-4], ['CD2_2', 2e-3]]), // biome-ignore format: a table
  'reference far outside': moved([['CRPIX1', -4000], ['CRPIX2', 3000], ['CD1_1', -2e-3], ['CD1_2', 0], ['CD2_1', 0], ['CD2_2', 2e-3], ['RADECSYS', 'FK5'], ['EQUINOX', 2000]]), // biome-ignore format: a table
  'SIP, mirrored': moved([['CTYPE1', 'RA---TAN-SIP'], ['CTYPE2', 'DEC--TAN-SIP'], ['CD1_1', 2e-3], ['CD1_2', 3e-4], ['CD2_1', -3e-4], ['CD2_2', 2e-3],
    ['A_ORDER', 3], ['A_2_0', 3e-5], ['A_1_1', -2e-5], ['A_0_3', 1e-8], ['A_2_1', 3e-8], ['B_ORDER', 3], ['B_2_0', 1e-5], ['B_1_1', 2e-5], ['B_0_2', -3e-5], ['B_1_2', -4e-8]]), // biome-ignore format: a table
};

const astropy = `
import sys, json, warnings
warnings.simplefilter('ignore')
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
answers = []
for job in json.load(sys.stdin):
    hdu = fits.PrimaryHDU(np.zeros((job['height'], job['width']), dtype='uint16'))
    for name, value in job['cards']: hdu.header[name] = value
    hdu.writeto(job['path'], overwrite=True)
    axes = WCS(fits.getheader(job['path'])).all_pix2world(*zip(*job['pixels']), 0)
    answers.append([[float(a), float(b)] for a, b in zip(*axes)])
print(json.dumps(answers))
`;

describe('a foreign header', () => {
  const cases = Object.keys(foreign).flatMap(
    (name) =>
    [[199, 'TOP-DOWN'], [199, ''], [200, 'BOTTOM-UP'], [200, '']].map(([down, order]) => [name, down, order] as [string, number, string]), // biome-ignore format: a table
  );
  const pathOf = (of: readonly unknown[]) => join(folder, `${of.join('-').replaceAll(/\W+/g, '-')}.fits`);
  const answers = new Map<string, [number, number][]>();
  beforeAll(() => {
    const jobs = cases.map(([name, down, order]) => ({
      ...{ path: pathOf([name, down, order]), width, height: down, pixels: grid.map(({ x, y }) => [x, y]) },
      cards: [...foreign[name]!, ...(order === '' ? [] : [['ROWORDER', order]])],
    }));
    const input = JSON.stringify(jobs);
    const theirs = JSON.parse(execFileSync('/usr/bin/python3', ['-c', astropy], { input, encoding: 'utf8' }));
    for (const [i, { path }] of jobs.entries()) answers.set(path, theirs[i]);
  });

  it.each(cases)('is read as astropy reads it: %s, %i rows, %s', async (...of) => {
    const [, down, order] = of;
    const wcs = frameWcs(await readFits(pathOf(of)))!;
    expect(wcs).not.toBeNull();
    for (const [i, { x, y }] of grid.entries()) {
      // The picture's top row is the last of a file that runs upwards, which it does unless it says otherwise.
      const ours = pixelToSky(wcs, { x, y: order === 'TOP-DOWN' ? y : down - 1 - y });
      const [raDegrees, decDegrees] = answers.get(pathOf(of))![i]!;
      expect((separation(ours, { raDegrees, decDegrees }) * 3600) / scaleOf(wcs)).toBeLessThan(0.01);
    }
  });
});

describe('a broken header', () => {
  const nonsense: Keyword['value'][] = [
    Number.NaN,
    Number.POSITIVE_INFINITY,
    1e300,
    -1e300,
    1e-300,
    0,
    'text',
    '',
    true,
    null,
  ];
  const good = wcsKeywords(samples['near the pole, distorted']!);

  it('gives numbers or nothing, and never an error', () => {
    const random = generator(5);
    for (let round = 0; round < 1000; round++) {
      const broken = good.flatMap((card): Keyword[] => {
        const dice = random();
        if (dice < 0.08) return [{ ...card, value: nonsense[Math.floor(random() * nonsense.length)]! }];
        return dice < 0.11 ? [] : [card];
      });
      const wcs = wcsOf(broken, { width, height });
      if (!wcs) continue;
      const figures = [wcs.x, wcs.y, wcs.raDegrees, wcs.decDegrees, ...wcs.cd.flat(), ...(wcs.sip?.a.flat() ?? [])];
      expect(figures.every(Number.isFinite), JSON.stringify(broken)).toBe(true);
      expect(Math.abs(wcs.decDegrees)).toBeLessThanOrEqual(90);
      // Bounded work, whatever the numbers.
      pixelToSky(wcs, { x: 10, y: 10 });
      skyToPixel(wcs, { raDegrees: 12, decDegrees: 89 });
    }
  });

  it('without a reference pixel is none, though the standard would have one far outside', () => {
    const broken = good.filter(({ name }) => !name.startsWith('CRPIX'));
    expect(wcsOf(broken, { width, height })).toBeNull();
  });

  it.each([1e9, -3, 0.5, 10, Number.NaN])('with a distortion of order %d has none', (order) => {
    const wcs = wcsOf(good.map((card) => (/^[AB]_ORDER$/.test(card.name) ? { ...card, value: order } : card)), { width, height }); // biome-ignore format: one change
    expect(wcs?.sip ?? null).toBeNull();
  });
});
