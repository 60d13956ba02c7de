import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFits } from '../../lib/frame/fits/read.ts';
import { writeFits } from '../../lib/frame/fits/write.ts';
import { type IntegrateOptions, integrateFiles } from '../../lib/frame/integrate.ts';
import { planAreas } from '../../lib/frame/integrate-plan.ts';
import { invertMatrix } from '../../lib/frame/matrix.ts';
import { warpFrame } from '../../lib/frame/warp.ts';
import { differing, noisy, series } from './integrate-frames.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'nightflow-integrate-test-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
const file = (name: string) => join(folder, name);

describe('sources', () => {
  it('frames in memory, bottom-up files, 32-bit and compressed files give what plain files give', async () => {
    const frames = Array.from({ length: 6 }, (_, i) => noisy(i + 1, 50, 33));
    const plain = await integrateFiles(frames);
    const script = `
import sys, json, numpy as np
from astropy.io import fits
for i, path in enumerate(json.load(sys.stdin)):
    data = fits.getdata(path)
    fits.PrimaryHDU(data[::-1]).writeto(path + '.up.fits')
    fits.PrimaryHDU(data.astype(np.int32)).writeto(path + '.int.fits')
    fits.HDUList([fits.PrimaryHDU(), fits.CompImageHDU(data[::-1], compression_type='RICE_1')]).writeto(path + '.fz')
`;
    const paths = frames.map((_, i) => file(`kind-${i}.fits`));
    for (const [i, frame] of frames.entries()) await writeFits(frame, paths[i]!);
    execFileSync('/usr/bin/python3', ['-c', script], { input: JSON.stringify(paths) });
    for (const suffix of ['', '.up.fits', '.fz']) {
      const { frame } = await integrateFiles(
        paths.map((path) => path + suffix),
        { scratchFolder: folder },
      );
      expect(differing(frame!, plain.frame!)).toBe(0);
    }
    // Written without ROWORDER: read bottom-up.
    const ints = await integrateFiles(paths.map((path) => `${path}.int.fits`));
    const turned = Array.from({ length: 33 }, (_, y) => [...plain.frame!.pixels.slice((32 - y) * 50, (33 - y) * 50)]);
    expect(Math.max(...turned.flat().map((value, i) => Math.abs(value - ints.frame!.pixels[i]!)))).toBeLessThan(2e-3);
    expect(readdirSync(folder).filter((name) => name.startsWith('nightflow-integrate-'))).toEqual([]);
  });

  it('more files than descriptors that are kept', async () => {
    const paths = await series(file('many'), 130, 16, 12);
    const { frame } = await integrateFiles(paths, { rejection: 'none' });
    const frames = await Promise.all(paths.map((path) => readFits(path)));
    frame!.pixels.forEach((value, i) => {
      expect(value).toBeCloseTo(frames.reduce((sum, each) => sum + each.pixels[i]!, 0) / 130, 2);
    });
  });

  it('mosaics stay mosaics while nothing is moved, and say so when they differ', async () => {
    const frames = [1, 2, 3].map((i) => noisy(i, 16, 12, { bayer: 'GRBG' }));
    expect((await integrateFiles(frames)).frame).toMatchObject({ bayer: 'GRBG', channels: 1, combined: 3 });
    await expect(integrateFiles([...frames, noisy(4, 16, 12, { bayer: 'RGGB' })])).rejects.toMatchObject({
      code: 'bad-input',
      message: 'frame 4 does not fit frame 1: its bayer is RGGB, not GRBG.',
    });
    const moved = await integrateFiles(frames, { matrices: frames.map(() => [1, 0, 1, 0, 1, 0, 0, 0, 1]) });
    expect(moved.frame).toMatchObject({ bayer: null, channels: 3 });
  });
});

describe('moved frames', () => {
  const turn = (degrees: number, dx: number, dy: number): number[] => {
    const [c, s] = [Math.cos((degrees * Math.PI) / 180), Math.sin((degrees * Math.PI) / 180)];
    return [c, -s, 40 - 40 * c + 30 * s + dx, s, c, 30 - 40 * s - 30 * c + dy, 0, 0, 1];
  };

  it.each(['nearest', 'lanczos3'] as const)(
    '%s: the same as frames that were moved one by one',
    async (interpolation) => {
      const frames = Array.from({ length: 5 }, (_, i) => noisy(i + 20, 81, 61));
      const matrices = frames.map((_, i) => (i === 2 ? null : turn([0.5, 31, 0, 90, 180][i]!, i * 1.3, -i)));
      const paths = frames.map((_, i) => file(`moved-${interpolation}-${i}.fits`));
      for (const [i, frame] of frames.entries()) await writeFits(frame, paths[i]!);
      const options: IntegrateOptions = { kappaLow: 1.6, kappaHigh: 1.6, reference: 2 };
      const ours = await integrateFiles(paths, { ...options, matrices, interpolation });
      const moved = await Promise.all(
        frames.map((frame, i) => (matrices[i] ? warpFrame(frame, matrices[i], { interpolation }) : frame)),
      );
      const expected = await integrateFiles(moved, options);
      const off = ours.frame!.pixels.filter((value, i) => !(Math.abs(value - expected.frame!.pixels[i]!) < 0.05));
      expect(off.length).toBe(0);
      expect(ours.rejectedHigh).toBeCloseTo(expected.rejectedHigh, 4);
    },
  );

  it('are cut into tiles when they are turned, and every pixel is covered once', () => {
    const source = {
      name: '',
      width: 6000,
      height: 4000,
      channels: 1,
      pixelType: 'u16',
      place: { path: '', offset: 0 },
      fits: null,
    } as const;
    const rules = { rejection: 'sigma-clip', combine: 'mean', kappaLow: 3, kappaHigh: 3 } as const;
    const plan = (count: number, inverse: number[] | null) =>
      planAreas(
        {
          sources: Array(count).fill(source),
          inverses: Array(count).fill(inverse),
          levels: null,
          weights: null,
          rules,
          width: 6000,
          height: 4000,
        },
        1,
      );
    for (const [count, inverse, tiled] of [
      [300, null, false],
      [30, invertMatrix(turn(0.01, 3, 2)), false],
      [30, invertMatrix(turn(20, 3, 2)), true],
      [300, invertMatrix(turn(20, 3, 2)), true],
    ] as const) {
      const areas = plan(count, inverse as number[] | null);
      expect(areas.some(({ area }) => area.width < 6000)).toBe(tiled);
      expect(areas.reduce((sum, { area }) => sum + area.width * area.height, 0)).toBe(24_000_000);
      // What a worker holds of all frames.
      for (const { area, rowsAtOnce } of areas) expect(count * rowsAtOnce * area.width * 4).toBeLessThan(64 * 2 ** 20);
    }
  });
});
