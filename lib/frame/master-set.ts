/** A session of calibration frames to its masters: frames of one setting go together, flats get the darks or the bias they need. */
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { filterOf, type Matchable, matchMaster } from './calibrate-match.ts';
import { numberOf } from './fits/cards.ts';
import { buildMaster, type Master, type MasterKind, type MasterOptions } from './master.ts';
import { readHeader } from './master-header.ts';
import type { LibraryEntry } from './master-library.ts';
import { readFrame } from './read.ts';

export interface MasterGroup {
  kind: MasterKind;
  paths: string[];
  /** Of its first frame. */
  header: Matchable;
}

export interface GroupedFrames {
  /** Biases first, then darks, then flats: what a flat needs is built before it. */
  groups: MasterGroup[];
  /** Files that are in none: lights, masters, and those that can't be read. */
  passedOver: { path: string; reason: string }[];
}

export interface BuiltMaster extends Master {
  group: MasterGroup;
  /** A name that tells it from others: 'dark_60s_gain100_-10C'. */
  name: string;
}

const order: readonly MasterKind[] = ['bias', 'dark', 'flat'];
/** °C that darks of one group may lie apart; a little more than a cooler's swing. */
const temperatureTogether = 2;

/** Puts files of one kind and setting together. @param only Take this kind alone, where the headers tell kinds apart. */
export async function groupFrames(
  paths: readonly string[],
  { only, signal }: { only?: MasterKind; signal?: AbortSignal } = {},
): Promise<GroupedFrames> {
  const groups: MasterGroup[] = [];
  const passedOver: GroupedFrames['passedOver'] = [];
  for (const path of paths) {
    throwIfAborted(signal);
    try {
      const { header } = await readHeader(path, signal);
      const kind = only && isUntold(header) ? only : header.kind;
      const why = reasonAgainst(kind, header, only);
      if (why || kind === 'light') passedOver.push({ path, reason: why ?? 'is a light' });
      else addTo(groups, kind, path, header);
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (error.code === 'aborted') throw error;
      passedOver.push({ path, reason: error.message });
    }
  }
  groups.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind));
  return { groups, passedOver };
}

/**
 * Builds the master of each group. A flat's own dark is the one of its exposure, else the bias, of this set or of the library.
 * @throws bad-input when there is no group; as buildMaster.
 */
export async function* buildMasters(
  groups: readonly MasterGroup[],
  options: Omit<MasterOptions, 'flatDark'> = {},
  library: readonly LibraryEntry[] = [],
): AsyncGenerator<BuiltMaster> {
  if (groups.length === 0)
    throw new NightflowError('bad-input', 'There is no bias, dark or flat to make a master of.', {
      remedy: 'Take some, or say their kind: files without IMAGETYP count as lights.',
    });
  const built: BuiltMaster[] = [];
  for (const group of groups) {
    const warnings: string[] = [];
    let flatDark = null;
    if (group.kind === 'flat') {
      flatDark = await darkFor(group.header, built, library, options.signal);
      if (!flatDark && group.header.blackLevel === 0)
        warnings.push('Neither bias nor dark is there for the flats: their master corrects less than it should.');
    }
    const master = await buildMaster(group.kind, group.paths, { ...options, flatDark });
    const result = { ...master, warnings: [...warnings, ...master.warnings], group, name: masterName(group) };
    // Only biases and darks are needed again.
    if (group.kind !== 'flat') built.push(result);
    yield result;
  }
}

async function darkFor(
  flat: Matchable,
  built: readonly BuiltMaster[],
  library: readonly LibraryEntry[],
  signal?: AbortSignal,
) {
  const fits = (header: Matchable) => matchMaster('flat dark', header, flat).differences.length === 0;
  for (const kind of ['dark', 'bias'] as const) {
    const own = built.find(({ frame }) => frame.kind === kind && fits(frame));
    if (own) return own.frame;
    const kept = library.find(({ header }) => header.kind === kind && fits(header));
    if (kept) return readFrame(kept.path, { signal });
  }
  return null;
}

/** A file that says nothing of its kind counts as a light elsewhere. */
const isUntold = (header: Matchable): boolean =>
  header.kind === 'light' &&
  ['IMAGETYP', 'FRAMETYP', 'OBSTYPE', 'FRAME'].every((name) => header.keyword(name) === undefined);

function reasonAgainst(kind: string, header: Matchable, only?: MasterKind): string | null {
  if (only && kind !== only) return `is no ${only} but a ${kind}`;
  if (header.combined > 1 || /master/i.test(String(header.keyword('IMAGETYP') ?? ''))) return 'is a master already';
  return null;
}

function addTo(groups: MasterGroup[], kind: MasterKind, path: string, header: Matchable): void {
  const fits = (group: MasterGroup) =>
    group.kind === kind &&
    matchMaster(kind, header, group.header, { temperatureTolerance: temperatureTogether }).differences.length === 0;
  const group = groups.find(fits);
  if (group) group.paths.push(path);
  else groups.push({ kind, paths: [path], header });
}

function masterName({ kind, header }: MasterGroup): string {
  const { exposureSeconds, gain, offset, temperatureCelsius } = header;
  const binning = numberOf(header.keyword('XBINNING') ?? null);
  const filter = kind === 'flat' ? filterOf(header) : null;
  const parts = [
    kind,
    kind === 'dark' && exposureSeconds !== null && `${Number(exposureSeconds.toPrecision(6))}s`,
    filter !== null && filter,
    gain !== null && `gain${gain}`,
    offset !== null && `offset${offset}`,
    kind === 'dark' && temperatureCelsius !== null && `${Math.round(temperatureCelsius)}C`,
    binning !== null && binning > 1 && `bin${binning}`,
  ].filter((part) => typeof part === 'string');
  return parts.join('_').replace(/[^\w.-]/g, '-');
}
