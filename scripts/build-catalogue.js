/**
 * Builds the star catalogues that Nightflow ships, data/stars.bin for pictures of the sky and data/deep.bin for solving plates, from two
 * permissively licensed sources:
 *
 *   node scripts/build-catalogue.js [FOLDER]
 *
 * FOLDER (default /usr/share/astrometry) holds Debian's astrometry-data-tycho2-07, -08, -09 and -10-19 (BSD-2-Clause); the Hipparcos
 * stars with their colours come from the npm package d3-celestial (BSD-3-Clause). data/README.md tells the rest. The results
 * are committed, so only whoever changes the catalogues runs this.
 */
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { deflateRawSync } from 'node:zlib';
import { root } from './toolchain.js';

/** Fainter stars are left out of stars.bin; the fainter index files are not needed for it. */
const limitMagnitude = 9.5;
const [brightFiles, allFiles] = [
  /^index-tycho2-(08|09|1\d)\.littleendian\.fits$/,
  /^index-tycho2-(0[789]|1\d)\.littleendian\.fits$/,
];
/** Height of a declination ring, degrees. */
const step = 2.5;
/** Two entries nearer than this are one star, arc seconds: Hipparcos positions are rounded to 0.36". */
const sameStarArcseconds = 3;
/** A fainter Tycho entry so near to a Hipparcos star is its companion, whose light the Hipparcos magnitude holds already. */
const companionArcseconds = 8;
const unknownColour = 255;

const folder = process.argv[2] ?? '/usr/share/astrometry';
const hipparcosFile = join(root, 'node_modules', 'd3-celestial', 'data', 'stars.14.json');

const bright = merge(readHipparcos(hipparcosFile), readTycho(folder, brightFiles, limitMagnitude + 1));
save(
  'stars.bin',
  encode(
    bright.filter((star) => star.magnitude <= limitMagnitude),
    limitMagnitude,
  ),
);
const all = merge(readHipparcos(hipparcosFile), readTycho(folder, allFiles, Infinity));
save(
  'deep.bin',
  packed(
    encode(
      all,
      all.reduce((faintest, { magnitude }) => Math.max(faintest, magnitude), 0),
    ),
  ),
);

function save(name, bytes) {
  writeFileSync(join(root, 'data', name), bytes);
  console.log(`${name}: ${bytes.readUInt32LE(12)} stars, ${bytes.length} bytes`);
}

/** Version 2: without the colours, and all behind the header deflated. */
function packed(bytes) {
  const header = Buffer.from(bytes.subarray(0, 24));
  header.writeUInt16LE(2, 4);
  return Buffer.concat([
    header,
    deflateRawSync(bytes.subarray(24, bytes.length - header.readUInt32LE(12)), { level: 9 }),
  ]);
}

function readHipparcos(path) {
  const { features } = JSON.parse(readFileSync(path, 'utf8'));
  return features.map(({ properties, geometry }) => ({
    ra: (geometry.coordinates[0] + 360) % 360,
    dec: geometry.coordinates[1],
    magnitude: Number(properties.mag),
    colour: properties.bv === '' || properties.bv == null ? null : Number(properties.bv),
  }));
}

/** All distinct stars of the astrometry.net index files of a folder. @returns {{ra, dec, magnitude, colour}[]} with VT as magnitude */
function readTycho(folder, files, faintest) {
  const names = readdirSync(folder).filter((name) => files.test(name));
  if (names.length < (files === allFiles ? 13 : 12))
    throw new Error(
      `${folder} lacks index files: apt-get install astrometry-data-tycho2-{07,08,09,10-19}-littleendian, or unpack them there.`,
    );
  // The same star stands in several files, its position rounded by less than a milliarcsecond in each.
  const seen = new Set();
  const stars = [];
  for (const name of names.sort()) {
    const tables = readTables(readFileSync(join(folder, name)));
    const positions = tables.kdtree_data_stars;
    const range = tables.kdtree_range_stars;
    const magnitudes = tables.MAG_VT;
    const scale = range.data.readDoubleLE(48);
    for (let row = 0; row < positions.rows; row++) {
      const [x, y, z] = [0, 1, 2].map(
        (axis) => range.data.readDoubleLE(axis * 8) + positions.data.readUInt32LE(row * 12 + axis * 4) / scale,
      );
      // A FITS float is big-endian; only astrometry.net's own tables of this file are little-endian.
      const magnitude = magnitudes.data.readFloatBE(row * magnitudes.rowBytes + magnitudes.offset);
      if (!(magnitude < faintest)) continue;
      const ra = ((Math.atan2(y, x) * 180) / Math.PI + 360) % 360;
      const dec = (Math.asin(z / Math.hypot(x, y, z)) * 180) / Math.PI;
      const place = Math.round(ra * 36000) * 2 ** 24 + Math.round((dec + 90) * 36000);
      if ([-1, 0, 1].some((dEast) => [-1, 0, 1].some((dNorth) => seen.has(place + dEast * 2 ** 24 + dNorth)))) continue;
      seen.add(place);
      stars.push({ ra, dec, magnitude, colour: null });
    }
  }
  return stars;
}

/** The binary tables of a FITS file by the name of their columns. */
function readTables(file) {
  const tables = {};
  for (let at = 0; at < file.length; ) {
    const header = {};
    let block = at;
    for (let done = false; !done; block += 2880)
      for (let card = block; card < block + 2880; card += 80) {
        const text = file.toString('latin1', card, card + 80);
        if (text.startsWith('END     ')) done = true;
        if (text[8] === '=')
          header[text.slice(0, 8).trim()] = text
            .slice(10)
            .split(' /')[0]
            .trim()
            .replace(/^'(.*?)\s*'.*/, '$1');
      }
    const axes = Number(header.NAXIS);
    const bytes = axes === 0 ? 0 : Number(header.NAXIS1) * (axes > 1 ? Number(header.NAXIS2) : 1);
    if (header.XTENSION === 'BINTABLE') {
      const data = file.subarray(block, block + bytes);
      let offset = 0;
      for (let column = 1; column <= Number(header.TFIELDS); column++) {
        const [, count, letter] = /^(\d*)([A-Z])/.exec(header[`TFORM${column}`]);
        tables[header[`TTYPE${column}`]] = {
          data,
          rows: Number(header.NAXIS2),
          rowBytes: Number(header.NAXIS1),
          offset,
        };
        offset += Number(count || 1) * { A: 1, B: 1, I: 2, J: 4, E: 4, D: 8, K: 8, L: 1 }[letter];
      }
    }
    at = block + Math.ceil(bytes / 2880) * 2880;
  }
  return tables;
}

/** Hipparcos with Tycho's finer positions, and the Tycho stars that Hipparcos lacks, their VT turned into V. */
function merge(hipparcos, tycho) {
  const near = index(tycho);
  const taken = new Set();
  const differences = [];
  for (const star of hipparcos) {
    const neighbours = near(star, companionArcseconds).sort((a, b) => a.distance - b.distance);
    const match = neighbours.find(
      ({ star: other, distance }) => distance <= sameStarArcseconds && Math.abs(other.magnitude - star.magnitude) < 1.5,
    );
    if (match) {
      star.ra = match.star.ra;
      star.dec = match.star.dec;
      if (star.magnitude > 6 && star.magnitude < 9) differences.push(match.star.magnitude - star.magnitude);
    }
    for (const { star: other } of neighbours)
      if (other === match?.star || other.magnitude > star.magnitude) taken.add(other);
  }
  differences.sort((a, b) => a - b);
  const offset = differences[differences.length >> 1];
  console.log(`VT - V = ${offset.toFixed(3)} (median of ${differences.length} stars)`);
  const added = tycho
    .filter((star) => !taken.has(star))
    .map((star) => ({ ...star, magnitude: star.magnitude - offset }));
  console.log(`${hipparcos.length} Hipparcos stars, ${added.length} more of Tycho-2`);
  return [...hipparcos, ...added];
}

/** @returns a search for stars within a few arc seconds, over boxes of 0.1 degree */
function index(stars) {
  const boxes = new Map();
  const box = (ra, dec) => `${Math.floor(((ra + 360) % 360) * 10)} ${Math.floor(dec * 10)}`;
  for (const star of stars) {
    const key = box(star.ra, star.dec);
    boxes.get(key)?.push(star) ?? boxes.set(key, [star]);
  }
  return ({ ra, dec }, arcseconds) => {
    const reach = arcseconds / 3600;
    const cos = Math.max(0.001, Math.cos((dec * Math.PI) / 180));
    const keys = new Set();
    for (const dRa of [-reach / cos, 0, reach / cos])
      for (const dDec of [-reach, 0, reach]) keys.add(box(ra + dRa, dec + dDec));
    return [...keys]
      .flatMap((key) => boxes.get(key) ?? [])
      .map((star) => {
        const dRa = ((star.ra - ra + 540) % 360) - 180;
        return { star, distance: 3600 * Math.hypot(dRa * cos, star.dec - dec) };
      })
      .filter(({ distance }) => distance <= arcseconds);
  };
}

/** The layout is described in data/README.md; lib/sky/catalogue.ts reads it. */
function encode(stars, limit) {
  const rings = Math.round(180 / step);
  const cellsOf = (ring) => {
    const south = -90 + ring * step;
    const nearest = south < 0 && south + step > 0 ? 0 : Math.min(Math.abs(south), Math.abs(south + step));
    return Math.max(1, Math.ceil((360 * Math.cos((nearest * Math.PI) / 180)) / step));
  };
  const firstCell = [0];
  for (let ring = 0; ring < rings; ring++) firstCell.push(firstCell[ring] + cellsOf(ring));
  const cells = Array.from({ length: firstCell[rings] }, () => []);
  for (const star of stars) {
    const ring = Math.min(rings - 1, Math.floor((star.dec + 90) / step));
    const along = (star.ra / 360) * cellsOf(ring);
    const cell = Math.min(cellsOf(ring) - 1, Math.floor(along));
    const quantise = (fraction) => Math.min(65535, Math.max(0, Math.floor(fraction * 65536)));
    cells[firstCell[ring] + cell].push({
      u: quantise(along - cell),
      v: quantise((star.dec + 90) / step - ring),
      q: Math.min(255, Math.max(0, Math.round((star.magnitude + 2) * 20))),
      c: star.colour === null ? unknownColour : Math.min(254, Math.max(0, Math.round((star.colour + 0.5) * 80))),
    });
  }
  const sorted = cells.flatMap((cell) => cell.sort((a, b) => a.q - b.q || a.u - b.u || a.v - b.v));
  const bytes = Buffer.alloc(24 + cells.length * 2 + sorted.length * 6);
  bytes.write('NFSC', 0, 'latin1');
  bytes.writeUInt16LE(1, 4);
  bytes.writeUInt16LE(step * 1000, 6);
  bytes.writeUInt32LE(cells.length, 8);
  bytes.writeUInt32LE(sorted.length, 12);
  bytes.writeFloatLE(2000, 16);
  bytes.writeFloatLE(limit, 20);
  let at = 24;
  for (const cell of cells) at = bytes.writeUInt16LE(cell.length, at);
  for (const star of sorted) at = bytes.writeUInt16LE(star.u, at);
  for (const star of sorted) at = bytes.writeUInt16LE(star.v, at);
  for (const star of sorted) at = bytes.writeUInt8(star.q, at);
  for (const star of sorted) at = bytes.writeUInt8(star.c, at);
  return bytes;
}
