/**
 * The stars of an all-sky picture, in a worker. A fisheye draws them a pixel or two wide, between lettering, lamps, the Moon and aurora: a
 * peak counts against the ring around it and the unrest of its own neighbourhood.
 */
export interface AllSkyStarsInput {
  data: SharedArrayBuffer;
  width: number;
  height: number;
  type: 'u16' | 'f32';
  /** The brightest are kept. */
  most: number;
}

export interface AllSkyStars {
  /** Brightest first; pixels and units of the input. */
  x: Float32Array;
  y: Float32Array;
  flux: Float32Array;
}

/** Standard deviations of the contrast in the tile around a peak. */
const threshold = 4.5;
/** Sides of the tiles, pixels: small enough to tell the sky from what is before it. */
const tileSide = (width: number, height: number): number =>
  Math.max(12, Math.min(48, Math.round(Math.min(width, height) / 16)));
/** Half sides of the squares between which the ring lies, pixels. */
const [inner, outer] = [2, 6];
/** A larger picture is binned until it is not: the search needs no finer places. */
const longestSide = 2600;

export function findAllSkyStars(input: AllSkyStarsInput): AllSkyStars {
  const { contrast, noise, tile, width, height, bin } = contrastMap(input);
  const tiles = Math.ceil(width / tile);
  const peaks: { x: number; y: number; flux: number }[] = [];
  for (let y = outer; y < height - outer; y++)
    for (let x = outer; x < width - outer; x++) {
      const at = y * width + x;
      const value = contrast[at]!;
      if (!(value > threshold * noise[Math.floor(y / tile) * tiles + Math.floor(x / tile)]!)) continue;
      if (isPeak(contrast, at, width)) peaks.push(centred(contrast, at, width));
    }
  const best = peaks.sort((one, other) => other.flux - one.flux).slice(0, input.most);
  const place = (value: number) => (value + 0.5) * bin - 0.5;
  return {
    x: Float32Array.from(best, ({ x }) => place(x)),
    y: Float32Array.from(best, ({ y }) => place(y)),
    flux: Float32Array.from(best, ({ flux }) => flux),
  };
}

/** The picture as contrasts, with the noise of them by tiles; binned where it is large. */
export interface ContrastMap {
  contrast: Float32Array;
  width: number;
  height: number;
  /** Standard deviation of the contrast in each tile of `tile` pixels, row by row. */
  noise: Float32Array;
  tile: number;
  bin: number;
}

export function contrastMap(input: Omit<AllSkyStarsInput, 'most'>): ContrastMap {
  const { pixels, width, height, bin } = plane(input);
  const contrast = contrastOf(pixels, width, height);
  const tile = tileSide(width, height);
  return { contrast, width, height, noise: unrestOf(contrast, width, height, tile), tile, bin };
}

function plane({ data, width, height, type }: Omit<AllSkyStarsInput, 'most'>) {
  const source = type === 'u16' ? new Uint16Array(data) : new Float32Array(data);
  let bin = 1;
  while (Math.max(width, height) / bin > longestSide) bin++;
  const [columns, rows] = [Math.floor(width / bin), Math.floor(height / bin)];
  const pixels = new Float32Array(columns * rows);
  for (let y = 0; y < rows * bin; y++) {
    const row = Math.floor(y / bin) * columns;
    // Views of shared memory are slow to read in JavaScript; a copy of the row is not.
    const line = source.slice(y * width, y * width + columns * bin);
    for (let x = 0, at = row; x < columns; x++, at++)
      for (let i = 0; i < bin; i++) {
        const value = line[x * bin + i]!;
        pixels[at]! += Number.isNaN(value) ? 0 : value;
      }
  }
  return { pixels, width: columns, height: rows, bin };
}

/** Each pixel, smoothed a little, against the mean of the ring around it. */
function contrastOf(pixels: Float32Array, width: number, height: number): Float32Array {
  const sums = new Float64Array((width + 1) * (height + 1));
  for (let y = 0; y < height; y++) {
    let row = 0;
    for (let x = 0; x < width; x++) {
      row += pixels[y * width + x]!;
      sums[(y + 1) * (width + 1) + x + 1] = sums[y * (width + 1) + x + 1]! + row;
    }
  }
  const box = (x: number, y: number, half: number): number => {
    const [top, bottom] = [(y - half) * (width + 1), (y + half + 1) * (width + 1)];
    return sums[bottom + x + half + 1]! - sums[bottom + x - half]! - sums[top + x + half + 1]! + sums[top + x - half]!;
  };
  const ring = (2 * outer + 1) ** 2 - (2 * inner + 1) ** 2;
  const contrast = new Float32Array(width * height);
  for (let y = outer; y < height - outer; y++)
    for (let x = outer; x < width - outer; x++) {
      const at = y * width + x;
      const [above, below] = [at - width, at + width];
      const middle = 2 * pixels[at]! + pixels[at - 1]! + pixels[at + 1]! + pixels[above]! + pixels[below]!;
      contrast[at] = middle / 6 - (box(x, y, outer) - box(x, y, inner)) / ring;
    }
  return contrast;
}

/** Standard deviation of the contrast by tiles, from its median: stars are few, an aurora's rays and lettering are not. */
function unrestOf(contrast: Float32Array, width: number, height: number, tile: number): Float32Array {
  const [columns, rows] = [Math.ceil(width / tile), Math.ceil(height / tile)];
  const noise = new Float32Array(columns * rows);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const values: number[] = [];
      for (let y = row * tile; y < Math.min(height, (row + 1) * tile); y += 2)
        for (let x = column * tile + (y & 2) / 2; x < Math.min(width, (column + 1) * tile); x += 2)
          if (contrast[y * width + x] !== 0) values.push(Math.abs(contrast[y * width + x]!));
      values.sort((a, b) => a - b);
      noise[row * columns + column] = (values[values.length >> 1] ?? 0) / 0.6745;
    }
  // Black corners of a compressed picture have no noise at all.
  const usual = [...noise].sort((a, b) => a - b)[noise.length >> 1]! * 0.3;
  return noise.map((each) => Math.max(each, usual, Number.MIN_VALUE));
}

function isPeak(contrast: Float32Array, at: number, width: number): boolean {
  const value = contrast[at]!;
  for (let dy = -2; dy <= 2; dy++)
    for (let dx = -2; dx <= 2; dx++) {
      const other = contrast[at + dy * width + dx]!;
      // Of equal neighbours the last one is the peak.
      if (other > value || (other === value && (dy > 0 || (dy === 0 && dx > 0)))) return false;
    }
  return true;
}

function centred(contrast: Float32Array, at: number, width: number) {
  let [flux, momentX, momentY] = [0, 0, 0];
  for (let dy = -1; dy <= 1; dy++)
    for (let dx = -1; dx <= 1; dx++) {
      const light = Math.max(0, contrast[at + dy * width + dx]!);
      flux += light;
      momentX += light * dx;
      momentY += light * dy;
    }
  return { x: (at % width) + momentX / flux, y: Math.floor(at / width) + momentY / flux, flux };
}
