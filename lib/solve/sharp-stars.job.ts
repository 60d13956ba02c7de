/** The worker's side of the stars that are a pixel wide: peaks that stand out from the ring of pixels around them. */

export interface SharpStarsInput {
  data: SharedArrayBuffer;
  width: number;
  height: number;
  type: 'u16' | 'f32';
  /** The brightest are kept. */
  most: number;
}

export interface SharpStars {
  /** Brightest first; pixels and units of the input. */
  x: Float32Array;
  y: Float32Array;
  flux: Float32Array;
}

/** Standard deviations of the differences between neighbours. */
const threshold = 10;
/** Radius of the ring, pixels. */
const reach = 3;
/** A picture of more is noise. */
const mostPeaks = 200_000;

export function findSharpStars({ data, width, height, type, most }: SharpStarsInput): SharpStars {
  // Views of shared memory are slow to read in JavaScript; a copy is not.
  const pixels = type === 'u16' ? new Uint16Array(new Uint16Array(data)) : new Float32Array(new Float32Array(data));
  const limit = threshold * noiseOf(pixels, width);
  const peaks: { x: number; y: number; flux: number }[] = [];
  const ring = ringOffsets(width);
  for (let y = reach; y < height - reach && peaks.length < mostPeaks; y++)
    for (let x = reach; x < width - reach; x++) {
      const at = y * width + x;
      const value = pixels[at]!;
      if (!(value - pixels[at - reach]! > limit && value - pixels[at + reach]! > limit)) continue;
      // Of equal neighbours the last one is the peak: a mosaic's hot pixel fills four of the plane.
      if (pixels[at + 1]! >= value || pixels[at + width]! >= value || pixels[at + width + 1]! >= value) continue;
      if (pixels[at - 1]! > value || pixels[at - width]! > value || pixels[at + width - 1]! >= value) continue;
      if (pixels[at - width - 1]! > value || pixels[at - width + 1]! > value) continue;
      let around = 0;
      for (const offset of ring) around += pixels[at + offset]!;
      around /= ring.length;
      if (value - around <= limit) continue;
      peaks.push(centred(pixels, at, width, around));
    }
  const best = peaks.sort((one, other) => other.flux - one.flux).slice(0, most);
  const column = (name: 'x' | 'y' | 'flux') => Float32Array.from(best, (peak) => peak[name]);
  return { x: column('x'), y: column('y'), flux: column('flux') };
}

/** Half of the neighbours two apart differ by less than 0.9539 sigma of a pixel, for normal noise; whole numbers by half of one at the least. */
function noiseOf(pixels: Uint16Array | Float32Array, width: number): number {
  const differences: number[] = [];
  const stride = Math.max(1, Math.floor(pixels.length / 20_000)) | 1;
  for (let at = 0; at + 2 < pixels.length; at += stride)
    if (at % width < width - 2) {
      const difference = Math.abs(pixels[at + 2]! - pixels[at]!);
      if (!Number.isNaN(difference)) differences.push(difference);
    }
  differences.sort((a, b) => a - b);
  const sigma = (differences[Math.floor(differences.length / 2)] ?? 0) / 0.9539;
  return pixels instanceof Uint16Array ? Math.max(0.5, sigma) : Math.max(Number.MIN_VALUE, sigma);
}

function ringOffsets(width: number): number[] {
  const offsets: number[] = [];
  for (let dy = -reach; dy <= reach; dy++)
    for (let dx = -reach; dx <= reach; dx++)
      if (Math.max(Math.abs(dx), Math.abs(dy)) === reach) offsets.push(dy * width + dx);
  return offsets;
}

function centred(pixels: Uint16Array | Float32Array, at: number, width: number, background: number) {
  let [flux, momentX, momentY] = [0, 0, 0];
  for (let dy = -1; dy <= 1; dy++)
    for (let dx = -1; dx <= 1; dx++) {
      const light = Math.max(0, pixels[at + dy * width + dx]! - background);
      flux += light;
      momentX += light * dx;
      momentY += light * dy;
    }
  return { x: (at % width) + momentX / flux, y: Math.floor(at / width) + momentY / flux, flux };
}
