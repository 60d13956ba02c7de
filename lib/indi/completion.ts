/**
 * When a command has done what was asked: pure functions of what happened since it was sent. A state alone never tells:
 * drivers say Ok too early, twice, after an abort, or Idle instead (docs/indi.md has the cases).
 */
import type { BlobArrival } from './blob/traffic.ts';
import { type IndiProperty, isOn, numberOf } from './property.ts';

/** One thing that happened on the device after the command went out. */
export type Happening =
  /** The property as it stood when the command went out: always the first. */
  | { what: 'sent'; property: IndiProperty }
  | { what: 'updated'; property: IndiProperty; message: string | null }
  /** The driver defined the property again when asked whether it lives: it has read the command by then. */
  | { what: 'confirmed'; property: IndiProperty }
  | { what: 'message'; message: string }
  | { what: 'blob'; arrival: BlobArrival };

export type Verdict =
  | 'waiting'
  /**
   * Done, if nothing else comes within `settleSeconds`: a second update may still take it back. Where `standing` is given, updates
   * that leave it as it is are nothing: encoders tremble.
   */
  | { done: true; settleSeconds: number; standing?: string }
  /** The device said no, or did something else. */
  | { rejected: string };

/** @param history Since the command, oldest first. @param current The properties of the device as they stand. */
export type Judge = (history: readonly Happening[], current: (name: string) => IndiProperty | undefined) => Verdict;

/** An Alert after the Ok comes within 1 ms (measured); a busy machine is given more. */
export const settleSeconds = 0.05;
export const done: Verdict = { done: true, settleSeconds };

export type Wanted = Readonly<Record<string, number | string | boolean>>;

/** Updates of one property, oldest first. */
export const updatesOf = (history: readonly Happening[], name: string): IndiProperty[] =>
  history.flatMap((each) => (each.what === 'updated' && each.property.name === name ? [each.property] : []));

/** The property as the driver defined it after it had read the command. */
export function confirmationOf(history: readonly Happening[], name: string): IndiProperty | undefined {
  const found = history.findLast((each) => each.what === 'confirmed' && each.property.name === name);
  return found?.what === 'confirmed' ? found.property : undefined;
}

/**
 * Idle that answers the command: after Busy (an abort), after a sentence of the driver (a refusal), or when the driver is
 * known to have read the command. An Idle before all that may have been under way already: idle mounts send their position.
 */
export function wentIdle(history: readonly Happening[], name: string): boolean {
  let answered = false;
  for (const each of history) {
    if (each.what === 'message' || each.what === 'confirmed') answered = true;
    if ((each.what !== 'updated' && each.what !== 'confirmed') || each.property.name !== name) continue;
    if (each.property.state === 'Idle' && answered) return true;
    if (each.property.state === 'Busy') answered = true;
  }
  return false;
}

/** Why: the driver's last warning or error, else its last sentence that is no mere information, else `otherwise`. */
export function reasonOf(history: readonly Happening[], otherwise: string): string {
  const said = history.flatMap((each) =>
    (each.what === 'message' || each.what === 'updated') && each.message ? [each.message.trim()] : [],
  );
  const grave = said.findLast((sentence) => /\[(?:ERROR|WARNING)\]|\berror\b/i.test(sentence));
  return grave ?? said.findLast((sentence) => !sentence.startsWith('[INFO]')) ?? said.at(-1) ?? otherwise;
}

/**
 * The first Alert stays: what follows (an Ok with the old value) does not take it back. But a property that was at Alert
 * before may be repeated so, without a sentence, when the command is read; that one counts only when nothing better follows.
 */
export function alertIn(history: readonly Happening[], name: string): { rejected: string } | null {
  let stale = false;
  for (const each of history) {
    if (each.what === 'message') stale = false;
    if (!('property' in each) || each.property.name !== name) continue;
    const alert = each.property.state === 'Alert';
    if (each.what === 'sent') stale = alert;
    else if (alert && !(stale && each.what === 'updated' && !each.message))
      return { rejected: reasonOf(history, `${name} went to Alert.`) };
    else stale = false;
  }
  return null;
}

/** Numbers agree to a millionth of their size: drivers pass through single precision. */
export function holds(property: IndiProperty, wanted: Wanted, tolerance?: number): boolean {
  return Object.entries(wanted).every(([element, value]) => {
    const now = property.elements.get(element)?.value;
    if (typeof value !== 'number') return now === value;
    return typeof now === 'number' && Math.abs(now - value) <= (tolerance ?? 1e-6 * Math.max(1, Math.abs(value)));
  });
}

/** Any plain setting: Ok, or Idle with the values asked for (some drivers never say Ok). */
export const setting =
  (name: string, wanted: Wanted): Judge =>
  (history) => {
    const alert = alertIn(history, name);
    if (alert) return alert;
    const last = updatesOf(history, name).at(-1) ?? confirmationOf(history, name);
    if (!last) return 'waiting';
    const reached = holds(last, wanted);
    const confirmedOnly = updatesOf(history, name).length === 0;
    if (confirmedOnly) return reached && last.state !== 'Busy' ? done : 'waiting';
    if (last.state === 'Ok') return done;
    if (last.state === 'Idle') return reached ? done : { rejected: reasonOf(history, `${name} stayed as it was.`) };
    return 'waiting';
  };

/** Ok and Idle both will do, with this switch on. `tracking` and `streaming` stay Busy while they are on. */
export const switched =
  (name: string, element: string, options: { busyIsDone?: boolean } = {}): Judge =>
  (history) => {
    const alert = alertIn(history, name);
    if (alert) return alert;
    const updates = updatesOf(history, name);
    const last = updates.at(-1) ?? confirmationOf(history, name);
    if (!last) return 'waiting';
    if (isOn(last, element)) return last.state === 'Busy' && !options.busyIsDone ? 'waiting' : done;
    if (updates.length === 0 || last.state === 'Busy') return 'waiting';
    return { rejected: reasonOf(history, `${name} did not go to ${element}.`) };
  };

/** A button: On is never reported back; anything but Alert and Busy is good. */
export const pressed =
  (name: string): Judge =>
  (history) => {
    const alert = alertIn(history, name);
    const last = updatesOf(history, name).at(-1);
    return alert ?? (last && last.state !== 'Busy' ? done : 'waiting');
  };

/** Whether a number is within `tolerance` of `target`. */
export const near = (
  property: IndiProperty | undefined,
  element: string,
  target: number,
  tolerance: number,
): boolean => {
  const value = numberOf(property, element);
  return value !== null && Math.abs(value - target) <= tolerance;
};
