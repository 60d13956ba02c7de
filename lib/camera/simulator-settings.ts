/** Everything that can be set on the simulated camera and its sky: described, checked, and turned into a scene. */
import type { FrameKind, FrameSite } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';
import { makeLens, type Projection } from '../sky/render/lens.ts';
import type { Conditions, Scene } from '../sky/render/scene.ts';
import type { SettingDescription, SettingValue } from './camera.ts';
import { type CameraSensor, sensors } from './sensors.ts';

export const lensNames = ['fisheye', 'equisolid', 'stereographic', 'rectilinear'] as const;
export type LensName = (typeof lensNames)[number];
export const focuserDrives = ['absolute', 'relative', 'none'] as const;
/** Wider than this a star is drawn no more. */
export const largestDefocusPixels = 200;

export interface SimulatorSettings {
  gain: number;
  /** ADU above the sensor's own black level. */
  offset: number;
  temperatureCelsius: number;
  lens: LensName;
  /** Across the shorter side of the picture; 0: 180° for a fisheye, 60° for a rectilinear lens. */
  fieldOfViewDegrees: number;
  fNumber: number;
  /** Of the middle of the picture. At 90° the azimuth is the direction at the bottom of the picture. */
  altitudeDegrees: number;
  azimuthDegrees: number;
  rollDegrees: number;
  /** Light of a moonless night at the zenith, V magnitudes per square arc second. */
  zenithMagnitude: number;
  cloudCover: number;
  windMetresPerSecond: number;
  windAzimuthDegrees: number;
  seeingArcseconds: number;
  /** How wide a star is where the focuser stands now; setting it moves the best focus away from there. */
  defocusPixels: number;
  focuserDrive: (typeof focuserDrives)[number];
  /** Steps that make an unfocused star a pixel wider. */
  focusStepsPerPixel: number;
  focusBacklashSteps: number;
  focusDriftStepsPerCelsius: number;
  focuserStepsPerSecond: number;
  auroraLevel: number;
  meteorsPerHour: number;
  satellitesPerHour: number;
  aeroplanesPerHour: number;
  milkyWay: boolean;
  landscape: boolean;
}

/** Gain comes from the sensor. */
export const defaultSettings: Readonly<Omit<SimulatorSettings, 'gain'>> = {
  offset: 0,
  temperatureCelsius: 5,
  lens: 'fisheye',
  fieldOfViewDegrees: 0,
  fNumber: 1.8,
  altitudeDegrees: 90,
  azimuthDegrees: 180,
  rollDegrees: 0,
  zenithMagnitude: 21.5,
  cloudCover: 0,
  windMetresPerSecond: 9,
  windAzimuthDegrees: 250,
  seeingArcseconds: 2.5,
  defocusPixels: 0,
  focuserDrive: 'absolute',
  focusStepsPerPixel: 50,
  focusBacklashSteps: 0,
  focusDriftStepsPerCelsius: 0,
  focuserStepsPerSecond: 2000,
  auroraLevel: 0,
  meteorsPerHour: 12,
  satellitesPerHour: 20,
  aeroplanesPerHour: 6,
  milkyWay: true,
  landscape: true,
};

export function describeSettings(sensor: CameraSensor): SettingDescription[] {
  const number = (
    name: keyof SimulatorSettings,
    label: string,
    minimum: number,
    maximum: number,
    unit?: string,
  ): SettingDescription => ({ name, label, type: 'number', minimum, maximum, ...(unit ? { unit } : {}) });
  return [
    number('gain', 'Gain', 1, sensor.maximumGain),
    number('offset', 'Offset', 0, 1000, 'ADU'),
    number('temperatureCelsius', 'Sensor temperature', -40, 60, '°C'),
    { name: 'lens', label: 'Lens', type: 'choice', choices: lensNames },
    number('fieldOfViewDegrees', 'Field of view (0: usual for the lens)', 0, 220, '°'),
    number('fNumber', 'f-number', 0.7, 32),
    number('altitudeDegrees', 'Altitude of the middle', -10, 90, '°'),
    number('azimuthDegrees', 'Azimuth of the middle (at the zenith: of the lower edge)', 0, 360, '°'),
    number('rollDegrees', 'Roll', -180, 180, '°'),
    number('zenithMagnitude', 'Darkness of the zenith', 15, 22, 'mag/arcsec²'),
    number('cloudCover', 'Cloud cover', 0, 1),
    number('windMetresPerSecond', 'Wind at the clouds', 0, 60, 'm/s'),
    number('windAzimuthDegrees', 'Wind from', 0, 360, '°'),
    number('seeingArcseconds', 'Seeing', 0.3, 20, '″'),
    number('defocusPixels', 'Defocus (diameter of a star)', 0, largestDefocusPixels, 'px'),
    { name: 'focuserDrive', label: 'Focuser', type: 'choice', choices: focuserDrives },
    number('focusStepsPerPixel', 'Steps that unfocus a star by a pixel', 1, 1000),
    number('focusBacklashSteps', 'Play of the focuser', 0, 5000, 'steps'),
    number('focusDriftStepsPerCelsius', 'Drift of the focus', -1000, 1000, 'steps/°C'),
    number('focuserStepsPerSecond', 'Speed of the focuser', 1, 100_000, 'steps/s'),
    number('auroraLevel', 'Aurora (0 none, 3 storm)', 0, 3),
    number('meteorsPerHour', 'Meteors', 0, 3600, '/h'),
    number('satellitesPerHour', 'Satellites', 0, 600, '/h'),
    number('aeroplanesPerHour', 'Aeroplanes', 0, 200, '/h'),
    { name: 'milkyWay', label: 'Milky Way', type: 'boolean' },
    { name: 'landscape', label: 'Landscape', type: 'boolean' },
  ];
}

/** The settings with one changed. @throws bad-input for an unknown name, a wrong type, a value out of range or a view that can't be */
export function withSetting(
  settings: Readonly<SimulatorSettings>,
  sensor: CameraSensor,
  name: string,
  value: SettingValue,
): SimulatorSettings {
  const description = describeSettings(sensor).find((each) => each.name === name);
  if (!description) throw new NightflowError('bad-input', `The simulated camera has no setting "${name}".`);
  const refuse = (remedy: string): never => {
    throw new NightflowError('bad-input', `${description.label} can't be ${JSON.stringify(value)}.`, { remedy });
  };
  const { type, minimum = -Infinity, maximum = Infinity, choices = [], unit = '' } = description;
  if (type === 'number' && !(typeof value === 'number' && value >= minimum && value <= maximum))
    refuse(`Give a number from ${minimum} to ${maximum} ${unit}`.trim().concat('.'));
  if (type === 'choice' && !choices.includes(value as string)) refuse(`Choose one of ${choices.join(', ')}.`);
  if (type === 'boolean' && typeof value !== 'boolean') refuse('Give true or false.');
  const changed = { ...settings, [name]: value };
  if (name === 'lens' || name === 'fieldOfViewDegrees') lensOf(changed, sensor);
  return changed;
}

/** Starts from the defaults. @throws bad-input */
export function settingsFrom(options: Partial<SimulatorSettings>, sensor: CameraSensor): SimulatorSettings {
  let settings: SimulatorSettings = { gain: sensor.usualGain, ...defaultSettings };
  for (const name of Object.keys(settings) as (keyof SimulatorSettings)[]) {
    const value = options[name];
    if (value !== undefined) settings = withSetting(settings, sensor, name, value);
  }
  return settings;
}

export interface Shot {
  seed: number;
  site: FrameSite;
  startMilliseconds: number;
  exposureSeconds: number;
  kind: FrameKind;
}

/** What the renderer needs for one exposure. */
export function sceneOf(settings: Readonly<SimulatorSettings>, sensor: CameraSensor, shot: Shot): Scene {
  const { gain, offset, temperatureCelsius, fNumber } = settings;
  const { latitude, longitude, elevation } = shot.site;
  return {
    ...shot,
    site: { latitude, longitude, elevation },
    sensor,
    lens: lensOf(settings, sensor),
    fNumber,
    gain,
    offset,
    temperatureCelsius,
    conditions: conditionsOf(settings),
  };
}

function conditionsOf(settings: Readonly<SimulatorSettings>): Conditions {
  const { zenithMagnitude, cloudCover, windMetresPerSecond, windAzimuthDegrees, seeingArcseconds } = settings;
  const { defocusPixels, auroraLevel, meteorsPerHour, satellitesPerHour, aeroplanesPerHour } = settings;
  const { milkyWay, landscape } = settings;
  return {
    ...{ zenithMagnitude, cloudCover, windMetresPerSecond, windAzimuthDegrees, seeingArcseconds },
    ...{ defocusPixels, auroraLevel, meteorsPerHour, satellitesPerHour, aeroplanesPerHour },
    ...{ milkyWay, landscape },
  };
}

const usualField: Record<Projection, number> = {
  equidistant: 180,
  equisolid: 180,
  stereographic: 180,
  rectilinear: 60,
};

function lensOf(settings: Readonly<SimulatorSettings>, { width, height }: CameraSensor) {
  const projection: Projection = settings.lens === 'fisheye' ? 'equidistant' : settings.lens;
  return makeLens(width, height, projection, settings.fieldOfViewDegrees || usualField[projection], settings);
}

/** @throws bad-input when the sensor can't take it. */
export function checkExposure(sensor: CameraSensor, seconds: number): void {
  const { label, minimumExposureSeconds: shortest, maximumExposureSeconds: longest } = sensor;
  if (!(seconds >= shortest && seconds <= longest))
    throw new NightflowError('bad-input', `${label} can't expose for ${seconds} s.`, {
      remedy: `Choose between ${shortest} and ${longest} s.`,
    });
}

export const sensorNamed = (name: string): CameraSensor => {
  const sensor = Object.hasOwn(sensors, name) ? sensors[name as keyof typeof sensors] : null;
  if (sensor) return sensor;
  throw new NightflowError('bad-input', `There is no simulated sensor "${name}".`, {
    remedy: `Choose one of ${Object.keys(sensors).join(', ')}.`,
  });
};
