/** What a message means to a node that works on frames. A message with a frame is a frame: a command that travels on with it is not obeyed. */
import type { Frame } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { AstroMessage } from '../types.ts';

export interface Incoming {
  frame: Frame | null;
  /** The work of the night is over: finish what is under way. A frame may come with it and is the last one. */
  ends: boolean;
  command: string | null;
  /** Something else that happened (progress, lost): nothing to do. */
  note: boolean;
}

/** @throws bad-input when there is neither frame, event nor a command of the list. */
export function readIncoming(msg: AstroMessage, commands: readonly string[] = []): Incoming {
  const frame = msg.frame ?? null;
  const command = frame === null && typeof msg.command === 'string' ? msg.command : null;
  const ends = (msg.event === 'end' && !isSuspended(msg)) || command === 'finish';
  const note = frame === null && !ends && command === null && typeof msg.event === 'string';
  if (command !== null && !commands.includes(command))
    throw new NightflowError('bad-input', `The command "${command}" is unknown here.`, {
      remedy: commands.length > 0 ? `Send ${commands.join(' or ')}.` : 'This node takes frames only.',
    });
  if (frame === null && !ends && !note && command === null)
    throw new NightflowError('bad-input', 'The message has no frame.', {
      remedy: 'Wire a node before it that sends msg.frame, such as capture or load.',
    });
  return { frame, ends, command, note };
}

/** A deploy that restarted the camera cut the exposures off: they go on in a moment, and with them the night's trail. */
const isSuspended = ({ payload }: AstroMessage): boolean =>
  (payload as { reason?: unknown } | null | undefined)?.reason === 'suspended';

const ofOneFrame = [
  'frame',
  'payload',
  'event',
  'command',
  'reject',
  'file',
  'stats',
  'stars',
  'measurement',
  'loupe',
  'calibration',
  'clouds',
  'preview',
  'exposure',
  'parts',
  'error',
] as const;

/** What of a frame's message travels on with a result that is made of many: its topic and the user's own properties. */
export function carriedOn(msg: AstroMessage | null): Partial<AstroMessage> {
  const carried: Partial<AstroMessage> = { ...msg };
  for (const name of ofOneFrame) delete carried[name];
  return carried;
}
