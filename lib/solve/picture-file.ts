/** A frame as a picture file that foreign solvers read: one brightness a pixel, since they look at the first plane only. */
import { writeFits } from '../frame/fits/write.ts';
import { Frame } from '../frame/frame.ts';
import { allocateShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import type { PlaneInput } from '../stars/plane.job.ts';
import { describePlane } from '../stars/plane.ts';
import type { Wcs } from './wcs.ts';

export interface PictureFile {
  width: number;
  height: number;
  /** Coordinates of the picture's pixels as those of the frame's, which may lie half a pixel beside them. */
  ofFrame(wcs: Wcs): Wcs;
  /** Frame coordinates of the picture's pixel (0, 0). */
  offset: number;
}

const makePlane = job<PlaneInput, void>(new URL('../stars/plane.job.ts', import.meta.url), 'makePlane');

/** Writes it, the first row at the top. @throws disk-full, lost, failed, aborted */
export async function writePicture(frame: Frame, path: string, signal?: AbortSignal): Promise<PictureFile> {
  const { width, height, type, offset, data } = describePlane(frame);
  const pixels = data ?? allocateShared(width * height * (type === 'u16' ? 2 : 4));
  if (!data) {
    const { data: own, channels, bayer, pixelType, transfer, whiteLevel } = frame;
    const size = { width: frame.width, height: frame.height };
    const source = { data: own, ...size, channels, bayer, pixelType, transfer, whiteLevel };
    await sharedPool().run(makePlane, { frame: source, target: pixels, from: 0, to: height }, { signal });
  }
  await writeFits(new Frame({ data: pixels, width, height, pixelType: type }), path, { signal });
  const size = { width: frame.width, height: frame.height };
  return { width, height, offset, ofFrame: (wcs) => ({ ...wcs, ...size, x: wcs.x + offset, y: wcs.y + offset }) };
}
