/** What a server would drop without a word, or take although it is dangerous, is refused here, before it is sent. */
import { NightflowError } from '../process/errors.ts';
import type { IndiProperty } from './property.ts';
import type { ElementDefinition, NamedValue, Wish } from './protocol/message.ts';
import { parseNumber } from './protocol/number.ts';

/** By element name. Numbers may be sexagesimal text; a switch is true or false. What is not named stays as it is. */
export type WantedValues = Readonly<Record<string, number | string | boolean>>;

/**
 * The full vector that brings a property to `wanted`: drivers fill elements that are absent with uninitialised memory.
 * @throws bad-input naming device, property, element and the limit
 */
export function makeWish(property: IndiProperty | undefined, device: string, name: string, wanted: WantedValues): Wish {
  const path = `${device}.${name}`;
  if (!property)
    throw new NightflowError('bad-input', `The device ${device} has no property ${name}.`, {
      remedy: 'Check that the device is connected; some properties appear only then.',
    });
  if (property.permission === 'ro') throw new NightflowError('bad-input', `${path} can only be read.`);
  const { type } = property;
  if (type === 'light' || type === 'blob') throw new NightflowError('bad-input', `${path} (${type}) can't be set so.`);
  for (const element of Object.keys(wanted))
    if (!property.elements.has(element))
      throw new NightflowError('bad-input', `${path} has no element ${element}.`, {
        remedy: `It has: ${[...property.elements.keys()].join(', ')}.`,
      });
  // What it has is the time of its last setting: sent again it would set the clock back. Without its zone a driver crashes.
  if (name === 'TIME_UTC' && Object.keys(wanted).length < property.elements.size)
    throw new NightflowError('bad-input', `${path} is set as a whole: ${[...property.elements.keys()].join(' and ')}.`);
  const elements = [...property.elements.values()];
  const own = (element: string) => (Object.hasOwn(wanted, element) ? wanted[element] : undefined);
  const values =
    type === 'number'
      ? elements.map((element) => numberFor(path, element, own(element.name)))
      : type === 'text'
        ? elements.map((element) => textFor(path, element, own(element.name)))
        : switchesFor(property, path, wanted);
  return { tag: 'new', type, device, name, timestamp: null, elements: values };
}

function numberFor(
  path: string,
  element: ElementDefinition,
  wanted: number | string | boolean | undefined,
): NamedValue {
  const { name, minimum = 0, maximum = 0 } = element;
  const whole = `${path}.${name}`;
  if (wanted === undefined) {
    if (Number.isFinite(element.value)) return { name, value: element.value };
    throw new NightflowError('bad-input', `${whole} has no value yet that could stay: give one.`);
  }
  const value = typeof wanted === 'number' ? wanted : typeof wanted === 'string' ? parseNumber(wanted) : null;
  if (value === null || !Number.isFinite(value))
    throw new NightflowError('bad-input', `${whole} needs a number, not ${JSON.stringify(wanted)}.`);
  if (maximum > minimum && (value < minimum || value > maximum))
    throw new NightflowError('bad-input', `${whole} is from ${minimum} to ${maximum}, not ${value}.`);
  if (isWhole(element) && !Number.isInteger(value))
    throw new NightflowError('bad-input', `${whole} goes in whole steps, not to ${value}.`);
  return { name, value };
}

/**
 * A step is mostly a hint for sliders (exposures go by 1 s, focusers by 1,000), so values between are good. What counts whole
 * things (slots, binning, motor steps) shows it by a format without decimals.
 */
const isWhole = ({ step = 0, format = '' }: ElementDefinition): boolean =>
  step >= 1 && Number.isInteger(step) && (/%[-+ 0#]*\d*\.0*f/.test(format) || /%[-+ 0#]*\d*[diu]/.test(format));

function textFor(path: string, element: ElementDefinition, wanted: number | string | boolean | undefined): NamedValue {
  if (typeof wanted === 'boolean')
    throw new NightflowError('bad-input', `${path}.${element.name} needs a text, not ${wanted}.`);
  return { name: element.name, value: wanted === undefined ? element.value : String(wanted) };
}

function switchesFor(property: IndiProperty, path: string, wanted: WantedValues): NamedValue[] {
  for (const [element, value] of Object.entries(wanted))
    if (typeof value !== 'boolean')
      throw new NightflowError(
        'bad-input',
        `${path}.${element} is a switch: true or false, not ${JSON.stringify(value)}.`,
      );
  const turnedOn = Object.keys(wanted).filter((element) => wanted[element] === true);
  const exclusive = property.rule !== 'AnyOfMany';
  if (exclusive && turnedOn.length > 1)
    throw new NightflowError('bad-input', `Of ${path} only one can be on, not ${turnedOn.join(' and ')}.`);
  const values = [...property.elements.values()].map(({ name, value }) => ({
    name,
    value: Object.hasOwn(wanted, name) ? wanted[name]! : exclusive && turnedOn.length > 0 ? false : value,
  }));
  if (property.rule === 'OneOfMany' && !values.some(({ value }) => value === true))
    throw new NightflowError('bad-input', `Of ${path} one must be on: say which.`);
  return values;
}
