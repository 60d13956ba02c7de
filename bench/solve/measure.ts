/** One picture through our engines and solve-field, each in turn. */
import { readFrame } from '../../lib/frame/read.ts';
import { engineNamed } from '../../lib/solve/engines.ts';
import { offsetArcsec } from '../../lib/solve/solution.ts';
import type { Solver } from '../../lib/solve/solver.ts';
import type { SkyPoint } from '../../lib/solve/wcs.ts';
import { cpu, median } from '../harness.ts';
import { solveFieldOn } from './peer.ts';
import { hintsOf, type KnownPicture } from './pictures.ts';

export const columns = ['built-in', 'solve-field', 'auto', 'on the picture'] as const;
export type Column = (typeof columns)[number];
/** What our engines are measured against: solve-field as its users run it. */
export const peer = 'on the picture';

export interface Way {
  way: 'hinted' | 'blind';
  /**
   * Wall time of the built-in solver, of `auto` where that found nothing (and of both where nobody has found anything, and only wrong
   * matches count), and of solve-field with our stars; 0: not asked.
   */
  builtInSeconds: number;
  autoSeconds: number;
  ownStarsSeconds: number;
  /** CPU time of solve-field on the picture. */
  peerSeconds: number;
  /** The built-in solver and solve-field in turn so many times, when one time is short. */
  turns: number;
}

export interface Outcome {
  found: boolean;
  /** A match that is not where the picture looks. */
  wrong: boolean;
  /** The median of the turns; NaN: not asked. */
  cpuSeconds: number;
  offsetArcsec: number | null;
  offsetPixels: number | null;
  place: SkyPoint | null;
}

export interface Row {
  picture: KnownPicture;
  outcomes: Record<Column, Outcome>;
  /** CPU time of the built-in solver over that of solve-field on the picture: the median of the turns. */
  ratio: number;
  /** When solve-field ran on it, if that was not in this run. */
  kept: string | null;
}

/** A match is right when its middle is not further off than this part of the field's width; how far off it is, the table says. */
const rightWithin = 0.02;
/** What takes longer is done once, CPU seconds. */
const short = 5;

/** Null when it can't be read, or when there is no place to hint at. */
export async function measure(picture: KnownPicture, way: Way): Promise<Row | null> {
  const frame = await readFrame(picture.path).catch(() => null);
  const hinted = way.way === 'hinted';
  if (!frame || (hinted && !picture.truth)) return null;
  const hints = hinted ? hintsOf(picture) : {};
  const ask = async (engine: Solver, timeoutSeconds: number): Promise<Asked> => {
    let place: SkyPoint | null = null;
    const { cpuMs } = await cpu(async () => {
      place = (await engine.solve({ frame, hints, timeoutSeconds })).solution;
    });
    return { place, cpuSeconds: cpuMs / 1000 };
  };
  const builtIn = engineNamed('built-in');
  // Warm: the first time may build a part of the index. A long search in vain is not repeated.
  const first = await ask(builtIn, picture.truth ? way.builtInSeconds : way.autoSeconds);
  const repeated = first.place !== null || first.cpuSeconds <= short;
  const ours: Asked[] = repeated ? [] : [first];
  const peers: (Asked & { kept: boolean; measured: string })[] = [];
  const ofPeer = (turn: number) =>
    solveFieldOn({ path: picture.path, hints: hinted ? hints : null, cpuLimitSeconds: way.peerSeconds, turn });
  for (let turn = 0; turn < way.turns; turn++) {
    if (repeated) ours.push(await ask(builtIn, way.builtInSeconds));
    // What nobody has solved, nobody can judge.
    if (picture.truth && (turn === 0 || (hinted && peers[0]!.cpuSeconds <= short))) peers.push(await ofPeer(turn));
  }
  const ownStars = way.ownStarsSeconds ? [await ask(engineNamed('solve-field'), way.ownStarsSeconds)] : [];
  // It asks the built-in solver first: what that finds is its answer.
  const auto = first.place ? ours : [await ask(engineNamed('auto'), way.autoSeconds)];
  const outcomes = {
    'built-in': judge(picture, ours),
    'solve-field': judge(picture, ownStars),
    auto: judge(picture, auto),
    'on the picture': judge(picture, peers),
  };
  const ratio = median(
    ours.map(({ cpuSeconds }, i) => cpuSeconds / ((peers[i] ?? peers[0])?.cpuSeconds ?? Number.NaN)),
  );
  return { picture, outcomes, ratio, kept: peers.find(({ kept }) => kept)?.measured ?? null };
}

interface Asked {
  place: SkyPoint | null;
  cpuSeconds: number;
}

function judge({ truth, kind }: KnownPicture, asked: readonly Asked[]): Outcome {
  const cpuSeconds = median(asked.map((each) => each.cpuSeconds));
  const place = asked[0]?.place ?? null;
  const nowhere = { found: false, wrong: false, cpuSeconds, offsetArcsec: null, offsetPixels: null, place };
  if (!place) return nowhere;
  // Of a photograph that nobody had solved nobody knows whether this is right.
  if (!truth) return { ...nowhere, wrong: kind === 'negative' };
  const arcsec = offsetArcsec(place, truth);
  const found = arcsec / 3600 < truth.widthDegrees * rightWithin;
  return { ...nowhere, found, wrong: !found, offsetArcsec: arcsec, offsetPixels: arcsec / truth.scale };
}
