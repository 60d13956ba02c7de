/** What a change of the rows' order does to the Bayer pattern and to the world coordinates of a FITS header. */
import type { BayerPattern, Keyword } from '../frame.ts';
import { type FitsHeader, numberOf } from './cards.ts';

/** FITS rows run upwards unless ROWORDER says TOP-DOWN (https://siril.readthedocs.io/en/stable/file-formats/FITS.html). */
export function isBottomUp(header: FitsHeader): boolean {
  return !/^TOP[- _]?DOWN/i.test(header.text('ROWORDER') ?? '');
}

/**
 * The colour of the picture's top left 2x2 pixels, from BAYERPAT or COLORTYP and the offsets XBAYROFF, YBAYROFF; null for
 * mono. Without ROWORDER the pattern is that of the rows as they lie in the file and is turned with them when `flipped`; an
 * explicit BOTTOM-UP comes from programs that, as Siril, who brought the word in, name the pattern of the picture as seen.
 */
export function bayerOf(header: FitsHeader, height: number, flipped: boolean): BayerPattern | null {
  const named = [header.text('BAYERPAT'), header.text('COLORTYP')]
    .map((text) => text?.toUpperCase() ?? '')
    .find((text) => /^(RGGB|BGGR|GRBG|GBRG)$/.test(text));
  if (!named) return null;
  let pattern = named as BayerPattern;
  if (isOdd(header.number('XBAYROFF'))) pattern = swapColumns[pattern];
  if (isOdd(header.number('YBAYROFF'))) pattern = swapRows[pattern];
  // The top row of a flipped picture is the file's last: its parity is that of height - 1.
  const asSeen = /^BOTTOM/i.test(header.text('ROWORDER') ?? '');
  return flipped && !asSeen && height % 2 === 0 ? swapRows[pattern] : pattern;
}

const isOdd = (offset: number | null) => offset !== null && Math.abs(Math.round(offset)) % 2 === 1;

const swapRows: Record<BayerPattern, BayerPattern> = { RGGB: 'GBRG', GBRG: 'RGGB', BGGR: 'GRBG', GRBG: 'BGGR' };
const swapColumns: Record<BayerPattern, BayerPattern> = { RGGB: 'GRBG', GRBG: 'RGGB', BGGR: 'GBRG', GBRG: 'BGGR' };

/**
 * World coordinates of a picture whose rows were turned, so that FITS y = 1 is the Frame's top row as in the files that we
 * write: y' = height + 1 - y. Handles CD, PC and CDELT with CROTA (Greisen & Calabretta 2002) and SIP (Shupe et al. 2005).
 */
export function flipWorldCoordinates(keywords: readonly Keyword[], height: number): Keyword[] {
  const hasMatrix = keywords.some(({ name }) => /^(CD|PC)\d_\d/.test(name));
  // What is not said of a PC matrix is 1 on its diagonal, and turns round as well.
  const isPc =
    keywords.some(({ name }) => /^PC[12]_[12]$/.test(name)) && !keywords.some(({ name }) => name === 'PC2_2');
  const given = isPc ? [...keywords, { name: 'PC2_2', value: 1 }] : keywords;
  return given.map((keyword) => {
    const value = numberOf(keyword.value);
    if (value === null) return keyword;
    const { name } = keyword;
    if (/^CRPIX2[A-Z]?$/.test(name)) return { ...keyword, value: height + 1 - value };
    if (/^(CD|PC)[12]_2[A-Z]?$/.test(name)) return { ...keyword, value: -value || 0 };
    if (/^CDELT2[A-Z]?$/.test(name) && !hasMatrix) return { ...keyword, value: -value };
    const sip = /^([AB])P?_\d+_(\d+)$/.exec(name);
    if (!sip) return keyword;
    // A is added to x and B to y, which turns round itself.
    const odd = (Number(sip[2]) + (sip[1] === 'B' ? 1 : 0)) % 2 === 1;
    return odd ? { ...keyword, value: -value || 0 } : keyword;
  });
}
