/**
 * A WCS out of FITS keywords and into them. A Frame's keywords count FITS rows from its own top (files are written TOP-DOWN, and the
 * reader turns the keywords of others with their rows), so that here and nowhere else FITS pixel = our pixel + 1.
 */
import { FitsHeader } from '../frame/fits/cards.ts';
import type { Frame, Keyword } from '../frame/frame.ts';
import type { Wcs } from './wcs.ts';

/** The highest order of a distortion that a header may declare: Shupe et al. allow 9. */
const maximumOrder = 9;

/**
 * The celestial WCS of a header: TAN or TAN-SIP as CD, PC with CDELT, or CDELT with CROTA2, J2000 or ICRS, either axis first.
 * Null when there is none, or one of another projection, frame or epoch.
 */
export function wcsOf(keywords: readonly Keyword[], size: { width: number; height: number }): Wcs | null {
  const header = new FitsHeader(keywords);
  const kinds = [1, 2].map(
    (axis) => /^(RA--|DEC-)-TAN(-SIP)?$/.exec(header.text(`CTYPE${axis}`)?.toUpperCase() ?? '')?.[1],
  );
  const ra = kinds.indexOf('RA--') + 1;
  const dec = kinds.indexOf('DEC-') + 1;
  if (ra === 0 || dec === 0 || !isJ2000(header) || !isInDegrees(header)) return null;
  const required = [`CRPIX1`, `CRPIX2`, `CRVAL${ra}`, `CRVAL${dec}`].map((name) => numberIn(header, name));
  const [x, y, raDegrees, decDegrees] = required as [number, number, number, number];
  const matrix = matrixOf(header, ra, dec);
  if (required.some((value) => value === null) || !matrix || Math.abs(decDegrees) > 90) return null;
  return {
    width: size.width,
    height: size.height,
    x: x - 1,
    y: y - 1,
    raDegrees: ((raDegrees % 360) + 360) % 360,
    decDegrees,
    cd: turned(matrix, numberIn(header, 'LONPOLE') ?? (decDegrees >= 90 ? 0 : 180)),
    sip: sipOf(header),
  };
}

/** The keywords of a WCS for a file whose first row is the picture's top. */
export function wcsKeywords(wcs: Wcs): Keyword[] {
  const suffix = wcs.sip ? '-SIP' : '';
  const [[a, b], [c, d]] = wcs.cd;
  return [
    { name: 'WCSAXES', value: 2, comment: 'Axes of the sky' },
    { name: 'CTYPE1', value: `RA---TAN${suffix}`, comment: 'Gnomonic projection' },
    { name: 'CTYPE2', value: `DEC--TAN${suffix}`, comment: 'Gnomonic projection' },
    { name: 'CUNIT1', value: 'deg' },
    { name: 'CUNIT2', value: 'deg' },
    { name: 'RADESYS', value: 'ICRS' },
    { name: 'EQUINOX', value: 2000, comment: 'J2000' },
    { name: 'CRPIX1', value: wcs.x + 1, comment: '[pixel] Reference pixel' },
    { name: 'CRPIX2', value: wcs.y + 1, comment: '[pixel] Counted from the first row, the top' },
    { name: 'CRVAL1', value: wcs.raDegrees, comment: '[deg] Right ascension of the reference pixel' },
    { name: 'CRVAL2', value: wcs.decDegrees, comment: '[deg] Declination of the reference pixel' },
    // Said, since at a pole the standard's default is another.
    { name: 'LONPOLE', value: 180, comment: '[deg] Native longitude of the pole' },
    { name: 'CD1_1', value: a },
    { name: 'CD1_2', value: b },
    { name: 'CD2_1', value: c },
    { name: 'CD2_2', value: d },
    ...sipKeywords(wcs.sip),
  ];
}

/** The frame with this WCS in its header in place of any that was there. */
export function withWcs(frame: Frame, wcs: Wcs): Frame {
  const kept = frame.keywords.filter(({ name }) => !ofWcs.test(name));
  return frame.with({ keywords: [...kept, ...wcsKeywords(wcs)] });
}

/** The WCS that a frame carries in its header; null when there is none that we can read. */
export const frameWcs = (frame: Frame): Wcs | null => wcsOf(frame.keywords, frame);

/** The primary WCS and its distortions; the alternatives (CTYPE1A …) are somebody's own and stay. */
const ofWcs =
  /^(WCSAXES|RADE(SYS|CSYS)|EQUINOX|LONPOLE|LATPOLE|C(TYPE|RPIX|RVAL|UNIT|DELT|ROTA|RDER|SYER)[1-4]|(CD|PC|PV|PS)\d+_\d+|[AB]P?_(ORDER|DMAX|\d_\d)|(CPDIS|CQDIS)\d|D[PQ]\d.*)$/;

type Matrix = Wcs['cd'];

/** A header says anything: what is no finite number is not said. */
function numberIn(header: FitsHeader, name: string): number | null {
  const value = header.number(name);
  return value !== null && Number.isFinite(value) ? value : null;
}

/** Row by row: east, north. */
function matrixOf(header: FitsHeader, ra: number, dec: number): Matrix | null {
  const value = (prefix: string, i: number, j: number, missing: number) =>
    numberIn(header, `${prefix}${i}_${j}`) ?? missing;
  const has = (prefix: string) =>
    [1, 2].some((i) => [1, 2].some((j) => numberIn(header, `${prefix}${i}_${j}`) !== null));
  const rows = (element: (i: number, j: number) => number): Matrix => [
    [element(ra, 1), element(ra, 2)],
    [element(dec, 1), element(dec, 2)],
  ];
  let matrix: Matrix;
  if (has('CD')) matrix = rows((i, j) => value('CD', i, j, 0));
  else {
    const steps = [numberIn(header, 'CDELT1'), numberIn(header, 'CDELT2')];
    if (steps[0] === null || steps[1] === null) return null;
    const rotation = ((numberIn(header, `CROTA${dec}`) ?? numberIn(header, `CROTA${ra}`) ?? 0) * Math.PI) / 180;
    const [cosine, sine] = [Math.cos(rotation), Math.sin(rotation)];
    matrix = has('PC')
      ? rows((i, j) => steps[i - 1]! * value('PC', i, j, i === j ? 1 : 0))
      : // Calabretta & Greisen 2002, section 6.1: the AIPS convention.
        rows((i, j) => steps[j - 1]! * (i === j ? cosine : i === 1 ? -sine : sine));
  }
  const [[a, b], [c, d]] = matrix;
  const determinant = a * d - b * c;
  return Number.isFinite(determinant) && determinant !== 0 ? matrix : null;
}

/** LONPOLE other than 180 turns the plane about the reference point. */
function turned(matrix: Matrix, lonpoleDegrees: number): Matrix {
  if (lonpoleDegrees === 180) return matrix;
  const angle = ((lonpoleDegrees - 180) * Math.PI) / 180;
  const [cosine, sine] = [Math.cos(angle), Math.sin(angle)];
  const [[a, b], [c, d]] = matrix;
  return [
    [cosine * a + sine * c, cosine * b + sine * d],
    [cosine * c - sine * a, cosine * d - sine * b],
  ];
}

/** FK5 at J2000 is ICRS to 0.03". What is not said is taken for J2000. */
function isJ2000(header: FitsHeader): boolean {
  const system = (header.text('RADESYS') ?? header.text('RADECSYS') ?? '').toUpperCase();
  if (system === 'ICRS') return true;
  if (system !== '' && system !== 'FK5') return false;
  const equinox = numberIn(header, 'EQUINOX') ?? numberIn(header, 'EPOCH') ?? 2000;
  return Math.abs(equinox - 2000) < 0.01;
}

const isInDegrees = (header: FitsHeader): boolean =>
  [1, 2].every((axis) => /^deg(ree)?s?$/i.test(header.text(`CUNIT${axis}`) ?? 'deg'));

function sipOf(header: FitsHeader): Wcs['sip'] {
  const a = coefficients(header, 'A');
  const b = coefficients(header, 'B');
  if (!a && !b) return null;
  return { a: a ?? [], b: b ?? [], ap: coefficients(header, 'AP') ?? [], bp: coefficients(header, 'BP') ?? [] };
}

function coefficients(header: FitsHeader, name: string): number[][] | null {
  const order = numberIn(header, `${name}_ORDER`);
  if (order === null || !(order >= 1 && order <= maximumOrder)) return null;
  const length = Math.floor(order) + 1;
  return Array.from({ length }, (_, p) =>
    Array.from({ length: length - p }, (_, q) => numberIn(header, `${name}_${p}_${q}`) ?? 0),
  );
}

function sipKeywords(sip: Wcs['sip']): Keyword[] {
  if (!sip) return [];
  const of = (name: string, rows: readonly (readonly number[])[]): Keyword[] => {
    const order = Math.max(...rows.flatMap((row, p) => row.map((value, q) => (value ? p + q : 0))), 2);
    if (rows.length === 0 && name.length === 2) return [];
    return [
      { name: `${name}_ORDER`, value: order, comment: 'Distortion, Shupe et al. 2005' },
      ...rows.flatMap((row, p) =>
        row.map((value, q) => ({ name: `${name}_${p}_${q}`, value })).filter(({ value }) => value),
      ),
    ];
  };
  return [...of('A', sip.a), ...of('B', sip.b), ...of('AP', sip.ap), ...of('BP', sip.bp)];
}
