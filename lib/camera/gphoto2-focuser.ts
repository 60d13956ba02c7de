/** The lens of a body as a focuser: driven nearer or farther over USB, nobody knows where it stands. */
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import type { Focuser, FocuserInfo } from './focuser.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';

type Drive = 'manualfocus' | 'manualfocusdrive';

/** Largest single move of Sony's -7…7 and of Canon's Near 3…Far 3. */
const sonyLargest = 7;
const canonLargest = 3;

/** @returns null for a body without a focus drive, or with its lens switched to manual. */
export async function focuserOf(session: () => Promise<Gphoto2Session>): Promise<Focuser | null> {
  const body = await session();
  const name = body.first('manualfocus', 'manualfocusdrive') as Drive | null;
  if (!name) return null;
  const { choices, top } = await body.entry(name);
  const canon = choices.length > 0;
  const largest = canon ? canonLargest : name === 'manualfocus' ? sonyLargest : (top ?? 1);
  const info: FocuserInfo = {
    name: 'Lens',
    drive: 'relative',
    minimum: null,
    maximum: null,
    smallestMove: 1,
    largestMove: largest,
  };
  return {
    info,
    position: async () => null,
    temperatureCelsius: async () => null,
    moveBy: async (steps, signal) => {
      if (!Number.isInteger(steps))
        throw new NightflowError('bad-input', `The lens can't be moved by ${steps} steps.`, {
          remedy: 'Give a whole number.',
        });
      const outwards = steps > 0;
      for (let left = Math.abs(steps); left > 0; ) {
        throwIfAborted(signal);
        const step = Math.min(left, largest);
        // Farther is outwards: larger positions.
        const value = canon ? `${outwards ? 'Far' : 'Near'} ${step}` : String(outwards ? step : -step);
        await (await session()).act(name, value);
        left -= step;
      }
    },
    moveTo: async () => {
      throw new NightflowError('unsupported', 'This lens tells no position: it is only driven nearer or farther.');
    },
  };
}
