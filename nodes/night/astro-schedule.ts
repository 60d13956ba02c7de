/** `astro-schedule`: a night of events at fixed times from a list; sends each when it is to be prepared and when it begins. */
import type { Node, NodeAPI } from 'node-red';
import { NightflowError } from '../../lib/process/errors.ts';
import { handleInput } from '../handle.ts';
import type { NodeConfig } from '../inputs.ts';
import type { AstroMessage } from '../types.ts';
import { ScheduleControl } from './schedule-control.ts';

export const commands = ['start', 'plan', 'stop', 'status', 'skip', 'restore', 'done', 'failed'] as const;
type Command = (typeof commands)[number];

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-schedule', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const control = new ScheduleControl(RED, this, config);
    handleInput(RED, this, {
      config,
      // Read at the start only: a wrong setting must not keep a stop from stopping.
      inputs: {},
      parallel: true,
      run: async ({ msg }) => {
        const command = commandOf(msg);
        if (command === 'start' || command === 'plan') await control.start(msg, command);
        else if (command === 'stop') await control.stop(msg);
        else if (command === 'restore') await control.restore(msg);
        else if (command === 'status') control.status(msg);
        else await control.report(command === 'skip' ? 'skipped' : command, msg);
      },
      closing: () => {
        RED.events.removeListener('flows:started', deployed);
        control.suspend();
      },
      close: (removed) => control.close(removed),
    });
    control.idle();
    // Not before every node of the flow is there to work on the events.
    const deployed = () => control.deployed();
    RED.events.once('flows:started', deployed);
  });
}

/** `msg.command`, or a command's word as payload; whatever else comes in (an Inject's timestamp, a list) starts. @throws bad-input */
function commandOf({ command, payload }: AstroMessage): Command {
  const known = (word: unknown) => commands.find((each) => each === String(word).trim().toLowerCase());
  if (command === undefined || command === null || command === '')
    return (typeof payload === 'string' && known(payload)) || 'start';
  const found = known(command);
  if (found) return found;
  throw new NightflowError('bad-input', `The command "${String(command).slice(0, 40)}" is unknown.`, {
    remedy: `Send ${commands.join(', ')} as msg.command.`,
  });
}
