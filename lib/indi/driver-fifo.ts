/** The lines by which a running indiserver starts and stops drivers. */
import { constants } from 'node:fs';
import { access, open } from 'node:fs/promises';
import { delimiter, isAbsolute, join } from 'node:path';
import { NightflowError } from '../process/errors.ts';

export interface Driver {
  /** `indi_asi_ccd`, or an absolute path. */
  executable: string;
  /** The name its device shall have. */
  name?: string;
  /** Absolute path of the file with its saved settings, instead of the one in `~/.indi`. */
  config?: string;
  /** Where the driver looks for its own files (INDIPREFIX). */
  prefix?: string;
  /** Debian package that brings it, for the remedy. */
  aptPackage?: string;
}

/** indiserver's line buffer is 2048 bytes. */
const maximumLine = 1024;

/** @throws bad-input for what would be another line, option or argument */
export function driverLine({ executable, name, config, prefix }: Driver): string {
  if (!/^[\w./+-]+$/.test(executable) || executable.startsWith('-') || executable.includes('..'))
    throw new NightflowError('bad-input', `${JSON.stringify(executable)} is not the name of an INDI driver.`, {
      remedy: 'Drivers are programs such as indi_simulator_ccd.',
    });
  if (name !== undefined && (!/^[^"\\\p{Cc}]+$/u.test(name) || name.trim() === ''))
    throw new NightflowError('bad-input', `${JSON.stringify(name)} can't be the name of a device.`);
  for (const path of [config, prefix])
    if (path !== undefined && !(isAbsolute(path) && /^[^"\\\p{Cc}]+$/u.test(path)))
      throw new NightflowError('bad-input', `${JSON.stringify(path)} is no absolute path.`);
  const options = { n: name, c: config, p: prefix };
  const written = Object.entries(options).map(([letter, text]) => (text === undefined ? '' : ` -${letter} "${text}"`));
  const line = `${executable}${written.join('')}`;
  if (Buffer.byteLength(line) > maximumLine)
    throw new NightflowError('bad-input', `The driver's line is longer than ${maximumLine} bytes.`);
  return line;
}

/** indiserver itself tries a missing program ten times and tells nobody. @throws missing, bad-input */
export async function requireDriver(driver: Driver, path = process.env.PATH ?? ''): Promise<void> {
  driverLine(driver);
  const { executable, aptPackage } = driver;
  const places = isAbsolute(executable)
    ? [executable]
    : path.split(delimiter).map((folder) => join(folder, executable));
  for (const place of places)
    if (
      await access(place, constants.X_OK).then(
        () => true,
        () => false,
      )
    )
      return;
  throw new NightflowError('missing', `The INDI driver ${executable} is not installed.`, {
    remedy: aptPackage
      ? `Install it with: sudo apt install ${aptPackage}`
      : 'Install the package of your device (Debian: indi-bin has the common ones; others come from the INDI project).',
  });
}

/** Never waits for a reader: without one the server is gone. @throws lost */
export async function writeLine(fifo: string, text: string): Promise<void> {
  try {
    const handle = await open(fifo, constants.O_WRONLY | constants.O_NONBLOCK);
    try {
      await handle.write(text);
    } finally {
      await handle.close();
    }
  } catch (error) {
    throw new NightflowError('lost', 'indiserver does not run.', { cause: error });
  }
}
