import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFits } from '../../../lib/frame/fits/read.ts';
import type { Frame } from '../../../lib/frame/frame.ts';
import { imageCards, samples16, writeCards } from './header-file.ts';
import { python, temporaryFolder } from './python.ts';

const folder = temporaryFolder();
let number = 0;

/** A mosaic whose samples are 1 for red, 2 for green, 3 for blue by the pattern of the file's own first rows. */
async function mosaic(pattern: string, height: number, cards: readonly string[]): Promise<Frame> {
  const width = 6;
  const values = Array.from({ length: width * height }, (_, i) => {
    const x = i % width;
    const y = Math.floor(i / width);
    return ' RGB'.indexOf(pattern[(y % 2) * 2 + (x % 2)]!);
  });
  const path = join(folder, `mosaic${number++}.fits`);
  return readFits(writeCards(path, [...imageCards(width, height), ...cards], samples16(values)));
}

/** The pattern that the samples themselves show at the top left. */
const shown = (frame: Frame) => [0, 1, 6, 7].map((i) => ' RGB'[frame.pixels[i]!]).join('');

describe('the Bayer pattern stays with the samples', () => {
  it.each([
    [2, 'TOP-DOWN', 'RGGB'],
    [5, 'TOP-DOWN', 'RGGB'],
    [4, null, 'GBRG'],
    [5, null, 'RGGB'],
  ])('%i rows, ROWORDER %s', async (height, order, expected) => {
    const cards = ["BAYERPAT= 'RGGB    '", ...(order ? [`ROWORDER= '${order}'`] : [])];
    const frame = await mosaic('RGGB', height, cards);
    expect(frame.bayer).toBe(expected);
    expect(shown(frame)).toBe(expected);
  });

  it.each(['BGGR', 'GRBG', 'GBRG'])('%s in COLORTYP, rows upwards', async (pattern) => {
    const frame = await mosaic(pattern, 4, [`COLORTYP= '${pattern}'`]);
    expect(frame.bayer).toBe(shown(frame));
  });

  it.each([
    [1, 0, 'GRBG'],
    [0, 1, 'GBRG'],
    [1, 1, 'BGGR'],
    [2, 4, 'RGGB'],
  ])('offsets %i, %i', async (x, y, inFile) => {
    const offsets = [`XBAYROFF= ${String(x).padStart(20)}`, `YBAYROFF= ${String(y).padStart(20)}`];
    for (const height of [4, 5]) {
      const frame = await mosaic(inFile, height, ["BAYERPAT= 'RGGB'", ...offsets]);
      expect(frame.bayer).toBe(shown(frame));
    }
  });

  // siril-cli 1.0.6, `convert -debayer`, 64 rows: RGGB beside BOTTOM-UP gave right colours only when meant as seen.
  it('takes the pattern beside an explicit BOTTOM-UP as that of the picture as seen', async () => {
    expect((await mosaic('GBRG', 4, ["BAYERPAT= 'RGGB'", "ROWORDER= 'BOTTOM-UP'"])).bayer).toBe('RGGB');
  });

  it('leaves a picture without a pattern, or with another mosaic, mono', async () => {
    expect((await mosaic('RGGB', 4, [])).bayer).toBeNull();
    expect((await mosaic('RGGB', 4, ["BAYERPAT= 'XTRANS'"])).bayer).toBeNull();
  });
});

describe('world coordinates turn with the rows', () => {
  const height = 40;
  const sky = (wcs: string) =>
    python(
      folder,
      `
from astropy.wcs import WCS
from astropy.io import fits
import json
h = fits.Header(); h['NAXIS'] = 2; h['NAXIS1'] = 60; h['NAXIS2'] = ${height}
h.update(json.loads('''${wcs}'''))
w = WCS(h)
print(json.dumps([[float(v) for v in w.all_pix2world(x, y, 0)] for x, y in [(3, 5), (40, 31), (59, 0)]]))
`,
    );
  const header = { CTYPE1: 'RA---TAN', CTYPE2: 'DEC--TAN', CRVAL1: 83.6, CRVAL2: 22.01, CRPIX1: 28.5, CRPIX2: 11.25 };

  it.each([
    ['CD', { CD1_1: -7e-4, CD1_2: 1e-4, CD2_1: 1.1e-4, CD2_2: 7.1e-4 }],
    ['CDELT and CROTA', { CDELT1: -7e-4, CDELT2: 7e-4, CROTA2: 31 }],
    ['PC', { CDELT1: -7e-4, CDELT2: 7e-4, PC1_1: 0.9, PC1_2: -0.2, PC2_1: 0.3, PC2_2: 0.95 }],
    [
      'SIP',
      {
        ...{ CTYPE1: 'RA---TAN-SIP', CTYPE2: 'DEC--TAN-SIP', CD1_1: -7e-4, CD1_2: 1e-4, CD2_1: 1.1e-4, CD2_2: 7e-4 },
        ...{ A_ORDER: 2, B_ORDER: 2, A_0_2: 3e-4, A_1_1: -2e-4, A_2_0: 1e-4, B_0_2: -3e-4, B_1_1: 2e-4, B_2_0: 5e-4 },
      },
    ],
  ])('%s', async (name, matrix) => {
    const wcs = { ...header, ...matrix };
    const cards = Object.entries(wcs).map(([key, value]) =>
      typeof value === 'string' ? `${key.padEnd(8)}= '${value}'` : `${key.padEnd(8)}= ${String(value).padStart(20)}`,
    );
    const path = join(folder, `${name}.fits`);
    const frame = await readFits(writeCards(path, [...imageCards(60, height), ...cards], Buffer.alloc(120 * height)));
    const turned = Object.fromEntries(Object.keys(wcs).map((key) => [key, frame.keyword(key)]));
    // A star at row y of the file is at row height - 1 - y of the Frame.
    const before = JSON.parse(sky(JSON.stringify(wcs))) as number[][];
    const script = JSON.stringify(turned);
    const after = JSON.parse(
      python(
        folder,
        `
from astropy.wcs import WCS
from astropy.io import fits
import json
h = fits.Header(); h['NAXIS'] = 2; h['NAXIS1'] = 60; h['NAXIS2'] = ${height}
h.update(json.loads('''${script}'''))
w = WCS(h)
print(json.dumps([[float(v) for v in w.all_pix2world(x, ${height} - 1 - y, 0)] for x, y in [(3, 5), (40, 31), (59, 0)]]))
`,
      ),
    ) as number[][];
    for (const [i, position] of before.entries())
      for (const axis of [0, 1]) expect(after[i]![axis]).toBeCloseTo(position[axis]!, 10);
  });
});
