/**
 * The star catalogues of the package (layout and provenance in data/README.md): stars by sky cell, bright ones first. data/stars.bin has
 * colours and ends at V 9.5; data/deep.bin is for plate solving.
 */
import { readFileSync } from 'node:fs';
import { inflateRawSync } from 'node:zlib';
import { NightflowError } from '../process/errors.ts';
import { packagePath } from '../process/package-root.ts';
import { radians } from './coordinates.ts';

/** B−V of a star whose colour the source doesn't give: the middle of the faint ones. */
export const unknownColourIndex = 0.6;

export interface StarCatalogue {
  count: number;
  /** Julian year of the positions; ICRS. */
  epoch: number;
  limitMagnitude: number;
  /** Stars of cell i are first[i] … first[i + 1] − 1, from bright to faint. */
  first: Uint32Array;
  /** Unit vectors to the middle of each cell, x y z interleaved, and the angle from there to its farthest corner, radians. */
  cellCentres: Float64Array;
  cellRadii: Float64Array;
  /** Unit vectors of the stars (ICRS), x y z interleaved; single precision is 0.012". */
  directions: Float32Array;
  /** V = magnitudeCodes / 20 − 2. */
  magnitudeCodes: Uint8Array;
  /** B−V = colourCodes / 80 − 0.5; 255: unknown. */
  colourCodes: Uint8Array;
}

export interface CatalogueStar {
  raDegrees: number;
  decDegrees: number;
  magnitude: number;
  colourIndex: number | null;
}

const headerBytes = 24;
const bytesPerStar = 6;
const maximumStars = 20_000_000;
const unknownColourCode = 255;

export const magnitudeOf = (code: number): number => code / 20 - 2;
export const colourIndexOf = (code: number): number =>
  code === unknownColourCode ? unknownColourIndex : code / 80 - 0.5;

let loaded: StarCatalogue | null = null;

/** The catalogue of the package, read once a thread. For workers: it reads the file synchronously. */
export function loadCatalogue(): StarCatalogue {
  loaded ??= parseCatalogue(readFileSync(packagePath('data', 'stars.bin')));
  return loaded;
}

/** All 1.87 million stars, without colours: 30 MB that the caller keeps, or not. For workers: it reads the file synchronously. */
export const readDeepCatalogue = (): StarCatalogue => parseCatalogue(readFileSync(packagePath('data', 'deep.bin')));

/** @throws bad-input when the bytes are not a whole catalogue. */
export function parseCatalogue(bytes: Uint8Array): StarCatalogue {
  const refuse = (why: string): never => {
    throw new NightflowError('bad-input', `The star catalogue ${why}.`, { remedy: 'Install Nightflow again.' });
  };
  if (bytes.length < headerBytes || String.fromCharCode(...bytes.subarray(0, 4)) !== 'NFSC')
    refuse('does not begin with NFSC');
  const header = new DataView(bytes.buffer, bytes.byteOffset, headerBytes);
  const version = header.getUint16(4, true);
  if (version !== 1 && version !== 2) refuse(`has version ${version}, not 1 or 2`);
  const step = header.getUint16(6, true) / 1000;
  if (!(step >= 0.5 && step <= 5)) refuse(`has declination rings of ${step} degrees`);
  const cells = cellsOf(step);
  const count = header.getUint32(12, true);
  if (header.getUint32(8, true) !== cells.length) refuse(`has ${header.getUint32(8, true)} cells, not ${cells.length}`);
  if (count > maximumStars) refuse(`can't have ${count} stars`);
  const bodyBytes = cells.length * 2 + count * (version === 1 ? bytesPerStar : bytesPerStar - 1);
  const packed = bytes.subarray(headerBytes);
  const body = version === 1 ? packed : inflated(packed, bodyBytes);
  if (body?.length !== bodyBytes) refuse(`is cut short: ${bytes.length} bytes for ${count} stars`);
  const columns = body as Uint8Array;
  const view = new DataView(columns.buffer, columns.byteOffset, columns.length);

  const first = new Uint32Array(cells.length + 1);
  for (let cell = 0; cell < cells.length; cell++) first[cell + 1] = first[cell]! + view.getUint16(cell * 2, true);
  if (first[cells.length] !== count) refuse('counts its stars wrongly');

  const uAt = cells.length * 2;
  const vAt = uAt + count * 2;
  const codesAt = vAt + count * 2;
  const catalogue: StarCatalogue = {
    count,
    epoch: header.getFloat32(16, true),
    limitMagnitude: header.getFloat32(20, true),
    first,
    cellCentres: new Float64Array(cells.length * 3),
    cellRadii: new Float64Array(cells.length),
    directions: new Float32Array(count * 3),
    // Copies: a slice of a buffer would keep all of it.
    magnitudeCodes: new Uint8Array(columns.subarray(codesAt, codesAt + count)),
    colourCodes:
      version === 1 ? new Uint8Array(columns.subarray(codesAt + count)) : new Uint8Array(count).fill(unknownColourCode),
  };
  cells.forEach(({ west, south, width }, cell) => {
    setDirection(catalogue.cellCentres, cell, west + width / 2, south + step / 2);
    // A cell is never wider than its ring is high, so half the diagonal of the square reaches every corner.
    catalogue.cellRadii[cell] = step * Math.SQRT1_2 * radians * 1.01;
    for (let star = first[cell]!; star < first[cell + 1]!; star++) {
      const u = (view.getUint16(uAt + star * 2, true) + 0.5) / 65536;
      const v = (view.getUint16(vAt + star * 2, true) + 0.5) / 65536;
      setDirection(catalogue.directions, star, west + u * width, south + v * step);
    }
  });
  return catalogue;
}

/** Deflated bytes that were `length` before; null when they are not. */
function inflated(packed: Uint8Array, length: number): Uint8Array | null {
  try {
    return inflateRawSync(packed, { maxOutputLength: length });
  } catch {
    return null;
  }
}

/** Stars of the catalogue within an angle of a direction (ICRS), from bright to faint. */
export function starsWithin(
  catalogue: StarCatalogue,
  raDegrees: number,
  decDegrees: number,
  radiusDegrees: number,
  limitMagnitude = Infinity,
): CatalogueStar[] {
  const centre = new Float64Array(3);
  setDirection(centre, 0, raDegrees, decDegrees);
  // Chords keep their precision where cosines of seconds of arc are all 1.
  const chord = 2 * Math.sin((Math.min(180, radiusDegrees) * radians) / 2);
  const limitCode = (limitMagnitude + 2) * 20;
  const found: CatalogueStar[] = [];
  for (let cell = 0; cell < catalogue.cellRadii.length; cell++) {
    const angle = Math.acos(Math.min(1, Math.max(-1, dot(catalogue.cellCentres, cell, centre))));
    if (angle > radiusDegrees * radians + catalogue.cellRadii[cell]!) continue;
    for (let star = catalogue.first[cell]!; star < catalogue.first[cell + 1]!; star++) {
      if (catalogue.magnitudeCodes[star]! > limitCode) break;
      if (distance(catalogue.directions, star, centre) > chord) continue;
      const [x, y, z] = [0, 1, 2].map((axis) => catalogue.directions[star * 3 + axis]!) as [number, number, number];
      const colourCode = catalogue.colourCodes[star]!;
      found.push({
        raDegrees: (Math.atan2(y, x) / radians + 360) % 360,
        decDegrees: Math.atan2(z, Math.hypot(x, y)) / radians,
        magnitude: magnitudeOf(catalogue.magnitudeCodes[star]!),
        colourIndex: colourCode === unknownColourCode ? null : colourIndexOf(colourCode),
      });
    }
  }
  return found.sort((a, b) => a.magnitude - b.magnitude);
}

/** West and south edge and width in right ascension of every cell, degrees. */
function cellsOf(step: number): { west: number; south: number; width: number }[] {
  const cells = [];
  for (let ring = 0; ring < Math.round(180 / step); ring++) {
    const south = -90 + ring * step;
    const north = south + step;
    const nearestToEquator = south < 0 && north > 0 ? 0 : Math.min(Math.abs(south), Math.abs(north));
    const inRing = Math.max(1, Math.ceil((360 * Math.cos(nearestToEquator * radians)) / step));
    for (let cell = 0; cell < inRing; cell++) cells.push({ west: (cell * 360) / inRing, south, width: 360 / inRing });
  }
  return cells;
}

function setDirection(into: Float32Array | Float64Array, at: number, raDegrees: number, decDegrees: number): void {
  const cos = Math.cos(decDegrees * radians);
  into[at * 3] = cos * Math.cos(raDegrees * radians);
  into[at * 3 + 1] = cos * Math.sin(raDegrees * radians);
  into[at * 3 + 2] = Math.sin(decDegrees * radians);
}

const dot = (vectors: Float32Array | Float64Array, at: number, to: Float64Array): number =>
  vectors[at * 3]! * to[0]! + vectors[at * 3 + 1]! * to[1]! + vectors[at * 3 + 2]! * to[2]!;

const distance = (vectors: Float32Array, at: number, to: Float64Array): number =>
  Math.hypot(vectors[at * 3]! - to[0]!, vectors[at * 3 + 1]! - to[1]!, vectors[at * 3 + 2]! - to[2]!);
