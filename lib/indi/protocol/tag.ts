/** One tag, from its text between < and >: name, attributes, and whether it opens, closes or does both. */
import type { ProtocolLimits } from './limits.ts';
import { unescapeXml } from './text.ts';

export interface Tag {
  name: string;
  kind: 'open' | 'close' | 'empty';
  attributes: ReadonlyMap<string, string>;
}

/** @returns a sentence saying what is wrong when it is no tag. */
export function parseTag(text: string, limits: ProtocolLimits): Tag | string {
  const kind = text.startsWith('/') ? 'close' : text.endsWith('/') ? 'empty' : 'open';
  const inner = kind === 'close' ? text.slice(1) : kind === 'empty' ? text.slice(0, -1) : text;
  const name = /^[A-Za-z_][\w.-]*/.exec(inner)?.[0];
  if (name === undefined) return `<${shorten(text)}> is no tag.`;
  const attributes = parseAttributes(inner.slice(name.length), limits);
  if (typeof attributes === 'string') return `In <${name}>: ${attributes}`;
  if (kind === 'close' && attributes.size > 0) return `</${name}> has attributes.`;
  return { name, kind, attributes };
}

const attribute = /\s+([A-Za-z_][\w.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/y;

function parseAttributes(text: string, limits: ProtocolLimits): Map<string, string> | string {
  const found = new Map<string, string>();
  attribute.lastIndex = 0;
  let at = 0;
  for (let match = attribute.exec(text); match; match = attribute.exec(text)) {
    at = attribute.lastIndex;
    const name = match[1]!;
    if (found.has(name)) return `the attribute ${name} stands twice.`;
    if (found.size === limits.attributes) return `there are more than ${limits.attributes} attributes.`;
    found.set(name, unescapeXml(match[2] ?? match[3] ?? ''));
  }
  return text.slice(at).trim() === '' ? found : `«${shorten(text.slice(at).trim())}» is no attribute.`;
}

/** Hostile text is shown in one short line. */
export const shorten = (text: string, characters = 60): string => {
  const plain = text.replace(/[^\x20-\x7e]/g, '·');
  return plain.length > characters ? `${plain.slice(0, characters)}…` : plain;
};
