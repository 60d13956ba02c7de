/** The worker's side of the built-in solver: star places in, a WCS out. */
import { performance } from 'node:perf_hooks';
import { type Camera, type Field, fieldOf } from './built-in-camera.ts';
import type { Limits } from './built-in-candidate.ts';
import { knownOf } from './built-in-known.ts';
import { isKept, octaveFor } from './built-in-octaves.ts';
import { plan } from './built-in-plan.ts';
import { isPlausible } from './built-in-plausible.ts';
import { Search, type Ways } from './built-in-search.ts';
import { brightestAround, loadSky, type Sky } from './built-in-sky.ts';
import { centred, type StarPlaces, spread } from './built-in-stars.ts';
import { Judge } from './built-in-verify.ts';
import { type Fit, wcsOf } from './built-in-wcs.ts';
import type { SolveHints } from './solver.ts';

export interface SearchInput {
  width: number;
  height: number;
  /** The brightest stars, and those that are brightest for their area; both from the first to the last. */
  flux: StarPlaces;
  sharp: StarPlaces;
  hints: SolveHints;
  /** Milliseconds since 1970 of the thread-independent monotonic clock (performance.timeOrigin + performance.now()). */
  deadline: number;
  /** One 32-bit number; not 0: stop. */
  cancel: SharedArrayBuffer;
}

export interface SearchOutput {
  status: 'matched' | 'no-match' | 'timed-out' | 'cancelled';
  fit: (Fit & { logOdds: number }) | null;
  /** The camera of the match, in a picture that is mirrored first where `mirrored`. */
  found: { camera: Camera; mirrored: boolean } | null;
  /** Candidates that were checked on other stars: what chance had to play with. */
  tested: number;
  /** The best odds that were not enough. */
  bestLogOdds: number;
  /** Stars of the catalogue in the smallest field that the hints allow; null without a hint of position. */
  catalogueStars: number | null;
  milliseconds: number;
  indexMilliseconds: number;
}

/** Stars besides the four that bear a candidate out: fewer where a hint narrows the search and there are hardly more. */
const others = { usual: 3, hintedFew: 2, few: 14 };
/** Odds that a match must have, natural logarithms: at least, and over the number of candidates that chance had. */
const needed = { blind: 21, hinted: 14, overTested: 10 };

/** @param late True ends the search. */
export function searchSky(
  input: SearchInput,
  late = () => performance.timeOrigin + performance.now() > input.deadline,
): SearchOutput {
  const started = performance.now();
  const cancel = new Int32Array(input.cancel);
  const cancelled = () => Atomics.load(cancel, 0) !== 0;
  const stop = () => cancelled() || late();
  const output: SearchOutput = {
    ...{ status: 'no-match', fit: null, found: null, tested: 0, bestLogOdds: 0, catalogueStars: null },
    ...{ milliseconds: 0, indexMilliseconds: 0 },
  };
  const finish = (status: SearchOutput['status']): SearchOutput => {
    output.status = cancelled() ? 'cancelled' : status;
    output.milliseconds = performance.now() - started;
    return output;
  };
  if (stop()) return finish('timed-out');
  const sky = loadSky();
  const field = fieldOf(input.width, input.height);
  const known = knownOf(field, input.hints);
  const hinted = known.direction !== null;
  const limits: Limits = {
    ...known,
    cosine: Math.cos(known.radius),
    others: hinted && input.flux.x.length < others.few ? others.hintedFew : others.usual,
  };
  output.catalogueStars = starsInField(sky, field, limits);
  const search = new Search(sky, field, limits, stop);
  const judge = new Judge(sky, field);
  const floor = hinted ? needed.hinted : needed.blind;
  const lists = listsOf(input, field);
  const octave = octaveFor(sky, field, known, stop);
  for (const stage of plan(field, known, isKept)) {
    const before = performance.now();
    const index = octave(stage.octave);
    output.indexMilliseconds += performance.now() - before;
    if (!index || stop()) return finish('timed-out');
    const ways = lists.map((list) => list[stage.order]) as unknown as Ways;
    const matched = search.run(index, ways, stage, (way, camera, hypothesis, reach) => {
      const stars = ways[way]!;
      const { mirrored } = lists[way]!;
      const verdict = judge.judge(stars, hypothesis, camera, reach);
      if (!verdict) return false;
      const enough = verdict.logOdds >= Math.max(floor, Math.log(Math.max(1, search.tested)) + needed.overTested);
      const fit = enough ? wcsOf(sky, field, stars, { ...verdict, mirrored }) : null;
      if (fit && isPlausible(fit, field)) {
        output.fit = { ...fit, logOdds: verdict.logOdds };
        output.found = { camera: verdict.camera, mirrored };
      } else output.bestLogOdds = Math.max(output.bestLogOdds, verdict.logOdds);
      return output.fit !== null;
    });
    output.tested = search.tested;
    if (matched) return finish('matched');
    if (stop()) return finish('timed-out');
  }
  return finish('no-match');
}

function listsOf(input: SearchInput, field: Field) {
  return [false, true]
    .filter((mirrored) => input.hints.parity === undefined || mirrored === (input.hints.parity === 'mirrored'))
    .map((mirrored) => {
      const flux = centred(input.flux, field, mirrored);
      const sharp = centred(input.sharp, field, mirrored);
      return { mirrored, flux, sharp, fluxSpread: spread(flux, field), sharpSpread: spread(sharp, field) };
    });
}

function starsInField(sky: Sky, field: Field, { direction, longest }: Limits): number | null {
  if (!direction) return null;
  const radius = Math.atan(field.halfDiagonal / longest);
  const circle = brightestAround(sky, direction, radius, 50).length;
  return (circle * field.width * field.height) / (Math.PI * field.halfDiagonal ** 2);
}
