/** The rows of an area as floats: read, resampled where a frame is moved, brought to common levels. Runs in a worker. */
import type { Scratch } from '../kernels/wasm.ts';
import { NightflowError } from '../process/errors.ts';
import { bytesPerSample } from './frame.ts';
import type { BandInput, LoadRows } from './integrate-band.ts';
import { type RowSource, readDecoded, type SourceFiles } from './integrate-source.ts';
import { type Area, type Matrix, multiplyMatrices, sourceBox } from './matrix.ts';
import { rowWarper, type WarpRows } from './warp-rows.ts';

/** Source samples of one frame that one area may need: beyond, the maps reduce the pictures too much. */
const mostSourceBytes = 40 * 2 ** 20;

export function floatRows(work: Scratch, input: BandInput, files: SourceFiles): LoadRows {
  const { sources, inverses, area, rowsAtOnce, plane, levels } = input;
  const samples = rowsAtOnce * area.width;
  const slots = sources.map(() => work.take(samples * 4 + 32));
  const spare = work.take(8 * Math.max(...sources.map(({ width }) => width)));
  const warp = inverses.some((inverse) => inverse !== null) ? rowWarper(work, input.interpolation) : null;
  const boxBytes = Math.max(
    samples * 2,
    ...sources.map((source, frame) => largestBox(source, inverses[frame]!, area, rowsAtOnce)),
  );
  if (boxBytes > mostSourceBytes)
    throw new NightflowError('unsupported', 'The maps between these frames reduce them too much to be integrated.', {
      remedy: 'Integrate frames of about the same plate scale.',
    });
  const block = work.take(boxBytes);

  const loadPlain = (frame: number, source: RowSource, y: number, rows: number) => {
    const stored = {
      plane,
      x: area.x,
      y: source.fits?.flip ? source.height - y - rows : y,
      columns: area.width,
      rows,
    };
    const slot = slots[frame]!;
    const { scale, offset } = levels?.[frame]?.[plane] ?? { scale: 1, offset: 0 };
    const count = rows * area.width;
    if (source.pixelType === 'f32') readDecoded(work, files, source, stored, slot, spare);
    else {
      readDecoded(work, files, source, stored, block, spare);
      if (source.pixelType === 'u8') work.kernels.widenU8!(slot, block, count);
      else {
        work.kernels.normaliseU16!(slot, block, count, 0, 0, scale, offset);
        return;
      }
    }
    if (scale !== 1 || offset !== 0) work.kernels.normaliseF32!(slot, count, scale, offset);
  };

  const loadMoved = (frame: number, source: RowSource, inverse: Matrix, y: number, rows: number) => {
    const slot = slots[frame]!;
    warpArea(work, files, warp!, { source, plane, inverse, block, spare }, { ...area, y, height: rows }, slot);
    const { scale, offset } = levels?.[frame]?.[plane] ?? { scale: 1, offset: 0 };
    if (scale !== 1 || offset !== 0) work.kernels.normaliseF32!(slot, rows * area.width, scale, offset);
  };

  return (y, rows) => {
    for (const [frame, source] of sources.entries()) {
      const inverse = inverses[frame]!;
      if (inverse === null) loadPlain(frame, source, y, rows);
      else loadMoved(frame, source, inverse, y, rows);
    }
    return (frame, row) => {
      const flipped = inverses[frame] === null && sources[frame]!.fits?.flip;
      return slots[frame]! + (flipped ? rows - 1 - row : row) * area.width * 4;
    };
  };
}

interface Moved {
  source: RowSource;
  plane: number;
  /** Output pixel to stored pixel. */
  inverse: Matrix;
  block: number;
  spare: number;
}

/** Reads just the rectangle that the area needs, and resamples it as if it were the whole picture. */
function warpArea(
  work: Scratch,
  files: SourceFiles,
  warp: WarpRows,
  { source, plane, inverse, block, spare }: Moved,
  area: Area,
  slot: number,
): void {
  const box = sourceBox(inverse, area, source);
  if (!box) {
    work.f32(slot, area.width * area.height).fill(Number.NaN);
    return;
  }
  const { top, bottom } = box;
  const [left, right] = columnsOf(box, source);
  const columns = right - left + 1;
  const rows = bottom - top + 1;
  readDecoded(work, files, source, { plane, x: left, y: top, columns, rows }, block, spare);
  // The area becomes the origin of the output and the rectangle's left column that of the source. Its rows keep their numbers,
  // so that the edges which are the picture's own stay where they are.
  const moved = multiplyMatrices(
    [1, 0, -left, 0, 1, 0, 0, 0, 1],
    multiplyMatrices(inverse, [1, 0, area.x, 0, 1, area.y, 0, 0, 1]),
  );
  warp(
    {
      bytes: work.bytes,
      offset: block,
      pixelType: source.pixelType,
      width: columns,
      height: source.height,
      firstRow: top,
      rowCount: rows,
    },
    moved,
    { pointer: slot, width: area.width, firstRow: 0, rowCount: area.height },
  );
}

/** Whole rows where most of each is needed: one read instead of one for each row. */
function columnsOf({ left, right }: { left: number; right: number }, { width }: RowSource): [number, number] {
  return right - left + 1 > width / 2 ? [0, width - 1] : [left, right];
}

function largestBox(source: RowSource, inverse: Matrix | null, area: Area, rowsAtOnce: number): number {
  if (inverse === null) return 0;
  let largest = 0;
  for (let y = area.y; y < area.y + area.height; y += rowsAtOnce) {
    const height = Math.min(rowsAtOnce, area.y + area.height - y);
    const box = sourceBox(inverse, { ...area, y, height }, source);
    if (!box) continue;
    const [left, right] = columnsOf(box, source);
    largest = Math.max(largest, (right - left + 1) * (box.bottom - box.top + 1));
  }
  return largest * bytesPerSample[source.pixelType];
}
