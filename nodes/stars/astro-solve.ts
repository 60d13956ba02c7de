/** astro-solve: where a picture looks. The solution travels on with the frame, and in its header. */
import type { Node, NodeAPI } from 'node-red';
import type { Frame } from '../../lib/frame/frame.ts';
import type { AllSkySolution } from '../../lib/solve/all-sky-solution.ts';
import { engineNamed, engineNames } from '../../lib/solve/engines.ts';
import type { Solution, SolveResult } from '../../lib/solve/solver.ts';
import { withWcs } from '../../lib/solve/wcs-header.ts';
import { StarTable } from '../../lib/stars/star-table.ts';
import { handleInput, type Work } from '../handle.ts';
import { readIncoming } from '../image/incoming.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { clockOf } from '../types.ts';
import { allSkyFigures, allSkyPayload, groundOf, isWide, keyOf, lensInput, trackerOf } from './solve-all-sky.ts';
import { hintInputs, hintsFor } from './solve-hints.ts';
import { placeOfMount } from './solve-mount.ts';

const inputs = {
  engine: { type: 'choice', label: 'engine', choices: engineNames, default: 'auto' },
  ...lensInput,
  timeoutSeconds: { type: 'number', label: 'time limit', default: 60, minimum: 1, maximum: 3600, unit: 's' },
  ...hintInputs,
  indexFolder: { type: 'text', label: 'index folder', default: '' },
  databaseFolder: { type: 'text', label: 'star database', default: '' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-solve', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const text = (key: string, values: Record<string, string | number> = {}) =>
      RED._(`astro-solve.status.${key}`, values);
    // Frames one after the other in their order; a command meanwhile reaches the one that is under way.
    let tail: Promise<void> = Promise.resolve();
    let stop = new AbortController();
    let last: { of: string; solution: Solution } | null = null;

    const tracker = trackerOf(RED);
    /** Pictures of a kind that no plane fitted, one after the other: the whole sky is not tried on each. */
    const failures = new Map<string, number>();
    /** How often a new fit was asked for, and of those how many each kind has heard of. */
    let asked = 0;
    const heard = new Map<string, number>();

    const solve = async (work: Work<typeof inputs>, frame: Frame, stopped: AbortSignal) => {
      const { msg, settings, signal, status } = work;
      const { engine, timeoutSeconds, indexFolder, databaseFolder, lens } = settings;
      const stop = AbortSignal.any([signal, stopped]);
      const allSky = (must: boolean) => solveAllSky(work, frame, stop, must);
      if (lens === 'all-sky') return allSky(true);
      const known = last?.of === kindOf(frame) ? last.solution : null;
      const mount = settings.positionFrom === 'none' ? null : await placeOfMount(RED, config, signal);
      const hints = hintsFor(msg, frame, settings, { mount, last: known });
      const wide = lens === 'auto' ? isWide(frame, hints) : false;
      if (wide || (wide === null && (await tracker.knows(keyOf(frame))))) if (await allSky(false)) return;
      const solver = engineNamed(engine, { indexFolder: indexFolder || null, databaseFolder: databaseFolder || null });
      status('working', text('working', { engine }));
      const { solution, ...result } = await solver.solve({
        ...{ frame, hints, timeoutSeconds, signal: stop },
        ...(msg.stars instanceof StarTable ? { stars: msg.stars } : {}),
      });
      if (signal.aborted) return;
      msg.solve = result;
      if (!solution) {
        if (result.status !== 'cancelled' && wide === null && tryWhole(frame) && (await allSky(false))) return;
        return notSolved(work, { ...result, solution: null });
      }
      failures.delete(kindOf(frame));
      if (settings.remember) last = { of: kindOf(frame), solution };
      msg.frame = withWcs(frame, solution.wcs);
      msg.solution = solution;
      msg.payload = payloadOf(solution, result);
      work.send(msg);
      status(
        result.withoutHints ? 'waiting' : 'done',
        text(result.withoutHints ? 'without-hints' : 'done', shown(solution, result)),
      );
    };

    const notSolved = (
      { msg, send, status }: Work<typeof inputs>,
      { status: outcome, reason, engine, stars, solution }: NotSolved,
    ) => {
      if (solution) msg.solution = solution;
      else delete msg.solution;
      msg.payload = { status: outcome, reason, engine, stars };
      msg.event = 'not-solved';
      send(null, msg);
      status('waiting', reason);
    };

    /** The first, second, fourth, eighth … picture in a row that no plane fits. */
    const tryWhole = (frame: Frame): boolean => {
      const count = (failures.get(kindOf(frame)) ?? 0) + 1;
      failures.set(kindOf(frame), count);
      return Number.isInteger(Math.log2(count));
    };

    /** @returns false, and nothing was sent: the picture is none of the whole sky, and nobody said it was. */
    const solveAllSky = async (
      work: Work<typeof inputs>,
      frame: Frame,
      stop: AbortSignal,
      must: boolean,
    ): Promise<boolean> => {
      const { msg, settings, signal, send, status } = work;
      const ground = groundOf(RED, config, frame, must);
      if (!ground) return false;
      const key = keyOf(frame);
      if ((heard.get(kindOf(frame)) ?? 0) < asked) await tracker.refit(key);
      heard.set(kindOf(frame), asked);
      const known = await tracker.knows(key);
      status('working', text(known ? 'tracking' : 'fitting'));
      const { timeoutSeconds } = settings;
      const { solution, ...tracked } = await tracker.solve(key, { frame, ...ground, timeoutSeconds, signal: stop });
      if (signal.aborted) return true;
      const { status: outcome, reason, stars, seconds } = tracked;
      if (!must && !known && outcome !== 'matched') return false;
      msg.solve = { status: outcome, reason, engine: 'all-sky', stars, withoutHints: false, seconds };
      if (!solution?.confirmed) {
        notSolved(work, { status: outcome, reason, engine: 'all-sky', stars, solution });
        return true;
      }
      failures.delete(kindOf(frame));
      msg.solution = solution;
      msg.payload = allSkyPayload(solution, tracked);
      send(msg);
      const turned = tracked.turnedDegrees ?? 0;
      const figures = { ...allSkyFigures(solution, seconds.total), turned: turned.toFixed(1) };
      if (turned > noticeableTurn) status('waiting', text('turned', figures));
      else status('done', text(tracked.first ? 'fitted' : 'tracked', figures));
      return true;
    };

    showStatus(this, 'idle', text('idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      parallel: true,
      run: async (work) => {
        const { frame, command, note, ends } = readIncoming(work.msg, ['stop', 'refit']);
        if (command === 'stop') {
          stop.abort();
          stop = new AbortController();
          return;
        }
        if (command === 'refit') {
          asked++;
          return work.status('idle', text('refit'));
        }
        if (!frame) {
          if (ends && !note) work.send(work.msg);
          return;
        }
        const { signal: stopped } = stop;
        const release = clock.hold();
        const mine = tail.then(async () => void (await solve(work, frame, stopped)));
        tail = mine.catch(() => {});
        await mine.finally(release);
      },
    });
  });
}

/** Said as a warning from there on, degrees. */
const noticeableTurn = 0.5;

interface NotSolved extends Pick<SolveResult, 'status' | 'reason' | 'engine' | 'stars'> {
  /** Where a camera that is known is taken to look; null for nothing. */
  solution: AllSkySolution | null;
}

/** Frames of one camera and size have one scale and, most often, one place. */
const kindOf = ({ camera, width, height }: Frame): string => `${camera} ${width}x${height}`;

function payloadOf(solution: Solution, { engine, withoutHints }: Omit<SolveResult, 'solution'>) {
  const { wcs: _wcs, ...figures } = solution;
  return { ...figures, engine, withoutHints };
}

/** The figures of the status line. */
function shown(solution: Solution, { seconds, engine }: Omit<SolveResult, 'solution'>): Record<string, string> {
  const { raDegrees, decDegrees, widthDegrees, heightDegrees, matchedStars } = solution;
  const digits = widthDegrees < 3 ? 3 : 2;
  return {
    place: `${raDegrees.toFixed(digits)}° ${decDegrees < 0 ? '−' : '+'}${Math.abs(decDegrees).toFixed(digits)}°`,
    size: `${widthDegrees.toPrecision(3)}° × ${heightDegrees.toPrecision(3)}°`,
    stars: matchedStars === null ? '' : ` · ${matchedStars} stars`,
    seconds: seconds.total.toFixed(1),
    engine,
  };
}
