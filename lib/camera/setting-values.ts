/** The settings of a camera as its users handle them: listed with their values, several set in a row and read back, refusals explained. */
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import type { Camera, SettingDescription, SettingValue } from './camera.ts';

/** The value is untrusted: a text of a dialog, whatever a message brought. */
export interface WantedSetting {
  name: string;
  value: unknown;
}

/** A value of null: the camera does not tell it now. */
export type ListedSetting = SettingDescription & { value: SettingValue | null };

/** Numbers come back through a text of some digits. */
const relativeTolerance = 1e-5;
const shownChoices = 24;
const shownCharacters = 60;

export async function listSettings(camera: Camera): Promise<ListedSetting[]> {
  const listed: ListedSetting[] = [];
  for (const description of await camera.settings()) {
    const value = await camera.get(description.name).catch(() => null);
    listed.push({ ...description, value });
  }
  return listed;
}

/** @throws bad-input for a name that the camera has not; what the camera answers instead of a value */
export async function readSettingValues(
  camera: Camera,
  names: readonly string[],
): Promise<Record<string, SettingValue>> {
  const descriptions = await camera.settings();
  const values: [string, SettingValue][] = [];
  for (const name of names) values.push([name, await camera.get(described(camera, descriptions, name).name)]);
  return Object.fromEntries(values);
}

/**
 * Sets one after the other, and answers the values that are then in force. Names and types are looked at before the first is set; the
 * camera's own ranges when their turn comes, as one setting may open the range of the next. The first refusal ends it.
 * @throws bad-input, rejected (the camera took another value, or a later setting changed it back), busy, and what the camera throws:
 * naming setting, value asked for, value in force, what can be chosen, and what was set before
 */
export async function applySettings(
  camera: Camera,
  wanted: readonly WantedSetting[],
  signal?: AbortSignal,
): Promise<Record<string, SettingValue>> {
  const descriptions = await camera.settings();
  const steps = wanted.map(({ name, value }, i) => {
    const description = described(camera, descriptions, name);
    const later = i > 0 && mayBecomeChoice(description, value);
    return { description, asked: later ? String(value) : asSettingValue(camera, description, value), later };
  });
  const done: Step[] = [];
  /** Those that show what they were set to; a sensor that is to cool down does not. */
  const steady: Step[] = [];
  for (const { description: before, asked, later } of steps) {
    throwIfAborted(signal);
    const { name } = before;
    const description = later ? described(camera, await camera.settings(), name) : before;
    const got = await setOne(camera, description, asked).catch(async (thrown) => {
      throw await refusal(camera, { description, asked }, done, thrown);
    });
    if (!sameValue(description, asked, got)) throw await refusal(camera, { description, asked, got }, done);
    const step = { description, asked, got };
    done.push(step);
    const shown = wanted.length > 1 ? await camera.get(name).catch(() => null) : null;
    if (shown !== null && sameValue(description, asked, shown)) steady.push(step);
  }
  for (const step of steady) {
    const got = await camera.get(step.description.name);
    if (!sameValue(step.description, step.asked, got)) throw await refusal(camera, { ...step, got, later: true }, done);
  }
  return Object.fromEntries(done.map(({ description, got }) => [description.name, got!]));
}

/** A value in the type of the setting. @throws bad-input naming both and what can be chosen */
export function asSettingValue(camera: Camera, description: SettingDescription, given: unknown): SettingValue {
  const refuse = (wanted: string): never => {
    throw new NightflowError(
      'bad-input',
      `${title(camera, description)} must be ${wanted}, not ${shownValue(given)}.`,
      remedy(describeRange(description)),
    );
  };
  if (description.readOnly)
    throw new NightflowError('bad-input', `${title(camera, description)} can be read, not set.`);
  const text = typeof given === 'string' ? given.trim() : given;
  switch (description.type) {
    case 'number': {
      const number = typeof text === 'string' && text !== '' ? Number(text) : text;
      return typeof number === 'number' && Number.isFinite(number) ? number : refuse('a number');
    }
    case 'boolean':
      if (typeof text === 'boolean') return text;
      if (text === 'true' || text === 1) return true;
      return text === 'false' || text === 0 ? false : refuse('true or false');
    case 'choice': {
      const { choices = [] } = description;
      const exact = choices.find((choice) => choice === String(given)) ?? choices.find((each) => each === String(text));
      if (exact !== undefined && typeof given !== 'object') return exact;
      return refuse('one of its choices');
    }
    default:
      return typeof given === 'string' || typeof given === 'number' ? String(given) : refuse('a text');
  }
}

const setOne = async (camera: Camera, description: SettingDescription, asked: SettingValue): Promise<SettingValue> =>
  camera.set(description.name, asSettingValue(camera, description, asked));

/** The choices of many a body follow from its mode: what is none now may be one after the settings before it. */
const mayBecomeChoice = ({ type, readOnly, choices = [] }: SettingDescription, value: unknown): boolean =>
  type === 'choice' && !readOnly && ['string', 'number'].includes(typeof value) && !choices.includes(String(value));

interface Step {
  description: SettingDescription;
  asked: SettingValue;
  /** In force; absent when the camera did not say. */
  got?: SettingValue;
  /** It was set, and another setting changed it. */
  later?: boolean;
}

function described(camera: Camera, descriptions: readonly SettingDescription[], name: string): SettingDescription {
  const description = descriptions.find((each) => each.name === name);
  if (description) return description;
  throw new NightflowError(
    'bad-input',
    `${camera.info.name} has no setting "${String(name).slice(0, shownCharacters)}".`,
    remedy(`It has: ${listed(descriptions.map((each) => each.name))}.`),
  );
}

async function refusal(camera: Camera, step: Step, done: readonly Step[], thrown?: unknown): Promise<NightflowError> {
  const { description, asked, later } = step;
  const cause = thrown === undefined ? null : asNightflowError(thrown);
  if (cause?.code === 'aborted') return cause;
  const got = step.got ?? (cause?.code === 'lost' ? null : await camera.get(description.name).catch(() => null));
  const before = done.filter((each) => each.description !== description);
  const range = describeRange(description);
  const parts = [
    cause?.remedy,
    !cause?.remedy?.includes(range) && range,
    before.length > 0 && `${later ? 'Also set' : 'Set before it'}: ${before.map(assignment).join(', ')}.`,
  ];
  const now = got === null ? '' : `It is ${shownValue(got)} now.`;
  const reason = later ? `was set to ${shownValue(asked)}, and a later setting changed it.` : '';
  const refused = cause ? `was not set to ${shownValue(asked)}: ${cause.message}` : '';
  const snapped = `was asked to be ${shownValue(asked)}, and the camera took another value.`;
  return new NightflowError(
    cause?.code ?? 'rejected',
    [`${title(camera, description)} ${reason || refused || snapped}`, now].filter(Boolean).join(' '),
    { ...remedy(parts.filter(Boolean).join(' ')), ...(cause ? { cause } : {}) },
  );
}

function sameValue({ type }: SettingDescription, asked: SettingValue, got: SettingValue): boolean {
  if (typeof asked === 'number' && typeof got === 'number')
    return Math.abs(asked - got) <= relativeTolerance * Math.max(1, Math.abs(asked));
  if (type !== 'text') return asked === got;
  // A text of several numbers comes back with other separators; an empty one asks for the usual.
  const plain = (value: SettingValue) =>
    String(value)
      .trim()
      .split(/[\s,;]+/)
      .join(' ');
  return plain(asked) === '' || plain(asked) === plain(got);
}

/** 'It takes 1 to 63 ×.' or 'Choose one of …'; nothing where the camera does not say. */
function describeRange({ type, minimum, maximum, step, unit, choices }: SettingDescription): string {
  if (choices) return `It takes one of: ${listed(choices)}.`;
  if (type !== 'number' || (minimum === undefined && maximum === undefined)) return '';
  const range =
    maximum === undefined
      ? `${minimum} or more`
      : minimum === undefined
        ? `up to ${maximum}`
        : `${minimum} to ${maximum}`;
  return `It takes ${range}${unit ? ` ${unit}` : ''}${step ? `, in steps of ${step}` : ''}.`;
}

const title = (camera: Camera, { name }: SettingDescription) => `The setting ${name} of ${camera.info.name}`;
const remedy = (text: string) => (text ? { remedy: text } : {});
const assignment = ({ description, got }: Step) => `${description.name} = ${shownValue(got)}`;

function shownValue(value: unknown): string {
  const text = typeof value === 'object' && value !== null ? (JSON.stringify(value) ?? '') : String(value);
  return text === '' ? '""' : text.slice(0, shownCharacters);
}

const listed = (names: readonly string[]): string =>
  names.length <= shownChoices
    ? names.join(', ')
    : `${names.slice(0, shownChoices).join(', ')} and ${names.length - shownChoices} more`;
