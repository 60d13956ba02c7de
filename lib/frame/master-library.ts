/** A folder of masters, and the ones of it that fit a frame best. */
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { type Match, type Matchable, type MatchOptions, matchMaster } from './calibrate-match.ts';
import type { MasterKind } from './master.ts';
import { readHeader } from './master-header.ts';

export interface LibraryEntry {
  path: string;
  header: Matchable;
}

export interface Library {
  /** Biases, darks and flats, masters or single. */
  entries: LibraryEntry[];
  /** Files that can't be read: why. Lights are passed over in silence. */
  unreadable: { path: string; reason: string }[];
}

export interface Chosen {
  bias: LibraryEntry | null;
  dark: LibraryEntry | null;
  flat: LibraryEntry | null;
  /** For each kind without a match: what kept the nearest one out, or that there is none. */
  missing: Partial<Record<MasterKind, string>>;
}

export interface ChooseOptions extends Omit<MatchOptions, 'scaled'> {
  /** A dark of another exposure will do when there is a bias. */
  scaleDarks?: boolean;
  /** Kinds that are looked for; all when absent. */
  kinds?: readonly MasterKind[];
}

const kinds: readonly MasterKind[] = ['bias', 'dark', 'flat'];

/** Reads the headers of files. @throws aborted */
export async function readLibrary(paths: readonly string[], signal?: AbortSignal): Promise<Library> {
  const library: Library = { entries: [], unreadable: [] };
  for (const path of paths) {
    throwIfAborted(signal);
    try {
      const { header } = await readHeader(path, signal);
      if (header.kind !== 'light') library.entries.push({ path, header });
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (error.code === 'aborted') throw error;
      library.unreadable.push({ path, reason: error.message });
    }
  }
  return library;
}

/**
 * The masters that fit the frame: none that differs in a keyword that counts; of those that fit, the one with the fewest unknown
 * keywords, then a dark of the nearest exposure and temperature, a flat of the nearest date, then the one made of most frames.
 */
export function chooseMasters(library: readonly LibraryEntry[], frame: Matchable, options: ChooseOptions = {}): Chosen {
  const chosen: Chosen = { bias: null, dark: null, flat: null, missing: {} };
  const { scaleDarks = false, ...match } = options;
  for (const kind of options.kinds ?? kinds) {
    const own = library.filter(({ header }) => header.kind === kind);
    // A bias for scaling was looked for before.
    const scaled = kind === 'dark' && scaleDarks && chosen.bias !== null;
    const held = own.map((entry) => ({ entry, match: matchMaster(kind, entry.header, frame, { ...match, scaled }) }));
    const fitting = held.filter((each) => each.match.differences.length === 0);
    const order = (a: Held, b: Held) => compareRanks(rank(kind, a, frame), rank(kind, b, frame));
    const best = fitting.sort(order)[0];
    if (best) chosen[kind] = best.entry;
    else chosen.missing[kind] = whyNone(kind, held);
  }
  return chosen;
}

/** @throws bad-input when nothing at all fits, with the reasons. */
export function requireSome(chosen: Chosen, where: string): void {
  if (chosen.bias || chosen.dark || chosen.flat) return;
  const reasons = Object.values(chosen.missing).join(' ');
  throw new NightflowError('bad-input', `No master in ${where} fits this frame. ${reasons}`, {
    remedy: 'Build masters of this camera and setting, or choose their files.',
  });
}

interface Held {
  entry: LibraryEntry;
  match: Match;
}

/** Smaller is better, from the first number on. */
function rank(kind: MasterKind, { entry, match }: Held, frame: Matchable): number[] {
  const { header } = entry;
  const apart = (a: number | null, b: number | null) => (a === null || b === null ? Number.MAX_VALUE : Math.abs(a - b));
  const days = (time: string | null) => (time === null ? null : Date.parse(time) / 86_400_000);
  return [
    match.unknown.length,
    ...(kind === 'dark'
      ? [
          apart(frame.exposureSeconds, header.exposureSeconds),
          apart(frame.temperatureCelsius, header.temperatureCelsius),
        ]
      : []),
    ...(kind === 'flat' ? [apart(days(frame.start), days(header.start))] : []),
    -header.combined,
    apart(days(frame.start), days(header.start)),
  ];
}

function compareRanks(a: readonly number[], b: readonly number[]): number {
  for (const [i, own] of a.entries()) if (own !== b[i]) return own - b[i]!;
  return 0;
}

function whyNone(kind: MasterKind, held: readonly Held[]): string {
  const nearest = [...held].sort((a, b) => a.match.differences.length - b.match.differences.length)[0];
  if (!nearest) return `There is no ${kind}.`;
  const { keyword, master, light } = nearest.match.differences[0]!;
  const name = nearest.entry.path.split(/[\\/]/).at(-1);
  return `Of ${held.length} ${kind}${held.length === 1 ? '' : 's'} none fits: ${name} differs in ${keyword} (${master}, the frame ${light}).`;
}
