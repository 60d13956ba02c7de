/** From a driver's picture to a Frame: FITS, or the file of a DSLR, which then travels with its pixels. */
import { readFitsBytes } from '../frame/fits/read.ts';
import type { Frame, FrameSite, Original } from '../frame/frame.ts';
import { developOriginal } from '../frame/original.ts';
import type { IndiPicture } from '../indi/devices/camera.ts';
import { allocateShared } from '../kernels/memory.ts';
import type { ExposureRequest } from './camera.ts';

export interface IndiFrameContext {
  camera: string;
  site: FrameSite | null;
  request: ExposureRequest;
  /** Gets why a file could not be decoded. */
  tell(problem: string): void;
  signal?: AbortSignal;
}

/** The times of FITS are those of the driver, so of the clock of the server's computer; those of a file are the camera's own. @throws as readFits */
export async function frameOf(picture: IndiPicture, context: IndiFrameContext): Promise<Frame> {
  const { camera, site, request } = context;
  const frame = await read(picture, context);
  return frame.with({
    camera,
    kind: request.kind ?? 'light',
    exposureSeconds: frame.exposureSeconds ?? request.exposureSeconds,
    timeSource: frame.start === null ? null : frame.original ? 'camera' : 'host',
    site: site ?? frame.site,
    target: request.target ?? frame.target,
  });
}

async function read(picture: IndiPicture, { tell, signal }: IndiFrameContext): Promise<Frame> {
  if (picture.extension === null) return readFitsBytes(picture, { signal });
  const { frame, problem } = await developOriginal(originalOf(picture, picture.extension), signal);
  if (problem) tell(problem);
  return frame;
}

/** The memory of a BLOB may be longer than what came. */
function originalOf({ data, byteLength }: IndiPicture, extension: string): Original {
  if (data.byteLength === byteLength) return { data, extension };
  const own = allocateShared(byteLength);
  new Uint8Array(own).set(new Uint8Array(data, 0, byteLength));
  return { data: own, extension };
}
