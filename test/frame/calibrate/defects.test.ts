import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { calibrateFrame } from '../../../lib/frame/calibrate.ts';
import { findDefects, readDefects, writeDefects } from '../../../lib/frame/calibrate-defects.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { generator } from '../../kernels/samples.ts';
import { python, temporaryFolder } from '../fits/python.ts';
import { cameraFrame, flat, samples, size } from './frames.ts';

afterAll(closeSharedPool);
const folder = temporaryFolder();

/** Noise of about 3 ADU with the glow of an amplifier in a corner, 60 ADU. */
const glowing = (changes: Record<number, number>) => {
  const next = generator(9);
  return cameraFrame(
    (i) => changes[i] ?? 256 + 10 * next() + 60 * Math.exp(-((i % size.width) + Math.floor(i / size.width)) / 10),
    { kind: 'dark' },
    'f32',
  );
};
const listed = ({ indices }: { indices: SharedArrayBuffer }) => [...new Uint32Array(indices)];

describe('defects of a master dark', () => {
  it('are the hot, the cold and the empty pixels, at the edge and beside each other too; the glow is none', async () => {
    const changes = { 0: 900, 700: 900, 702: 2000, 1501: 20, 2000: Number.NaN, [samples - 1]: 700 };
    const { map, hot, cold, limited } = await findDefects(glowing(changes));
    expect(listed(map)).toEqual([0, 700, 702, 1501, 2000, samples - 1]);
    expect({ hot, cold, limited }).toEqual({ hot: 5, cold: 1, limited: false });
  });

  it('are joined by pixels that answer to light differently', async () => {
    const odd = flat();
    odd.pixels[1000] = odd.pixels[1000]! * 0.5;
    const { map } = await findDefects(glowing({}), { flat: odd });
    expect(listed(map)).toEqual([1000]);
  });

  it('are 1 % of the pixels at most, those that stand out most', async () => {
    const changes = Object.fromEntries(Array.from({ length: 60 }, (_, k) => [k * 41 + 3, 400 + 20 * k]));
    const { map, limited } = await findDefects(glowing(changes));
    expect(limited).toBe(true);
    const limit = Math.floor(samples / 100);
    expect(listed(map)).toEqual(Array.from({ length: limit }, (_, k) => (k + 60 - limit) * 41 + 3));
  });

  it('are mended by good neighbours of the same colour', async () => {
    const frame = cameraFrame((i) => (i % 2 ? 1000 : 2000));
    frame.pixels[700] = 16000;
    const { map } = await findDefects(glowing({ 700: 3000 }));
    const result = await calibrateFrame(frame, { defects: map });
    expect([result.pixels[700], result.pixels[701]]).toEqual([2000, 1000]);
  });

  it('of another size are refused', async () => {
    const { map } = await findDefects(glowing({}));
    const other = cameraFrame(() => 500, { width: 30, height: 30 });
    await expect(calibrateFrame(other, { defects: { ...map, source: 'a.txt' } })).rejects.toThrow(
      'The defect map a.txt is for 62 x 41 pixels, the frame has 30 x 30 (NAXIS1, NAXIS2).',
    );
  });
});

describe('defect files', () => {
  const indices = new SharedArrayBuffer(12);
  new Uint32Array(indices).set([0, 63, 2541]);
  const map = { ...size, indices, source: null };

  it.each(['map.txt', 'map.fits'])('%s comes back as it was', async (name) => {
    await writeDefects(map, join(folder, name));
    expect(await readDefects(join(folder, name))).toMatchObject(size);
    expect(listed(await readDefects(join(folder, name)))).toEqual([0, 63, 2541]);
  });

  it('a mask is what astropy says', async () => {
    await writeDefects(map, join(folder, 'mask.fits'));
    const said = python(
      folder,
      "from astropy.io import fits; d = fits.getdata('mask.fits'); print(d.dtype, d.ravel().nonzero()[0].tolist())",
    );
    expect(said.trim()).toBe('uint8 [0, 63, 2541]');
  });

  it('text is for eyes and editors', async () => {
    await writeDefects(map, join(folder, 'map.txt'));
    expect(await readFile(join(folder, 'map.txt'), 'utf8')).toContain(
      'size 62 41\npoint 0 0\npoint 1 1\npoint 61 40\n',
    );
    await writeFile(join(folder, 'own.txt'), '# mine\nsize 62 41\r\nROW 3\npoint 5 6 # hot\n');
    expect(listed(await readDefects(join(folder, 'own.txt')))).toHaveLength(63);
  });

  it.each([
    ['size 62 41\npoint 62 0\n', 'lies outside 62 x 41'],
    ['point 1 1\n', 'its size does not come first'],
    ['', 'it does not say its size'],
    ['size 62 41\nhello\n', '"hello" is none of size, point, column, row'],
    ['size 99999999 99999999\n', 'is none of size'],
    [`size 62 41\n${Array.from({ length: 4 }, (_, i) => `row ${i}`).join('\n')}`, 'more than 5 % of 2542 pixels'],
  ])('%j is refused: %s', async (text, why) => {
    await writeFile(join(folder, 'bad.txt'), text);
    await expect(readDefects(join(folder, 'bad.txt'))).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining(why),
    });
  });

  it('a file that is not there is told', async () => {
    await expect(readDefects(join(folder, 'none.txt'))).rejects.toMatchObject({ code: 'lost' });
  });
});

describe('hot and cold pixels of the frame itself', () => {
  const sky = (changes: Record<number, number>) => {
    const next = generator(5);
    return cameraFrame((i) => changes[i] ?? 900 + 30 * next());
  };
  it.each(['auto', 'f32'] as const)('are replaced, stars stay (%s)', async (format) => {
    const at = 20 * size.width + 30;
    const star = { [at]: 9000, [at + 1]: 4000, [at - 1]: 4000, [at + size.width]: 4000, [at - size.width]: 4000 };
    const frame = sky({ ...star, 500: 12000, 1600: 300 });
    const result = await calibrateFrame(frame, {}, { cosmetic: true, pedestal: 256, format });
    expect(result.pixels[at]).toBe(9000);
    for (const index of [500, 1600]) expect(Math.abs(result.pixels[index]! - 915)).toBeLessThan(30);
    const changed = [...result.pixels].filter((value, i) => value !== frame.pixels[i]).length;
    expect(changed).toBe(2);
    expect(result.keywords.at(-1)!.value).toBe('Pixels replaced: 0 by map, 1 hot, 1 cold');
  });

  it('black holes, which a dark too warm leaves, are cold pixels', async () => {
    const own = cameraFrame((i) => (i % 197 === 50 ? 700 : 256), { kind: 'dark' }, 'f32');
    const result = await calibrateFrame(sky({}), { dark: own }, { cosmetic: true });
    expect(Math.min(...result.pixels)).toBeGreaterThan(880);
  });

  it('a frame too small for neighbours is left alone', async () => {
    const result = await calibrateFrame(
      cameraFrame(() => 700, { width: 4, height: 4 }),
      {},
      { cosmetic: true },
    );
    expect(result.pixels[0]).toBe(700);
  });
});
