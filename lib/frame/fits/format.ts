/** Keywords to header cards that verify: fixed format where it fits, CONTINUE for long strings, HIERARCH for long names. */
import type { Keyword } from '../frame.ts';
import { blockBytes, cardBytes } from './cards.ts';

/** A keyword to write; `real` numbers keep their decimal point when they happen to be whole. */
export interface Card extends Keyword {
  real?: boolean;
}

/** The header in whole blocks, END included. */
export function formatHeader(cards: readonly Card[]): Buffer {
  const lines = cards.flatMap(formatCard);
  const text = [...lines, 'END'].map((line) => line.padEnd(cardBytes)).join('');
  return Buffer.from(text.padEnd(Math.ceil(text.length / blockBytes) * blockBytes), 'latin1');
}

/** One keyword's cards, each at most 80 characters of ASCII. None for a name that no header can hold. */
export function formatCard(card: Card): string[] {
  const name = card.name.toUpperCase();
  if (name === 'COMMENT' || name === 'HISTORY' || name === '')
    return textCards(name.padEnd(8), ascii(String(card.value ?? card.comment ?? '')));
  const standard = /^[A-Z0-9_-]{1,8}$/.test(name);
  // An = in a HIERARCH name would end it; END and CONTINUE would end or prolong something else.
  if ((!standard && !/^[!-<>-~ ]{1,60}$/.test(name)) || name === 'END' || name === 'CONTINUE') return [];
  const lead = standard ? `${name.padEnd(8)}= ` : `HIERARCH ${name} = `;
  const comment = ascii(card.comment ?? '').trim();
  if (typeof card.value === 'string') return stringCards(lead, ascii(card.value), comment);
  return [withComment(lead + formatValue(card).padStart(standard ? 20 : 0), comment)];
}

function formatValue({ value, real }: Card): string {
  if (typeof value === 'boolean') return value ? 'T' : 'F';
  if (typeof value !== 'number' || !Number.isFinite(value)) return '';
  const text = String(value).toUpperCase();
  return real && /^-?\d+$/.test(text) ? `${text}.0` : text;
}

function withComment(card: string, comment: string): string {
  const room = cardBytes - card.length - 3;
  return comment === '' || room < 4 ? card : `${card} / ${comment.slice(0, room)}`.trimEnd();
}

function stringCards(lead: string, value: string, comment: string): string[] {
  const quoted = value.replaceAll("'", "''");
  const room = cardBytes - lead.length - 2;
  // A string's closing quote stands in column 20 or later.
  if (quoted.length <= room && !(value.endsWith('&') && quoted.length === room))
    return [withComment(`${lead}'${quoted.padEnd(8)}'`.padEnd(30), comment)].map((line) => line.trimEnd());
  const cards: string[] = [];
  let rest = quoted;
  for (let head = lead; rest !== ''; head = 'CONTINUE  ') {
    const size = cardBytes - head.length - 2;
    const last = rest.length <= size;
    const piece = last ? rest : rest.slice(0, cut(rest, size - 1));
    rest = rest.slice(piece.length);
    cards.push(last ? withComment(`${head}'${piece}'`, comment) : `${head}'${piece}&'`);
  }
  return cards;
}

/** Where to cut at most `size` characters without parting the two quotes that stand for one. */
function cut(text: string, size: number): number {
  let quotes = 0;
  while (text[size - 1 - quotes] === "'") quotes++;
  return quotes % 2 === 1 ? size - 1 : size;
}

function textCards(lead: string, text: string): string[] {
  const room = cardBytes - lead.length;
  const cards = [];
  for (let at = 0; at === 0 || at < text.length; at += room) cards.push((lead + text.slice(at, at + room)).trimEnd());
  return cards;
}

/** Headers hold printable ASCII: letters lose their marks, what is left over becomes '?'. */
function ascii(text: string): string {
  return text
    .replaceAll('ß', 'ss')
    .replaceAll('°', ' deg')
    .replaceAll('µ', 'u')
    .normalize('NFKD')
    .replace(/\p{M}/gu, '')
    .replace(/[^ -~]/g, '?');
}
