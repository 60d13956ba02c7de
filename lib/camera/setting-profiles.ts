/** Named profiles of a camera ("night", "twilight", "burst"): lists of settings that are set together. */
import { NightflowError } from '../process/errors.ts';
import type { WantedSetting } from './setting-values.ts';

export interface SettingProfile {
  name: string;
  settings: readonly WantedSetting[];
}

const mostProfiles = 100;
const mostSettings = 200;
const longestName = 80;

/** Profiles as a dialog stored them: `[{name, settings: [{name, value}]}]`; none when there is nothing. @throws bad-input */
export function readProfiles(stored: unknown): SettingProfile[] {
  if (stored === undefined || stored === null || stored === '') return [];
  if (!Array.isArray(stored) || stored.length > mostProfiles)
    throw refuse(`The profiles of a camera are a list of up to ${mostProfiles}.`);
  const names = new Set<string>();
  return stored.map((each: unknown, index) => {
    const { name, settings } = (each ?? {}) as Record<string, unknown>;
    const known = nameOf(name);
    if (known === null) throw refuse(`Profile ${index + 1} has no name.`);
    if (names.has(known)) throw refuse(`Two profiles have the name "${known}".`);
    names.add(known);
    return { name: known, settings: readWanted(settings, `The profile "${known}"`) };
  });
}

/** Settings in a list `[{name, value}]` or an object `{name: value}`. @throws bad-input naming `what` */
export function readWanted(stored: unknown, what: string): WantedSetting[] {
  if (stored === null || typeof stored !== 'object') throw refuse(`${what} is no list of settings.`);
  const entries: unknown[] = Array.isArray(stored)
    ? stored
    : Object.entries(stored).map(([name, value]) => ({ name, value }));
  if (entries.length > mostSettings) throw refuse(`${what} has more than ${mostSettings} settings.`);
  const names = new Set<string>();
  return entries.map((entry) => {
    const { name, value } = (entry ?? {}) as Record<string, unknown>;
    const known = nameOf(name);
    if (known === null) throw refuse(`${what} has a setting without a name.`);
    if (names.has(known)) throw refuse(`${what} sets "${known}" twice.`);
    names.add(known);
    return { name: known, value };
  });
}

/** @throws bad-input naming the profiles there are */
export function findProfile(profiles: readonly SettingProfile[], name: string, camera: string): SettingProfile {
  const found = profiles.find((each) => each.name === name.trim());
  if (found) return found;
  const there = profiles.map((each) => each.name).join(', ');
  throw new NightflowError('bad-input', `The camera ${camera} has no profile "${name.slice(0, longestName)}".`, {
    remedy: there ? `It has: ${there}.` : 'Add profiles to it in its dialog, and deploy.',
  });
}

const nameOf = (name: unknown): string | null =>
  typeof name === 'string' && name.trim() !== '' && name.length <= longestName ? name.trim() : null;

const refuse = (sentence: string) =>
  new NightflowError('bad-input', sentence, { remedy: 'Look at it in the dialog of the camera.' });
