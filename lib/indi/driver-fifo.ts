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
  /** Where the driver is installed: indiserver takes its program from `bin` below it, and it finds its own files there (INDIPREFIX). */
  prefix?: string;
  /** Debian package that brings it, for the remedy. */
  aptPackage?: string;
}

/** What Debian 12 packages beside indi-bin, by the first words of the driver's program (apt-cache search '^indi-'). */
const debianPackages: Readonly<Record<string, string>> = {
  ...{ aok: 'aok', apogee: 'apogee', armadillo: 'armadillo-platypus', astrolink4: 'astrolink4', avalon: 'avalon' },
  ...{ beefocus: 'beefocus', bresserexos2: 'bresserexos2', dreamfocuser: 'dreamfocuser', dsi: 'dsi', eqmod: 'eqmod' },
  ...{ fli: 'fli', gphoto: 'gphoto', canon: 'gphoto', nikon: 'gphoto', sony: 'gphoto', fuji: 'gphoto', gpsd: 'gpsd' },
  ...{ gpsnmea: 'gpsnmea', maxdomeii: 'maxdomeii', mgenautoguider: 'mgen', nexdome: 'nexdome', sx: 'sx' },
  ...{ shelyak: 'shelyak', starbook: 'starbook', talon6: 'talon6', webcam: 'webcam' },
};

function debianPackageOf(executable: string): string | undefined {
  const word = /^indi_([a-z0-9]+)/.exec(executable.split('/').at(-1) ?? '')?.[1];
  if (word === 'simulator') return 'indi-bin';
  return word && Object.hasOwn(debianPackages, word) ? `indi-${debianPackages[word]}` : undefined;
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
  const { executable, aptPackage = debianPackageOf(executable) } = driver;
  if (await isInstalled(driver.prefix ? join(driver.prefix, 'bin', executable) : executable, path)) return;
  throw new NightflowError('missing', `The INDI driver ${executable} is not installed.`, {
    remedy: aptPackage
      ? `Install it with: sudo apt install ${aptPackage}`
      : 'Install the package of your device (Debian: indi-bin has the common ones; others come from the INDI project).',
  });
}

/** @throws missing */
export async function requireServer(path = process.env.PATH ?? ''): Promise<void> {
  if (await isInstalled('indiserver', path)) return;
  throw new NightflowError('missing', 'indiserver is not installed.', {
    remedy: 'Install it with: sudo apt install indi-bin',
  });
}

async function isInstalled(executable: string, path: string): Promise<boolean> {
  const places = isAbsolute(executable)
    ? [executable]
    : path.split(delimiter).map((folder) => join(folder, executable));
  const found = await Promise.all(
    places.map((place) =>
      access(place, constants.X_OK).then(
        () => true,
        () => false,
      ),
    ),
  );
  return found.includes(true);
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
