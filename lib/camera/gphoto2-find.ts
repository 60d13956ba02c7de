/** Which bodies are connected, and at which port. */
import { runProgram } from '../process/child.ts';

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
