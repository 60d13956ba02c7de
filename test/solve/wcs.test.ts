/** Our coordinates against astropy.wcs, which reads the very files that we write and writes those that we read. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { allocatePixels, Frame, type Keyword } from '../../lib/frame/frame.ts';
import {
  centreOf,
  cornersOf,
  extentOf,
  footprintOf,
  parityOf,
  pixelToSky,
  rotationOf,
  scaleOf,
  separation,
  skyToPixel,
  type Wcs,
} from '../../lib/solve/wcs.ts';
import { frameWcs, wcsKeywords, wcsOf, withWcs } from '../../lib/solve/wcs-header.ts';

const [width, height] = [300, 201];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-wcs-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

const blank = () => new Frame({ data: allocatePixels(width, height, 1, 'u16'), width, height, pixelType: 'u16' });

/** Scale in arcsec, rotation of up in degrees east of north. */
function turned(raDegrees: number, decDegrees: number, scale: number, up: number, mirrored = false): Wcs {
  const [s, t] = [scale / 3600, (up * Math.PI) / 180];
  const flip = mirrored ? -1 : 1;
  return {
    ...{ width, height, x: 140.25, y: 97.5, raDegrees, decDegrees },
    cd: [
      [-s * Math.cos(t) * flip, -s * Math.sin(t)],
      [s * Math.sin(t) * flip, -s * Math.cos(t)],
    ],
    sip: null,
  };
}
const sip = {
  a: [[0, 0, 3e-5], [0, 1e-5], [-4e-5], [5e-9]],
  b: [[0, 0, -2e-5], [0, 2e-5], [1e-5], [0, -3e-9]],
  ap: [],
  bp: [],
};
const samples: Record<string, Wcs> = {
  upright: turned(83.6, -5.4, 2, 0),
  'turned, across 0 h': turned(0.01, 41, 30, 123.4),
  mirrored: turned(250.4, 36.5, 1.1, 301, true),
  'at the pole': turned(12, 89.95, 20, 200),
  'on the pole itself': turned(30, 90, 20, 40),
  'at the south pole': turned(12, -90, 5, 77),
  wide: turned(100, 20, 600, 33),
  distorted: { ...turned(83.6, -5.4, 60, 211), sip },
  'distorted and mirrored': { ...turned(350, 70, 100, 20, true), sip },
};
const grid = [0, 60.5, 150, 299].flatMap((x) => [0, 33.25, 100, 200].map((y) => ({ x, y })));

/** One process for all, since most of its time is spent on starting. Answers where each file's pixels of the grid are on the sky. */
const astropy = `
import sys, json, warnings
warnings.simplefilter('ignore')
import numpy as np
from astropy.io import fits
from astropy.wcs import WCS
job = json.load(sys.stdin)
xs, ys = zip(*job['pixels'])
answers = {}
for file in job['files']:
    if file['cards']:
        hdu = fits.PrimaryHDU(np.zeros((job['height'], job['width']), dtype='uint16'))
        for name, value in file['cards']: hdu.header[name] = value
        hdu.writeto(file['path'], overwrite=True)
    axes = WCS(fits.getheader(file['path'])).all_pix2world(xs, ys, 0)
    answers[file['path']] = list(zip(*[list(axis) for axis in axes]))
print(json.dumps(answers))
`;
function askAstropy(files: { path: string; cards?: unknown }[]): Map<string, [number, number][]> {
  const pixels = grid.map(({ x, y }) => [x, y]);
  const input = JSON.stringify({ files: files.map((file) => ({ cards: null, ...file })), pixels, width, height });
  return new Map(
    Object.entries(JSON.parse(execFileSync('/usr/bin/python3', ['-c', astropy], { input, encoding: 'utf8' }))),
  );
}
const point = ([ra, decDegrees]: [number, number]) => ({ raDegrees: ((ra % 360) + 360) % 360, decDegrees });

describe('a WCS in a file of ours', () => {
  const pathOf = (name: string) => join(folder, `ours-${name.replaceAll(' ', '-')}.fits`);
  let answers: ReturnType<typeof askAstropy>;
  beforeAll(async () => {
    for (const [name, wcs] of Object.entries(samples)) await writeFits(withWcs(blank(), wcs), pathOf(name));
    answers = askAstropy(Object.keys(samples).map((name) => ({ path: pathOf(name) })));
  });

  it.each(Object.keys(samples))('is read by astropy to a hundredth of a pixel: %s', async (name) => {
    const wcs = samples[name]!;
    const theirs = answers.get(pathOf(name))!.map(point);
    for (const [i, pixel] of grid.entries()) {
      const arcsec = separation(pixelToSky(wcs, pixel), theirs[i]!) * 3600;
      expect(arcsec / scaleOf(wcs)).toBeLessThan(0.01);
      const back = skyToPixel(wcs, theirs[i]!)!;
      expect(Math.hypot(back.x - pixel.x, back.y - pixel.y)).toBeLessThan(0.01);
    }
    const again = frameWcs(await readFits(pathOf(name)))!;
    for (const pixel of grid)
      expect(separation(pixelToSky(again, pixel), pixelToSky(wcs, pixel)) * 3600).toBeLessThan(1e-6);
  });

  it('takes the place of the one that the frame came with, and leaves its other keywords', () => {
    const old: Keyword[] = [
      { name: 'CTYPE1', value: 'RA---TAN-SIP' },
      { name: 'A_ORDER', value: 2 },
      { name: 'A_2_0', value: 1e-5 },
      { name: 'CROTA2', value: 12 },
      { name: 'PC1_1', value: 1 },
      { name: 'CDELT1', value: 1 },
      { name: 'FILTER', value: 'Ha' },
    ];
    const { keywords } = withWcs(blank().with({ keywords: old }), samples.upright!);
    expect(keywords.filter(({ name }) => /^(A_|CROTA|PC|CDELT)/.test(name))).toEqual([]);
    expect(keywords.filter(({ name }) => name === 'CTYPE1')).toHaveLength(1);
    expect(keywords).toContainEqual({ name: 'FILTER', value: 'Ha' });
  });
});

const place = [
  ['CTYPE1', 'RA---TAN'],
  ['CTYPE2', 'DEC--TAN'],
  ['CRPIX1', 120.5],
  ['CRPIX2', 80],
  ['CRVAL1', 202.47],
  ['CRVAL2', 47.2],
] as const;
const foreign: Record<string, (readonly [string, string | number])[]> = {
  CD: [...place, ['CD1_1', -1e-3], ['CD1_2', 3e-4], ['CD2_1', 2.8e-4], ['CD2_2', 1.01e-3]],
  'PC and CDELT': [...place, ['CDELT1', -1e-3], ['CDELT2', 1e-3], ['PC1_1', 0.8], ['PC1_2', -0.6], ['PC2_1', 0.6], ['PC2_2', 0.8]], // biome-ignore format: a table
  'CDELT alone': [...place, ['CDELT1', -1e-3], ['CDELT2', 1.2e-3]],
  CROTA2: [...place, ['CDELT1', -1e-3], ['CDELT2', 1.2e-3], ['CROTA2', 25]],
  LONPOLE: [...place, ['CDELT1', -1e-3], ['CDELT2', 1e-3], ['LONPOLE', 150]],
  'declination first': [
    ['CTYPE1', 'DEC--TAN'],
    ['CTYPE2', 'RA---TAN'],
    ['CRPIX1', 120.5],
    ['CRPIX2', 80],
    ['CRVAL1', 47.2],
    ['CRVAL2', 202.47],
    ['CD1_1', 1e-3],
    ['CD1_2', 1e-4],
    ['CD2_1', 1e-4],
    ['CD2_2', -1e-3],
  ],
  SIP: [
    ...place.map(([name, value]) => [name, String(value).endsWith('TAN') ? `${value}-SIP` : value] as const),
    ...([['CD1_1', -1e-3], ['CD1_2', 0], ['CD2_1', 0], ['CD2_2', 1e-3]] as const), // biome-ignore format: a table
    ...([['A_ORDER', 2], ['A_2_0', 3e-5], ['A_1_1', -2e-5], ['A_0_2', 1e-5], ['B_ORDER', 2], ['B_2_0', 1e-5], ['B_1_1', 2e-5], ['B_0_2', -3e-5]] as const), // biome-ignore format: a table
  ],
};

describe('a WCS in a foreign file', () => {
  const cases = Object.keys(foreign).flatMap((name) =>
    ['TOP-DOWN', 'BOTTOM-UP'].map((order) => [name, order] as const),
  );
  const pathOf = (name: string, order: string) => join(folder, `${name.replaceAll(' ', '-')}-${order}.fits`);
  let answers: ReturnType<typeof askAstropy>;
  beforeAll(() => {
    answers = askAstropy(
      cases.map(([name, order]) => ({ path: pathOf(name, order), cards: [...foreign[name]!, ['ROWORDER', order]] })),
    );
  });

  it.each(cases)('is read as astropy reads it: %s, %s', async (name, order) => {
    const path = pathOf(name, order);
    const theirs = answers.get(path)!;
    const wcs = frameWcs(await readFits(path))!;
    expect(wcs).not.toBeNull();
    for (const [i, { x, y }] of grid.entries()) {
      // The picture's top row is the last of a file that runs upwards.
      const ours = pixelToSky(wcs, { x, y: order === 'TOP-DOWN' ? y : height - 1 - y });
      const [first, second] = theirs[i]!;
      const place = point(name === 'declination first' ? [second, first] : [first, second]);
      expect((separation(ours, place) * 3600) / scaleOf(wcs)).toBeLessThan(0.01);
    }
  });

  it.each([
    ['no WCS', []],
    [
      'another projection',
      [
        ['CTYPE1', 'RA---ZEA'],
        ['CTYPE2', 'DEC--ZEA'],
      ],
    ],
    [
      'distortion of another kind',
      [
        ['CTYPE1', 'RA---TPV'],
        ['CTYPE2', 'DEC--TPV'],
      ],
    ],
    [
      'the equinox of 1950',
      [
        ['RADESYS', 'FK4'],
        ['EQUINOX', 1950],
      ],
    ],
    [
      'a matrix of nothing',
      [
        ['CD1_1', 0],
        ['CD2_2', 0],
      ],
    ],
    ['a declination that can’t be', [['CRVAL2', 123]]],
    ['minutes of arc', [['CUNIT1', 'arcmin']]],
  ] as const)('is none when it says %s', (_, changes) => {
    const good = wcsKeywords(samples.upright!);
    const changed = good.map((card) => {
      const change = (changes as readonly (readonly [string, string | number])[]).find(([name]) => name === card.name);
      return change ? { ...card, value: change[1] } : card;
    });
    expect(wcsOf(changes.length === 0 ? [] : changed, { width, height })).toBeNull();
  });
});

describe('what a WCS says of its picture', () => {
  it('scale, rotation, parity, size', () => {
    const wcs = turned(83.6, -5.4, 2.5, 123.4);
    expect(scaleOf(wcs)).toBeCloseTo(2.5, 5);
    expect(Math.abs(rotationOf(wcs) - 123.4)).toBeLessThan(0.05);
    expect(parityOf(wcs)).toBe('normal');
    expect(parityOf(samples.mirrored!)).toBe('mirrored');
    expect(extentOf(wcs).widthDegrees).toBeCloseTo((width * 2.5) / 3600, 5);
    expect(extentOf(wcs).heightDegrees).toBeCloseTo((height * 2.5) / 3600, 5);
  });

  it('north is up and east is left in an upright picture', () => {
    const wcs = samples.upright!;
    const centre = centreOf(wcs);
    expect(pixelToSky(wcs, { x: 149.5, y: 0 }).decDegrees).toBeGreaterThan(centre.decDegrees);
    expect(pixelToSky(wcs, { x: 0, y: 100 }).raDegrees).toBeGreaterThan(centre.raDegrees);
    expect(rotationOf(wcs) % 360).toBeCloseTo(0, 1);
  });

  it('has its corners and its border in order', () => {
    const wcs = samples.upright!;
    const corners = cornersOf(wcs);
    expect(skyToPixel(wcs, corners[0]!)).toMatchObject({ x: expect.closeTo(-0.5), y: expect.closeTo(-0.5) });
    expect(skyToPixel(wcs, corners[2]!)).toMatchObject({ x: expect.closeTo(299.5), y: expect.closeTo(200.5) });
    const border = footprintOf(wcs, 4);
    expect(border).toHaveLength(16);
    expect(separation(border[4]!, corners[1]!)).toBeLessThan(1e-9);
  });

  it('does not show what is behind it', () => {
    expect(skyToPixel(samples.upright!, { raDegrees: 263.6, decDegrees: 5.4 })).toBeNull();
  });
});
