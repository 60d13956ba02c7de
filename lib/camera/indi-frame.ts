/** From a driver's picture to a Frame: FITS, or the file of a DSLR, which then travels with its pixels. */
import { type Clock, isoTime, realClock } from '../clock/clock.ts';
import { readFitsBytes } from '../frame/fits/read.ts';
import type { Frame, FrameFields, FrameSite, Original } from '../frame/frame.ts';
import { developOriginal } from '../frame/original.ts';
import type { IndiPicture } from '../indi/devices/camera.ts';
import { allocateShared } from '../kernels/memory.ts';
import type { ExposureRequest } from './camera.ts';

export interface IndiFrameContext {
  camera: string;
  site: FrameSite | null;
  request: ExposureRequest;
  clock: Clock;
  /** Gets why a file could not be decoded. */
  tell(problem: string): void;
  signal?: AbortSignal;
}

/** From the end of an exposure to the driver's first byte: the body's USB, up to so many seconds. */
const longestDownloadSeconds = 4;

/** The times of FITS are those of the driver, so of the clock of the server's computer. @throws as readFits */
export async function frameOf(picture: IndiPicture, context: IndiFrameContext): Promise<Frame> {
  const { camera, site, request } = context;
  const frame = await read(picture, context);
  const exposureSeconds = frame.exposureSeconds ?? request.exposureSeconds;
  return frame.with({
    camera,
    kind: request.kind ?? 'light',
    exposureSeconds,
    timeSource: frame.start === null ? null : 'host',
    ...(picture.extension === null ? {} : timesOf(arrivalOf(picture, context.clock), exposureSeconds)),
    site: site ?? frame.site,
    target: request.target ?? frame.target,
  });
}

/** The clocks of DSLRs are set by hand, and have no zone: when the file came tells more. */
function timesOf(arrivedAt: number, exposureSeconds: number): Partial<FrameFields> {
  const uncertainty = longestDownloadSeconds / 2;
  const at = (secondsBeforeEnd: number) => isoTime(arrivedAt - (uncertainty + secondsBeforeEnd) * 1000);
  return {
    ...{ start: at(exposureSeconds), middle: at(exposureSeconds / 2), end: at(0) },
    ...{ timeSource: 'host', timeUncertaintySeconds: uncertainty },
  };
}

const arrivalOf = ({ arrivedAt }: IndiPicture, clock: Clock): number =>
  (clock === realClock ? arrivedAt : null) ?? clock.now();

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
