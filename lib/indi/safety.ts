/**
 * Whether what a device says is safe: pure rules, each of which answers with null or with the reason. They fail closed: what is
 * unknown, not connected, at Alert or not heard of for too long is unsafe.
 */
import { NightflowError } from '../process/errors.ts';
import { type IndiProperty, isOn, numberOf } from './property.ts';
import type { PropertyState } from './protocol/message.ts';
import type { IndiStore } from './store.ts';

export const safetyTests = ['ok', 'range', 'on', 'off'] as const;

export interface SafetyRule {
  device: string;
  property: string;
  /** Empty with 'ok': the state of the whole property. */
  element: string;
  /** 'ok': the state, or the light, is Ok. 'range': the number is from `low` to `high`. 'on', 'off': the switch is. */
  test: (typeof safetyTests)[number];
  low: number | null;
  high: number | null;
}

export interface Trouble {
  kind: 'unknown' | 'disconnected' | 'alert' | 'warning' | 'limit' | 'stale';
  device: string;
  property: string;
  element: string;
  /** A sentence. */
  reason: string;
}

/** What is known of how fresh a property is. */
export interface Freshness {
  /** Seconds since its last update; null when none came since it was defined. */
  ageSeconds: number | null;
  /** Longest that is believed; null: any, as of what is sent only when it changes. */
  limitSeconds: number | null;
  /** Whether the driver answers; null before the first answer. */
  answers: boolean | null;
}

/** @throws bad-input naming what is missing in the rule */
export function checkRule(rule: SafetyRule): void {
  const { device, property, element, test, low, high } = rule;
  const path = pathOf(rule);
  if (!device || !property) throw new NightflowError('bad-input', 'A safety rule needs a device and a property.');
  if (test !== 'ok' && !element)
    throw new NightflowError('bad-input', `The safety rule for ${path} needs an element.`, {
      remedy: 'Choose whose value decides.',
    });
  if (test !== 'range') return;
  if (low === null && high === null)
    throw new NightflowError('bad-input', `The safety rule for ${path} has no limit.`, {
      remedy: 'Give the lowest or the highest value that is safe, or both.',
    });
  if (low !== null && high !== null && low > high)
    throw new NightflowError('bad-input', `The safety rule for ${path} allows nothing: ${low} is above ${high}.`);
}

/** @param busyIsSafe A warning of a weather station, a tracking mount. @returns why it is unsafe; null: it is not */
export function troubleOf(
  rule: SafetyRule,
  store: IndiStore | null,
  freshness: Freshness,
  { busyIsSafe }: { busyIsSafe: boolean },
): Trouble | null {
  const { device, property: name, element } = rule;
  const trouble = (kind: Trouble['kind'], reason: string): Trouble => ({
    kind,
    device,
    property: name,
    element,
    reason,
  });
  if (!store) return trouble('disconnected', 'The INDI server is not connected.');
  const connection = store.property(device, 'CONNECTION');
  if (connection && !isOn(connection, 'CONNECT')) return trouble('disconnected', `${device} is not connected.`);
  const property = store.property(device, name);
  if (!property) return trouble('unknown', `${device} has no property ${name} now.`);
  if (element && !property.elements.has(element)) return trouble('unknown', `${pathOf(rule)} is not there.`);
  const path = labelOf(property, element);
  const state = stateOf(property, element);
  if (property.state === 'Alert' || state === 'Alert')
    return trouble('alert', `${path} is at Alert${namesOf(property, element, 'Alert')}.`);
  const wrong = wrongValue(rule, property, state, busyIsSafe);
  if (wrong) return trouble(wrong.kind, `${path} ${wrong.reason}.`);
  const { answers, ageSeconds, limitSeconds } = freshness;
  if (answers === false) return trouble('stale', `The driver of ${device} does not answer.`);
  if (answers === null) return trouble('unknown', `Whether the driver of ${device} answers is not known yet.`);
  if (limitSeconds === null) return null;
  if (ageSeconds === null) return trouble('unknown', `${path} was not refreshed yet since it is watched.`);
  if (ageSeconds > limitSeconds) return trouble('stale', `${path} was not refreshed for ${Math.round(ageSeconds)} s.`);
  return null;
}

function wrongValue(
  { test, element, low, high }: SafetyRule,
  property: IndiProperty,
  state: PropertyState,
  busyIsSafe: boolean,
): { kind: Trouble['kind']; reason: string } | null {
  if ((state === 'Busy' || property.state === 'Busy') && !busyIsSafe)
    return { kind: 'warning', reason: `is Busy${namesOf(property, element, 'Busy')}` };
  if (test === 'ok') return state === 'Idle' ? { kind: 'unknown', reason: 'tells nothing (Idle)' } : null;
  if (test === 'range') {
    const value = numberOf(property, element);
    if (value === null) return { kind: 'unknown', reason: 'is no number' };
    if (low !== null && value < low) return { kind: 'limit', reason: `is ${shown(value)}, below ${low}` };
    if (high !== null && value > high) return { kind: 'limit', reason: `is ${shown(value)}, above ${high}` };
    return null;
  }
  const value = property.elements.get(element)?.value;
  if (typeof value !== 'boolean') return { kind: 'unknown', reason: 'is no switch' };
  return value === (test === 'on') ? null : { kind: 'limit', reason: `is ${value ? 'on' : 'off'}` };
}

/** Of a light its own, else the property's. */
function stateOf(property: IndiProperty, element: string): PropertyState {
  const value = element ? property.elements.get(element)?.value : undefined;
  return property.type === 'light' && element ? (value as PropertyState) : property.state;
}

/** The lights behind the state of a whole vector. */
function namesOf({ type, elements }: IndiProperty, element: string, state: PropertyState): string {
  if (type !== 'light' || element) return '';
  const names = [...elements.values()].filter(({ value }) => value === state).map(({ name, label }) => label || name);
  return names.length > 0 ? `: ${names.join(', ')}` : '';
}

function labelOf({ device, name, elements }: IndiProperty, element: string): string {
  return element ? `${device}: ${elements.get(element)?.label || element}` : `${device}: ${name}`;
}

const pathOf = ({ device, property, element }: SafetyRule): string =>
  [device, property, element].filter(Boolean).join('.');

const shown = (value: number): string => `${Number(value.toPrecision(4))}`;
