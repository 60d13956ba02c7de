/** XML's escapes: the five entities and character references; nothing that could expand. */
import { NightflowError } from '../../process/errors.ts';

const named: Readonly<Record<string, string>> = { amp: '&', lt: '<', gt: '>', apos: "'", quot: '"' };
const escapes: Readonly<Record<string, string>> = {
  '&': '&amp;',
  '<': '&lt;',
  '>': '&gt;',
  "'": '&apos;',
  '"': '&quot;',
};

/**
 * The five entities, and character references (Python's ElementTree, in which some drivers are written, sends every letter
 * beyond ASCII so). Anything else stays as it was written, as libindi's own parser does.
 */
export function unescapeXml(text: string): string {
  if (!text.includes('&')) return text;
  return text.replace(/&(?:#(\d{1,7})|#x([\da-fA-F]{1,6})|(amp|lt|gt|apos|quot));/g, (whole, decimal, hex, name) => {
    if (name !== undefined) return named[name as string]!;
    const code = decimal !== undefined ? Number(decimal) : Number.parseInt(hex as string, 16);
    return isXmlCharacter(code) ? String.fromCodePoint(code) : whole;
  });
}

/** @throws bad-input for control characters, which no XML can carry. */
export function escapeXml(text: string): string {
  for (const character of text)
    if (!isXmlCharacter(character.codePointAt(0)!))
      throw new NightflowError(
        'bad-input',
        `The text ${JSON.stringify(text)} holds a character that INDI can't carry.`,
      );
  return text.replace(/[&<>'"]/g, (character) => escapes[character]!);
}

/** XML 1.0, production 2. */
const isXmlCharacter = (code: number): boolean =>
  code === 9 ||
  code === 10 ||
  code === 13 ||
  (code >= 0x20 && code <= 0xd7ff) ||
  (code >= 0xe000 && code <= 0xfffd) ||
  (code >= 0x10000 && code <= 0x10ffff);
