/** A configuration entry of a body, as gphoto2's shell prints it, and as one of our settings. */
import { NightflowError } from '../process/errors.ts';
import type { SettingDescription, SettingValue } from './camera.ts';

export interface ConfigEntry {
  /** '/main/imgsettings/iso' */
  path: string;
  label: string;
  readOnly: boolean;
  type: 'TEXT' | 'RANGE' | 'TOGGLE' | 'RADIO' | 'MENU' | 'DATE' | 'BUTTON' | 'OTHER';
  current: string;
  choices: readonly string[];
  /** Of a range. */
  bottom: number | null;
  top: number | null;
  step: number | null;
}

const types = new Set(['TEXT', 'RANGE', 'TOGGLE', 'RADIO', 'MENU', 'DATE', 'BUTTON']);

/** @param lines The answer to `get-config`. @throws failed for an answer that is none */
export function parseEntry(path: string, lines: readonly string[]): ConfigEntry {
  const value = (key: string): string | null => {
    const line = lines.find((each) => each.startsWith(`${key}:`));
    return line === undefined ? null : line.slice(key.length + 1).trim();
  };
  const type = value('Type');
  if (type === null)
    throw new NightflowError('failed', `gphoto2 did not describe ${path}.`, {
      cause: new Error(lines.join('\n').slice(0, 500)),
    });
  const number = (text: string | null) =>
    text === null || text === '' || Number.isNaN(Number(text)) ? null : Number(text);
  return {
    path,
    label: value('Label') || path,
    readOnly: value('Readonly') === '1',
    type: types.has(type) ? (type as ConfigEntry['type']) : 'OTHER',
    current: value('Current') ?? '',
    choices: lines.flatMap((line) => /^Choice: \d+ (.*)$/.exec(line)?.[1] ?? []),
    bottom: number(value('Bottom')),
    top: number(value('Top')),
    step: number(value('Step')),
  };
}

/** The last part of the path where that is enough to tell it from the others. */
export function settingNames(paths: readonly string[]): Map<string, string> {
  const last = (path: string) => path.slice(path.lastIndexOf('/') + 1);
  const counts = new Map<string, number>();
  for (const path of paths) counts.set(last(path), (counts.get(last(path)) ?? 0) + 1);
  return new Map(paths.map((path) => [counts.get(last(path)) === 1 ? last(path) : path, path]));
}

export function describeEntry(name: string, entry: ConfigEntry): SettingDescription {
  const { label, type, choices, bottom, top, step, current } = entry;
  const readOnly = entry.readOnly || type === 'DATE' || type === 'BUTTON' || type === 'OTHER';
  const common = { name, label, ...(readOnly ? { readOnly } : {}) };
  switch (type) {
    case 'RANGE':
      return {
        ...common,
        type: 'number',
        ...(bottom === null ? {} : { minimum: bottom }),
        ...(top === null ? {} : { maximum: top }),
        ...(step === null ? {} : { step }),
      };
    case 'TOGGLE':
      return { ...common, type: 'boolean' };
    case 'RADIO':
    case 'MENU':
      // What is in force may be none of what can be chosen ("Unknown value 0012").
      return { ...common, type: 'choice', choices: choices.includes(current) ? choices : [...choices, current] };
    default:
      return { ...common, type: 'text' };
  }
}

export function settingOf({ type, current }: ConfigEntry): SettingValue {
  if (type === 'RANGE') return Number(current);
  // 2: the body doesn't tell.
  if (type === 'TOGGLE') return current === '1';
  return current;
}

/**
 * The command that sets a value. A choice goes by its number: a text that is not in the list would be taken for something near it without
 * a word, and '1' for the choice number 1. @throws bad-input
 */
export function setCommand(name: string, entry: ConfigEntry, value: SettingValue): string {
  const { type, label, choices, bottom, top, path } = entry;
  const refuse = (remedy: string): never => {
    throw new NightflowError('bad-input', `${label} (${name}) can't be ${JSON.stringify(value)}.`, { remedy });
  };
  if (describeEntry(name, entry).readOnly) refuse('The camera only tells it.');
  switch (type) {
    case 'RADIO':
    case 'MENU': {
      const index = choices.indexOf(String(value));
      if (index < 0 || typeof value === 'boolean') refuse(`Choose one of ${choices.join(', ')}.`);
      return `set-config-index ${path}=${index}`;
    }
    case 'TOGGLE':
      if (typeof value !== 'boolean') refuse('Give true or false.');
      return `set-config ${path}=${value ? 1 : 0}`;
    case 'RANGE':
      if (typeof value !== 'number' || !(value >= (bottom ?? -Infinity) && value <= (top ?? Infinity)))
        refuse(`Give a number from ${bottom ?? 'any'} to ${top ?? 'any'}.`);
      return `set-config ${path}=${value}`;
    default:
      if (typeof value !== 'string' || /[\r\n]/.test(value)) refuse('Give a text of one line.');
      return `set-config ${path}=${value}`;
  }
}

/** Whether what was read back is what was set: ranges come back as '7.000000', and perhaps rounded to their step. */
export function tookEffect(entry: ConfigEntry, value: SettingValue): boolean {
  const now = settingOf(entry);
  if (typeof value === 'number' && typeof now === 'number')
    return Math.abs(now - value) <= Math.max(1e-6, Math.abs(entry.step ?? 0) / 2);
  // An action ("bulb", "capture") is told as unknown by many bodies.
  if (entry.type === 'TOGGLE' && entry.current === '2') return true;
  return String(now) === String(value);
}
