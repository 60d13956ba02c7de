import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, statSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { foldFits } from '../../../lib/frame/fits/fold.ts';
import { formatCard } from '../../../lib/frame/fits/format.ts';
import { readFits } from '../../../lib/frame/fits/read.ts';
import { writeFits } from '../../../lib/frame/fits/write.ts';
import { allocatePixels, Frame, type FrameFields, type PixelType } from '../../../lib/frame/frame.ts';
import { firstDifference, python, reference, temporaryFolder } from './python.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);

function picture(
  width: number,
  height: number,
  channels: 1 | 3,
  pixelType: PixelType,
  more: Partial<FrameFields> = {},
) {
  const frame = new Frame({
    data: allocatePixels(width, height, channels, pixelType),
    ...{ width, height, channels, pixelType },
    ...more,
  });
  const pixels = frame.pixels;
  for (let i = 0, value = 1; i < pixels.length; i++) {
    value = (value * 48271) % 2147483647;
    pixels[i] = pixelType === 'f32' ? value / 2147483647 : value;
  }
  return frame;
}

const known: Partial<FrameFields> = {
  start: '2024-03-01T20:00:00.123456Z',
  middle: '2024-03-01T20:00:02.623456Z',
  end: '2024-03-01T20:00:05.123456Z',
  timeSource: 'camera',
  timeUncertaintySeconds: 0.002,
  exposureSeconds: 5,
  gain: 0,
  offset: 0,
  temperatureCelsius: -10,
  camera: 'IMX477',
  site: { name: 'Hill', latitude: 52.5, longitude: -13.4, elevation: 34 },
  target: { name: "Barnard's star", raDegrees: 269.452083, decDegrees: -0.69339 },
  night: '2024-03-01',
  number: 7,
  combined: 12,
  blackLevel: 256,
  whiteLevel: 4095,
  whiteBalance: [2.1, 1, 1.6],
  colourMatrix: [1, 0, 0.25, 0, 1, -1e-7, 0, 0, 1],
};

/** astropy's answer, with every warning an error: the checks of verify, both sums, then the samples, top row first. */
const astropy = (name: string) =>
  JSON.parse(
    python(
      folder,
      `
import json
from astropy.io import fits
with fits.open('${name}', checksum=True) as h:
    h.verify('exception')
    assert len(h) == 1
    h[0].data.astype({'u': '<u%d', 'f': '<f%d'}[h[0].data.dtype.kind] % h[0].data.dtype.itemsize).tofile('${name}.raw')
    print(json.dumps(dict(sums=[h[0].verify_checksum(), h[0].verify_datasum()], shape=h[0].data.shape, header={k: v for k, v in h[0].header.items() if k not in ('COMMENT', 'HISTORY', '')})))
`,
      { strict: true },
    ),
  ) as { sums: number[]; shape: number[]; header: Record<string, unknown> };

describe('what we write', () => {
  it.each([
    ['u8', 31, 17, 1, 'u8', {}],
    ['u16', 301, 207, 1, 'u16', { bayer: 'GRBG' }],
    ['odd', 3, 1, 1, 'u16', {}],
    ['f32', 33, 15, 1, 'f32', { whiteLevel: 1 }],
    ['rgb16', 300, 500, 3, 'u16', { transfer: 'srgb' }],
    ['rgb32', 30, 20, 3, 'f32', {}],
    ['rgb8', 30, 21, 3, 'u8', {}],
  ] as const)('%s opens in astropy with verify, sums and samples right, and comes back the same', async (...row) => {
    const [name, width, height, channels, type, more] = row;
    const frame = picture(width, height, channels, type, { ...known, ...more } as Partial<FrameFields>);
    const { bytes } = await writeFits(frame, file(`${name}.fits`));
    expect(statSync(file(`${name}.fits`)).size).toBe(bytes);
    expect(bytes % 2880).toBe(0);
    const seen = astropy(`${name}.fits`);
    expect(seen.sums).toEqual([1, 1]);
    expect(seen.shape).toEqual(channels === 3 ? [3, height, width] : [height, width]);
    expect(firstDifference(frame.pixels, reference(folder, `${name}.fits.raw`, type))).toBeNull();

    const back = await readFits(file(`${name}.fits`));
    expect(firstDifference(back.pixels, frame.pixels)).toBeNull();
    const { keywords: _keywords, source: _source, data: _data, ...fields } = { ...back };
    const { keywords: _k, source: _s, data: _d, ...expected } = { ...frame };
    expect(fields).toEqual(expected);
  });

  it('says what it knows in the words that other programs read', async () => {
    await writeFits(picture(8, 6, 1, 'u16', { ...known, bayer: 'RGGB' }), file('words.fits'));
    expect(astropy('words.fits').header).toMatchObject({
      ...{ BITPIX: 16, NAXIS1: 8, NAXIS2: 6, ROWORDER: 'TOP-DOWN', BAYERPAT: 'RGGB', XBAYROFF: 0, YBAYROFF: 0 },
      ...{ 'DATE-OBS': '2024-03-01T20:00:00.123456', 'DATE-BEG': '2024-03-01T20:00:00.123456', TIMESYS: 'UTC' },
      ...{ 'DATE-AVG': '2024-03-01T20:00:02.623456', 'DATE-END': '2024-03-01T20:00:05.123456' },
      ...{ EXPTIME: 5, GAIN: 0, OFFSET: 0, 'CCD-TEMP': -10, INSTRUME: 'IMX477', IMAGETYP: 'Light', NCOMBINE: 12 },
      ...{ OBJECT: "Barnard's star", RA: 269.452083, DEC: -0.69339, OBJCTRA: '17 57 48.50', OBJCTDEC: '-00 41 36.2' },
      ...{ SITELAT: 52.5, SITELONG: -13.4, SITEELEV: 34, SITENAME: 'Hill', BLACKLEV: 256, WHITELEV: 4095 },
    });
  });

  it('writes back the keywords that came along, and none that contradicts the frame', async () => {
    const long = "it's a long story & more; ".repeat(9).trim();
    const keywords = [
      { name: 'FILTER', value: 'Ha', comment: 'a filter' },
      { name: 'STORY', value: long, comment: 'with a comment' },
      { name: 'AMPERSND', value: `${'x'.repeat(67)}&` },
      { name: 'QUOTES', value: "'".repeat(80) },
      { name: 'ESO DET CHIP NAME', value: 'e2v' },
      { name: 'ESO A VERY LONG NAME FOR A KEYWORD', value: 'y'.repeat(150) },
      { name: 'TINY', value: 1.25e-107 },
      { name: 'NOTHING', value: null },
      { name: 'FLAG', value: false },
      { name: 'NOTANUM', value: Number.NaN },
      { name: 'UMLAUT', value: 'Jürgen, 12 °C, 3 µm, ∞' },
      { name: 'HISTORY', value: 'h'.repeat(200) },
      { name: 'END', value: 'not yet' },
      { name: 'EXPOSURE', value: 99 },
      { name: 'EXPTIME', value: 99 },
      { name: 'NAXIS1', value: 99 },
      { name: 'ROWORDER', value: 'BOTTOM-UP' },
      { name: 'SWCREATE', value: 'SharpCap' },
    ];
    await writeFits(picture(8, 6, 1, 'u8', { exposureSeconds: 2.5, keywords }), file('kept.fits'));
    const { header } = astropy('kept.fits');
    expect(header).toMatchObject({
      ...{ FILTER: 'Ha', STORY: long, AMPERSND: `${'x'.repeat(67)}&`, TINY: 1.25e-107 },
      ...{ 'ESO DET CHIP NAME': 'e2v', 'ESO A VERY LONG NAME FOR A KEYWORD': 'y'.repeat(150), FLAG: false },
      ...{ UMLAUT: 'Jurgen, 12  degC, 3 um, ?', EXPTIME: 2.5, NAXIS1: 8, ROWORDER: 'TOP-DOWN', SWCREATE: 'SharpCap' },
    });
    expect(header).not.toHaveProperty('EXPOSURE');
    expect(header.SWMODIFY).toMatch(/^Nightflow \d/);
    const back = await readFits(file('kept.fits'));
    expect(back.keyword('STORY')).toBe(long);
    // astropy 5.2 takes two quotes before a blank in a CONTINUE card for the end of the string; the standard doesn't.
    expect(back.keyword('QUOTES')).toBe("'".repeat(80));
    expect(back.keywords.find(({ name }) => name === 'STORY')?.comment).toBe('with a comment');
  });

  it('keeps every card within 80 ASCII characters, whatever the text', () => {
    for (let length = 0; length < 220; length++)
      for (const name of ['STORY', 'ESO DET CHIP NAME'])
        for (const letter of ["'", 'a', '&', 'ü']) {
          const value = letter.repeat(length);
          for (const card of formatCard({ name, value, comment: 'c'.repeat(length % 90) }))
            expect(card).toMatch(/^[ -~]{1,80}$/);
        }
  });

  it('leaves an older file as it was when it fails, and nothing half-written', async () => {
    mkdirSync(file('taken.fits'));
    await expect(writeFits(picture(4, 4, 1, 'u8'), file('taken.fits'))).rejects.toMatchObject({
      message: expect.stringContaining('taken.fits'),
    });
    expect(statSync(file('taken.fits')).isDirectory()).toBe(true);
    expect(readdirSync(folder).filter((name) => name.includes('nightflow-part'))).toEqual([]);
  });
});

describe('Siril', () => {
  const siril = (where: string, script: string): string => {
    writeFileSync(join(where, 'script.ssf'), `requires 1.0.0\nsetext fits\n${script}\n`);
    return execFileSync('siril-cli', ['-d', where, '-s', join(where, 'script.ssf')], {
      encoding: 'utf8',
      env: { ...process.env, HOME: where },
    });
  };

  it('opens them all', async () => {
    const where = file('siril');
    mkdirSync(where);
    for (const [name, channels, type] of [
      ['a', 1, 'u8'],
      ['b', 1, 'u16'],
      ['c', 1, 'f32'],
      ['d', 3, 'u16'],
      ['e', 3, 'f32'],
    ] as const)
      await writeFits(picture(64, 48, channels, type, known), join(where, `${name}.fits`));
    const script = ['a', 'b', 'c', 'd', 'e'].map((name) => `load ${name}\nsave out_${name}`).join('\n');
    siril(where, script);
    for (const name of ['b', 'c', 'd', 'e']) {
      const ours = await readFits(join(where, `${name}.fits`));
      const theirs = await readFits(join(where, `out_${name}.fits`));
      expect(firstDifference(theirs.pixels, ours.pixels)).toBeNull();
      expect(theirs.exposureSeconds).toBe(5);
    }
    expect(existsSync(join(where, 'out_a.fits'))).toBe(true);
  });

  it.each([
    ['RGGB', 64],
    ['GBRG', 65],
  ] as const)('sees the colours of %s with %i rows', async (bayer, height) => {
    const where = file(`siril-${bayer}`);
    mkdirSync(where);
    const frame = picture(96, height, 1, 'u16', { bayer });
    // Red above, blue below.
    frame.pixels.forEach((_, i) => {
      const x = i % 96;
      const y = Math.floor(i / 96);
      frame.pixels[i] = bayer[(y % 2) * 2 + (x % 2)] === (y < 20 ? 'R' : 'B') ? 40_000 : 2000;
    });
    await writeFits(frame, join(where, 'mosaic.fits'));
    siril(where, 'convert colour -debayer');
    const colour = await readFits(join(where, 'colour_00001.fits'));
    const at = (plane: number, x: number, y: number) => colour.pixels[(plane * height + y) * 96 + x];
    expect([0, 1, 2].map((plane) => at(plane, 40, 8))).toEqual([40_000, 2000, 2000]);
    expect([0, 1, 2].map((plane) => at(plane, 40, 50))).toEqual([2000, 2000, 40_000]);
  });
});

describe('folding files while they are read', () => {
  it.each(['u8', 'u16', 'f32'] as const)('%s: the maximum, as pixel by pixel', async (type) => {
    const names = [0, 1, 2].map((i) => file(`fold-${type}-${i}.fits`));
    const frames = names.map((_, i) => {
      const frame = picture(701, 403, 1, type, { ...known, combined: 1, number: i });
      frame.pixels.reverse();
      frame.pixels.copyWithin(0, 1000 * (i + 1));
      return frame;
    });
    if (type === 'f32') for (const frame of frames) frame.pixels[5] = Number.NaN;
    for (const [i, name] of names.entries()) await writeFits(frames[i]!, name);
    const brightest = frames[0]!.pixels.slice();
    for (const { pixels } of frames)
      pixels.forEach((value, i) => {
        if (value > brightest[i]!) brightest[i] = value;
      });
    const folded = await foldFits(names);
    expect(firstDifference(folded.pixels, brightest)).toBeNull();
    expect(folded).toMatchObject({ combined: 3, exposureSeconds: 15, start: known.start, camera: 'IMX477' });
  });

  it('turns files whose rows run upwards, and mixes them with others', async () => {
    python(
      folder,
      `
import numpy as np
from astropy.io import fits
a = np.random.default_rng(3).integers(0, 65536, (203, 307), dtype=np.uint16)
fits.writeto('up.fits', a)
down = fits.PrimaryHDU(a // 2); down.header['ROWORDER'] = 'TOP-DOWN'; down.writeto('down.fits')
fits.writeto('signed.fits', (a // 2)[::-1].astype(np.int16))
np.maximum(a[::-1], a // 2).astype('<u2').tofile('up.raw')
`,
    );
    const folded = await foldFits([file('up.fits'), file('down.fits'), file('signed.fits')]);
    expect(firstDifference(folded.pixels, reference(folder, 'up.raw', 'u16'))).toBeNull();
  });

  it('never mixes sizes or patterns', async () => {
    await writeFits(picture(20, 10, 1, 'u16'), file('one.fits'));
    await writeFits(picture(20, 11, 1, 'u16'), file('other.fits'));
    await writeFits(picture(20, 10, 1, 'u16', { bayer: 'RGGB' }), file('bayer.fits'));
    for (const [name, what] of [
      ['other.fits', 'height is 11, not 10'],
      ['bayer.fits', 'bayer is RGGB, not null'],
    ] as const)
      await expect(foldFits([file('one.fits'), file(name)])).rejects.toMatchObject({
        code: 'bad-input',
        message: expect.stringMatching(`${name} does not fit.*${what}`),
      });
    await expect(foldFits([])).rejects.toMatchObject({ code: 'bad-input' });
  });
});
