/** Small camera frames for the tests of calibration: noise of known seed, made the same way each time. */
import { Frame, type FrameFields, type Keyword, type PixelType } from '../../../lib/frame/frame.ts';
import { generator, shared } from '../../kernels/samples.ts';

export const size = { width: 62, height: 41 } as const;
export const samples = size.width * size.height;

/** A frame of a cooled Bayer camera; `value` makes each sample. */
export function cameraFrame(
  value: (index: number) => number,
  fields: Partial<FrameFields> = {},
  pixelType: PixelType = 'u16',
): Frame {
  const { width = size.width, height = size.height, channels = 1 } = fields;
  return new Frame({
    data: shared(pixelType, width * height * channels, value),
    width,
    height,
    pixelType,
    bayer: 'RGGB',
    blackLevel: 256,
    whiteLevel: 16383,
    exposureSeconds: 60,
    gain: 100,
    offset: 10,
    temperatureCelsius: -10,
    camera: 'Test Camera',
    ...fields,
  });
}

export const light = (fields: Partial<FrameFields> = {}): Frame => {
  const next = generator(1);
  return cameraFrame(() => 500 + 800 * next(), fields);
};

export const bias = (fields: Partial<FrameFields> = {}): Frame => {
  const next = generator(2);
  return cameraFrame(() => 250 + 12 * next(), { kind: 'bias', exposureSeconds: 0.001, ...fields }, 'f32');
};

export const dark = (fields: Partial<FrameFields> = {}): Frame => {
  const next = generator(3);
  return cameraFrame(() => 256 + 40 * next() ** 4, { kind: 'dark', ...fields }, 'f32');
};

/** Calibrated (black 0), brighter in the middle, another level for each colour. */
export const flat = (fields: Partial<FrameFields> = {}): Frame => {
  const next = generator(4);
  const lamp = [9000, 6000, 6000, 3000];
  const value = (i: number) => {
    const [x, y] = [i % size.width, Math.floor(i / size.width)];
    const falloff = 1 - 0.5 * ((x / size.width - 0.5) ** 2 + (y / size.height - 0.5) ** 2);
    return lamp[2 * (y % 2) + (x % 2)]! * falloff * (0.98 + 0.04 * next());
  };
  const filter: Keyword[] = [{ name: 'FILTER', value: 'L' }];
  return cameraFrame(value, { kind: 'flat', exposureSeconds: 2, blackLevel: 0, keywords: filter, ...fields }, 'f32');
};
