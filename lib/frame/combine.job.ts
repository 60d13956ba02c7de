/** The worker's side of colour combination. */
import type { FrameFields, Pixels } from './frame.ts';
import { type MidtonesTransfer, midtonesTransfer } from './stretch.ts';

export type Plane = Pick<
  FrameFields,
  'data' | 'width' | 'height' | 'channels' | 'pixelType' | 'blackLevel' | 'whiteLevel'
>;

export interface RgbInput {
  target: SharedArrayBuffer;
  planes: Plane[];
}

export interface LuminanceInput {
  target: SharedArrayBuffer;
  colours: Plane;
  luminance: Plane;
  strength: number;
  match: boolean;
}

export interface NeutralInput {
  target: SharedArrayBuffer;
  frame: Plane;
  /** Added to the light of each plane. */
  shifts: number[];
  transfer: MidtonesTransfer;
}

const pixelsOf = ({ data, pixelType }: Plane): Pixels =>
  pixelType === 'u8' ? new Uint8Array(data) : pixelType === 'u16' ? new Uint16Array(data) : new Float32Array(data);

/** Light from 0 (black level) to 1 (white level) is sample x scale + offset. */
function lightOf({ blackLevel, whiteLevel }: Plane): { scale: number; offset: number } {
  const scale = 1 / Math.max(1e-30, whiteLevel - blackLevel);
  return { scale, offset: -blackLevel * scale };
}

export function joinPlanes({ target, planes }: RgbInput): void {
  const out = new Float32Array(target);
  const size = out.length / 3;
  for (const [index, plane] of planes.entries()) {
    const pixels = pixelsOf(plane);
    const { scale, offset } = lightOf(plane);
    for (let i = 0, to = index * size; i < size; i++, to++) out[to] = pixels[i]! * scale + offset;
  }
}

/** sRGB's primaries and D65 (IEC 61966-2-1): linear RGB to XYZ with the white's Y = 1, and back. */
const toXyz = [
  0.4124564, 0.3575761, 0.1804375, 0.2126729, 0.7151522, 0.072175, 0.0193339, 0.119192, 0.9503041,
] as const;
const toRgb = [
  3.2404542, -1.5371385, -0.4985314, -0.969266, 1.8760108, 0.041556, 0.0556434, -0.2040259, 1.0572252,
] as const;
const whiteX = 0.95047;
const whiteZ = 1.08883;

/** CIE 15:2004, 8.2.1.1: a cube root that becomes a line near black; it goes on below 0, where noise is. */
const edge = (6 / 29) ** 3;
const slope = 841 / 108;
const root = (t: number): number => (t > edge ? Math.cbrt(t) : slope * t + 4 / 29);
const cube = (f: number): number => (f > 6 / 29 ? f * f * f : (f - 4 / 29) / slope);

export function replaceLightness({ target, colours, luminance, strength, match }: LuminanceInput): void {
  const out = new Float32Array(target);
  const size = out.length / 3;
  const source = pixelsOf(colours);
  const { scale, offset } = lightOf(colours);
  const light = pixelsOf(luminance);
  const own = lightOf(luminance);
  const luma = (i: number) =>
    toXyz[3] * (source[i]! * scale + offset) +
    toXyz[4] * (source[i + size]! * scale + offset) +
    toXyz[5] * (source[i + 2 * size]! * scale + offset);
  const line = match ? matching(size, (i) => light[i]! * own.scale + own.offset, luma) : { scale: 1, offset: 0 };
  const a = own.scale * line.scale;
  const b = own.offset * line.scale + line.offset;
  for (let i = 0; i < size; i++) {
    const red = source[i]! * scale + offset;
    const green = source[i + size]! * scale + offset;
    const blue = source[i + 2 * size]! * scale + offset;
    const fy = root(toXyz[3] * red + toXyz[4] * green + toXyz[5] * blue);
    // f(Y) stands for L* = 116 f - 16; f(X) - f(Y) for a* / 500, f(Y) - f(Z) for b* / 200.
    const fl = fy + strength * (root(light[i]! * a + b) - fy);
    const x = whiteX * cube(fl + root((toXyz[0] * red + toXyz[1] * green + toXyz[2] * blue) / whiteX) - fy);
    const y = cube(fl);
    const z = whiteZ * cube(fl + root((toXyz[6] * red + toXyz[7] * green + toXyz[8] * blue) / whiteZ) - fy);
    out[i] = toRgb[0] * x + toRgb[1] * y + toRgb[2] * z;
    out[i + size] = toRgb[3] * x + toRgb[4] * y + toRgb[5] * z;
    out[i + 2 * size] = toRgb[6] * x + toRgb[7] * y + toRgb[8] * z;
  }
}

const sampled = 65_536;
/** The bright end of the line: stars and nebulae, not the few that are saturated. */
const brightPart = 0.998;

/** The line that brings one picture's median and bright end onto another's. */
function matching(
  size: number,
  from: (i: number) => number,
  to: (i: number) => number,
): { scale: number; offset: number } {
  const stride = Math.max(1, Math.floor(size / sampled));
  const [own, wanted] = [from, to].map((value) => {
    const values: number[] = [];
    for (let i = 0; i < size; i += stride) {
      const each = value(i);
      if (Number.isFinite(each)) values.push(each);
    }
    values.sort((a, b) => a - b);
    return { median: values[values.length >> 1], bright: values[Math.floor(values.length * brightPart)] };
  });
  if (own?.median === undefined || wanted?.median === undefined) return { scale: 1, offset: 0 };
  const scale = (wanted.bright! - wanted.median) / (own.bright! - own.median);
  const usable = Number.isFinite(scale) && scale > 0 ? scale : 1;
  return { scale: usable, offset: wanted.median - own.median * usable };
}

export function stretchPlanes({ target, frame, shifts, transfer }: NeutralInput): void {
  const out = new Uint16Array(target);
  const pixels = pixelsOf(frame);
  const { scale, offset } = lightOf(frame);
  const { shadows, midtones } = transfer;
  const size = out.length / shifts.length;
  const range = Math.max(1e-6, 1 - shadows);
  for (let i = 0; i < out.length; i++) {
    const light = pixels[i]! * scale + offset;
    // What was white stays white, whatever its plane was shifted by. NaN becomes black.
    const x = light >= 1 ? 1 : (light + shifts[Math.floor(i / size)]! - shadows) / range;
    out[i] = Math.round(65_535 * midtonesTransfer(midtones, x)) || 0;
  }
}
