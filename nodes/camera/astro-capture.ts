/** `astro-capture`: takes frames: one, some, for a while, or from dusk to dawn; back to back or at an interval. */
import type { NodeAPI } from 'node-red';
import { NightflowError } from '../../lib/process/errors.ts';
import { handleInput } from '../handle.ts';
import type { NodeConfig } from '../inputs.ts';
import type { AstroMessage, Node } from '../types.ts';
import { CaptureControl, type Command, commands } from './capture-control.ts';

export default function (RED: NodeAPI): void {
  RED.nodes.registerType('astro-capture', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const control = new CaptureControl(RED, this, config);

    handleInput(RED, this, {
      config,
      // Read at the start only: a wrong exposure must not keep a stop from stopping.
      inputs: {},
      parallel: true,
      afterFailure: () => control.refresh(),
      run: async ({ msg }) => {
        const command = commandOf(msg);
        await (command === 'start' ? control.start(msg) : control.command(command));
      },
      closing: () => {
        RED.events.removeListener('flows:started', deployed);
        control.suspend();
      },
      close: (removed) => control.close(removed),
    });

    control.idle();
    // Not before every node of the flow is there to take the frames.
    const deployed = () => void control.deployed();
    RED.events.once('flows:started', deployed);
  });
}

/** `msg.command`, or a text in `msg.payload`; whatever else comes in (an Inject's timestamp) starts. @throws bad-input */
function commandOf(msg: AstroMessage): Command {
  const { command, payload } = msg;
  const word = command ?? (typeof payload === 'string' ? payload : payload === false ? 'stop' : 'start');
  const known = commands.find((each) => each === (String(word).trim().toLowerCase() || 'start'));
  if (known) return known;
  throw new NightflowError('bad-input', `The command "${String(word).slice(0, 40)}" is unknown.`, {
    remedy: `Send ${commands.join(', ')} as msg.command or msg.payload.`,
  });
}
