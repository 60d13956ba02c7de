/** A frame as a picture file that foreign solvers read: one brightness a pixel, since they look at the first plane only. */
import { writeFits } from '../frame/fits/write.ts';
import { Frame } from '../frame/frame.ts';
import { allocateShared } from '../kernels/memory.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import type { PlaneInput } from '../stars/plane.job.ts';
import { describePlane, type Plane } from '../stars/plane.ts';
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
  const { data, width, height, type, offset } = await planeOf(frame, signal);
  await writeFits(new Frame({ data, width, height, pixelType: type }), path, { signal });
  const size = { width: frame.width, height: frame.height };
  return { width, height, offset, ofFrame: (wcs) => ({ ...wcs, ...size, x: wcs.x + offset, y: wcs.y + offset }) };
}

/** One brightness a pixel; `offset`: frame coordinates of its pixel (0, 0). The frame's own memory where that serves as it is. */
export async function planeOf(frame: Frame, signal?: AbortSignal): Promise<Plane> {
  const plane = describePlane(frame);
  if (plane.data) return { ...plane, data: plane.data };
  const { width, height, channels, bayer, pixelType, transfer, whiteLevel } = frame;
  const target = allocateShared(plane.width * plane.height * (plane.type === 'u16' ? 2 : 4));
  const source = { data: frame.data, width, height, channels, bayer, pixelType, transfer, whiteLevel };
  await sharedPool().run(makePlane, { frame: source, target, from: 0, to: plane.height }, { signal });
  return { ...plane, data: target };
}
