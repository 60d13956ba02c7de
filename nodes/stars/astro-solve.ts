/** astro-solve: where a picture looks. The solution travels on with the frame, and in its header. */
import type { Node, NodeAPI } from 'node-red';
import type { Frame } from '../../lib/frame/frame.ts';
import { engineNamed, engineNames } from '../../lib/solve/engines.ts';
import type { Solution, SolveResult } from '../../lib/solve/solver.ts';
import { withWcs } from '../../lib/solve/wcs-header.ts';
import { StarTable } from '../../lib/stars/star-table.ts';
import { handleInput, type Work } from '../handle.ts';
import { readIncoming } from '../image/incoming.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { clockOf } from '../types.ts';
import { hintInputs, hintsFor } from './solve-hints.ts';
import { placeOfMount } from './solve-mount.ts';

const inputs = {
  engine: { type: 'choice', label: 'engine', choices: engineNames, default: 'auto' },
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

    const solve = async (
      { msg, settings, signal, send, status }: Work<typeof inputs>,
      frame: Frame,
      stopped: AbortSignal,
    ) => {
      const { engine, timeoutSeconds, indexFolder, databaseFolder } = settings;
      const known = last?.of === kindOf(frame) ? last.solution : null;
      const solver = engineNamed(engine, { indexFolder: indexFolder || null, databaseFolder: databaseFolder || null });
      status('working', text('working', { engine }));
      const mount = settings.positionFrom === 'none' ? null : await placeOfMount(RED, config, signal);
      const { solution, ...result } = await solver.solve({
        ...{ frame, hints: hintsFor(msg, frame, settings, { mount, last: known }), timeoutSeconds },
        ...(msg.stars instanceof StarTable ? { stars: msg.stars } : {}),
        signal: AbortSignal.any([signal, stopped]),
      });
      if (signal.aborted) return;
      msg.solve = result;
      if (!solution) {
        delete msg.solution;
        msg.payload = { status: result.status, reason: result.reason, engine: result.engine, stars: result.stars };
        msg.event = 'not-solved';
        send(null, msg);
        return status('waiting', result.reason);
      }
      if (settings.remember) last = { of: kindOf(frame), solution };
      msg.frame = withWcs(frame, solution.wcs);
      msg.solution = solution;
      msg.payload = payloadOf(solution, result);
      send(msg);
      status(
        result.withoutHints ? 'waiting' : 'done',
        text(result.withoutHints ? 'without-hints' : 'done', shown(solution, result)),
      );
    };

    showStatus(this, 'idle', text('idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      parallel: true,
      run: async (work) => {
        const { frame, command, note, ends } = readIncoming(work.msg, ['stop']);
        if (command === 'stop') {
          stop.abort();
          stop = new AbortController();
          return;
        }
        if (!frame) {
          if (ends && !note) work.send(work.msg);
          return;
        }
        const { signal: stopped } = stop;
        const release = clock.hold();
        const mine = tail.then(() => solve(work, frame, stopped));
        tail = mine.catch(() => {});
        await mine.finally(release);
      },
    });
  });
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
