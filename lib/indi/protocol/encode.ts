/** From a message to the bytes of the wire, in both directions. BLOB content has its own encoder. */
import { NightflowError } from '../../process/errors.ts';
import type { ElementValue, IndiMessage, PropertyType, Wish } from './message.ts';
import { typeWord } from './message.ts';
import { plainDecimal } from './number.ts';
import { escapeXml } from './text.ts';

/**
 * One message as XML, ended by a newline. Vectors of BLOBs with content: `encodeBlobVector`.
 * @throws bad-input for text that XML can't carry and for numbers that are not finite in a wish
 */
export function encodeMessage(message: IndiMessage): string {
  switch (message.tag) {
    case 'getProperties':
    case 'delProperty':
      return `<${message.tag}${attributes({ ...message, tag: null })}/>\n`;
    case 'message':
      return `<message${attributes({ device: message.device, timestamp: message.timestamp, message: message.message })}/>\n`;
    case 'pingRequest':
    case 'pingReply':
      return `<${message.tag}${attributes({ uid: message.uid })}/>\n`;
    case 'enableBLOB':
      return `<enableBLOB${attributes({ device: message.device, name: message.name })}>${message.policy}</enableBLOB>\n`;
    case 'new':
      return encodeWish(message);
    case 'set': {
      const { type, device, name, state, timeoutSeconds: timeout, timestamp, message: sentence } = message;
      const head = attributes({ device, name, state, timeout, timestamp, message: sentence });
      return vector(
        `set${typeWord(type)}Vector`,
        head,
        message.elements.map((each) => one(type, each.name, each.value)),
      );
    }
    case 'def': {
      const { type, device, name, label, group, state, rule, timeoutSeconds: timeout, timestamp } = message;
      const perm = type === 'light' ? null : message.permission;
      const head = attributes({
        device,
        name,
        label,
        group,
        state,
        perm,
        rule,
        timeout,
        timestamp,
        message: message.message,
      });
      const word = `def${typeWord(type)}`;
      const elements = message.elements.map((each) => {
        const { format = '%g', minimum: min = 0, maximum: max = 0, step = 0 } = each;
        const numeric = type === 'number' ? { format, min, max, step } : {};
        const opening = `<${word}${attributes({ name: each.name, label: each.label, ...numeric })}`;
        return type === 'blob' ? `${opening}/>` : `${opening}>${content(type, each.value)}</${word}>`;
      });
      return vector(`${word}Vector`, head, elements);
    }
  }
}

function encodeWish(wish: Wish): string {
  const { type, device, name, timestamp } = wish;
  for (const { name: element, value } of wish.elements)
    if (type === 'number' && !Number.isFinite(value))
      throw new NightflowError('bad-input', `${device}.${name}.${element} can't be set to ${value}.`);
  const elements = wish.elements.map((each) => one(type, each.name, each.value));
  return vector(`new${typeWord(type)}Vector`, attributes({ device, name, timestamp }), elements);
}

const vector = (tag: string, head: string, elements: readonly string[]): string =>
  `<${tag}${head}>\n${elements.map((element) => `  ${element}\n`).join('')}</${tag}>\n`;

const one = (type: PropertyType, name: string, value: ElementValue): string =>
  `<one${typeWord(type)}${attributes({ name })}>${content(type, value)}</one${typeWord(type)}>`;

function content(type: PropertyType, value: ElementValue): string {
  if (type === 'switch') return value === true ? 'On' : 'Off';
  if (type === 'number') return Number.isFinite(value) ? plainDecimal(value as number) : String(value).toLowerCase();
  if (value !== null && typeof value === 'object')
    throw new NightflowError('bad-input', 'A BLOB goes through encodeBlobVector.');
  return escapeXml(String(value ?? ''));
}

/** Those that are not null, escaped. */
export function attributes(values: Readonly<Record<string, string | number | null | undefined>>): string {
  return Object.entries(values)
    .filter(([, value]) => value != null)
    .map(([name, value]) => ` ${name}="${escapeXml(typeof value === 'number' ? plainDecimal(value) : value!)}"`)
    .join('');
}
