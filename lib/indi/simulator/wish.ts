/** What a driver looks at in a wish before it does anything. */
import type { ElementValue, Wish } from '../protocol/message.ts';
import type { Vector } from './vector.ts';

export type Values = Readonly<Record<string, ElementValue>>;

/** Why a driver drops it; null when it is good so far. */
export function complaintAbout(wish: Wish, vector: Vector | undefined): string | null {
  if (!vector) return `There is no property ${wish.name}.`;
  if (vector.permission === 'ro') return `${wish.name} can only be read.`;
  if (vector.type !== wish.type) return `${wish.name} is a ${vector.type}, not a ${wish.type}.`;
  const strange = wish.elements.find(({ name }) => !vector.elements.some((each) => each.name === name));
  if (strange) return `${wish.name} has no element ${strange.name}.`;
  if (wish.elements.some(({ value }) => typeof value === 'number' && !Number.isFinite(value)))
    return `${wish.name} needs numbers.`;
  if (vector.whole && wish.elements.length < vector.elements.length) return `${wish.name} came in part only.`;
  return wish.elements.length === 0 ? `${wish.name} came without a value.` : null;
}

/** All elements of the vector as they would be then. Of exclusive switches, one that is turned on turns the others off. */
export function wantedBy(wish: Wish, vector: Vector): Values {
  const named = Object.fromEntries(wish.elements.map(({ name, value }) => [name, value]));
  const exclusive =
    vector.rule !== null && vector.rule !== 'AnyOfMany' && wish.elements.some(({ value }) => value === true);
  return Object.fromEntries(
    vector.elements.map(({ name, value }) => [
      name,
      Object.hasOwn(named, name) ? named[name]! : exclusive ? false : value,
    ]),
  );
}

/** What a driver says of switches that break their rule; null when they don't. */
export function ruleBroken({ name, rule }: Vector, wanted: Values): string | null {
  const on = Object.values(wanted).filter((value) => value === true).length;
  if (rule !== null && rule !== 'AnyOfMany' && on > 1) return `Error: ${name}: Too many switches are on.`;
  if (rule === 'OneOfMany' && on === 0) return `Error: ${name}: No switch is on.`;
  return null;
}

/** The first number beyond its limits, as a sentence. */
export function outOfRange({ name, elements }: Vector, wanted: Values): string | null {
  const beyond = elements.find(({ name, minimum = 0, maximum = 0 }) => {
    const value = wanted[name];
    return typeof value === 'number' && maximum > minimum && (value < minimum || value > maximum);
  });
  if (!beyond) return null;
  return `[ERROR] ${name}.${beyond.name} is from ${beyond.minimum} to ${beyond.maximum}, not ${wanted[beyond.name]}.`;
}

export const zeros = (wanted: Values): Values => Object.fromEntries(Object.keys(wanted).map((each) => [each, 0]));
