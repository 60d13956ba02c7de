import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { writeFits } from '../../../lib/frame/fits/write.ts';
import type { Frame, FrameFields } from '../../../lib/frame/frame.ts';
import { buildMaster, type MasterKind } from '../../../lib/frame/master.ts';
import { chooseMasters, readLibrary, requireSome } from '../../../lib/frame/master-library.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { generator } from '../../kernels/samples.ts';
import { python, reference, temporaryFolder } from '../fits/python.ts';
import { bias, cameraFrame, dark, flat, light } from './frames.ts';

afterAll(closeSharedPool);
const folder = temporaryFolder();

/** 16-bit frames of one kind on the disk; every fifth of the pixels of one of them is hit by a cosmic ray. */
async function files(
  kind: MasterKind,
  count: number,
  level: (frame: number) => number,
  fields: Partial<FrameFields> = {},
) {
  const paths: string[] = [];
  for (let n = 0; n < count; n++) {
    const next = generator(100 + n);
    const frame = cameraFrame((i) => level(n) + 20 * next() + (n === 3 && i % 50 === 0 ? 9000 : 0), {
      kind,
      ...fields,
    });
    paths.push(join(folder, `${kind}${n}.fits`));
    await writeFits(frame, paths.at(-1)!);
  }
  return paths;
}

function expectClose(frame: Frame, expected: ArrayLike<number>, tolerance: number) {
  let worst = 0;
  for (const [i, value] of frame.pixels.entries()) worst = Math.max(worst, Math.abs(value - expected[i]!));
  expect(worst).toBeLessThanOrEqual(tolerance);
}

const load = `
import numpy as np
from astropy.io import fits
def read(kind, n): return np.array([fits.getdata('%s%d.fits' % (kind, i)).astype(float) for i in range(n)])
`;

describe('a master', () => {
  it('without rejection is numpy’s mean, and its median numpy’s median', async () => {
    const paths = await files('dark', 8, () => 300);
    python(
      folder,
      `${load}d = read('dark', 8)\nd.mean(0).astype('f4').tofile('mean')\nnp.median(d, 0).astype('f4').tofile('median')`,
    );
    const mean = await buildMaster('dark', paths, { rejection: 'none' });
    expectClose(mean.frame, reference(folder, 'mean', 'f32'), 0.001);
    const middle = await buildMaster('dark', paths, { rejection: 'none', combine: 'median' });
    expectClose(middle.frame, reference(folder, 'median', 'f32'), 0.001);
  });

  it('with sigma clipping is without the cosmic rays, as numpy’s mean without that frame there', async () => {
    const paths = await files('dark', 12, () => 300);
    python(
      folder,
      `${load}
d = read('dark', 12)
hit = np.zeros(d.shape, bool); hit[3].ravel()[::50] = True
np.ma.array(d, mask=hit).mean(0).filled(0).astype('f4').tofile('clean')`,
    );
    for (const rejection of ['sigma-clip', 'winsorised'] as const) {
      const { frame, rejectedHigh } = await buildMaster('dark', paths, {
        rejection,
        kappaLow: 5,
        kappaHigh: rejection === 'winsorised' ? 6 : 3,
      });
      // Three sigma also takes a good sample here and there.
      expectClose(frame, reference(folder, 'clean', 'f32'), 3);
      expect(rejectedHigh).toBeGreaterThan(0.0015);
    }
  });

  it('says what it is, and reads back as that', async () => {
    const { frame } = await buildMaster('dark', await files('dark', 5, () => 300));
    expect(frame).toMatchObject({
      kind: 'dark',
      combined: 5,
      pixelType: 'f32',
      exposureSeconds: 60,
      gain: 100,
      bayer: 'RGGB',
    });
    const path = join(folder, 'master-dark.fits');
    await writeFits(frame, path);
    const said = python(
      folder,
      "from astropy.io import fits; h = fits.getheader('master-dark.fits'); print(h['IMAGETYP'], h['NCOMBINE'], h['BITPIX'], h['REJECT'], h['COMBINE'], h['EXPTIME'], h['BAYERPAT'])",
      { strict: true },
    );
    expect(said.trim()).toBe('Master Dark 5 -32 sigma-clip mean 60.0 RGGB');
    expect(await readFrame(path)).toMatchObject({ kind: 'dark', combined: 5 });
  });

  it('flat: each is brought to the light of the first, and loses its bias with all its pattern', async () => {
    const pattern = (i: number) => 500 + (i % 40 === 0 ? 300 : 0);
    const own = cameraFrame(pattern, { kind: 'bias' }, 'f32');
    const lamp = flat().pixels;
    const lights = [1, 0.6, 1.3, 0.8];
    const flats = lights.map((part) =>
      cameraFrame((i) => pattern(i) + part * lamp[i]!, { kind: 'flat', exposureSeconds: 2 }),
    );
    const { frame } = await buildMaster('flat', flats, { flatDark: own, rejection: 'none' });
    expect(frame).toMatchObject({ kind: 'flat', blackLevel: 0, combined: 4 });
    expect(frame.keyword('CALSTAT')).toBe('B');
    let worst = 0;
    for (const [i, value] of frame.pixels.entries()) worst = Math.max(worst, Math.abs(value / lamp[i]! - 1));
    expect(worst).toBeLessThan(0.002);
  });

  it('of frames in memory and of files is the same', async () => {
    const paths = await files('bias', 4, () => 256);
    const frames = await Promise.all(paths.map((path) => readFrame(path)));
    const [a, b] = [await buildMaster('bias', paths), await buildMaster('bias', frames)];
    expectClose(a.frame, b.frame.pixels, 0);
  });
});

describe('refused for a master', () => {
  it.each<[string, MasterKind, () => Frame[], string]>([
    ['no frame', 'dark', () => [], 'There is no frame to make a master dark of.'],
    ['a flat among darks', 'dark', () => [dark(), flat()], 'is no dark: IMAGETYP says flat.'],
    ['another gain', 'dark', () => [dark(), dark({ gain: 7 })], 'GAIN differs, 7 in the dark, 100 in the frame'],
    ['another exposure', 'dark', () => [dark(), dark({ exposureSeconds: 9 })], 'EXPTIME differs, 9 in the dark'],
    ['a cooler still on its way', 'dark', () => [dark({ temperatureCelsius: 15 }), dark()], 'CCD-TEMP differs'],
    [
      'a black flat',
      'flat',
      () => [flat(), cameraFrame(() => 3, { kind: 'flat', blackLevel: 0 })],
      'holds hardly any light',
    ],
    ['a burnt out flat', 'flat', () => [cameraFrame(() => 16383, { kind: 'flat' })], 'is burnt out'],
    [
      'a calibrated frame',
      'dark',
      () => [dark({ keywords: [{ name: 'CALSTAT', value: 'B' }] })],
      "calibrated already (CALSTAT = 'B')",
    ],
  ])('%s', async (_what, kind, frames, message) => {
    await expect(buildMaster(kind, frames())).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(message),
    });
  });

  it('a file that is no picture, by its name', async () => {
    await writeFile(join(folder, 'text.fits'), 'hello');
    await expect(buildMaster('dark', [join(folder, 'text.fits')])).rejects.toThrow('text.fits');
  });
});

describe('a folder of masters', () => {
  const master = async (name: string, frame: Frame) => {
    const path = join(folder, `library-${name}.fits`);
    await writeFits(frame, path);
    return path;
  };

  it('gives those that fit, and says why the others don’t', async () => {
    const paths = [
      await master('bias', bias({ combined: 50 })),
      await master('dark-gain', dark({ gain: 200 })),
      await master('dark-warm', dark({ temperatureCelsius: -7, combined: 90 })),
      await master('dark', dark({ temperatureCelsius: -9.8, combined: 30 })),
      await master('dark-300', dark({ exposureSeconds: 300 })),
      await master('flat-ha', flat({ keywords: [{ name: 'FILTER', value: 'Ha' }] })),
      await master('light', light()),
    ];
    await writeFile(join(folder, 'library-broken.fits'), 'broken');
    const library = await readLibrary([...paths, join(folder, 'library-broken.fits')]);
    expect(library.entries).toHaveLength(6);
    expect(library.unreadable.map(({ path }) => path)).toEqual([join(folder, 'library-broken.fits')]);
    const frame = light({ keywords: [{ name: 'FILTER', value: 'L' }] });
    const chosen = chooseMasters(library.entries, frame);
    expect([chosen.bias?.path, chosen.dark?.path, chosen.flat]).toEqual([paths[0], paths[3], null]);
    expect(chosen.missing.flat).toBe('Of 1 flat none fits: library-flat-ha.fits differs in FILTER (ha, the frame l).');
  });

  it('takes a dark of another exposure only where it may be scaled', async () => {
    const { entries } = await readLibrary([
      await master('b', bias()),
      await master('d', dark({ exposureSeconds: 300 })),
    ]);
    expect(chooseMasters(entries, light()).dark).toBeNull();
    expect(chooseMasters(entries, light(), { scaleDarks: true }).dark).not.toBeNull();
  });

  it('without any that fits is an error with the reasons', () => {
    const none = chooseMasters([], light());
    expect(() => requireSome(none, 'masters/')).toThrow(
      'No master in masters/ fits this frame. There is no bias. There is no dark. There is no flat.',
    );
  });
});
