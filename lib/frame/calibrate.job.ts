/** The worker's side of calibration: one frame through the maps, its defects mended, its own hot and cold pixels too. */
import { mendDefects } from '../kernels/mend.ts';
import { kernelsOn } from '../kernels/wasm.ts';
import { correctOwnDefects, type OwnDefects } from './calibrate-cosmetic.ts';
import { blockSamples, type MapLayout } from './calibrate-maps.ts';
import { bytesPerSample, type FrameFields, type PixelType } from './frame.ts';

export interface CalibrateInput {
  memory: WebAssembly.Memory;
  layout: MapLayout;
  lane: number;
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

function applyMaps({ memory, layout, lane, frame, target, targetType, pedestal, saturation, white }: CalibrateInput) {
  const kernels = kernelsOn(memory);
  const bytes = Buffer.from(memory.buffer as unknown as ArrayBuffer);
  const source = Buffer.from(frame.data as unknown as ArrayBuffer);
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const size = bytesPerSample[frame.pixelType];
  const targetSize = bytesPerSample[targetType];
  const light = layout.lanes + lane * layout.laneBytes;
  const result = light + layout.laneBytes / 2;
  const widen = frame.pixelType === 'u8' ? kernels.floatsFromU8! : kernels.floatsFromU16!;
  const [toU16, toF32] = [kernels.calibrateU16!, kernels.calibrateF32!];
  for (let start = 0; start < layout.samples; start += blockSamples) {
    const count = Math.min(blockSamples, layout.samples - start);
    source.copy(bytes, light, start * size, (start + count) * size);
    const dark = layout.dark + start * 4;
    const gain = layout.gain && layout.gain + start * 4;
    let floats = light;
    if (targetType === 'u16') toU16(result, light, dark, gain, count, pedestal, saturation, white);
    else {
      if (frame.pixelType !== 'f32') {
        widen(result, light, count, 1);
        floats = result;
      }
      toF32(result, floats, dark, gain, count, pedestal, saturation, white);
    }
    bytes.copy(picture, start * targetSize, result, result + count * targetSize);
  }
}
