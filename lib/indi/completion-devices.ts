/** When mounts, cameras, focusers, wheels, coolers and domes have done what was asked. Pure functions, one for each role. */
import {
  alertIn,
  confirmationOf,
  done,
  type Happening,
  type Judge,
  near,
  reasonOf,
  settleSeconds,
  switched,
  updatesOf,
  type Verdict,
  wentIdle,
} from './completion.ts';
import { type IndiProperty, isOn, numberOf } from './property.ts';
import type { BlobValue } from './protocol/message.ts';

export interface EquatorialTarget {
  /** Hours and degrees in the driver's frame (of date for EQUATORIAL_EOD_COORD). */
  raHours: number;
  decDegrees: number;
}

/** A hundredth of a degree: mounts round, and end some arc seconds off. */
const slewToleranceDegrees = 0.01;
/**
 * A mount whose axes arrive one after the other stands still in the sky meanwhile: 8 s of a long way in declination are 2' (the
 * telescope simulator, measured). It says Ok there; so near, standing still for so long, it has done what it can.
 */
const nearDegrees = 0.5;
const nearStillSeconds = 2;

/** On the sky, degrees. */
export function separationDegrees(a: EquatorialTarget, b: EquatorialTarget): number {
  const radians = Math.PI / 180;
  const [d1, d2] = [a.decDegrees * radians, b.decDegrees * radians];
  const half = (angle: number) => Math.sin(angle / 2) ** 2;
  const h = half(d2 - d1) + Math.cos(d1) * Math.cos(d2) * half((b.raHours - a.raHours) * 15 * radians);
  return (2 * Math.asin(Math.min(1, Math.sqrt(h)))) / radians;
}

const coordinates = (property: IndiProperty | undefined): EquatorialTarget | null => {
  const [raHours, decDegrees] = [numberOf(property, 'RA'), numberOf(property, 'DEC')];
  return raHours === null || decDegrees === null ? null : { raHours, decDegrees };
};

/**
 * Slew or sync: Ok and there; a slew may end a little beside it. Ok elsewhere is too early and waits on. Idle is an abort or a
 * refusal (a parked mount), and stays one: 70 ms after an abort a tracking mount says Ok again.
 */
export const arrived =
  (target: EquatorialTarget, toleranceDegrees = slewToleranceDegrees, name = 'EQUATORIAL_EOD_COORD'): Judge =>
  (history) => {
    const alert = alertIn(history, name);
    if (alert) return alert;
    const updates = updatesOf(history, name);
    if (wentIdle(history, name)) return { rejected: reasonOf(history, 'The mount stopped before it was there.') };
    const last = updates.at(-1);
    const at = coordinates(last);
    if (last?.state !== 'Ok' || !at) return 'waiting';
    const away = separationDegrees(at, target);
    if (away <= toleranceDegrees) return done;
    // A sync moves nothing, so is never Busy: it is exact or was not taken.
    const moved = updates.some(({ state }) => state === 'Busy');
    if (!moved || away > nearDegrees) return 'waiting';
    const standing = [at.raHours * 15, at.decDegrees]
      .map((degrees) => Math.round(degrees / slewToleranceDegrees))
      .join();
    return { done: true, settleSeconds: nearStillSeconds, standing };
  };

/** Park or unpark, of a mount (TELESCOPE_PARK) or a dome (DOME_PARK). */
export const parked = (element: 'PARK' | 'UNPARK', name = 'TELESCOPE_PARK'): Judge => switched(name, element);

/** Tracking is shown as Busy while it is on. */
export const tracking = (on: boolean): Judge =>
  switched('TELESCOPE_TRACK_STATE', on ? 'TRACK_ON' : 'TRACK_OFF', { busyIsDone: true });

/** The abort was taken, and nothing moves any more. */
export const motionStopped =
  (abort = 'TELESCOPE_ABORT_MOTION', motion = 'EQUATORIAL_EOD_COORD'): Judge =>
  (history, current) => {
    const last = updatesOf(history, abort).at(-1);
    if (!last || last.state === 'Busy') return 'waiting';
    if (last.state === 'Alert' && current(motion)?.state === 'Busy')
      return { rejected: reasonOf(history, 'The mount did not stop.') };
    return current(motion)?.state === 'Busy' ? 'waiting' : done;
  };

export interface ExposureCompletion {
  /** CCD_EXPOSURE, or GUIDER_EXPOSURE. */
  exposure?: string;
  /** CCD1 or CCD2; null when the picture stays on the server (UPLOAD_LOCAL). */
  blob?: string | null;
}

/** Picture and Ok, in either order. Idle is an abort, also when the value has counted down to 0. */
export const exposed =
  ({ exposure = 'CCD_EXPOSURE', blob = 'CCD1' }: ExposureCompletion = {}): Judge =>
  (history) => {
    const alert = alertIn(history, exposure);
    if (alert) return alert;
    const updates = updatesOf(history, exposure);
    // Before the first sign of this exposure, only a late picture of another can come.
    const began = history.findIndex((each) => each.what === 'updated' && each.property.name === exposure);
    const picture = blob === null || began < 0 ? null : pictureIn(history.slice(began), blob);
    if (picture?.error) return { rejected: picture.error };
    const ok = updates.some(({ state }) => state === 'Ok');
    if (!ok && wentIdle(history, exposure)) return { rejected: reasonOf(history, 'The exposure was stopped.') };
    return ok && (blob === null || picture !== null) ? { done: true, settleSeconds: 0 } : 'waiting';
  };

/** The first picture of a property in the history; frames of a stream are none. */
export const pictureIn = (history: readonly Happening[], property: string): BlobValue | null =>
  history
    .flatMap((each) => (each.what === 'blob' && each.arrival.property === property ? each.arrival.elements : []))
    .find(({ blob }) => !blob.format.startsWith('.stream'))?.blob ?? null;

/** The final position, standing still: some drivers say Ok at once, or with the position of before. */
export const focused =
  (position: number, toleranceSteps = 1, stillSeconds = 0.3): Judge =>
  (history, current) =>
    still(history, current, 'ABS_FOCUS_POSITION', 'FOCUS_ABSOLUTE_POSITION', position, toleranceSteps, stillSeconds);

/** A rotator's angle, degrees. */
export const rotated =
  (angleDegrees: number, toleranceDegrees = 0.1): Judge =>
  (history, current) =>
    still(history, current, 'ABS_ROTATOR_ANGLE', 'ANGLE', angleDegrees, toleranceDegrees, settleSeconds);

export const filterSelected =
  (slot: number): Judge =>
  (history, current) =>
    still(history, current, 'FILTER_SLOT', 'FILTER_SLOT_VALUE', slot, 0.01, settleSeconds);

function still(
  history: readonly Happening[],
  current: (name: string) => IndiProperty | undefined,
  name: string,
  element: string,
  target: number,
  tolerance: number,
  seconds: number,
): Verdict {
  const alert = alertIn(history, name);
  if (alert) return alert;
  const heard = history.some(
    (each) => (each.what === 'updated' || each.what === 'confirmed') && each.property.name === name,
  );
  const now = current(name);
  if (!heard || !now || now.state === 'Busy') return 'waiting';
  return near(now, element, target, tolerance) ? { done: true, settleSeconds: seconds } : 'waiting';
}

/** Within tolerance: the driver stays Busy for some seconds after that, or for ever. Idle means that the cooler is off. */
export const cooled =
  (celsius: number, toleranceCelsius = 0.5): Judge =>
  (history) => {
    const name = 'CCD_TEMPERATURE';
    const alert = alertIn(history, name);
    if (alert) return alert;
    const last = updatesOf(history, name).at(-1) ?? confirmationOf(history, name);
    if (!last) return 'waiting';
    if (near(last, 'CCD_TEMPERATURE_VALUE', celsius, toleranceCelsius)) return done;
    return last.state === 'Idle' ? { rejected: reasonOf(history, 'The cooler is off.') } : 'waiting';
  };

/** Parked, and the shutter closed when the dome closes it on parking: DOME_PARK says Ok 2 s before it is. */
export const domeParked =
  (options: { shutter: boolean }): Judge =>
  (history, current) => {
    const dome = parked('PARK', 'DOME_PARK')(history, current);
    if (dome === 'waiting' || 'rejected' in dome || !options.shutter) return dome;
    const alert = alertIn(history, 'DOME_SHUTTER');
    if (alert) return alert;
    const shutter = current('DOME_SHUTTER');
    return shutter && isOn(shutter, 'SHUTTER_CLOSE') && (shutter.state === 'Ok' || shutter.state === 'Idle')
      ? done
      : 'waiting';
  };

export const shutter = (open: boolean): Judge => switched('DOME_SHUTTER', open ? 'SHUTTER_OPEN' : 'SHUTTER_CLOSE');

/** On while Busy; off once Idle or Ok. */
export const streaming = (on: boolean): Judge =>
  switched('CCD_VIDEO_STREAM', on ? 'STREAM_ON' : 'STREAM_OFF', { busyIsDone: on });

/** A recording of a given duration or number of frames: Busy, then anything else (Idle, measured) once it is written. */
export const recorded: Judge = (history) => {
  const name = 'RECORD_STREAM';
  const alert = alertIn(history, name);
  if (alert) return alert;
  const states = updatesOf(history, name).map(({ state }) => state);
  const began = states.indexOf('Busy');
  return began >= 0 && states.slice(began).some((state) => state !== 'Busy') ? done : 'waiting';
};
