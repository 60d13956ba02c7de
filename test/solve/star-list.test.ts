/** What solve-field is given: the order of the stars, the table that holds them, and the words. */
import { execFileSync } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { formatTable, parseTable } from '../../lib/solve/fits-table.ts';
import { parametersOf } from '../../lib/solve/solve-field-run.ts';
import { bySharpness, listStars, spreadStars } from '../../lib/solve/star-list.ts';
import { StarTable, starFlag } from '../../lib/stars/star-table.ts';

it('takes the brightest of each part of the picture in turn', () => {
  const cluster = Array.from({ length: 20 }, (_, i) => ({ x: 10 + i, y: 10, flux: 1000 - i }));
  const lonely = [
    { x: 390, y: 290, flux: 5 },
    { x: 390, y: 10, flux: 4 },
    { x: 10, y: 290, flux: 3 },
  ];
  const spread = spreadStars([...cluster, ...lonely], { width: 400, height: 300, cells: 12, most: 6 });
  expect(spread.map(({ flux }) => flux)).toEqual([1000, 5, 4, 3, 999, 998]);
});

it('sets neither knots of a nebula nor specks of noise before the stars of a picture', () => {
  const stars = Array.from({ length: 60 }, (_, i) => ({ x: i, y: 0, flux: 1000 - i, hfr: 4 + (i % 5) / 4 }));
  const knots = Array.from({ length: 20 }, (_, i) => ({ x: i, y: 1, flux: 9000, hfr: 20 }));
  const specks = Array.from({ length: 45 }, (_, i) => ({ x: i, y: 2, flux: 80, hfr: 1 }));
  const list = [...knots, ...stars, ...specks];
  // By light over area alone the specks come first, and in the order of light the knots.
  expect(bySharpness(list).slice(0, 60)).toEqual(stars);
});

it('leaves trails out and saturated stars in', () => {
  const table = StarTable.of(3);
  table.x.set([1, 2, 3]);
  table.flags.set([0, starFlag.elongated, starFlag.saturated]);
  expect(listStars(table).map(({ x }) => x)).toEqual([1, 3]);
});

it('writes a table that astropy reads, and reads one that astropy wrote', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-table-'));
  try {
    const path = join(folder, 'stars.xyls');
    await writeFile(path, formatTable({ X: [1.5, 2.25], Y: [10, 20], FLUX: [300, 200] }));
    const script = `
import sys
from astropy.io import fits
from astropy.table import Table
hdus = fits.open(sys.argv[1])
hdus.verify('exception')
assert [list(row) for row in hdus[1].data] == [[1.5, 10, 300], [2.25, 20, 200]], hdus[1].data
table = Table({'field_x': [1.25, -2.5], 'n': [3, 4], 'wide': [[1, 2], [3, 4]], 'name': ['a', 'bc'], 'ok': [True, False], 'e': [1e-300, 2]})
table.write(sys.argv[2], format='fits')
sys.stdout.buffer.write(open(sys.argv[2], 'rb').read())
`;
    const bytes = execFileSync('/usr/bin/python3', ['-W', 'ignore', '-c', script, path, join(folder, 'theirs.fits')]);
    const table = parseTable(bytes, 'theirs');
    expect(Object.fromEntries(table)).toEqual({
      FIELD_X: [1.25, -2.5],
      N: [3, 4],
      WIDE: [1, 3],
      OK: [1, 0],
      E: [1e-300, 2],
    });
  } finally {
    await rm(folder, { recursive: true });
  }
});

it('refuses a table that is cut off or lies about its size', () => {
  const good = formatTable({ X: [1, 2, 3] });
  const lying = Buffer.from(
    good.toString('latin1').replace(/NAXIS2 {2}= +3/, 'NAXIS2  =           99999999'),
    'latin1',
  );
  for (const bad of [Buffer.alloc(0), good.subarray(0, 2880), good.subarray(0, 5760), lying, Buffer.alloc(9000, 32)])
    expect(() => parseTable(bad, 'field.corr')).toThrow('field.corr holds no table that can be read.');
});

it('tells solve-field what is known, in its own words', () => {
  const run = {
    folder: '/f',
    input: '/f/stars.xyls',
    kind: 'stars' as const,
    width: 640,
    height: 480,
    timeoutSeconds: 7.2,
  };
  const hints = {
    raDegrees: 10,
    decDegrees: -5.5,
    radiusDegrees: 3,
    scaleLow: 2,
    scaleHigh: 2.5,
    parity: 'normal' as const,
  };
  const words = parametersOf({ ...run, hints }).join(' ');
  expect(words).toContain(
    '--ra 10 --dec=-5.5 --radius 3 --scale-low 2 --scale-high 2.5 --scale-units arcsecperpix --parity neg',
  );
  expect(words).toContain('--no-remove-lines --uniformize 0 --width 640 --height 480');
  expect(words).toContain('--cpulimit 13');
  expect(words.endsWith(' /f/stars.xyls')).toBe(true);
  expect(parametersOf({ ...run, hints: { raDegrees: 10 } })).not.toContain('--ra');
});
