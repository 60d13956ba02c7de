/**
 * The worker's side of a second look for stars, where the first list matched nothing: peaks over a ring around them, which compression,
 * a lettering, a slope or a blur hide from isophotes. No sizes, and brightness only roughly.
 */

export interface ContrastStarsInput {
  data: SharedArrayBuffer;
  width: number;
  height: number;
  type: 'u16' | 'f32';
  /** The brightest are kept. */
  most: number;
}

export interface ContrastStars {
  /** Brightest first; pixels and units of the input. The radius is that of a disc with the star's peak and light. */
  x: Float32Array;
  y: Float32Array;
  flux: Float32Array;
  radius: Float32Array;
}

/** How far a peak of the smoothed picture must be above its ring: times the deviation that two thirds of the picture keep within. */
const threshold = 5;
/** Radius of the ring, pixels, and its points. */
const [ringRadius, ringPoints] = [8, 16];
const border = ringRadius + 2;
/** A peak within this part of the width of a brighter one is its, or another letter of a line. */
const [nearest, nearestPixels] = [0.01, 6];
/** The share of the light that a hot pixel has in itself; they are left out where there are so many others. */
const [hotShare, enough] = [0.7, 12];
const samples = 20_000;

interface Peak {
  x: number;
  y: number;
  flux: number;
  radius: number;
  hot: boolean;
}

export function findContrastStars({ data, width, height, type, most }: ContrastStarsInput): ContrastStars {
  // Views of shared memory are slow to read in JavaScript; a copy is not.
  const pixels = Float32Array.from(type === 'u16' ? new Uint16Array(data) : new Float32Array(data), (v) => v || 0);
  const smooth = smoothed(pixels, width, height);
  const ring = Array.from({ length: ringPoints }, (_, i) => {
    const angle = (2 * Math.PI * i) / ringPoints;
    return Math.round(ringRadius * Math.sin(angle)) * width + Math.round(ringRadius * Math.cos(angle));
  });
  const values = new Float32Array(ringPoints);
  const background = (at: number) => {
    for (let i = 0; i < ringPoints; i++) values[i] = smooth[at + ring[i]!]!;
    values.sort();
    return (values[ringPoints / 2 - 1]! + values[ringPoints / 2]!) / 2;
  };
  const limit = threshold * deviationOf(smooth, width, height, background, type === 'u16' ? 1 / 6 : 0);
  const peaks: Peak[] = [];
  for (let y = border; y < height - border; y++)
    for (let x = border; x < width - border; x++) {
      const at = y * width + x;
      if (!isPeak(smooth, at, width, limit)) continue;
      const level = background(at);
      if (smooth[at]! - level > limit) peaks.push(measured(pixels, x, y, width, level));
    }
  peaks.sort((one, other) => other.flux - one.flux);
  const stars = peaks.filter(({ hot }) => !hot);
  const kept = apart(stars.length >= enough ? stars : peaks, Math.max(nearestPixels, nearest * width), most);
  const column = (name: 'x' | 'y' | 'flux' | 'radius') => Float32Array.from(kept, (peak) => peak[name]);
  return { x: column('x'), y: column('y'), flux: column('flux'), radius: column('radius') };
}

/** Means of 3 × 3 pixels; the outermost stay 0. */
function smoothed(pixels: Float32Array, width: number, height: number): Float32Array {
  const rows = new Float32Array(pixels.length);
  for (let at = 1; at < pixels.length - 1; at++) rows[at] = pixels[at - 1]! + pixels[at]! + pixels[at + 1]!;
  const smooth = new Float32Array(pixels.length);
  for (let at = width; at < width * (height - 1); at++)
    smooth[at] = (rows[at - width]! + rows[at]! + rows[at + width]!) / 9;
  return smooth;
}

function deviationOf(
  smooth: Float32Array,
  width: number,
  height: number,
  background: (at: number) => number,
  least: number,
): number {
  const inside = Math.max(0, width - 2 * border) * Math.max(0, height - 2 * border);
  const step = Math.max(1, inside / samples);
  const deviations: number[] = [];
  for (let i = 0; i < inside; i += step) {
    const place = Math.floor(i);
    const [x, y] = [place % (width - 2 * border), Math.floor(place / (width - 2 * border))];
    const at = (y + border) * width + x + border;
    deviations.push(Math.abs(smooth[at]! - background(at)));
  }
  deviations.sort((a, b) => a - b);
  return Math.max(least, deviations[Math.floor(deviations.length * 0.683)] ?? 0);
}

/** The largest of 5 × 5, the first of equal ones, and above what lies right and left of it. */
function isPeak(smooth: Float32Array, at: number, width: number, limit: number): boolean {
  const value = smooth[at]!;
  if (value - smooth[at - ringRadius]! <= limit / 2 && value - smooth[at + ringRadius]! <= limit / 2) return false;
  if (smooth[at + 1]! > value || smooth[at - 1]! >= value) return false;
  if (smooth[at + width]! > value || smooth[at - width]! >= value) return false;
  for (let dy = -2; dy <= 2; dy++)
    for (let dx = -2; dx <= 2; dx++) {
      const other = smooth[at + dy * width + dx]!;
      if (other > value || (other === value && (dy < 0 || (dy === 0 && dx < 0)))) return false;
    }
  return true;
}

function measured(pixels: Float32Array, x: number, y: number, width: number, level: number): Peak {
  let [flux, momentX, momentY, peak] = [0, 0, 0, 0];
  for (let dy = -2; dy <= 2; dy++)
    for (let dx = -2; dx <= 2; dx++) {
      const light = Math.max(0, pixels[(y + dy) * width + x + dx]! - level);
      flux += light;
      momentX += light * dx;
      momentY += light * dy;
      peak = Math.max(peak, light);
    }
  const radius = Math.sqrt(flux / (Math.PI * peak));
  return { x: x + momentX / flux, y: y + momentY / flux, flux, radius, hot: peak > hotShare * flux };
}

/** The brightest of each neighbourhood. */
function apart(peaks: readonly Peak[], distance: number, most: number): Peak[] {
  const kept: Peak[] = [];
  const cells = new Map<string, Peak[]>();
  for (const peak of peaks) {
    if (kept.length >= most) break;
    const [column, row] = [Math.floor(peak.x / distance), Math.floor(peak.y / distance)];
    const around: Peak[] = [];
    for (let dy = -1; dy <= 1; dy++)
      for (let dx = -1; dx <= 1; dx++) around.push(...(cells.get(`${column + dx} ${row + dy}`) ?? []));
    if (around.some(({ x, y }) => Math.hypot(x - peak.x, y - peak.y) < distance)) continue;
    kept.push(peak);
    const key = `${column} ${row}`;
    cells.set(key, [...(cells.get(key) ?? []), peak]);
  }
  return kept;
}
