/** Plate solving of real photographs (NIGHTFLOW_DATA/solve), blind and with hints: our engines against solve-field on the image. */
import { readFrame } from '../lib/frame/read.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { engineNamed } from '../lib/solve/engines.ts';
import { offsetArcsec } from '../lib/solve/solution.ts';
import type { Solver } from '../lib/solve/solver.ts';
import type { SkyPoint } from '../lib/solve/wcs.ts';
import { type BenchLine, cpu, dataFolder, figureLine, median, unavailable } from './harness.ts';
import { coldStart } from './solve/cold.ts';
import { negatives } from './solve/negatives.ts';
import { solveFieldOn } from './solve/peer.ts';
import { hintsOf, type KnownPicture, knownPictures } from './solve/pictures.ts';

const engines: Solver[] = [engineNamed('built-in'), engineNamed('solve-field'), engineNamed('auto')];
const ways = [
  { way: 'hinted', ourSeconds: 20, peerSeconds: 20, goal: 0.05 },
  { way: 'blind', ourSeconds: 90, peerSeconds: 90, goal: 0.05 },
] as const;
/** A match is right when its middle is not further off than this part of the field's width; how far off it is, the table says. */
const rightWithin = 0.02;

interface Outcome {
  found: boolean;
  /** A match that is not where the picture looks. */
  wrong: boolean;
  cpuSeconds: number;
  offsetPixels: number | null;
}
interface Row {
  picture: KnownPicture;
  outcomes: Outcome[];
}

export default async function solve(): Promise<BenchLine[]> {
  const data = dataFolder();
  const pictures = data && knownPictures(data);
  if (!pictures)
    return [unavailable('solve', 'NIGHTFLOW_DATA does not name the folder of real data (solve/truth.csv).')];
  const lines: BenchLine[] = [];
  try {
    for (const way of ways) {
      const rows: Row[] = [];
      for (const picture of pictures) {
        const row = await measure(picture, way);
        if (!row) continue;
        rows.push(row);
        console.log(describe(way.way, row));
      }
      lines.push(...verdicts(way, rows));
    }
    lines.push(await coldStart(pictures), await negatives(pictures));
    return lines;
  } finally {
    await closeSharedPool();
  }
}

/** Ours and the peer one after the other on one picture; null when it can't be read. A picture without truth must not be matched. */
async function measure(
  picture: KnownPicture,
  { way, ourSeconds, peerSeconds }: (typeof ways)[number],
): Promise<Row | null> {
  const frame = await readFrame(picture.path).catch(() => null);
  // What nobody solved is for the blind run: there is no place to hint at.
  if (!frame || (way === 'hinted' && !picture.truth)) return null;
  const hints = way === 'hinted' ? hintsOf(picture) : {};
  const outcomes: Outcome[] = [];
  for (const engine of engines) {
    let place: SkyPoint | null = null;
    const cost = await cpu(async () => {
      place = (await engine.solve({ frame, hints, timeoutSeconds: ourSeconds })).solution;
    });
    outcomes.push(judge(picture, place, cost.cpuMs));
  }
  let place: SkyPoint | null = null;
  const cost = await cpu(async () => {
    place = await solveFieldOn(picture.path, way === 'hinted' ? hints : null, peerSeconds);
  });
  outcomes.push(judge(picture, place, cost.cpuMs));
  return { picture, outcomes };
}

function judge({ truth, kind }: KnownPicture, place: SkyPoint | null, cpuMs: number): Outcome {
  const cpuSeconds = cpuMs / 1000;
  if (!place) return { found: false, wrong: false, cpuSeconds, offsetPixels: null };
  // Of a photograph that nobody had solved nobody knows whether this is right.
  if (!truth) return { found: false, wrong: kind === 'negative', cpuSeconds, offsetPixels: null };
  const arcsec = offsetArcsec(place, truth);
  const found = arcsec / 3600 < truth.widthDegrees * rightWithin;
  return { found, wrong: !found, cpuSeconds, offsetPixels: arcsec / truth.scale };
}

function describe(way: string, { picture, outcomes }: Row): string {
  const of = ({ found, wrong, cpuSeconds, offsetPixels }: Outcome) =>
    `${found ? `${offsetPixels!.toFixed(2)} px` : wrong ? 'WRONG' : '-'} ${cpuSeconds.toFixed(2)} s`;
  const names = [...engines.map(({ name }) => name), 'on the image'];
  const columns = outcomes.map((outcome, i) => `${names[i]}: ${of(outcome)}`);
  return `solve ${way} ${picture.file} ${picture.truth ? `${picture.truth.widthDegrees.toFixed(1)}°` : picture.kind}: ${columns.join(' | ')}`;
}

function verdicts({ way, goal }: (typeof ways)[number], rows: readonly Row[]): BenchLine[] {
  const peer = engines.length;
  const successes = (index: number) => rows.filter(({ outcomes }) => outcomes[index]!.found).length;
  console.log(
    `solve ${way}: solve-field on the image found ${successes(peer)} of ${rows.filter(({ picture }) => picture.truth).length}.`,
  );
  return engines.flatMap((engine, index) => {
    const both = rows.filter(({ outcomes }) => outcomes[index]!.found && outcomes[peer]!.found);
    const ratios = both
      .map(({ outcomes }) => outcomes[index]!.cpuSeconds / outcomes[peer]!.cpuSeconds)
      .sort((a, b) => a - b);
    const offsets = rows.flatMap(({ outcomes }) => (outcomes[index]!.found ? [outcomes[index]!.offsetPixels!] : []));
    const part = (what: string) => `${way}, ${engine.name}: ${what}`;
    const line = (what: string, figure: number, goal: number, unit?: string, atLeast = false) =>
      figureLine({ bench: 'solve', part: part(what), figure, goal, unit, atLeast });
    // solve-field with our list is an engine for those who have it; the goals of time are the built-in one's.
    const time = engine.name === 'solve-field' ? 1 : goal;
    const worst = engine.name === 'solve-field' ? 1 : way === 'blind' ? 0.15 : 0.3;
    if (ratios.length === 0) return [unavailable('solve', `${part('time')}: no picture was solved by both.`)];
    return [
      line('time, median of the ratios to solve-field on the image', median(ratios), time),
      line('time, worst tenth', ratios[Math.floor(ratios.length * 0.9)]!, worst),
      line(
        'successes over those on the image',
        successes(index) / Math.max(1, successes(peer)),
        way === 'blind' ? 1 : 0.97,
        '',
        true,
      ),
      line('median disagreement with the truth', median(offsets), way === 'blind' ? 0.3 : 0.5, 'px'),
      line('wrong matches', rows.filter(({ outcomes }) => outcomes[index]!.wrong).length, 0),
    ];
  });
}
