/** The worker's side of a camera's file that can't be decoded: what its tags say, and the largest JPEG in it that is for the eye. */
import { type ExifFields, exifFields } from './exif.ts';
import { jpegFrame } from './raw/jpeg-header.ts';
import { type BytesInput, tagsOf } from './read.job.ts';
import { bufferSource } from './tiff/source.ts';

export interface Preview {
  fields: Partial<ExifFields>;
  /** Where it is; `length` reaches to the end of the file, since a decoder stops at the picture's own end. Null when there is none. */
  jpeg: { position: number; length: number } | null;
}

/** Every RAW format has a JPEG for the body's own screen, each in another place; all of them begin in the same way. */
const startOfJpeg = Buffer.from([0xff, 0xd8, 0xff]);
/** Compressed sensor data look like one by chance, once in 16 MB. */
const maximumCandidates = 4096;
/** EXIF data, a thumbnail and colour profiles may come before its size, 64 kB each. */
const headerBytes = 1 << 19;

export function preview({ name, data, byteLength }: BytesInput): Preview {
  const bytes = Buffer.from(data as unknown as ArrayBuffer, 0, byteLength);
  return { fields: fieldsOf(name, bytes), jpeg: largestJpeg(bytes) };
}

/** Damage costs the facts, not the picture. */
function fieldsOf(name: string, bytes: Buffer): Partial<ExifFields> {
  try {
    const tiff = tagsOf(bufferSource(name, bytes));
    return tiff ? exifFields(tiff) : {};
  } catch {
    return {};
  }
}

function largestJpeg(bytes: Buffer): Preview['jpeg'] {
  let found: Preview['jpeg'] = null;
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
