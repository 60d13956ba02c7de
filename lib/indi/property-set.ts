/** Setting any property by its name: what a person or a message says is brought into the shape of the property, and judged by its role. */
import { NightflowError } from '../process/errors.ts';
import type { IndiClient } from './client.ts';
import type { CommandResult } from './command.ts';
import { isAbort, judgeOf, timeoutOf } from './completion-choice.ts';
import type { IndiProperty } from './property.ts';
import type { WantedValues } from './validate.ts';

export interface PropertyWish {
  device: string;
  property: string;
  /** Whose value `value` is; empty: the only element, or the switch that `value` names. */
  element: string;
  /** A value, or an object of values by element. */
  value: unknown;
  /** null: as long as such a thing may take. */
  timeoutSeconds?: number | null;
}

/** How long a property may take to be defined, s: some appear only a moment after connecting. */
const definitionSeconds = 10;

/** @returns how it ended, and what was asked for. @throws bad-input (nothing was sent), lost (no such property), aborted */
export async function setProperty(
  client: IndiClient,
  { device, property: name, element, value, timeoutSeconds }: PropertyWish,
  signal?: AbortSignal,
): Promise<CommandResult> {
  const property = await knownProperty(client, device, name, signal);
  const values = wantedValues(property, element, value);
  const judge = judgeOf(property, values, (other) => client.store.property(device, other));
  const limit = timeoutSeconds ?? timeoutOf(property, values);
  const request = { device, property: name, values, judge, signal, timeoutSeconds: limit };
  if (!isAbort(name)) return client.command(request);
  client.interrupt(device);
  return client.commandNow(request);
}

/** @throws lost with what there is instead; aborted */
export async function knownProperty(
  client: IndiClient,
  device: string,
  name: string,
  signal?: AbortSignal,
): Promise<IndiProperty> {
  try {
    return await client.waitForProperty(device, name, { timeoutSeconds: definitionSeconds, signal });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const devices = client.store.devices();
    if (!devices.includes(device))
      throw new NightflowError('lost', `The INDI server has no device ${device}.`, {
        remedy: devices.length > 0 ? `It has: ${devices.join(', ')}.` : 'Check its list of drivers.',
      });
    throw new NightflowError('lost', `${device} has no property ${name}.`, {
      remedy: 'Check that the device is connected; some properties appear only then.',
    });
  }
}

/** @throws bad-input naming the property and what it takes */
export function wantedValues(property: IndiProperty, element: string, value: unknown): WantedValues {
  const { device, name, type, elements } = property;
  const path = `${device}.${name}`;
  if (value !== null && typeof value === 'object' && !Array.isArray(value))
    return Object.fromEntries(Object.entries(value).map(([each, wanted]) => [each, plain(property, each, wanted)]));
  if (element) return { [element]: plain(property, element, value) };
  if (type === 'switch' && typeof value === 'string' && elements.has(value)) return { [value]: true };
  const [only] = elements.keys();
  if (elements.size === 1 && only !== undefined) return { [only]: plain(property, only, value) };
  const example = JSON.stringify({ [only ?? 'ELEMENT']: 0 });
  throw new NightflowError('bad-input', `${path} has ${elements.size} elements: which one is to be ${shown(value)}?`, {
    remedy: `Choose one of ${[...elements.keys()].join(', ')}, or give an object such as ${example}.`,
  });
}

/** On and Off as INDI writes them, 1 and 0 as dashboards do. */
function plain({ device, name, type }: IndiProperty, element: string, value: unknown): number | string | boolean {
  if (type === 'switch') {
    const word = typeof value === 'string' ? value.trim().toLowerCase() : value;
    if (word === true || word === 1 || word === 'on' || word === 'true') return true;
    if (word === false || word === 0 || word === 'off' || word === 'false') return false;
  } else if (typeof value === 'number' || typeof value === 'string' || typeof value === 'boolean') return value;
  const kind = { switch: 'true or false', number: 'a number', text: 'a text', light: 'nothing', blob: 'nothing' }[type];
  throw new NightflowError('bad-input', `${device}.${name}.${element} takes ${kind}, not ${shown(value)}.`);
}

const shown = (value: unknown): string => (JSON.stringify(value) ?? String(value)).slice(0, 60);
