/** FITS header cards to keywords: strings with CONTINUE, HIERARCH, and what real programs write that the standard forbids. */
import type { Keyword } from '../frame.ts';

export const cardBytes = 80;
export const blockBytes = 2880;

/** A header's keywords, and the first value of each name. */
export class FitsHeader {
  readonly keywords: readonly Keyword[];
  private readonly first = new Map<string, Keyword>();

  constructor(keywords: readonly Keyword[]) {
    this.keywords = keywords;
    for (const keyword of keywords) if (!this.first.has(keyword.name)) this.first.set(keyword.name, keyword);
  }

  has(name: string): boolean {
    return this.first.has(name);
  }

  value(name: string): Keyword['value'] {
    return this.first.get(name)?.value ?? null;
  }

  comment(name: string): string {
    return this.first.get(name)?.comment ?? '';
  }

  /** A number, also one in quotes or with a decimal comma; null when absent or not a number. */
  number(name: string): number | null {
    return numberOf(this.value(name));
  }

  /** A string without the blanks around it; null when absent or empty. */
  text(name: string): string | null {
    const value = this.value(name);
    if (value === null || typeof value === 'boolean') return null;
    return String(value).trim() || null;
  }
}

const numeric = /^[+-]?(\d+\.?\d*|\.\d+)([EDed][+-]?\d+)?$/;

/** The number a header value stands for ('2.', '1.5D3', "'120.00'", "'1,25'"), or null. */
export function numberOf(value: Keyword['value']): number | null {
  if (typeof value === 'number') return value;
  if (typeof value !== 'string') return null;
  const text = value.trim().replace(/^([+-]?\d+),(\d+)$/, '$1.$2');
  return numeric.test(text) ? Number(text.replace(/[Dd]/, 'E')) : null;
}

/** The keywords of the header's cards, END left out. @param bytes Whole cards of 80 bytes. */
export function parseCards(bytes: Uint8Array): Keyword[] {
  const keywords: Keyword[] = [];
  for (let at = 0; at + cardBytes <= bytes.length; at += cardBytes) {
    const card = decodeText(bytes.subarray(at, at + cardBytes));
    if (card.startsWith('END') && card.trimEnd() === 'END') break;
    if (card.startsWith('CONTINUE') && card[8] !== '=') continueString(keywords, card);
    else keywords.push(parseCard(card));
  }
  return keywords;
}

/** Whether a card is the header's END. */
export function isEnd(bytes: Uint8Array, at: number): boolean {
  if (bytes[at] !== 0x45 || bytes[at + 1] !== 0x4e || bytes[at + 2] !== 0x44) return false;
  for (let i = at + 3; i < at + cardBytes; i++) if (bytes[i] !== 0x20 && bytes[i] !== 0) return false;
  return true;
}

function parseCard(card: string): Keyword {
  const name = card.slice(0, 8).trimEnd().toUpperCase();
  if (name === 'COMMENT' || name === 'HISTORY' || name === '') return { name, value: card.slice(8).trimEnd() };
  if (name === 'HIERARCH') {
    const equals = card.indexOf('=');
    if (equals < 0) return { name: 'COMMENT', value: card.slice(8).trim() };
    return { name: card.slice(8, equals).trim().toUpperCase(), ...parseValue(card.slice(equals + 1)) };
  }
  if (card[8] === '=') return { name, ...parseValue(card.slice(9)) };
  const text = card.slice(8).trim();
  return text === '' ? { name, value: null } : { name, value: null, comment: text };
}

/** A string that ends in & goes on in the CONTINUE card after it; one that follows nothing is kept as a comment. */
function continueString(keywords: Keyword[], card: string): void {
  const before = keywords.at(-1);
  const { value, comment } = parseValue(card.slice(8));
  if (before && typeof before.value === 'string' && before.value.endsWith('&') && typeof value === 'string') {
    before.value = (before.value.slice(0, -1) + value).trimEnd();
    if (comment) before.comment = before.comment ? `${before.comment} ${comment}` : comment;
  } else keywords.push({ name: 'COMMENT', value: card.slice(8).trim() });
}

function parseValue(field: string): { value: Keyword['value']; comment?: string } {
  const text = field.trimStart();
  if (text.startsWith("'")) return parseString(text);
  const slash = text.indexOf('/');
  const token = (slash < 0 ? text : text.slice(0, slash)).trim();
  return { value: tokenValue(token), ...commentOf(slash < 0 ? '' : text.slice(slash + 1)) };
}

function tokenValue(token: string): Keyword['value'] {
  if (token === '') return null;
  if (token === 'T') return true;
  if (token === 'F') return false;
  // A value without quotes that is no number (a program's mistake) is kept as text; a decimal comma stays text, too.
  return numeric.test(token) ? numberOf(token) : token;
}

/** A quoted string: '' inside is one quote; blanks at its end do not count, those at its start do. */
function parseString(text: string): { value: string; comment?: string } {
  let value = '';
  let at = 1;
  for (;;) {
    const quote = text.indexOf("'", at);
    if (quote < 0) return { value: (value + text.slice(at)).trimEnd() };
    value += text.slice(at, quote);
    at = quote + 1;
    if (text[at] !== "'") break;
    value += "'";
    at++;
  }
  const slash = text.indexOf('/', at);
  return { value: value.trimEnd(), ...commentOf(slash < 0 ? '' : text.slice(slash + 1)) };
}

function commentOf(text: string): { comment?: string } {
  const comment = text.trim();
  return comment === '' ? {} : { comment };
}

const utf8 = new TextDecoder('utf-8', { fatal: true });

/** ASCII by the standard; some programs write UTF-8 or Latin-1. Control characters become blanks. */
function decodeText(bytes: Uint8Array): string {
  let text = Buffer.from(bytes.buffer as ArrayBuffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (!/[^\x20-\x7e]/.test(text)) return text;
  try {
    text = utf8.decode(Uint8Array.from(bytes));
  } catch {
    // Latin-1 then.
  }
  // biome-ignore lint/suspicious/noControlCharactersInRegex: that is what is taken out
  return text.replace(/[\x00-\x1f\x7f]/g, ' ');
}
