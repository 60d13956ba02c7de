/**
 * The picture that stars are looked for in: one brightness a pixel. Of a mosaic it is the mean of each 2x2 window, which holds
 * every colour once wherever it lies, so that a star's colour leaves no pattern behind; it is one pixel smaller, and its pixel
 * centres lie half a pixel further down and to the right.
 */
import type { FrameFields } from '../frame/frame.ts';

export interface Plane {
  data: SharedArrayBuffer;
  width: number;
  height: number;
  type: 'u16' | 'f32';
  /** Frame coordinates of the centre of pixel (0, 0). */
  offset: number;
  /** ADU of the frame in one unit of the plane. */
  unit: number;
  /** Steps of the samples, plane units: no noise is smaller than their rounding. Of floats, the last bits below white. */
  quantum: number;
  /** Plane value at which a pixel is saturated. */
  saturation: number;
  /** Standard deviation of a frame's pixel over that of the plane's. */
  noiseFactor: number;
  /** What the plane adds to the variance of a star's light along each axis, square pixels. */
  widening: number;
}

export type PlaneSource = Pick<
  FrameFields,
  'data' | 'width' | 'height' | 'channels' | 'bayer' | 'pixelType' | 'transfer' | 'whiteLevel'
>;

/** What the plane of a frame looks like; its `data` is the frame's own where that serves as it is, else null and to be made. */
export function describePlane(frame: PlaneSource): Omit<Plane, 'data'> & { data: SharedArrayBuffer | null } {
  const { width, height, channels, bayer, pixelType, whiteLevel, transfer } = frame;
  const samples = samplesOf(frame);
  const area = bayer ? { width: width - 1, height: height - 1, offset: 0.5 } : { width, height, offset: 0 };
  const noiseFactor = Math.sqrt(samples);
  // Two samples half a pixel on both sides.
  const widening = bayer ? 0.25 : 0;
  const size = { ...area, noiseFactor, widening };
  const own = channels === 1 && !bayer && transfer === 'linear' ? frame.data : null;
  if (pixelType === 'f32')
    return {
      ...size,
      data: own,
      type: 'f32',
      unit: 1,
      quantum: Math.max(0, whiteLevel) * 2e-7,
      saturation: whiteLevel,
    };
  if (pixelType === 'u16' && own)
    return {
      ...size,
      data: own,
      type: 'u16',
      unit: 1,
      quantum: 1,
      saturation: Math.min(whiteLevel, 65535),
    };
  const scale = planeScale(frame);
  return {
    ...size,
    data: null,
    type: 'u16',
    unit: 1 / (samples * scale),
    quantum: scale,
    saturation: 65535,
  };
}

export const samplesOf = ({ channels, bayer }: PlaneSource): number => (bayer ? 4 : channels);

/** Plane units for one ADU of one sample: the white of all of them together is 65534. */
export const planeScale = (frame: PlaneSource): number =>
  65534 / (samplesOf(frame) * Math.max(1, frame.pixelType === 'u8' ? 255 : Math.min(65535, frame.whiteLevel)));
