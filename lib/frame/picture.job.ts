/** The worker's side of reading pictures through sharp: interleaved samples become planes in shared memory. */
import { allocatePixels, bytesPerSample, type Pixels, type PixelType } from './frame.ts';

export interface PlanesInput {
  interleaved: ArrayBuffer;
  /** Byte offset of the first sample. */
  from: number;
  width: number;
  height: number;
  /** Samples of a pixel as they stand; the first `channels` are taken. */
  bands: number;
  channels: 1 | 3;
  pixelType: PixelType;
}

export function planes({
  interleaved,
  from,
  width,
  height,
  bands,
  channels,
  pixelType,
}: PlanesInput): SharedArrayBuffer {
  const count = width * height;
  const data = allocatePixels(width, height, channels, pixelType);
  const target = view(data, 0, count * channels, pixelType);
  const aligned = from % bytesPerSample[pixelType] === 0 ? interleaved : interleaved.slice(from);
  const source = view(aligned, aligned === interleaved ? from : 0, count * bands, pixelType);
  if (bands === 1) target.set(source);
  else
    for (let channel = 0; channel < channels; channel++) {
      const plane = target.subarray(channel * count, (channel + 1) * count);
      for (let i = 0, at = channel; i < count; i++, at += bands) plane[i] = source[at]!;
    }
  return data;
}

function view(data: ArrayBufferLike, from: number, length: number, pixelType: PixelType): Pixels {
  return pixelType === 'u8'
    ? new Uint8Array(data, from, length)
    : pixelType === 'u16'
      ? new Uint16Array(data, from, length)
      : new Float32Array(data, from, length);
}
