/** The worker's side of a camera's file that can't be decoded: the largest JPEG in it that is for the eye. */
import { jpegFrame } from './raw/jpeg-header.ts';

export interface EmbeddedJpegInput {
  data: SharedArrayBuffer;
}

export interface EmbeddedJpeg {
  position: number;
  /** To the end of the file at most: a decoder stops at the picture's own end. */
  length: number;
}

/** Every RAW format has a JPEG for the body's own screen, each in another place; all of them begin in the same way. */
const startOfJpeg = Buffer.from([0xff, 0xd8, 0xff]);
/** Compressed sensor data look like one by chance, once in 16 MB. */
const maximumCandidates = 4096;
/** A preview's EXIF block with its own thumbnail may come before its size. */
const headerBytes = 1 << 19;

/** @returns null when there is none */
export function embeddedJpeg({ data }: EmbeddedJpegInput): EmbeddedJpeg | null {
  const bytes = Buffer.from(data as unknown as ArrayBuffer);
  let found: EmbeddedJpeg | null = null;
  let most = 0;
  let at = bytes.indexOf(startOfJpeg);
  for (let candidates = 0; at >= 0 && candidates < maximumCandidates; candidates++) {
    const jpeg = jpegFrame(bytes.subarray(at, at + headerBytes));
    // A lossless one is the sensor's data.
    if (jpeg && !jpeg.lossless && jpeg.samples > most) {
      most = jpeg.samples;
      found = { position: at, length: bytes.length - at };
    }
    at = bytes.indexOf(startOfJpeg, at + 1);
  }
  return found;
}
