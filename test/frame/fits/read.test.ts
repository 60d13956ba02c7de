import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readFits, readFitsHeaders } from '../../../lib/frame/fits/read.ts';
import { firstDifference, python, reference, temporaryFolder } from './python.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

// astropy writes NAME.fits and, top row first, the samples that it reads back from it as NAME.raw.
beforeAll(() => {
  python(
    folder,
    `
import numpy as np
from astropy.io import fits
rng = np.random.default_rng(7)

def keep(name, hdus, values, type):
    fits.HDUList(hdus).writeto(name + '.fits')
    values.astype(type).tofile(name + '.raw')

def image(data, **cards):
    hdu = fits.PrimaryHDU(data)
    for name, value in cards.items(): hdu.header[name.replace('_', '-')] = value
    return hdu

def both(name, data, type):
    keep(name, [image(data)], data[..., ::-1, :], type)
    keep(name + '_top', [image(data, ROWORDER='TOP-DOWN')], data, type)

h, w = 37, 61
both('u8', rng.integers(0, 256, (h, w), dtype=np.uint8), '<u1')
both('u16', rng.integers(0, 65536, (h, w), dtype=np.uint16), '<u2')
both('i16_positive', rng.integers(0, 32768, (h, w), dtype=np.int16), '<u2')
both('i16_negative', rng.integers(-32768, 32768, (h, w), dtype=np.int16), '<f4')
both('i32', rng.integers(-2**31, 2**31, (h, w), dtype=np.int32), '<f4')
both('u32', rng.integers(0, 2**32, (h, w), dtype=np.uint32), '<f4')
both('i64', rng.integers(-2**62, 2**62, (h, w), dtype=np.int64), '<f4')
floats = rng.normal(1000, 300, (h, w)); floats[3, 5] = np.nan; floats[20, 60] = np.inf
both('f32', floats.astype(np.float32), '<f4')
both('f64', floats, '<f4')
both('rgb', rng.integers(0, 65536, (3, h, w), dtype=np.uint16), '<u2')
both('rgbf', rng.random((3, h, w), dtype=np.float32), '<f4')
# Larger than one block of decoding.
both('big', rng.integers(0, 65536, (501, 1001), dtype=np.uint16), '<u2')
both('bigf', rng.random((501, 1001)), '<f4')

def blank(name, type, value, **cards):
    raw = rng.integers(0, 120, (h, w)).astype(type); raw[2, 3] = value; raw[36, 60] = value
    hdu = image(raw, BLANK=value, **cards)
    out = raw.astype('f8') * cards.get('BSCALE', 1) + cards.get('BZERO', 0); out[raw == value] = np.nan
    # Set after construction, else astropy scales the data itself.
    keep(name, [hdu], out[::-1], '<f4')
blank('blank8', 'u1', 255)
blank('blank16', '>i2', -32768)
blank('blank32', '>i4', -1)
blank('blank_scaled', '>i2', -7, BZERO=12.5, BSCALE=0.25)
unused = rng.integers(0, 100, (h, w)).astype('>i2')
keep('blank_unused', [image(unused, BLANK=-32768)], unused[::-1], '<u2')

second = rng.integers(0, 65536, (11, 13), dtype=np.uint16); third = rng.random((5, 4), dtype=np.float32)
table = fits.BinTableHDU.from_columns([fits.Column('a', '1J', array=np.arange(3))])
keep('several', [fits.PrimaryHDU(), table, fits.ImageHDU(second, name='SCI'), fits.ImageHDU(third)], second[::-1], '<u2')
third[::-1].tofile('third.raw')

long = fits.PrimaryHDU(np.zeros((2, 3), np.uint8))
long.header['LONGTEXT'] = ("it's a 'long' text & more, " * 12, 'and a comment')
long.header['HIERARCH ESO DET CHIP NAME'] = 'e2v 42-90'
long.header['HIERARCH Lower Case Number'] = 1.5
for i in range(900): long.header['K%d' % i] = (i, 'one of many')
long.header['HISTORY'] = 'once upon a time ' * 20
long.header['UNDEF'] = None
long.header['YES'] = True
long.writeto('long.fits')
`,
  );
});

describe('every sample type, pixel for pixel as astropy reads it', () => {
  it.each([
    ['u8', 'u8', false],
    ['u16', 'u16', false],
    ['i16_positive', 'u16', false],
    ['i16_negative', 'f32', false],
    ['i32', 'f32', true],
    ['u32', 'f32', true],
    ['i64', 'f32', true],
    ['f32', 'f32', false],
    ['f64', 'f32', true],
    ['rgb', 'u16', false],
    ['rgbf', 'f32', false],
    ['big', 'u16', false],
    ['bigf', 'f32', true],
  ] as const)('%s becomes %s', async (name, type, lost) => {
    for (const order of ['', '_top']) {
      const frame = await readFits(file(`${name}${order}.fits`));
      expect(frame.pixelType).toBe(type);
      expect(frame.precisionLost).toBe(lost);
      expect(frame.channels).toBe(name.startsWith('rgb') ? 3 : 1);
      expect(firstDifference(frame.pixels, reference(folder, `${name}${order}.raw`, type))).toBeNull();
    }
  });

  it.each(['blank8', 'blank16', 'blank32', 'blank_scaled'])('%s: BLANK pixels become NaN', async (name) => {
    const frame = await readFits(file(`${name}.fits`));
    expect(firstDifference(frame.pixels, reference(folder, `${name}.raw`, 'f32'))).toBeNull();
    expect(frame.pixels.filter(Number.isNaN).length).toBe(2);
  });

  it('stays 16 bit when BLANK is declared but not used', async () => {
    const frame = await readFits(file('blank_unused.fits'));
    expect(frame.pixelType).toBe('u16');
    expect(firstDifference(frame.pixels, reference(folder, 'blank_unused.raw', 'u16'))).toBeNull();
  });

  it('takes 65535 as white for ADU floats and 1 for normalised ones', async () => {
    expect((await readFits(file('f32_top.fits'))).whiteLevel).toBe(65535);
    expect((await readFits(file('rgbf.fits'))).whiteLevel).toBe(1);
  });
});

describe('units', () => {
  it('takes the first picture, behind an empty primary and a table', async () => {
    const frame = await readFits(file('several.fits'));
    expect([frame.width, frame.height]).toEqual([13, 11]);
    expect(firstDifference(frame.pixels, reference(folder, 'several.raw', 'u16'))).toBeNull();
  });

  it('takes the one asked for', async () => {
    const frame = await readFits(file('several.fits'), { hdu: 3 });
    expect(firstDifference(frame.pixels, reference(folder, 'third.raw', 'f32'))).toBeNull();
  });

  it.each([
    [0, 'Unit 0 of .* holds no picture'],
    [1, 'Unit 1 of .*BINTABLE.* holds no picture'],
    [9, 'has no unit 9: there are 4'],
  ])('says what is wrong with unit %i', async (hdu, sentence) => {
    await expect(readFits(file('several.fits'), { hdu })).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringMatching(sentence),
    });
  });

  it('lists all of them without reading their data', async () => {
    const units = await readFitsHeaders(file('several.fits'));
    expect(units.map(({ type, name, axes, bitpix }) => ({ type, name, axes, bitpix }))).toEqual([
      { type: 'PRIMARY', name: null, axes: [], bitpix: 8 },
      { type: 'BINTABLE', name: null, axes: [4, 3], bitpix: 8 },
      { type: 'IMAGE', name: 'SCI', axes: [13, 11], bitpix: 16 },
      { type: 'IMAGE', name: null, axes: [4, 5], bitpix: -32 },
    ]);
    expect(units.every(({ truncated }) => !truncated)).toBe(true);
  });
});

describe('headers', () => {
  it('keeps long strings, HIERARCH names, long headers, comments, logicals and undefined values', async () => {
    const frame = await readFits(file('long.fits'));
    expect(frame.keyword('LONGTEXT')).toBe("it's a 'long' text & more, ".repeat(12).trimEnd());
    expect(frame.keyword('ESO DET CHIP NAME')).toBe('e2v 42-90');
    expect(frame.keyword('LOWER CASE NUMBER')).toBe(1.5);
    expect(frame.keyword('K899')).toBe(899);
    expect(frame.keyword('YES')).toBe(true);
    expect(frame.keyword('UNDEF')).toBeNull();
    const history = frame.keywords.filter(({ name }) => name === 'HISTORY');
    expect(history.map(({ value }) => value).join('')).toContain('once upon a time once upon a time');
    expect(frame.keywords.find(({ name }) => name === 'LONGTEXT')?.comment).toBe('and a comment');
  });

  it('leaves out how the file is built', async () => {
    const frame = await readFits(file('long.fits'));
    for (const name of ['SIMPLE', 'BITPIX', 'NAXIS', 'NAXIS1', 'EXTEND', 'BZERO', 'END'])
      expect(frame.keyword(name)).toBeUndefined();
  });
});
