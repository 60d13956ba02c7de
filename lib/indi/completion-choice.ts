/** Which judge a property needs when somebody sets it by its name: what moves has its own, all others are plain settings. */
import { type Judge, pressed, switched } from './completion.ts';
import {
  arrived,
  cooled,
  domeParked,
  exposed,
  filterSelected,
  focused,
  parked,
  recorded,
  rotated,
  shutter,
  streaming,
  tracking,
} from './completion-devices.ts';
import { type IndiProperty, isOn } from './property.ts';
import { parseNumber } from './protocol/number.ts';
import type { WantedValues } from './validate.ts';

/** Longest times for what takes long, s; others get the driver's own limit. */
const patience: Readonly<Record<string, number>> = {
  EQUATORIAL_EOD_COORD: 300,
  EQUATORIAL_COORD: 300,
  TELESCOPE_PARK: 600,
  DOME_PARK: 600,
  DOME_SHUTTER: 300,
  ABS_DOME_POSITION: 300,
  ABS_FOCUS_POSITION: 300,
  CCD_TEMPERATURE: 1800,
};

/** Stops something: past whatever waits for the device. */
export const isAbort = (property: string): boolean => /(?:^|_)ABORT(?:_|$)/.test(property);

/**
 * @param values As they will be sent. @param find Other properties of the device.
 * @returns undefined: the judge of a plain setting
 */
export function judgeOf(
  property: IndiProperty,
  values: WantedValues,
  find: (name: string) => IndiProperty | undefined,
): Judge | undefined {
  const { name, type, rule } = property;
  const on = Object.keys(values).find((element) => values[element] === true);
  const number = (element: string) => numberIn(values[element]) ?? 0;
  if (type === 'number') {
    if (name === 'EQUATORIAL_EOD_COORD' || name === 'EQUATORIAL_COORD')
      return arrived({ raHours: number('RA'), decDegrees: number('DEC') }, undefined, name);
    if (name === 'ABS_FOCUS_POSITION') return focused(number('FOCUS_ABSOLUTE_POSITION'));
    if (name === 'ABS_ROTATOR_ANGLE') return rotated(number('ANGLE'));
    if (name === 'FILTER_SLOT') return filterSelected(number('FILTER_SLOT_VALUE'));
    if (name === 'CCD_TEMPERATURE') return cooled(number('CCD_TEMPERATURE_VALUE'));
    // Whoever wants the picture takes it from astro-camera.
    if (name === 'CCD_EXPOSURE' || name === 'GUIDER_EXPOSURE') return exposed({ exposure: name, blob: null });
  }
  if (type !== 'switch') return undefined;
  if (isAbort(name) || property.permission === 'wo') return pressed(name);
  if (!on) return undefined;
  if (name === 'TELESCOPE_TRACK_STATE') return tracking(on === 'TRACK_ON');
  if (name === 'TELESCOPE_PARK') return parked(on === 'PARK' ? 'PARK' : 'UNPARK');
  const closes = isOn(find('DOME_SHUTTER_PARK_POLICY'), 'SHUTTER_CLOSE_ON_PARK');
  if (name === 'DOME_PARK') return on === 'PARK' ? domeParked({ shutter: closes }) : parked('UNPARK', name);
  if (name === 'DOME_SHUTTER') return shutter(on === 'SHUTTER_OPEN');
  if (name === 'CCD_VIDEO_STREAM') return streaming(on === 'STREAM_ON');
  if (name === 'RECORD_STREAM') return on === 'RECORD_DURATION_ON' || on === 'RECORD_FRAME_ON' ? recorded : undefined;
  if (name === 'CONNECTION') return switched(name, on);
  // A button never stays on.
  if (rule === 'AtMostOne') return pressed(name);
  return undefined;
}

/** Seconds; undefined: the driver's own limit. @param values As they will be sent. */
export function timeoutOf({ name }: IndiProperty, values: WantedValues): number | undefined {
  if (name.endsWith('_EXPOSURE')) return (numberIn(Object.values(values)[0]) ?? 0) + 60;
  return patience[name];
}

const numberIn = (value: number | string | boolean | undefined): number | null =>
  typeof value === 'number' ? value : typeof value === 'string' ? parseNumber(value) : null;
