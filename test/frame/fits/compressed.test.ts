import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, it } from 'vitest';
import { readFits } from '../../../lib/frame/fits/read.ts';
import { firstDifference, python, reference, temporaryFolder } from './python.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

// astropy (its compiled cfitsio) packs NAME.fits.fz; NAME.raw is what it unpacks from it, top row first.
beforeAll(() => {
  python(
    folder,
    `
import numpy as np
from astropy.io import fits
rng = np.random.default_rng(11)

def pack(name, data, type, compression='RICE_1', **options):
    hdu = fits.CompImageHDU(data, compression_type=compression, **options)
    hdu.header['EXPTIME'] = 12.5; hdu.header['BAYERPAT'] = 'GBRG'
    fits.HDUList([fits.PrimaryHDU(), hdu]).writeto(name + '.fits.fz')
    with fits.open(name + '.fits.fz') as h: h[1].data[..., ::-1, :].astype(type).tofile(name + '.raw')

h, w = 83, 121
sky = np.clip(rng.normal(1200, 30, (h, w)), 0, 65535)
sky[40:44, 60:64] = 65000
pack('u16', sky.astype(np.uint16), '<u2')
pack('noise16', rng.integers(0, 65536, (h, w), dtype=np.uint16), '<u2')
pack('flat16', np.full((h, w), 777, np.uint16), '<u2')
pack('i16', (sky - 1300).astype(np.int16), '<f4')
pack('u8', rng.integers(0, 40, (h, w), dtype=np.uint8), '<u1')
pack('i32', rng.integers(-10**6, 10**6, (h, w), dtype=np.int32), '<f4')
pack('noise32', rng.integers(-2**31, 2**31, (h, w), dtype=np.int32), '<f4')
pack('tiles', sky.astype(np.uint16), '<u2', tile_size=[32, 20])
pack('rgb', rng.integers(0, 3000, (3, h, w)).astype(np.uint16), '<u2')
floats = rng.normal(1200, 30, (h, w)).astype(np.float32); floats[5, 7] = 0
pack('float', floats, '<f4')
pack('float_dither1', floats, '<f4', quantize_method=1, dither_seed=4321)
pack('float_dither2', floats, '<f4', quantize_method=2, dither_seed=9999)
pack('float_wide', floats.astype(np.float64), '<f4', quantize_method=1, dither_seed=17)
holes = floats.copy(); holes[10, 10] = np.nan; holes[11, :] = np.nan
pack('float_nan', holes, '<f4', quantize_method=1, dither_seed=3)
# A tile that can't be quantised falls back to gzip of the floats themselves.
flat = floats.copy(); flat[20, :] = 5.25; flat[21, :] = np.linspace(0, 1e30, w)
pack('float_fallback', flat, '<f4')
pack('gzip1', sky.astype(np.uint16), '<u2', compression='GZIP_1')
pack('gzip2', sky.astype(np.uint16), '<u2', compression='GZIP_2')
pack('gzip_float', floats, '<f4', compression='GZIP_1', quantize_level=0)
pack('gzip2_float', floats, '<f4', compression='GZIP_2', quantize_level=16)
pack('plio', rng.integers(0, 3, (h, w)).astype(np.int16), '<u2', compression='PLIO_1')
`,
  );
});

describe('tile-compressed pictures, pixel for pixel as astropy unpacks them', () => {
  it.each([
    ['u16', 'u16'],
    ['noise16', 'u16'],
    ['flat16', 'u16'],
    ['i16', 'f32'],
    ['u8', 'u8'],
    ['i32', 'f32'],
    ['noise32', 'f32'],
    ['tiles', 'u16'],
    ['rgb', 'u16'],
    ['float', 'f32'],
    ['float_dither1', 'f32'],
    ['float_dither2', 'f32'],
    ['float_wide', 'f32'],
    ['float_nan', 'f32'],
    ['float_fallback', 'f32'],
    ['gzip1', 'u16'],
    ['gzip2', 'u16'],
    ['gzip_float', 'f32'],
    ['gzip2_float', 'f32'],
  ] as const)('%s', async (name, type) => {
    const frame = await readFits(file(`${name}.fits.fz`));
    expect(frame.pixelType).toBe(type);
    expect(firstDifference(frame.pixels, reference(folder, `${name}.raw`, type))).toBeNull();
    expect(frame.exposureSeconds).toBe(12.5);
  });

  it('keeps the Bayer pattern and none of the packing', async () => {
    const frame = await readFits(file('u16.fits.fz'));
    expect(frame.bayer).toBe('GBRG');
    expect(frame.keywords.filter(({ name }) => /^(Z|TFORM|TTYPE|TFIELDS|PCOUNT)/.test(name))).toEqual([]);
  });
});

describe('damage', () => {
  it('names a method that it does not know', async () => {
    await expect(readFits(file('plio.fits.fz'))).rejects.toMatchObject({
      code: 'unsupported',
      message: expect.stringContaining('PLIO_1'),
    });
  });

  const damaged = (name: string, change: (bytes: Buffer) => Buffer) => {
    const bytes = readFileSync(file('u16.fits.fz'));
    writeFileSync(file(name), change(bytes));
    return readFits(file(name));
  };
  const card = (bytes: Buffer, name: string, value: number) => {
    const at = bytes.indexOf(name.padEnd(8).concat('='));
    bytes.write(String(value).padStart(20), at + 10, 'latin1');
    return bytes;
  };
  const bad = (sentence: RegExp) => ({ code: 'bad-input', message: expect.stringMatching(sentence) });

  it('refuses a file cut off in its heap', async () => {
    await expect(damaged('cut.fz', (bytes) => bytes.subarray(0, bytes.length - 5760))).rejects.toMatchObject(
      bad(/cut\.fz ends too early/),
    );
  });

  it('refuses a size that does not fit the tiles', async () => {
    await expect(damaged('size.fz', (bytes) => card(bytes, 'ZNAXIS1', 1e9))).rejects.toMatchObject(bad(/size\.fz/));
    await expect(damaged('rows.fz', (bytes) => card(bytes, 'ZNAXIS2', 1e9))).rejects.toMatchObject(bad(/rows\.fz/));
  });

  it('refuses a size that the data can not hold, before it takes the memory', async () => {
    const giant = (bytes: Buffer) => {
      for (const [name, value] of [
        ['ZNAXIS1', 900_000],
        ['ZNAXIS2', 1100],
        ['ZTILE1', 900_000],
        ['ZTILE2', 14],
      ] as const)
        card(bytes, name, value);
      return bytes;
    };
    await expect(damaged('giant.fz', giant)).rejects.toMatchObject(bad(/giant\.fz/));
  });

  it('refuses a descriptor that leaves the heap', async () => {
    const astray = (bytes: Buffer) => {
      const table = Math.ceil((bytes.indexOf(`END${' '.repeat(77)}`, 2880) + 80) / 2880) * 2880;
      bytes.writeInt32BE(0x7fffff00, table + 4);
      return bytes;
    };
    await expect(damaged('astray.fz', astray)).rejects.toMatchObject(bad(/tile 1 lies outside/));
  });

  it('survives any damage to the packed samples: an error or a picture, never a crash', async () => {
    const bytes = readFileSync(file('noise16.fits.fz'));
    copyFileSync(file('noise16.fits.fz'), file('garbage.fz'));
    for (let seed = 1; seed <= 20; seed++) {
      const copy = Buffer.from(bytes);
      for (let i = 0, at = seed; i < 400; i++) {
        at = (at * 48271) % 2147483647;
        copy[8640 + (at % (copy.length - 8640))] = at & 0xff;
      }
      writeFileSync(file('garbage.fz'), copy);
      const outcome = await readFits(file('garbage.fz')).catch((error) => error);
      expect(outcome.code === 'bad-input' || outcome.width === 121).toBe(true);
    }
  });
});
