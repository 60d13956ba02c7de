/** The settings of `astro-camera` for the backend `rpicam`. What is left empty stays as the camera has it. */
import { isAbsolute } from 'node:path';
import type { RpicamOptions } from '../../lib/camera/rpicam.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { type InputTable, readConfiguration } from '../inputs.ts';

const inputs = {
  rpicamCamera: { type: 'text', label: 'camera', default: '' },
  rpicamMode: { type: 'text', label: 'mode', default: '' },
  rpicamPacking: { type: 'choice', label: 'packing', choices: ['unpacked', 'packed'], default: 'unpacked' },
  rpicamGain: { type: 'number', label: 'gain', default: null, minimum: 0, maximum: 1000 },
  rpicamRedGain: { type: 'number', label: 'red gain', default: null, minimum: 0, maximum: 32 },
  rpicamBlueGain: { type: 'number', label: 'blue gain', default: null, minimum: 0, maximum: 32 },
  rpicamLensPosition: { type: 'number', label: 'lens position', default: null, minimum: 0, maximum: 32, unit: '1/m' },
  rpicamFolder: { type: 'text', label: 'folder of rpicam-apps', default: '' },
} as const satisfies InputTable;

/** The camera itself refuses what its mode or its sensor can't have. @throws bad-input */
export function rpicamOptions(config: Readonly<Record<string, unknown>>): RpicamOptions {
  const settings = readConfiguration(config, inputs);
  const programFolder = settings.rpicamFolder.trim();
  if (programFolder && !isAbsolute(programFolder))
    throw new NightflowError('bad-input', `The folder of rpicam-apps, "${programFolder}", is not an absolute path.`, {
      remedy: 'Leave it empty for the installed programs.',
    });
  const given = {
    camera: settings.rpicamCamera.trim() || null,
    mode: settings.rpicamMode.trim() || null,
    packing: settings.rpicamPacking,
    gain: settings.rpicamGain,
    redGain: settings.rpicamRedGain,
    blueGain: settings.rpicamBlueGain,
    lensPosition: settings.rpicamLensPosition,
    programFolder: programFolder || null,
  };
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== null));
}
