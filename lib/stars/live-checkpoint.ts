/** The file that lets a live stack go on after a restart: settings, what is known of the frames, the stars to align by, the arrays. */
import { isDeepStrictEqual } from 'node:util';
import { isSoundShape, isSoundSummary } from '../frame/stack-checkpoint.ts';
import { isCount, readStateFile, writeStateFile } from '../frame/state-file.ts';
import { NightflowError } from '../process/errors.ts';
import type { LiveFold, LiveFoldState } from './live-fold.ts';
import type { LiveStackOptions, LiveState } from './live-stack.ts';
import { StarTable } from './star-table.ts';

export interface LiveCheckpoint {
  options: Required<LiveStackOptions>;
  live: LiveState;
  fold: LiveFoldState;
}

interface Header extends LiveCheckpoint {
  /** Stars of the reference table, whose columns come before the arrays. */
  stars: number;
}

const magic = 'NFLIVE_1';
/** More stars than this are not saved; a header that says so lies. */
const maximumStars = 100_000;

export const writeLiveCheckpoint = (
  path: string,
  checkpoint: LiveCheckpoint,
  reference: StarTable,
  fold: LiveFold,
): Promise<void> => {
  const header: Header = { ...checkpoint, stars: reference.count };
  return writeStateFile(path, magic, header, [new Uint8Array(reference.data), fold.bytes]);
};

/** @throws bad-input when it is no checkpoint or was saved with other options, lost when it is not there. */
export const readLiveCheckpoint = (
  path: string,
  options: Required<LiveStackOptions>,
  use: (checkpoint: LiveCheckpoint, reference: StarTable, read: (fold: LiveFold) => Promise<void>) => Promise<void>,
): Promise<void> =>
  readStateFile<Header>(path, magic, isSound, async (header, read) => {
    if (!isDeepStrictEqual(header.options, options))
      throw new NightflowError('bad-input', `${path} was saved with other settings of the stack.`, {
        remedy: 'Restore it with the same settings, or delete it to start anew.',
      });
    const reference = StarTable.of(header.stars);
    await use(header, reference, (fold) => read([new Uint8Array(reference.data), fold.bytes]));
  });

function isSound({ options, live, fold, stars }: Partial<Header>): boolean {
  const isNumber = (value: unknown) => typeof value === 'number' && Number.isFinite(value);
  const isTypical = (value: LiveState['typical'] | undefined) =>
    value === null || (!!value && isCount(value.count) && isCount(value.brightnessRank) && isNumber(value.brightness));
  return (
    !!options &&
    isCount(stars) &&
    stars <= maximumStars &&
    !!live &&
    isSoundShape(live.shape) &&
    isSoundSummary(live.summary) &&
    isCount(live.leftOut) &&
    isTypical(live.first) &&
    isTypical(live.typical) &&
    !!fold &&
    isCount(fold.frames) &&
    fold.frames > 0 &&
    isNumber(fold.weightSum) &&
    isNumber(fold.rejectedSamples) &&
    Array.isArray(fold.planes) &&
    (fold.planes.length === 1 || fold.planes.length === 3) &&
    fold.planes.every((plane) => isNumber(plane?.offset) && isNumber(plane.sky) && isNumber(plane.noise))
  );
}
