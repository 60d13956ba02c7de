/** What can be set on a camera of a Raspberry Pi: described from what the program tells of it, and checked. */
import { NightflowError } from '../process/errors.ts';
import type { ExposureRequest, SettingDescription, SettingValue } from './camera.ts';
import { bestMode, modeName, type RpicamCamera, type RpicamMode, sensorOf } from './rpicam-list.ts';
import type { ShotSettings } from './rpicam-program.ts';

export interface RpicamSettings {
  /** As modeName() spells it. */
  mode: string;
  /** Packed halves the memory traffic of older boards; on a Raspberry Pi 5 it is a lossy compression. */
  packing: (typeof packings)[number];
  gain: number;
  redGain: number;
  blueGain: number;
  /** Dioptres; 0: infinity. */
  lensPosition: number;
}

export const packings = ['unpacked', 'packed'] as const;

const usualGain = 8;
/** About right for stars behind the usual infrared filter; they only colour the previews. */
const usual = { packing: 'unpacked', redGain: 2, blueGain: 1.6, lensPosition: 0 } as const;

export function usualSettings(camera: RpicamCamera): RpicamSettings {
  const mode = bestMode(camera);
  if (!mode)
    throw new NightflowError('unsupported', `The camera ${camera.model} offers no raw mode.`, {
      remedy: 'Look at: rpicam-hello --list-cameras',
    });
  const gains = camera.controls.get('AnalogueGain');
  const gain = Math.min(Math.max(usualGain, gains?.minimum ?? 1), gains?.maximum ?? usualGain);
  return { ...usual, mode: modeName(mode), gain };
}

export function describeSettings(camera: RpicamCamera): SettingDescription[] {
  const range = (control: string, minimum: number, maximum: number) =>
    camera.controls.get(control) ?? { minimum, maximum };
  const described: SettingDescription[] = [
    { name: 'mode', label: 'Mode', type: 'choice', choices: [...new Set(camera.modes.map(modeName))] },
    { name: 'packing', label: 'Packing', type: 'choice', choices: packings },
    { name: 'gain', label: 'Gain', type: 'number', ...range('AnalogueGain', 1, 64) },
    { name: 'redGain', label: 'Red gain', type: 'number', ...range('ColourGains', 0.1, 32) },
    { name: 'blueGain', label: 'Blue gain', type: 'number', ...range('ColourGains', 0.1, 32) },
  ];
  if (camera.controls.has('LensPosition'))
    described.push({
      name: 'lensPosition',
      label: 'Lens position (0: infinity)',
      type: 'number',
      unit: '1/m',
      ...range('LensPosition', 0, 32),
    });
  described.push({
    name: 'temperatureCelsius',
    label: 'Sensor temperature',
    type: 'number',
    unit: '°C',
    readOnly: true,
  });
  return described;
}

/** The settings with one changed. @throws bad-input for an unknown name, a wrong type or a value out of range */
export function withSetting(
  settings: Readonly<RpicamSettings>,
  camera: RpicamCamera,
  name: string,
  value: SettingValue,
): RpicamSettings {
  const description = describeSettings(camera).find((each) => each.name === name);
  if (!description || description.readOnly)
    throw new NightflowError('bad-input', `The camera ${camera.model} has no setting "${name}" that can be changed.`);
  const { type, minimum = -Infinity, maximum = Infinity, choices = [], label } = description;
  const refuse = (remedy: string): never => {
    throw new NightflowError('bad-input', `${label} of ${camera.model} can't be ${JSON.stringify(value)}.`, { remedy });
  };
  if (type === 'number' && !(typeof value === 'number' && value >= minimum && value <= maximum))
    refuse(`Give a number from ${minimum} to ${maximum}.`);
  if (type === 'choice' && !choices.includes(value as string)) refuse(`Choose one of ${choices.join(', ')}.`);
  return { ...settings, [name]: value };
}

export const modeOf = (camera: RpicamCamera, name: string): RpicamMode =>
  camera.modes.find((mode) => modeName(mode) === name) ?? bestMode(camera)!;

/** What the program is to be told for an exposure. @throws bad-input beyond the camera's ranges, unsupported for an offset */
export function shotSettings(
  camera: RpicamCamera,
  settings: RpicamSettings,
  request: ExposureRequest,
  lensWasSet: boolean,
): ShotSettings {
  const { exposureSeconds, gain, offset } = request;
  const mode = modeOf(camera, settings.mode);
  const { minimumExposureSeconds: low, maximumExposureSeconds: high } = sensorOf(camera, mode);
  if (!(Number.isFinite(exposureSeconds) && exposureSeconds >= (low ?? 1e-6) && exposureSeconds <= (high ?? Infinity)))
    throw new NightflowError('bad-input', `The camera ${camera.model} can't expose for ${exposureSeconds} s.`, {
      remedy: `It takes ${low ?? 0.000001} to ${high ?? 'any number of'} s.`,
    });
  if (offset !== undefined)
    throw new NightflowError('unsupported', `The camera ${camera.model} has no offset.`, {
      remedy: 'Leave the offset empty.',
    });
  const wanted = gain === undefined ? settings : withSetting(settings, camera, 'gain', gain);
  return {
    cameraIndex: camera.index,
    cameraId: camera.id,
    exposureSeconds,
    gain: wanted.gain,
    redGain: wanted.redGain,
    blueGain: wanted.blueGain,
    mode,
    packed: wanted.packing === 'packed',
    lensDioptres: lensWasSet ? wanted.lensPosition : null,
  };
}
