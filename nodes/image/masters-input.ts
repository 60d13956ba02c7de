/** Which masters a calibrate node uses: those named, or the best of a folder; read once and kept while their files stay as they are. */
import { stat } from 'node:fs/promises';
import { basename, dirname, isAbsolute, join, relative, resolve } from 'node:path';
import type { Clock } from '../../lib/clock/clock.ts';
import { type CalibrateOptions, Calibrator, type Masters } from '../../lib/frame/calibrate.ts';
import { readDefects } from '../../lib/frame/calibrate-defects.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { chooseMasters, type LibraryEntry, readLibrary, requireSome } from '../../lib/frame/master-library.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { findFrameFiles } from '../../lib/night/frame-files.ts';
import { confine } from '../../lib/process/durable.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';

export interface NamedMasters {
  /** Absolute paths; '' for none. */
  bias: string;
  dark: string;
  flat: string;
  flatDark: string;
  defects: string;
}

export interface Ready {
  calibrator: Calibrator;
  /** For each kind that the folder has none of: why. */
  missing: string[];
}

/** No master of the folder fits the frame: some go on without. */
export class NoMaster extends NightflowError {
  /** Why there is none, for each kind; empty when the folder holds nothing. */
  readonly missing: readonly string[];

  constructor({ code, message, remedy, cause }: NightflowError, missing: readonly string[] = []) {
    super(code, message, { remedy, cause });
    this.missing = missing;
  }
}

/** Maps and masters of a setting take hundreds of MB for a large sensor: two, for filters in turn. */
const keptCalibrators = 2;
/** Clock milliseconds after which a folder is looked at again. */
const libraryMilliseconds = 10_000;

export class MastersInput {
  private readonly clock: Clock;
  private readonly kept = new Map<string, Calibrator>();
  private library: { path: string; at: number; entries: LibraryEntry[]; stamps: Map<string, string> } | null = null;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** Of files by name. @throws bad-input when none is named, lost for one that is not there; as readFrame */
  async named(paths: NamedMasters, options: CalibrateOptions, signal: AbortSignal): Promise<Ready> {
    if (!Object.values(paths).some((path) => path !== ''))
      throw new NightflowError('bad-input', 'No master is named.', {
        remedy: 'Name a dark, a flat or a bias, or choose a folder.',
      });
    return { calibrator: await this.calibratorOf(paths, options, signal), missing: [] };
  }

  /** The best of a folder (or pattern) for this frame. @throws NoMaster when nothing in it fits, or there is nothing in it */
  async best(
    folder: string,
    defects: string,
    frame: Frame,
    options: CalibrateOptions,
    signal: AbortSignal,
  ): Promise<Ready> {
    const { darkScaling = 'exposure', temperatureTolerance, allow } = options;
    const entries = await this.entriesOf(folder, signal).catch((thrown) => asNoMaster(thrown, folder));
    const chosen = chooseMasters(entries, frame, { scaleDarks: darkScaling !== 'off', temperatureTolerance, allow });
    try {
      requireSome(chosen, folder);
    } catch (thrown) {
      throw new NoMaster(asNightflowError(thrown), Object.values(chosen.missing));
    }
    const path = (kind: 'bias' | 'dark' | 'flat') => chosen[kind]?.path ?? '';
    const map = defects === '' ? await mapBeside(path('dark')) : defects;
    const paths = { bias: path('bias'), dark: path('dark'), flat: path('flat'), flatDark: '', defects: map };
    const { bias: _unless, ...others } = chosen.missing;
    // A dark holds the bias: without one it is not missed.
    const missing = chosen.dark ? others : chosen.missing;
    return { calibrator: await this.calibratorOf(paths, options, signal), missing: Object.values(missing) };
  }

  /** What the folder holds, for flats that need a dark. */
  async entriesOf(folder: string, signal: AbortSignal): Promise<LibraryEntry[]> {
    const now = this.clock.now();
    const { library } = this;
    if (library?.path === folder && Math.abs(now - library.at) < libraryMilliseconds) return library.entries;
    const files = await findFrameFiles(folder, { order: 'name', signal });
    const stamps = new Map(await Promise.all(files.map(async (file) => [file, await stampOf(file)] as const)));
    const unchanged = (entry: LibraryEntry) => library?.stamps.get(entry.path) === stamps.get(entry.path);
    const known = library?.path === folder ? library.entries.filter(unchanged) : [];
    const knownPaths = new Set(known.map(({ path }) => path));
    const read = await readLibrary(
      files.filter((file) => !knownPaths.has(file)),
      signal,
    );
    const entries = [...known, ...read.entries];
    this.library = { path: folder, at: now, entries, stamps };
    return entries;
  }

  /** A folder that has just got a new master. */
  forgetLibrary(): void {
    this.library = null;
  }

  close(): void {
    for (const calibrator of this.kept.values()) calibrator.close();
    this.kept.clear();
    this.library = null;
  }

  private async calibratorOf(paths: NamedMasters, options: CalibrateOptions, signal: AbortSignal): Promise<Calibrator> {
    const stamps = await Promise.all(Object.values(paths).map((path) => (path === '' ? '' : stampOf(path))));
    const key = JSON.stringify([paths, stamps, options]);
    const known = this.kept.get(key);
    if (known) {
      // The last used stays longest.
      this.kept.delete(key);
      this.kept.set(key, known);
      return known;
    }
    for (const [oldest, calibrator] of this.kept) {
      if (this.kept.size < keptCalibrators) break;
      calibrator.close();
      this.kept.delete(oldest);
    }
    const read = async (path: string) => (path === '' ? null : readFrame(path, { signal }));
    const masters: Masters = {
      bias: await read(paths.bias),
      dark: await read(paths.dark),
      flat: await read(paths.flat),
      flatDark: await read(paths.flatDark),
      defects: paths.defects === '' ? null : await readDefects(paths.defects, { signal }),
    };
    const calibrator = new Calibrator(masters, options);
    this.kept.set(key, calibrator);
    return calibrator;
  }
}

/** A folder that is not there or empty has no master; what else goes wrong stays what it is. */
function asNoMaster(thrown: unknown, folder: string): never {
  const cause = asNightflowError(thrown);
  if (cause.code !== 'lost' && cause.code !== 'bad-input') throw cause;
  const remedy = 'Build masters of this camera and setting, or choose the folder that holds them.';
  throw new NoMaster(new NightflowError(cause.code, `There is no master in ${folder} yet.`, { remedy, cause }));
}

/** The defect map that was built with a master dark lies beside it; '' without one. */
async function mapBeside(dark: string): Promise<string> {
  const name = /^master_(.+)\.fits$/.exec(basename(dark))?.[1];
  if (!name) return '';
  const path = join(dirname(dark), `defects_${name}.txt`);
  return stat(path).then(
    () => path,
    () => '',
  );
}

/** Changes when the file does. */
async function stampOf(path: string): Promise<string> {
  const status = await stat(path).catch(() => null);
  if (!status)
    throw new NightflowError('lost', `The master ${path} is not there.`, { remedy: 'Check that the path exists.' });
  return `${status.size} ${status.mtimeMs}`;
}

/**
 * A path of the dialog may lead anywhere, relative to the archive; one that came another way stays in the archive.
 * @throws bad-input when it leads out, or there is no archive to stay in.
 */
export function locate(path: string, archive: string | null, base: string, trusted: boolean): string {
  if (path.trim() === '') return '';
  if (trusted) return resolve(base, path);
  if (archive === null)
    throw new NightflowError('bad-input', 'A path in a message is only taken inside the archive folder of a site.', {
      remedy: 'Choose a site, or set the path in the dialog.',
    });
  return confine(archive, isAbsolute(path) ? relative(archive, path) : path);
}
