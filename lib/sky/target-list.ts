/** Lists of targets, forgiving: CSV text with any separator, with or without a line of column names, or an array of rows or objects. */
import { asNightflowError, NightflowError } from '../process/errors.ts';
import { parseCoordinates } from './angles-pair.ts';
import { type Target, type TargetInput, type TargetOptions, targetOf } from './target.ts';
import { cellsOf, separatorOf } from './target-table.ts';

/** A line that is no target, with its reason. */
export interface BrokenLine {
  /** From 1. */
  line: number;
  text: string;
  /** With its remedy. */
  reason: string;
}

export interface TargetList {
  targets: Target[];
  broken: BrokenLine[];
}

/** Rows that are believed; more is no list of targets. */
const mostRows = 20_000;
const longestText = 4_000_000;

type Column = Exclude<keyof TargetInput, 'line'>;

/** What people call the columns, in letters only. */
const columnNames: Record<Column, RegExp> = {
  name: /^(?:name|object|target|star|asteroid|designation|id|title)$/,
  coordinates: /^(?:coord(?:inate)?s?|radec|position|place)$/,
  ra: /^(?:ra|raj|jra|rajh|rajd|rah|rad|radeg|radegrees|rahours|rightascension|alpha|α)$/,
  dec: /^(?:de|dec|decl|dej|decj|jde|jdec|decjd|ded|decdeg|decdegrees|declination|delta|δ)$/,
  start:
    /^(?:start|starttime|utcstart|utstart|recordingstart|startdate|begin|time|ut|utc|date|dateutc|datetime|eventtime|startutc|timeutc)$/,
  durationSeconds:
    /^(?:(?:event|recording)?duration|recordingtime|dur|durations|durationsec|durationseconds|length|seconds)$/,
  magnitude: /^(?:star|target)?(?:mag|magnitude|vmag|gmag|magv|magg|mv|v|g|magnitudev|vmagnitude)$/,
  exposureSeconds:
    /^(?:exposure|exp|expos|exposures|exptime|exposuretime|integration|integrationtime|exposuresec|exposureseconds)$/,
  properMotionRaMas: /^(?:pmra|pmramas|propermotionra|propermotionramas)$/,
  properMotionDecMas: /^(?:pmde|pmdec|pmdecmas|propermotiondec|propermotiondecmas)$/,
  epochYear: /^(?:epoch|epochyear)$/,
};
/** Without a line of names: the order of the occultation list. */
const usualOrder: Column[] = ['name', 'ra', 'dec', 'start', 'durationSeconds', 'magnitude', 'exposureSeconds'];

/** @param list CSV text, an array of objects, of rows or of texts, or one object @throws bad-input when it is no list at all */
export function readTargets(list: unknown, options: TargetOptions = {}): TargetList {
  if (typeof list === 'string') return fromText(list, options);
  const rows = Array.isArray(list) ? list : [list];
  if (rows.length > mostRows) throw tooMany();
  const found: TargetList = { targets: [], broken: [] };
  for (const [index, row] of rows.entries()) {
    if (typeof row === 'string' || Array.isArray(row)) {
      const cells = Array.isArray(row) ? row : cellsOf(row, separatorOf([row]));
      take(found, index + 1, Array.isArray(row) ? row.join(', ') : row, () => usual(cells), options);
    } else take(found, index + 1, shownOf(row), () => objectInput(row), options);
  }
  return found;
}

function fromText(text: string, options: TargetOptions): TargetList {
  if (text.length > longestText) throw tooMany();
  const lines = text
    .replace(/^﻿/, '')
    .split(/\r\n|\r|\n/)
    .map((content, index) => ({ line: index + 1, content }))
    .filter(({ content }) => content.trim() !== '' && !/^\s*(?:#|\/\/)/.test(content));
  if (lines.length > mostRows) throw tooMany();
  const found: TargetList = { targets: [], broken: [] };
  const separator = separatorOf(lines.map(({ content }) => content));
  const header = lines[0] ? headerOf(headCells(lines[0].content, separator)) : null;
  // Names of columns with blanks between them can only stand in the usual order.
  const titled = !header && lines[0] !== undefined && headerOf(lines[0].content.trim().split(/\s+/)) !== null;
  for (const { line, content } of header || titled ? lines.slice(1) : lines)
    take(
      found,
      line,
      content,
      () => (header ? named(columnsOf(content, separator), header) : usual(cellsOf(content, separator))),
      options,
    );
  return found;
}

/** The names of columns may be separated otherwise than the lines below them. */
function headCells(content: string, separator: string): string[] {
  const cells = cellsOf(content, separator);
  return headerOf(cells) ? cells : cellsOf(content, separatorOf([content]));
}

/** A line that came from elsewhere may have a separator of its own. */
function columnsOf(content: string, separator: string): string[] {
  const cells = cellsOf(content, separator);
  const own = cells.length === 1 ? cellsOf(content, separatorOf([content])) : cells;
  return own.length >= 3 ? own : cells;
}

function take(found: TargetList, line: number, text: string, read: () => TargetInput, options: TargetOptions): void {
  try {
    found.targets.push(targetOf({ ...read(), line }, options));
  } catch (thrown) {
    const { message, remedy } = asNightflowError(thrown);
    found.broken.push({ line, text: text.trim().slice(0, 200), reason: remedy ? `${message} ${remedy}` : message });
  }
}

interface Header {
  columns: (Column | null)[];
  /** The unit that the name of a column gives to its plain numbers: `RA (hours)`, `Exposure [ms]`. */
  units: string[];
}

/** The columns of a line of names; null when it names no coordinates. */
function headerOf(cells: readonly string[]): Header | null {
  const columns = cells.map(columnOf);
  const has = (name: Column) => columns.includes(name);
  if (!((has('ra') && has('dec')) || has('coordinates'))) return null;
  return { columns, units: cells.map((cell, index) => unitOf(cell, columns[index] ?? null)) };
}

function unitOf(cell: string, column: Column | null): string {
  if (column === 'ra') return /hour|\bh\b|_h\b|hms/i.test(cell) ? 'h' : /deg|°|\(d\)|_d\b/i.test(cell) ? 'd' : '';
  if (column !== 'durationSeconds' && column !== 'exposureSeconds') return '';
  return /(?:[([]|[\s_])(ms|s|sec|min|h)[)\]]?$/i.exec(cell.trim())?.[1] ?? '';
}

function columnOf(cell: string): Column | null {
  const plain = cell
    .toLowerCase()
    .replace(/\(.*?\)|\[.*?\]/g, '')
    .replace(/2000(?:\.0)?/g, '')
    .replace(/[^a-zαδ]/g, '');
  const found = Object.entries(columnNames).find(([, names]) => names.test(plain));
  return (found?.[0] as Column | undefined) ?? null;
}

function named(cells: readonly string[], { columns, units }: Header): TargetInput {
  const input: Partial<Record<Column, string>> = {};
  for (const [index, column] of columns.entries()) {
    const cell = cells[index]?.trim();
    if (!column || !cell) continue;
    const plain = /^[+-]?\d+(?:[.,]\d+)?$/.test(cell);
    if (input[column] === undefined) input[column] = plain ? cell + units[index] : cell;
    // Date and time of day in two columns.
    else if (column === 'start') input.start = cell.includes(':') ? `${input.start} ${cell}` : `${cell} ${input.start}`;
  }
  return input;
}

/** By order; a line that begins with coordinates has no name, and both coordinates may stand in one cell. */
function usual(cells: readonly unknown[]): TargetInput {
  const given = cells.map((cell) => (typeof cell === 'string' ? cell.trim() : cell));
  const numeric = (cell: unknown) => typeof cell === 'number' || (typeof cell === 'string' && /^[+\-−]?\d/.test(cell));
  const bothIn = (cell: unknown) =>
    typeof cell === 'string' && /^[J\d].*[\s,][+\-−]?\d/.test(cell) && !numeric(given[given.indexOf(cell) + 1]);
  if (given.length === 0) throw new NightflowError('bad-input', 'The line is empty.');
  if (given.length <= 2 && bothIn(given.at(-1)))
    return { coordinates: given.at(-1), ...(given.length === 2 && { name: given[0] }) };
  const sexagesimal = typeof given[0] === 'string' && /^\d{1,2}(?::|\s|h)\s*\d{1,2}(?::|\s|m|$)/.test(given[0]);
  if (given.length === 1 && typeof given[0] === 'string') return spaced(given[0]);
  const nameless = numeric(given[0]) && numeric(given[1]) && (sexagesimal || !looksLikeDeclination(given[2]));
  const order = nameless ? usualOrder.slice(1) : usualOrder;
  return Object.fromEntries(order.map((column, index) => [column, given[index]]));
}

/** `M 31 00:42:44 +41:16:09`: nothing but blanks between name and coordinates. The shortest name that leaves coordinates is it. */
function spaced(text: string): TargetInput {
  const words = text.split(/\s+/);
  // With colons the coordinates are known by their looks, and what follows them is the rest of the usual order.
  const ra = words.findIndex(
    (word, index) => /^\d{1,2}[:h]\d/.test(word) && /^[+\-−]?\d{1,2}[:d°]\d/.test(words[index + 1] ?? ''),
  );
  if (ra >= 0 && words.length > ra + 2) {
    const rest = words.slice(ra + 2);
    if (/^\d{4}-\d/.test(rest[0]!) && /^\d{1,2}:/.test(rest[1] ?? '')) rest.splice(0, 2, `${rest[0]} ${rest[1]}`);
    const after = Object.fromEntries(usualOrder.slice(3).map((column, index) => [column, rest[index]]));
    return { name: words.slice(0, ra).join(' '), ra: words[ra], dec: words[ra + 1], ...after };
  }
  for (let name = 0; name < Math.min(words.length - 1, 8); name++) {
    const coordinates = words.slice(name).join(' ');
    if (!/^[\dJ]/.test(coordinates)) continue;
    try {
      parseCoordinates(coordinates);
      return { name: words.slice(0, name).join(' '), coordinates };
    } catch {
      // A longer name may leave coordinates.
    }
  }
  return { coordinates: text };
}

/** An asteroid's name may be its number: then two coordinates follow. */
const looksLikeDeclination = (cell: unknown): boolean =>
  typeof cell === 'number'
    ? Math.abs(cell) <= 90
    : typeof cell === 'string' && /^[+\-−]?\d{1,2}(?:[\s:d°.,]|$)/.test(cell) && !/^\d{4}/.test(cell);

/** An object of a message: our own names, or those of the columns. */
function objectInput(row: unknown): TargetInput {
  if (row === null || typeof row !== 'object')
    throw new NightflowError('bad-input', `${shownOf(row)} is no target.`, {
      remedy: 'Give an object with name, ra and dec.',
    });
  const input: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(row)) {
    if (key === 'raDegrees' || key === 'decDegrees')
      input[key === 'raDegrees' ? 'ra' : 'dec'] = typeof value === 'number' ? value : `${value}d`;
    else {
      const column = key in columnNames ? key : columnOf(key);
      if (column && input[column] === undefined) input[column] = value;
    }
  }
  return input as TargetInput;
}

const shownOf = (value: unknown): string => String(JSON.stringify(value) ?? value).slice(0, 200);
const tooMany = () =>
  new NightflowError('bad-input', `The list of targets is longer than ${mostRows} lines.`, { remedy: 'Split it.' });
