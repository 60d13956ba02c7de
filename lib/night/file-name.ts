/** File names from templates such as `{night}/{camera}_{time}_{exposure}s_{n:5}`: sanitised, inside the archive, never overwriting. */
import { access } from 'node:fs/promises';
import { extname } from 'node:path';
import type { FrameFields } from '../frame/frame.ts';
import { confine } from '../process/durable.ts';
import { NightflowError } from '../process/errors.ts';
import { localMilliseconds, nightOf } from '../sky/night-date.ts';
import type { Site } from '../sky/site.ts';

/** What a template is filled from. */
export type NamedFrame = Pick<
  FrameFields,
  | 'width'
  | 'height'
  | 'kind'
  | 'start'
  | 'exposureSeconds'
  | 'gain'
  | 'offset'
  | 'temperatureCelsius'
  | 'camera'
  | 'target'
  | 'night'
  | 'number'
  | 'combined'
  | 'source'
  | 'keywords'
>;

export interface NameContext {
  frame: NamedFrame;
  /** Decides the night and the local time; null: UTC. */
  site: Pick<Site, 'longitude' | 'timeZone'> | null;
  /** UTC, ms since 1970: stands in for the start of a frame that doesn't know it. */
  nowMilliseconds: number;
  /** Stands in for the number of a frame that has none. */
  number?: number;
  /** The message: `{prefix}` and `{msg.anything}` are taken from it. */
  message?: Readonly<Record<string, unknown>>;
}

type Field = (context: NameContext, option: string) => string | number | null;

/** Written where a frame doesn't know the value and the template gives no other text. */
const unknownText = 'unknown';
const longestSegmentBytes = 180;
// biome-ignore lint/suspicious/noControlCharactersInRegex: control characters are what is taken out
const forbidden = /[\u0000-\u001f\u007f/\\:*?"<>|]/g;

const utcSite = { longitude: 0, timeZone: 'UTC' };

const fields: Record<string, Field> = {
  night: (context) => frameNight(context),
  date: (context) => new Date(startOf(context)).toISOString().slice(0, 10),
  time: (context, option) => timeText(startOf(context), option),
  localdate: (context) =>
    new Date(localMilliseconds(context.site ?? utcSite, startOf(context))).toISOString().slice(0, 10),
  localtime: (context, option) => timeText(localMilliseconds(context.site ?? utcSite, startOf(context)), option),
  camera: ({ frame }) => frame.camera,
  exposure: ({ frame }) => rounded(frame.exposureSeconds, 6),
  gain: ({ frame }) => rounded(frame.gain, 3),
  offset: ({ frame }) => rounded(frame.offset, 3),
  temperature: ({ frame }) => rounded(frame.temperatureCelsius, 1),
  n: ({ frame, number }) => frame.number ?? number ?? null,
  target: ({ frame }) => frame.target?.name ?? null,
  kind: ({ frame }) => frame.kind,
  width: ({ frame }) => frame.width,
  height: ({ frame }) => frame.height,
  combined: ({ frame }) => frame.combined,
  prefix: ({ message }) => plain(message?.prefix),
  source: ({ frame }) =>
    frame.source
      ?.split(/[\\/]/)
      .pop()
      ?.replace(/\.[^.]*$/, '') ?? null,
};

/** The names that a template may use, beside any header keyword in capitals: for the help and for error texts. */
export const fieldNames: readonly string[] = Object.keys(fields);

/** YYYY-MM-DD of the night a frame belongs to: what it says itself, else the site's local date minus 12 h. */
export function frameNight({
  frame,
  site,
  nowMilliseconds,
}: Omit<NameContext, 'frame'> & { frame: Pick<NamedFrame, 'night' | 'start'> }): string {
  const start = frame.start === null ? Number.NaN : Date.parse(frame.start);
  return frame.night ?? nightOf(site ?? utcSite, Number.isNaN(start) ? nowMilliseconds : start);
}

/**
 * Fills a template. `{name}` is a field above or, in capitals, a header keyword (`{FILTER}`); `{n:5}` pads a number with zeros,
 * `{time:ms}` adds milliseconds; `{FILTER|none}` gives the text for a frame that doesn't know it (otherwise `unknown`);
 * `{msg.session}` is a text or number of the message.
 * `/` in the template makes folders; a value can't.
 * @throws bad-input for an unknown field, an unclosed brace, or nothing left.
 */
export function renderFileName(template: string, context: NameContext): string {
  if (template.trim() === '') throw new NightflowError('bad-input', 'The file name template is empty.');
  const filled = template.replace(/\{([^{}]*)\}/g, (_, inside: string) => fieldText(inside.trim(), context, template));
  if (/[{}]/.test(filled))
    throw new NightflowError('bad-input', `The file name template "${template}" has a brace without its partner.`);
  const segments = filled.split('/').map(cleanSegment);
  if (segments.at(-1) === '')
    throw new NightflowError('bad-input', `The file name template "${template}" leaves no name.`);
  // The leading slash stays for `confine` to refuse.
  return (template.trim().startsWith('/') ? '/' : '') + segments.filter((segment) => segment !== '').join('/');
}

export interface ClaimedName {
  /** Absolute; no file of that name exists, and nobody else in this process gets it until `release`. */
  path: string;
  release(): void;
}

const claimed = new Set<string>();

/**
 * A free path for `name` + `extension` in the folder: a taken name gets _2, _3, …
 * @throws bad-input when the name leads out of the folder.
 */
export async function claimFileName(folder: string, name: string, extension: string): Promise<ClaimedName> {
  const suffix = extension === '' || extension.startsWith('.') ? extension : `.${extension}`;
  const stem = extname(name).toLowerCase() === suffix.toLowerCase() && suffix ? name.slice(0, -suffix.length) : name;
  for (let copy = 1; ; copy++) {
    const path = confine(folder, `${stem}${copy === 1 ? '' : `_${copy}`}${suffix}`);
    if (claimed.has(path)) continue;
    claimed.add(path);
    const taken = await access(path).then(
      () => true,
      (error: NodeJS.ErrnoException) => error.code !== 'ENOENT' && error.code !== 'ENOTDIR',
    );
    if (!taken) return { path, release: () => void claimed.delete(path) };
    claimed.delete(path);
  }
}

function fieldText(inside: string, context: NameContext, template: string): string {
  const [head = '', instead = unknownText] = inside.split('|', 2);
  const [name = '', option = ''] = head.split(':', 2).map((part) => part.trim());
  const value = fieldValue(name, option, context, template);
  if (value === null || value === '') return safeText(instead);
  const digits = /^[1-9]$/.test(option) ? Number(option) : 0;
  return safeText(typeof value === 'number' && digits ? padded(value, digits) : String(value));
}

function fieldValue(name: string, option: string, context: NameContext, template: string): string | number | null {
  const field = Object.hasOwn(fields, name) ? fields[name] : undefined;
  if (field) return field(context, option);
  if (/^msg\.[\w$]+$/.test(name)) return plain(context.message?.[name.slice(4)]);
  if (!/^[A-Z][A-Z0-9_-]*$/.test(name))
    throw new NightflowError(
      'bad-input',
      `The file name template "${template}" asks for {${name}}, which is unknown.`,
      {
        remedy: `Known are ${fieldNames.join(', ')} and header keywords in capitals such as FILTER.`,
      },
    );
  const value = context.frame.keywords.find((keyword) => keyword.name === name)?.value;
  return value === undefined || value === null ? null : typeof value === 'number' ? value : String(value).trim();
}

function startOf({ frame, nowMilliseconds }: NameContext): number {
  const start = frame.start === null ? Number.NaN : Date.parse(frame.start);
  return Number.isNaN(start) ? nowMilliseconds : start;
}

/** 214503, with `ms` 214503.250. */
function timeText(milliseconds: number, option: string): string {
  const iso = new Date(milliseconds).toISOString();
  return iso.slice(11, option === 'ms' ? 23 : 19).replaceAll(':', '');
}

const plain = (value: unknown): string | number | null =>
  typeof value === 'string' || typeof value === 'number' ? value : null;

const rounded = (value: number | null, decimals: number): number | null =>
  value === null ? null : Number(value.toFixed(decimals));

function padded(value: number, digits: number): string {
  const [whole = '', fraction] = String(Math.abs(value)).split('.');
  return `${value < 0 ? '-' : ''}${whole.padStart(digits, '0')}${fraction ? `.${fraction}` : ''}`;
}

/** A value inside a name: no separators, nothing that Windows or a shell would stumble over. */
function safeText(value: string): string {
  const clean = value
    .normalize('NFC')
    .replace(forbidden, '-')
    .replace(/^[\s.]+/, '');
  return clean.trim();
}

/** `..` can come only from the template itself (values lose their leading dots): it stays, for `confine` to refuse. */
function cleanSegment(segment: string): string {
  if (segment === '..') return segment;
  let clean = segment.replace(forbidden, '-').trim();
  clean = clean.replace(/^\.+/, '').replace(/[. ]+$/, '');
  if (/^(con|prn|aux|nul|com\d|lpt\d)(\.|$)/i.test(clean)) clean = `_${clean}`;
  while (Buffer.byteLength(clean) > longestSegmentBytes) clean = [...clean].slice(0, -1).join('');
  return clean;
}
