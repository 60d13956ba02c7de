/** `astro-stream`: records a film over an instant, with the times of its frames and the quality of the clock; shows the video otherwise. */
import type { NodeAPI } from 'node-red';
import { NightflowError } from '../../lib/process/errors.ts';
import { handleInput } from '../handle.ts';
import type { NodeConfig } from '../inputs.ts';
import type { AstroMessage, Node } from '../types.ts';
import { watchRecovery } from './recovery-status.ts';
import { StreamControl } from './stream-control.ts';

const commands = ['start', 'stop', 'abort', 'preview'] as const;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType('astro-stream', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const control = new StreamControl(RED, this, config);
    watchRecovery(RED, this, config);

    handleInput(RED, this, {
      config,
      // Read at the start only: a wrong exposure must not keep a stop from stopping.
      inputs: {},
      parallel: true,
      run: async ({ msg }) => {
        const command = commandOf(msg);
        if (command === 'start') await control.start(msg);
        else if (command === 'preview') await control.preview(msg);
        else await control.end(command);
      },
      closing: () => {
        RED.events.removeListener('flows:started', deployed);
        control.closing();
      },
      close: async (removed) => {
        if (removed) await control.removed();
      },
    });

    control.idle();
    const deployed = () => void control.recover();
    RED.events.once('flows:started', deployed);
  });
}

/** `msg.command`, or a text in `msg.payload`; whatever else comes in starts. @throws bad-input */
function commandOf(msg: AstroMessage): (typeof commands)[number] {
  const { command, payload } = msg;
  const word = command ?? (typeof payload === 'string' ? payload : payload === false ? 'stop' : 'start');
  const known = commands.find((each) => each === (String(word).trim().toLowerCase() || 'start'));
  if (known) return known;
  throw new NightflowError('bad-input', `The command "${String(word).slice(0, 40)}" is unknown.`, {
    remedy: `Send ${commands.join(', ')} as msg.command or msg.payload.`,
  });
}
