/** The settings of `astro-camera` for the backend `gphoto2`. */
import { isAbsolute } from 'node:path';
import type { Gphoto2Options } from '../../lib/camera/gphoto2.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { type InputTable, readConfiguration } from '../inputs.ts';

const inputs = {
  gphoto2Camera: { type: 'text', label: 'camera', default: '' },
  gphoto2Settings: { type: 'text', label: 'settings', default: '' },
  gphoto2Hold: { type: 'boolean', label: 'hold the shutter', default: true },
  gphoto2Hub: { type: 'text', label: 'USB hub', default: '' },
  gphoto2Program: { type: 'text', label: 'program', default: '' },
} as const satisfies InputTable;

/** @throws bad-input */
export function gphoto2Options(config: Readonly<Record<string, unknown>>): Gphoto2Options {
  const settings = readConfiguration(config, inputs);
  const program = settings.gphoto2Program.trim();
  if (program && !isAbsolute(program))
    throw new NightflowError('bad-input', `The program "${program}" is not an absolute path.`, {
      remedy: 'Leave it empty for the installed gphoto2.',
    });
  const hub = settings.gphoto2Hub.trim();
  if (!/^[\d.-]*$/.test(hub))
    throw new NightflowError('bad-input', `The USB hub "${hub}" is no place such as 1-1.`, {
      remedy: 'uhubctl without parameters lists them.',
    });
  return {
    camera: settings.gphoto2Camera.trim(),
    settings: settingLines(settings.gphoto2Settings),
    holdShutter: settings.gphoto2Hold,
    ...(hub ? { hub } : {}),
    ...(program ? { program } : {}),
  };
}

/** 'iso = 1600', one a line, as the body spells them; the camera refuses what it has not. */
function settingLines(text: string): { name: string; value: string }[] {
  const lines = text.split('\n').map((line) => line.trim());
  return lines
    .filter((line) => line !== '' && !line.startsWith('#'))
    .map((line) => {
      const at = line.indexOf('=');
      if (at > 0) return { name: line.slice(0, at).trim(), value: line.slice(at + 1).trim() };
      throw new NightflowError('bad-input', `The setting "${line}" is not of the form name = value.`, {
        remedy: 'Write one a line, such as: iso = 1600',
      });
    });
}
