/** The header of a JPEG inside a RAW file: enough to know that it is one, and how many samples it holds. */

export interface JpegFrame {
  /** SOF3: every sample comes back as it was. */
  lossless: boolean;
  samples: number;
}

/** Headers of RAW data are far shorter. */
export const jpegHeaderBytes = 4096;

/** @param bytes The first bytes of the JPEG. @returns null for what is no JPEG or has no tables to decode it with (ITU-T T.81, annex B). */
export function jpegFrame(bytes: Buffer): JpegFrame | null {
  if (bytes.length < 4 || bytes.readUInt16BE(0) !== 0xffd8) return null;
  let frame: JpegFrame | null = null;
  let tables = false;
  for (let at = 2; at + 10 <= bytes.length && bytes[at] === 0xff; at += 2 + bytes.readUInt16BE(at + 2)) {
    const marker = bytes[at + 1]!;
    if (marker === 0xda) return tables ? frame : null;
    if (marker === 0xc4) tables = true;
    if (marker !== 0xc0 && marker !== 0xc1 && marker !== 0xc2 && marker !== 0xc3) continue;
    const [bits, components] = [bytes[at + 4]!, bytes[at + 9]!];
    if (bits < 2 || bits > 16 || components < 1 || components > 4) return null;
    const samples = bytes.readUInt16BE(at + 5) * bytes.readUInt16BE(at + 7) * components;
    frame = { lossless: marker === 0xc3, samples };
  }
  return null;
}
