/** Cuts an integration into areas whose samples of all frames fit a worker's memory and, where they can, its cache. */
import type { BandInput } from './integrate-band.ts';
import { type Area, sourceBox } from './matrix.ts';

export interface PlannedArea {
  plane: number;
  area: Area;
  rowsAtOnce: number;
}

/** All frames' samples at once, bytes. What is read as it is used fits a second-level cache; what is resampled should not be cut fine. */
const exactBytes = 3 * 2 ** 20;
const floatBytes = 6 * 2 ** 20;
const movedBytes = 48 * 2 ** 20;
/** A worker's scratch memory has room for so much of them. */
const mostBytes = 64 * 2 ** 20;
/** Rows of a strip at most. */
const mostRows = 256;
/** Areas, about: enough for workers to share and for progress to be seen. */
const fewestAreas = 32;

export type PlanInput = Pick<BandInput, 'sources' | 'inverses' | 'levels' | 'weights' | 'rules' | 'width' | 'height'>;

/** Frames of 16-bit integers that lie on each other are integrated exactly; the others as floats. */
export const isExact = ({
  sources,
  inverses,
  levels,
  weights,
  rules,
}: Pick<BandInput, 'sources' | 'inverses' | 'levels' | 'weights' | 'rules'>): boolean =>
  levels === null &&
  weights === null &&
  !(rules.rejection === 'none' && rules.combine === 'mean') &&
  inverses.every((inverse) => inverse === null) &&
  sources.every(({ pixelType }) => pixelType === 'u16');

export function planAreas(input: PlanInput, channels: number): PlannedArea[] {
  const { sources, inverses, width, height } = input;
  const exact = isExact(input);
  const moved = inverses.some((inverse) => inverse !== null);
  const sampleBytes = sources.length * (exact ? 2 : 4);
  const samples = Math.floor((exact ? exactBytes : moved ? movedBytes : floatBytes) / sampleBytes);
  const rows = Math.max(1, Math.min(mostRows, height, Math.floor(samples / width)));
  const size =
    width * sampleBytes > mostBytes || (moved && turnedRows(input, rows) > rows)
      ? tileSize(width, Math.max(samples, Math.floor(movedBytes / sampleBytes)))
      : { width, height: rows };
  // Several blocks of rows in one area, while there are areas enough.
  const inOneArea = Math.max(1, Math.floor((height * channels) / (size.height * fewestAreas)));
  const areaHeight = size.width === width ? size.height * inOneArea : size.height;
  const areas: PlannedArea[] = [];
  const [down, across] = [Math.ceil(height / areaHeight), Math.ceil(width / size.width)];
  for (let i = 0; i < channels * down * across; i++) {
    const [x, y] = [(i % across) * size.width, (Math.floor(i / across) % down) * areaHeight];
    areas.push({
      plane: Math.floor(i / across / down),
      area: { x, y, width: Math.min(size.width, width - x), height: Math.min(areaHeight, height - y) },
      rowsAtOnce: size.height,
    });
  }
  return areas;
}

/** How many more rows of a turned frame a strip of `rows` rows needs. */
function turnedRows({ sources, inverses, width, height }: PlanInput, rows: number): number {
  const y = Math.max(0, Math.floor((height - rows) / 2));
  return Math.max(
    ...inverses.map((inverse, i) => {
      const box = inverse && sourceBox(inverse, { x: 0, y, width, height: rows }, sources[i]!);
      return box ? box.bottom - box.top + 1 - rows : 0;
    }),
  );
}

/** About square. */
function tileSize(width: number, samples: number): { width: number; height: number } {
  const side = Math.max(16, Math.floor(Math.sqrt(samples) / 16) * 16);
  const own = Math.min(width, side);
  return { width: own, height: Math.max(1, Math.min(1024, Math.floor(samples / own))) };
}
