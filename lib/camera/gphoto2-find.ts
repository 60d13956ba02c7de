/** Which bodies are connected, and the steps that bring a lost one back. */
import { runProgram } from '../process/child.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';

export interface Body {
  model: string;
  /** 'usb:001,004': another one after each time it is plugged in. */
  port: string;
}

export interface Gphoto2Program {
  /** Path or name. */
  program: string;
  environment?: Record<string, string>;
}

const answerSeconds = 30;

/** @throws missing without gphoto2 */
export async function detect({ program, environment }: Gphoto2Program, signal?: AbortSignal): Promise<Body[]> {
  const { stdout } = await runProgram(program, ['--auto-detect'], {
    silenceSeconds: answerSeconds,
    aptPackage: 'gphoto2',
    env: { ...environment, LC_ALL: 'C', LANGUAGE: 'C' },
    signal,
  });
  return parseDetected(stdout);
}

/** Two lines of heading, then a model and a port each. */
export const parseDetected = (text: string): Body[] =>
  text.split('\n').flatMap((line) => {
    const found = /^(.*\S)\s+((?:usb|ptpip|serial):\S+)\s*$/.exec(line);
    return found ? [{ model: found[1]!, port: found[2]! }] : [];
  });

/** Those that the chosen name fits: a model, a port, or anything for an empty name. A serial number shows only in a session. */
export function candidates(bodies: readonly Body[], wanted: string): Body[] {
  if (wanted === '') return [...bodies];
  const named = bodies.filter(({ model, port }) => model === wanted || port === wanted);
  return named.length > 0 ? named : [...bodies];
}

/** Asks the USB port to start the device anew. @throws what gphoto2 said */
export async function resetPort(
  { program, environment }: Gphoto2Program,
  port: string,
  signal?: AbortSignal,
): Promise<void> {
  await runProgram(program, ['--port', port, '--reset'], {
    silenceSeconds: answerSeconds,
    aptPackage: 'gphoto2',
    env: { ...environment, LC_ALL: 'C' },
    signal,
  });
}

/** The same from outside, by bus and device number; not everywhere installed, and it needs the right to write to the device. */
export async function resetDevice(port: string, signal?: AbortSignal): Promise<void> {
  const numbers = /^usb:(\d+),(\d+)$/.exec(port);
  if (!numbers) throw new NightflowError('unsupported', `${port} is no USB port that can be reset.`);
  await runProgram('usbreset', [`${numbers[1]}/${numbers[2]}`], {
    silenceSeconds: answerSeconds,
    aptPackage: 'usbutils',
    signal,
  });
}

/** Switches the power of a hub off and on. On a Raspberry Pi 4 all sockets go together, so it is only done where the user said which. */
export async function cyclePower(location: string, signal?: AbortSignal): Promise<void> {
  await runProgram('uhubctl', ['-a', 'cycle', '-l', location], { silenceSeconds: 60, aptPackage: 'uhubctl', signal });
}

export interface RecoveryStep {
  what: string;
  work: () => Promise<void>;
}

/**
 * Tries one step after the other until `works` says that the camera is back. @param told The state, one sentence a step.
 * @throws the last refusal, with what a person can do; aborted
 */
export async function climb(
  steps: readonly RecoveryStep[],
  works: () => Promise<void>,
  told: (sentence: string) => void,
): Promise<void> {
  let last: NightflowError | null = null;
  for (const [i, { what, work }] of steps.entries()) {
    try {
      told(`Recovery, step ${i + 1} of ${steps.length}: ${what}.`);
      await work();
      await works();
      return;
    } catch (thrown) {
      last = asNightflowError(thrown);
      if (last.code === 'aborted') throw last;
      told(`That did not help: ${last.message}`);
      if (last.code === 'missing' && i === 0) throw last;
    }
  }
  throw new NightflowError(last?.code ?? 'lost', last?.message ?? 'The camera is gone.', {
    cause: last,
    remedy: 'Switch the camera off and on; look at its battery, its cable and its USB setting.',
  });
}
