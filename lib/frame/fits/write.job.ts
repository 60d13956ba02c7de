/** The worker's side of writing FITS: onto the disk, whole or not at all. */
import { writeSync } from 'node:fs';
import { writeDurably } from '../../process/durable.ts';
import type { FrameFields } from '../frame.ts';
import { fitsEncoding } from './encode.ts';

export async function write({ frame, path }: { frame: FrameFields; path: string }): Promise<{ bytes: number }> {
  const { length, encode } = fitsEncoding(frame);
  await writeDurably(path, async ({ fd }) => encode((...piece) => writeAt(fd, ...piece)));
  return { bytes: length };
}

function writeAt(fd: number, bytes: Buffer, at: number, length: number, position: number): void {
  for (let done = 0; done < length; ) done += writeSync(fd, bytes, at + done, length - done, position + done);
}
