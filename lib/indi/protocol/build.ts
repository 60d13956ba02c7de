/** From a root element's attributes and children to a message, or to the sentence that says why it can't be believed. */
import type { ProtocolLimits } from './limits.ts';
import type {
  BlobPolicy,
  BlobValue,
  ElementDefinition,
  ElementValue,
  IndiMessage,
  NamedValue,
  Permission,
  PropertyState,
  PropertyType,
  RootTag,
  SwitchRule,
} from './message.ts';
import { parseNumber } from './number.ts';
import { shorten } from './tag.ts';

export type Attributes = ReadonlyMap<string, string>;

export interface Child {
  attributes: Attributes;
  /** Unescaped text; a BLOB's value stands in `blob`. */
  text: string;
  blob: BlobValue | null;
}

const states: readonly string[] = ['Idle', 'Ok', 'Busy', 'Alert'] satisfies PropertyState[];
const permissions: readonly string[] = ['ro', 'wo', 'rw'] satisfies Permission[];
const rules: readonly string[] = ['OneOfMany', 'AtMostOne', 'AnyOfMany'] satisfies SwitchRule[];
const policies: readonly string[] = ['Never', 'Also', 'Only'] satisfies BlobPolicy[];

/** Thrown only inside this file: a message that can't be believed. */
class Refusal extends Error {}

export function buildMessage(
  root: RootTag,
  attributes: Attributes,
  children: readonly Child[],
  text: string,
  limits: ProtocolLimits,
): IndiMessage | string {
  try {
    return build(root, new Reader(attributes, limits), children, text, limits);
  } catch (error) {
    if (error instanceof Refusal) return error.message;
    throw error;
  }
}

function build(
  root: RootTag,
  of: Reader,
  children: readonly Child[],
  text: string,
  limits: ProtocolLimits,
): IndiMessage {
  const [timestamp, message] = [of.optional('timestamp'), of.optional('message')];
  switch (root.tag) {
    case 'def': {
      const type = root.type!;
      const [device, name] = [of.name('device'), of.name('name')];
      return {
        tag: 'def',
        type,
        device,
        name,
        label: of.optional('label') || name,
        group: of.optional('group') ?? '',
        state: of.word<PropertyState>('state', states),
        permission: type === 'light' ? 'ro' : of.word<Permission>('perm', permissions),
        rule: type === 'switch' ? of.word<SwitchRule>('rule', rules) : null,
        timeoutSeconds: of.number('timeout') ?? 0,
        timestamp,
        message,
        elements: unique(children.map((child) => define(type, child, limits))),
      };
    }
    case 'set':
      return {
        tag: 'set',
        type: root.type!,
        device: of.name('device'),
        name: of.name('name'),
        state: of.has('state') ? of.word<PropertyState>('state', states) : null,
        timeoutSeconds: of.number('timeout'),
        timestamp,
        message,
        elements: namedValues(root.type!, children, limits),
      };
    case 'new': {
      const type = root.type as Exclude<PropertyType, 'light'>;
      const [device, name] = [of.name('device'), of.name('name')];
      return { tag: 'new', type, device, name, timestamp, elements: namedValues(type, children, limits) };
    }
    case 'message':
      // Some servers write the sentence as content.
      return { tag: 'message', device: of.optionalName('device'), timestamp, message: message ?? text.trim() };
    case 'delProperty':
      return { tag: 'delProperty', device: of.name('device'), name: of.optionalName('name'), timestamp, message };
    case 'getProperties':
      return {
        tag: 'getProperties',
        version: of.optional('version'),
        device: of.optionalName('device'),
        name: of.optionalName('name'),
      };
    case 'enableBLOB': {
      const policy = text.trim();
      if (!policies.includes(policy)) throw new Refusal(`«${shorten(policy)}» is no BLOB policy.`);
      return {
        tag: 'enableBLOB',
        device: of.optionalName('device'),
        name: of.optionalName('name'),
        policy: policy as BlobPolicy,
      };
    }
    default:
      return { tag: root.tag, uid: of.optional('uid') ?? '' };
  }
}

function define(type: PropertyType, child: Child, limits: ProtocolLimits): ElementDefinition {
  const of = new Reader(child.attributes, limits);
  const name = of.name('name');
  const element: ElementDefinition = { name, label: of.optional('label') || name, value: null };
  if (type === 'blob') return element;
  element.value = elementValue(type, name, child);
  if (type !== 'number') return element;
  return {
    ...element,
    format: of.optional('format') ?? '%g',
    minimum: of.number('min') ?? 0,
    maximum: of.number('max') ?? 0,
    step: of.number('step') ?? 0,
  };
}

const namedValues = (type: PropertyType, children: readonly Child[], limits: ProtocolLimits): NamedValue[] =>
  unique(
    children.map((child) => {
      const name = new Reader(child.attributes, limits).name('name');
      return { name, value: type === 'blob' ? child.blob : elementValue(type, name, child) };
    }),
  );

function elementValue(type: PropertyType, name: string, { text }: Child): ElementValue {
  if (type === 'text') return text.trim();
  const word = text.trim();
  if (type === 'switch') {
    if (word === 'On' || word === 'Off') return word === 'On';
    throw new Refusal(`the switch ${shorten(name)} is «${shorten(word)}», not On or Off.`);
  }
  if (type === 'light') {
    if (states.includes(word)) return word;
    throw new Refusal(`the light ${shorten(name)} is «${shorten(word)}».`);
  }
  // A number that can't be read does not hide the property's state: it is shown as not known.
  return parseNumber(word) ?? Number.NaN;
}

function unique<Element extends { name: string }>(elements: Element[]): Element[] {
  const names = new Set(elements.map(({ name }) => name));
  if (names.size < elements.length) throw new Refusal('an element stands twice.');
  return elements;
}

class Reader {
  private readonly attributes: Attributes;
  private readonly limits: ProtocolLimits;

  constructor(attributes: Attributes, limits: ProtocolLimits) {
    this.attributes = attributes;
    this.limits = limits;
  }

  has(attribute: string): boolean {
    return this.attributes.has(attribute);
  }

  optional(attribute: string): string | null {
    return this.attributes.get(attribute) ?? null;
  }

  name(attribute: string): string {
    const name = this.optionalName(attribute);
    if (name === null) throw new Refusal(`the attribute ${attribute} is missing.`);
    return name;
  }

  /** An empty name counts as none. */
  optionalName(attribute: string): string | null {
    const name = this.attributes.get(attribute) || null;
    if (name !== null && name.length > this.limits.nameCharacters)
      throw new Refusal(`the ${attribute} «${shorten(name)}» is longer than ${this.limits.nameCharacters} characters.`);
    return name;
  }

  number(attribute: string): number | null {
    const text = this.attributes.get(attribute);
    const number = text === undefined ? null : parseNumber(text);
    return number !== null && Number.isFinite(number) ? number : null;
  }

  word<Word extends string>(attribute: string, words: readonly string[]): Word {
    const text = this.attributes.get(attribute) ?? '';
    if (words.includes(text)) return text as Word;
    throw new Refusal(`the ${attribute} is «${shorten(text)}», not one of ${words.join(', ')}.`);
  }
}
