/** The worker's side of the built-in solver: star places in, a camera on the sky out. */
import { performance } from 'node:perf_hooks';
import { type Camera, fieldOf } from './built-in-camera.ts';
import { buildOctave, type Octave } from './built-in-index.ts';
import { type Known, nothingKnown, plan, type Stage } from './built-in-plan.ts';
import type { ImageStars } from './built-in-refine.ts';
import { Search } from './built-in-search.ts';
import { brightestAround, loadSky, type Sky } from './built-in-sky.ts';
import { byFlux, type StarPlaces, spread } from './built-in-stars.ts';
import { Judge, type Verdict } from './built-in-verify.ts';

export interface SearchInput {
  width: number;
  height: number;
  stars: StarPlaces;
  known: Known | null;
  parity: 'normal' | 'mirrored' | null;
  /** Wall milliseconds that the search may take. */
  milliseconds: number;
  /** One 32-bit number; not 0: stop. */
  cancel: SharedArrayBuffer;
}

export interface SearchOutput {
  status: 'matched' | 'no-match' | 'timed-out' | 'cancelled';
  found: (Verdict & { mirrored: boolean }) | null;
  /** Candidates that were checked. */
  tested: number;
  milliseconds: number;
  indexMilliseconds: number;
  best: number;
}

/** Odds that a match must have, natural logarithms: at least, and over the number of candidates that chance had. */
const needed = { blind: 21, hinted: 14, overTested: 8 };
const kept = new Map<number, Octave>();
/** Octaves smaller than this are not kept: together they would take more memory than all others. */
const smallestKept = 0.0213;

export function searchSky(input: SearchInput): SearchOutput {
  const started = performance.now();
  const sky = loadSky();
  const cancel = new Int32Array(input.cancel);
  const end = started + input.milliseconds;
  const stop = () => Atomics.load(cancel, 0) !== 0 || performance.now() > end;
  const field = fieldOf(input.width, input.height);
  const known = input.known ?? nothingKnown(field);
  const limits = {
    shortest: known.shortest,
    longest: known.longest,
    direction: known.direction,
    cosine: Math.cos(known.radius * 1.05),
  };
  const search = new Search(sky, field, limits, stop);
  const judge = new Judge(sky, field);
  const floor = known.direction ? needed.hinted : needed.blind;
  const output: SearchOutput = {
    status: 'no-match',
    found: null,
    tested: 0,
    milliseconds: 0,
    indexMilliseconds: 0,
    best: 0,
  };
  const local = new Map<number, Octave>();
  const lists = listsOf(input);
  const finish = (status: SearchOutput['status']): SearchOutput => {
    output.status = Atomics.load(cancel, 0) !== 0 ? 'cancelled' : status;
    output.tested = search.tested;
    output.milliseconds = performance.now() - started;
    return output;
  };
  for (const stage of plan(field, known)) {
    const before = performance.now();
    const octave = octaveOf(sky, stage, known, field.halfDiagonal, local, stop);
    output.indexMilliseconds += performance.now() - before;
    if (!octave || stop()) return finish('timed-out');
    for (const { mirrored, image } of lists) {
      const pass = { ...stage, tolerance: stage.focalLength === null ? 0.0075 : 0.016, mirrored };
      const stars = image[stage.order];
      const found = search.run(octave, stars, pass, (camera: Camera, hypothesis, reach) => {
        const verdict = judge.judge(stars, hypothesis, camera, reach);
        if (!verdict) return false;
        output.best = Math.max(output.best, verdict.logOdds);
        if (verdict.logOdds < Math.max(floor, Math.log(Math.max(1, search.tested)) + needed.overTested)) return false;
        output.found = { ...verdict, mirrored };
        return true;
      });
      if (found) return finish('matched');
      if (stop()) return finish('timed-out');
    }
  }
  return finish('no-match');
}

function listsOf(input: SearchInput): { mirrored: boolean; image: { flux: ImageStars; spread: ImageStars } }[] {
  const field = fieldOf(input.width, input.height);
  return [false, true]
    .filter((mirrored) => input.parity === null || mirrored === (input.parity === 'mirrored'))
    .map((mirrored) => {
      const flux = byFlux(input.stars, field, mirrored);
      return { mirrored, image: { flux, spread: spread(flux, field) } };
    });
}

function octaveOf(
  sky: Sky,
  { octave: size }: Stage,
  known: Known,
  halfDiagonal: number,
  local: Map<number, Octave>,
  stop: () => boolean,
): Octave | null {
  const there = kept.get(size) ?? local.get(size);
  if (there) return there;
  if (!known.direction) {
    const built = buildOctave(sky, size, undefined, stop);
    if (built && size > smallestKept) kept.set(size, built);
    else if (built) local.set(size, built);
    return built;
  }
  const radius = Math.min(Math.PI, known.radius + Math.atan(halfDiagonal / known.shortest) + size / 2);
  const cells = (2 * Math.PI * (1 - Math.cos(radius))) / (size / 2) ** 2;
  const stars = brightestAround(sky, known.direction, radius, Math.ceil(cells * 24 + 100));
  const built = buildOctave(sky, size, stars, stop);
  if (built) local.set(size, built);
  return built;
}
