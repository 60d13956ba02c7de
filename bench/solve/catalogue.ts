/** The catalogue of the built-in solver: its size, the memory that solving takes, and its stars against those of an independent one. */
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { Frame } from '../../lib/frame/frame.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { packagePath } from '../../lib/process/package-root.ts';
import { readDeepCatalogue, type StarCatalogue } from '../../lib/sky/catalogue.ts';
import { builtInSolver, closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { findStars } from '../../lib/solve/find-stars.ts';
import { tableOf } from '../../lib/solve/star-list.ts';
import type { StarTable } from '../../lib/stars/star-table.ts';
import { type BenchLine, figureLine, median, unavailable } from '../harness.ts';
import type { KnownPicture } from './pictures.ts';

/** What moved further in 26 years is not looked for. */
const farthestArcsec = 30;
/** Searches without hints, which fill the index; wide and narrow pictures. */
const searches = 8;
const searchSeconds = 20;

export async function catalogue(pictures: readonly KnownPicture[], data: string): Promise<BenchLine[]> {
  const line = (part: string, figure: number, goal: number, more: { unit?: string; atLeast?: boolean } = {}) =>
    figureLine({ bench: 'solve', part: `catalogue: ${part}`, figure, goal, ...more });
  const { size } = await stat(packagePath('data', 'deep.bin'));
  const lines = [line('compressed', size / 1e6, 9, { unit: 'MB' })];
  lines.push(line('memory while solving', await memoryOfSolving(pictures), 200, { unit: 'MB' }));
  const known = await readFile(join(data, 'catalogue', 'bright9.psc')).catch(() => null);
  if (!known) return [...lines, unavailable('solve', 'catalogue/bright9.psc is not there to compare with.')];
  const distances = compare(readDeepCatalogue(), directionsOf(known));
  const found = distances.filter((arcsec) => arcsec <= farthestArcsec);
  lines.push(line('stars to V 9 that it has', found.length / distances.length, 0.97, { atLeast: true }));
  lines.push(line('median distance (26 years of proper motion in it)', median(found), 1, { unit: '″' }));
  return lines;
}

/** MB that the process grows by, the solver's worker with catalogue and index included, that of finding the stars not. */
async function memoryOfSolving(pictures: readonly KnownPicture[]): Promise<number> {
  await closeBuiltInSolver();
  const chosen = pictures.filter(({ truth }) => truth);
  const frames = await Promise.all(
    chosen
      .filter((_, i) => i % Math.ceil(chosen.length / searches) === 0)
      .map(({ path }) => readFrame(path).catch(() => null)),
  );
  const found = frames.filter((frame) => frame !== null);
  const given: { frame: Frame; stars: StarTable }[] = [];
  // With a list of stars there is no second look at the picture, which would be counted as well.
  for (const frame of found)
    given.push({ frame, stars: tableOf(await findStars({ frame, timeoutSeconds: searchSeconds })) });
  const before = process.memoryUsage().rss;
  let most = before;
  const watch = setInterval(() => {
    most = Math.max(most, process.memoryUsage().rss);
  }, 50);
  for (const each of given) await builtInSolver().solve({ ...each, timeoutSeconds: searchSeconds });
  clearInterval(watch);
  return (most - before) / 1e6;
}

/** Unit vectors, x y z interleaved; the layout is in the facts beside the file: columns by cells of declination rings. */
function directionsOf(bytes: Buffer): Float64Array {
  const step = bytes.readUInt16LE(6) / 1000;
  const [cells, count] = [bytes.readUInt32LE(8), bytes.readUInt32LE(12)];
  const us = 20 + 2 * cells;
  const vs = us + 2 * count;
  const directions = new Float64Array(3 * count);
  const radians = Math.PI / 180;
  let cell = 0;
  let star = 0;
  for (let ring = 0; -90 + step * ring < 90; ring++) {
    const low = -90 + step * ring;
    const nearest = Math.min(Math.abs(low), Math.abs(low + step));
    const across = Math.max(1, Math.ceil((360 * Math.cos(nearest * radians)) / step));
    for (let c = 0; c < across; c++, cell++)
      for (let left = bytes.readUInt16LE(20 + 2 * cell); left > 0; left--, star++) {
        const ra = (((c + (bytes.readUInt16LE(us + 2 * star) + 0.5) / 65536) * 360) / across) * radians;
        const dec = (low + ((bytes.readUInt16LE(vs + 2 * star) + 0.5) / 65536) * step) * radians;
        directions.set([Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)], 3 * star);
      }
  }
  return directions;
}

/** Arc seconds from each direction to the nearest star of the catalogue; Infinity beyond the farthest that counts. */
function compare({ count, directions }: StarCatalogue, wanted: Float64Array): number[] {
  const side = ((farthestArcsec / 3600) * Math.PI) / 180;
  const boxes = Math.ceil(2 / side) + 2;
  const box = (x: number, y: number, z: number) =>
    (Math.floor((x + 1) / side) * boxes + Math.floor((y + 1) / side)) * boxes + Math.floor((z + 1) / side);
  const inBox = new Map<number, number[]>();
  for (let i = 0; i < count; i++) {
    const key = box(directions[3 * i]!, directions[3 * i + 1]!, directions[3 * i + 2]!);
    const list = inBox.get(key);
    if (list) list.push(i);
    else inBox.set(key, [i]);
  }
  return Array.from({ length: wanted.length / 3 }, (_, k) => {
    const [x, y, z] = [wanted[3 * k]!, wanted[3 * k + 1]!, wanted[3 * k + 2]!];
    let nearest = Infinity;
    for (const dx of [-side, 0, side])
      for (const dy of [-side, 0, side])
        for (const dz of [-side, 0, side])
          for (const i of inBox.get(box(x + dx, y + dy, z + dz)) ?? [])
            nearest = Math.min(
              nearest,
              Math.hypot(directions[3 * i]! - x, directions[3 * i + 1]! - y, directions[3 * i + 2]! - z),
            );
    const arcsec = (nearest * 180 * 3600) / Math.PI;
    return arcsec <= farthestArcsec ? arcsec : Infinity;
  });
}
