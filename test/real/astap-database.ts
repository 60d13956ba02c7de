/**
 * A star database for ASTAP out of our own catalogue, since Debian has none. The format (Han Kleijn, unit_star_database.pas of ASTAP,
 * and the help of HNSKY): cells of the sky in files `h18_RRCC.1476` or `v17_RRCC.290` (ring, cell), a header of 110 bytes whose last one
 * is the size of a record, five bytes a star; and all stars to magnitude 8 for wide fields in `w08_0101.001`.
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { magnitudeOf, readDeepCatalogue, type StarCatalogue } from '../../lib/sky/catalogue.ts';

export type AstapDatabase = 'h18' | 'v17' | 'w08';

/** The lower edge of a ring of cells, degrees, and how many cells it has from 0 h eastwards. */
interface Ring {
  south: number;
  cells: number;
}

const headerBytes = 110;
const recordBytes = 5;
const wideLimit = 8;

export async function writeAstapDatabase(folder: string, kinds: readonly AstapDatabase[]): Promise<void> {
  await mkdir(folder, { recursive: true });
  const catalogue = readDeepCatalogue();
  for (const kind of kinds) {
    if (kind === 'w08') await writeFile(join(folder, 'w08_0101.001'), wideFile(catalogue));
    else await writeCells(catalogue, folder, kind);
  }
}

/** 36 rings of 90/17.5°, those at the poles half as high, in cells of about 5°. */
function ringsOf1476(): Ring[] {
  const half = [1, 3, 9, 15, 21, 27, 33, 38, 43, 48, 52, 56, 60, 63, 65, 67, 68, 69];
  const step = 90 / 17.5;
  return [...half, ...half.toReversed()].map((cells, i) => ({ cells, south: i === 0 ? -90 : -90 + (i - 0.5) * step }));
}

/** 18 rings of cells of equal area (Gringorten & Yepez 1992): the caps 1/578 of the sky, the others 2/578. */
function ringsOf290(): Ring[] {
  const edges = Array.from({ length: 9 }, (_, i) => (Math.asin(1 - (2 * i + 1) ** 2 / 289) * 180) / Math.PI);
  const souths = [-90, ...edges.map((edge) => -edge), ...edges.slice(0, -1).toReversed()];
  return souths.map((south, i) => ({ south, cells: Math.max(1, 4 * Math.min(i, 17 - i)) }));
}

async function writeCells(catalogue: StarCatalogue, folder: string, kind: 'h18' | 'v17'): Promise<void> {
  const [rings, extension] = kind === 'h18' ? [ringsOf1476(), '1476'] : [ringsOf290(), '290'];
  const cells = rings.map((ring) => Array.from({ length: ring.cells }, (): number[] => []));
  for (const star of brightestFirst(catalogue)) {
    const { ra, dec } = placeOf(catalogue, star);
    const ring = rings.findLastIndex(({ south }) => dec >= south || south === -90);
    cells[ring]![Math.min(rings[ring]!.cells - 1, Math.floor((ra / 360) * rings[ring]!.cells))]!.push(star);
  }
  const two = (index: number) => String(index + 1).padStart(2, '0');
  const files = cells.flatMap((ring, r) => ring.map((stars, c) => ({ name: `${kind}_${two(r)}${two(c)}`, stars })));
  await Promise.all(
    files.map(({ name, stars }) => writeFile(join(folder, `${name}.${extension}`), cellFile(catalogue, stars))),
  );
}

/** A star is three bytes of right ascension and the lower two of declination; its third and the magnitude stand once before a group. */
function cellFile(catalogue: StarCatalogue, stars: readonly number[]): Buffer {
  const groups = new Map<number, { ra: number; dec: number }[]>();
  for (const star of stars) {
    const place = placeOf(catalogue, star);
    const ra = Math.min(0xfffffe, Math.round((place.ra / 360) * 0xffffff));
    const dec = Math.round((place.dec / 90) * 0x7fffff);
    const key = tenths(catalogue, star) * 256 + (dec >> 16) + 128;
    const group = groups.get(key);
    if (group) group.push({ ra, dec });
    else groups.set(key, [{ ra, dec }]);
  }
  const file = Buffer.alloc(headerBytes + (groups.size + stars.length) * recordBytes, ' ', 'latin1');
  file[headerBytes - 1] = recordBytes;
  let at = headerBytes;
  const record = (ra: number, ...rest: [number, number]) => {
    file.writeUIntLE(ra, at, 3);
    file.set(rest, at + 3);
    at += recordBytes;
  };
  for (const [key, members] of [...groups].sort(([one], [other]) => one - other)) {
    record(0xffffff, key & 255, (key >> 8) + 16);
    for (const { ra, dec } of members) record(ra, dec & 255, (dec >> 8) & 255);
  }
  return file;
}

/** The number of stars, then of each magnitude times ten, right ascension and declination in radians. */
function wideFile(catalogue: StarCatalogue): Buffer {
  const stars = brightestFirst(catalogue).filter((star) => magnitudeOf(catalogue.magnitudeCodes[star]!) <= wideLimit);
  const file = Buffer.alloc(4 + stars.length * 12);
  file.writeInt32LE(stars.length, 0);
  for (const [i, star] of stars.entries()) {
    const { ra, dec } = placeOf(catalogue, star);
    file.writeFloatLE(tenths(catalogue, star), 4 + i * 12);
    file.writeFloatLE((ra * Math.PI) / 180, 8 + i * 12);
    file.writeFloatLE((dec * Math.PI) / 180, 12 + i * 12);
  }
  return file;
}

function brightestFirst({ count, magnitudeCodes }: StarCatalogue): number[] {
  const order = Array.from({ length: count }, (_, i) => i);
  return order.sort((one, other) => magnitudeCodes[one]! - magnitudeCodes[other]!);
}

const tenths = ({ magnitudeCodes }: StarCatalogue, star: number): number =>
  Math.round(magnitudeOf(magnitudeCodes[star]!) * 10);

/** ICRS, degrees. */
function placeOf({ directions }: StarCatalogue, star: number): { ra: number; dec: number } {
  const [x, y, z] = [directions[star * 3]!, directions[star * 3 + 1]!, directions[star * 3 + 2]!];
  const ra = (Math.atan2(y, x) * 180) / Math.PI;
  return { ra: ra < 0 ? ra + 360 : ra, dec: (Math.atan2(z, Math.hypot(x, y)) * 180) / Math.PI };
}
