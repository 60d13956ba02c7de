/** Plate solving of real photographs (NIGHTFLOW_DATA/solve) against solve-field; further words choose parts: hinted, blind, cold, negatives, catalogue. */
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { asNightflowError } from '../lib/process/errors.ts';
import { closeBuiltInSolver } from '../lib/solve/built-in.ts';
import { type BenchLine, dataFolder, unavailable } from './harness.ts';
import { catalogue } from './solve/catalogue.ts';
import { coldStart } from './solve/cold.ts';
import { measure, type Row, type Way } from './solve/measure.ts';
import { negatives } from './solve/negatives.ts';
import { type KnownPicture, knownPictures } from './solve/pictures.ts';
import { describe, jsonLine, table } from './solve/table.ts';
import { verdicts } from './solve/verdicts.ts';

/**
 * Every picture is a pair, ours and solve-field's one after the other. With hints the pair is measured three times when it is short. Blind,
 * solve-field gets 90 s of CPU time once (an hour for all pictures; NIGHTFLOW_SOLVE_PEER=kept takes its last replies instead), while our
 * solver has its index already and is measured three times; where it finds nothing, `auto` has 30 s for both.
 */
const hinted: Way = {
  way: 'hinted',
  builtInSeconds: 20,
  autoSeconds: 20,
  ownStarsSeconds: 20,
  peerSeconds: 20,
  turns: 3,
};
const blind: Way = { way: 'blind', builtInSeconds: 90, autoSeconds: 30, ownStarsSeconds: 0, peerSeconds: 90, turns: 3 };

const parts: Record<string, (pictures: readonly KnownPicture[], data: string) => Promise<BenchLine[]>> = {
  hinted: (pictures) => compare(pictures, hinted),
  blind: (pictures) => compare(pictures, blind),
  cold: async (pictures) => [await coldStart(pictures)],
  negatives: async (pictures) => [await negatives(pictures)],
  catalogue: (pictures, data) => catalogue(pictures, data),
};

export default async function solve(): Promise<BenchLine[]> {
  const data = dataFolder();
  const pictures = data && knownPictures(data);
  if (!pictures)
    return [unavailable('solve', 'NIGHTFLOW_DATA does not name the folder of real data (solve/truth.csv).')];
  const wanted = process.argv.slice(3);
  const unknown = wanted.find((name) => !(name in parts));
  if (unknown !== undefined)
    return [unavailable('solve', `There is no part "${unknown}". There are: ${Object.keys(parts).join(', ')}.`)];
  const lines: BenchLine[] = [];
  try {
    for (const [name, part] of Object.entries(parts))
      if (wanted.length === 0 || wanted.includes(name)) lines.push(...(await part(pictures, data)));
    return lines;
  } catch (thrown) {
    const { code, message, remedy } = asNightflowError(thrown);
    if (code !== 'missing') throw thrown;
    return [...lines, unavailable('solve', `${message} ${remedy ?? ''}`)];
  } finally {
    await closeBuiltInSolver();
    await closeSharedPool();
  }
}

async function compare(pictures: readonly KnownPicture[], way: Way): Promise<BenchLine[]> {
  const rows: Row[] = [];
  // Those that somebody has solved come first: they are what counts.
  const order = [...pictures.filter(({ truth }) => truth), ...pictures.filter(({ truth }) => !truth)];
  for (const [i, picture] of order.entries()) {
    const row = await measure(picture, way);
    if (!row) continue;
    rows.push(row);
    console.log(describe(way.way, `${i + 1}/${order.length}`, row));
  }
  for (const row of rows) console.log(jsonLine(way.way, row));
  const kept = rows.flatMap((row) => row.kept ?? []).sort();
  if (kept.length > 0)
    console.log(
      `solve ${way.way}: solve-field's figures of ${kept.length} pictures are kept ones, of ${kept[0]} to ${kept.at(-1)}.`,
    );
  console.log(`\n${table(way.way, rows)}\n`);
  return verdicts(way, rows);
}
