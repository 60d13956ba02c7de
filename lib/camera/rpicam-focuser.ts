/** The focus motor of a camera module (Camera Module 3 and a few others) as a focuser with a scale. */
import { NightflowError, throwIfAborted } from '../process/errors.ts';
import type { Focuser } from './focuser.ts';

/** libcamera counts in dioptres; the motor has about a thousand positions over its ten or so. */
const stepsPerDioptre = 100;

export interface LensRange {
  /** Dioptres. */
  minimum: number;
  maximum: number;
}

/** @param get, set The lens position, dioptres. It moves with the next exposure, before it begins. */
export function lensFocuser(range: LensRange, get: () => number, set: (dioptres: number) => Promise<unknown>): Focuser {
  const minimum = Math.ceil(range.minimum * stepsPerDioptre);
  const maximum = Math.floor(range.maximum * stepsPerDioptre);
  const position = () => Math.round(get() * stepsPerDioptre);
  const moveTo = async (target: number, signal?: AbortSignal) => {
    throwIfAborted(signal);
    if (!Number.isInteger(target) || target < minimum || target > maximum)
      throw new NightflowError('bad-input', `The lens can't go to ${target}.`, {
        remedy: `Its scale is from ${minimum} (far) to ${maximum} (near), whole hundredths of a dioptre.`,
      });
    await set(target / stepsPerDioptre);
  };
  return {
    info: { name: 'Lens', drive: 'absolute', minimum, maximum, smallestMove: 1, largestMove: null },
    position: async () => position(),
    temperatureCelsius: async () => null,
    moveBy: (steps, signal) => moveTo(position() + steps, signal),
    moveTo,
  };
}
