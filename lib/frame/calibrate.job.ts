/** The worker's side of calibration: one frame through the maps, its defects mended, its own hot and cold pixels too. */
import { mendDefects } from '../kernels/mend.ts';
import { kernelsOn } from '../kernels/wasm.ts';
import { correctOwnDefects, type OwnDefects } from './calibrate-cosmetic.ts';
import { blockSamples, type Maps, type PackedMaps } from './calibrate-maps.ts';
import { bytesPerSample, type FrameFields, type PixelType } from './frame.ts';

export interface CalibrateInput {
  maps: Maps;
  frame: Pick<FrameFields, 'data' | 'width' | 'height' | 'channels' | 'bayer' | 'pixelType'>;
  target: SharedArrayBuffer;
  targetType: Extract<PixelType, 'u16' | 'f32'>;
  /** ADU added to the result. */
  pedestal: number;
  /** ADU from which on a sample of the frame is saturated, and what it becomes. */
  saturation: number;
  white: number;
  /** Indices (u32) of pixels to replace by their neighbours. */
  defects: SharedArrayBuffer | null;
  /** Look for hot and cold pixels in the result, too. */
  cosmetic: boolean;
}

export function calibrate(input: CalibrateInput): OwnDefects | null {
  applyMaps(input);
  const { target, targetType, defects, cosmetic, frame } = input;
  const { width, height, channels, bayer } = frame;
  const mosaic = { width, height, planes: channels, colourStep: bayer ? 2 : 1 } as const;
  if (defects) mendDefects(target, targetType, mosaic, defects);
  return cosmetic ? correctOwnDefects(target, targetType, mosaic) : null;
}

function applyMaps(input: CalibrateInput): void {
  const { maps, frame, target, targetType, pedestal, saturation, white } = input;
  const { memory, layout, packed } = maps;
  const { light, result, samples } = layout;
  const kernels = kernelsOn(memory);
  const bytes = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  const source = Buffer.from(frame.data as unknown as ArrayBuffer);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const size = bytesPerSample[frame.pixelType];
  const targetSize = bytesPerSample[targetType];
  const mapSize = packed ? 2 : 4;
  const widen = frame.pixelType === 'u8' ? kernels.floatsFromU8! : kernels.floatsFromU16!;
  const [fromPacked, toU16, toF32] = [kernels.calibratePackedU16!, kernels.calibrateU16!, kernels.calibrateF32!];
  const lift = packed ? liftOf(packed, pedestal) : 0;
  for (let start = 0; start < samples; start += blockSamples) {
    const count = Math.min(blockSamples, samples - start);
    source.copy(bytes, light, start * size, (start + count) * size);
    const dark = layout.dark + start * mapSize;
    const gain = layout.gain && layout.gain + start * mapSize;
    if (packed) fromPacked(result, light, dark, gain, count, lift, packed.shift, saturation, white);
    else if (targetType === 'u16') toU16(result, light, dark, gain, count, pedestal, saturation, white);
    else {
      const floats = frame.pixelType === 'f32' ? light : result;
      if (floats === result) widen(result, light, count, 1);
      toF32(result, floats, dark, gain, count, pedestal, saturation, white);
    }
    bytes.copy(picture, start * targetSize, result, result + count * targetSize);
  }
  if (packed) applyApart(packed, input);
}

/** Sixteenths of an ADU: the pedestal, half an ADU for the rounding, less where the packed map begins. */
const liftOf = ({ base }: PackedMaps, pedestal: number): number => Math.round(16 * pedestal) + 8 - base;

/** The pixels whose dark or gain the packed maps can't hold. */
function applyApart(
  { indices, values }: PackedMaps,
  { frame, target, pedestal, saturation, white }: CalibrateInput,
): void {
  const [light, result] = [new Uint16Array(frame.data), new Uint16Array(target)];
  const pairs = new Float32Array(values);
  for (const [i, index] of new Uint32Array(indices).entries()) {
    const value = light[index]!;
    const calibrated = Math.round((value - pairs[2 * i]!) * pairs[2 * i + 1]! + pedestal);
    result[index] = value >= saturation ? white : Math.max(0, Math.min(white, calibrated));
  }
}
