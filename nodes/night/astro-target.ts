/** astro-target: a target from its coordinates in any notation, or a list of targets, one message each. */
import type { Node, NodeAPI } from 'node-red';
import { NightflowError } from '../../lib/process/errors.ts';
import { formatDeclination, formatRightAscension } from '../../lib/sky/angles.ts';
import { type Target, targetOf } from '../../lib/sky/target.ts';
import { readTargets } from '../../lib/sky/target-list.ts';
import { nightAround } from '../../lib/sky/twilight.ts';
import { handleInput } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';

export const targetInputs = {
  targetsFrom: { type: 'choice', label: 'source', choices: ['typed', 'payload'], default: 'typed' },
  targetName: { type: 'text', label: 'target', default: '' },
  coordinates: { type: 'text', label: 'coordinates', default: '' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-target', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const siteNode = siteOf(RED, config.site);
    const clock = clockOf(RED, config.site);
    showStatus(this, 'idle', RED._('astro-target.status.idle'));
    handleInput(RED, this, {
      config,
      inputs: targetInputs,
      clock,
      run: async ({ msg, settings, send, status }) => {
        const { targetsFrom, targetName, coordinates } = settings;
        if (targetsFrom === 'typed') {
          if (coordinates === '')
            throw new NightflowError('bad-input', 'The node has no coordinates.', {
              remedy: 'Type them in the node, or send them as msg.coordinates.',
            });
          const target = targetOf({ name: targetName, coordinates });
          send(withTarget(msg, target));
          const place = `${formatRightAscension(target.raDegrees, 0)} ${formatDeclination(target.decDegrees, 0)}`;
          const note = target.notes?.[0];
          status(note ? 'waiting' : 'done', note ?? RED._('astro-target.status.one', { name: target.name, place }));
          return;
        }
        if (msg.payload === null || !['string', 'object'].includes(typeof msg.payload))
          throw new NightflowError('bad-input', 'msg.payload is no list of targets.', {
            remedy: 'Send CSV text, an array or an object; for one target of your own choose "typed here".',
          });
        const now = clock.now();
        // The noon before, so that a list read again during the night means the same night.
        const after = siteNode && !siteNode.problem ? nightAround(siteNode.site, now).from : now;
        const { targets, broken } = readTargets(msg.payload, { after });
        const { frame: _, ...rest } = msg;
        // Both outputs can be put together again by a Join node each.
        const listed = <T extends object>(messages: T[]) => {
          const id = RED.util.generateId();
          return messages.map((each, index) => ({
            ...each,
            parts: { id, type: 'array', index, count: messages.length },
          })) as unknown as AstroMessage[];
        };
        send(
          listed(targets.map((target) => withTarget({ ...rest } as AstroMessage, target))),
          listed(broken.map((line) => ({ ...rest, payload: line, reason: line.reason, event: 'rejected' }))),
        );
        const counts = { targets: targets.length, broken: broken.length, line: broken[0]?.line ?? 0 };
        // A column of plain numbers that are all below 24 was most likely meant as hours.
        const doubt = targets.length > 0 && targets.every(({ notes }) => notes) ? targets[0]!.notes![0]! : null;
        if (broken.length > 0) status('waiting', RED._('astro-target.status.broken', counts));
        else if (doubt) status('waiting', doubt);
        else status(targets.length > 0 ? 'done' : 'waiting', RED._('astro-target.status.list', counts));
      },
    });
  });
}

const withTarget = (msg: AstroMessage, target: Target): AstroMessage =>
  Object.assign(msg, { payload: target, target: { ...target } });
