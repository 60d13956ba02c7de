/** The video of an INDI camera as one of ours, with films that its driver records where it can. */
import { stat } from 'node:fs/promises';
import { networkInterfaces } from 'node:os';
import { isoTime } from '../clock/clock.ts';
import type { FrameSite } from '../frame/frame.ts';
import { serHeaderBytes } from '../frame/ser-header.ts';
import type { IndiClient } from '../indi/client.ts';
import { IndiStream } from '../indi/devices/stream.ts';
import { streamSizes } from '../indi/devices/stream-picture.ts';
import { canRecord, prepareFilm, recordFilm } from '../indi/devices/stream-record.ts';
import { isOn, numberOf } from '../indi/property.ts';
import type { CameraStream, DriverRecording, RecordingProgress, StreamRequest } from './camera-stream.ts';

export interface IndiStreamOptions {
  client: IndiClient;
  device: string;
  /** As the user named it. */
  host: string;
  site: FrameSite | null;
}

/** How often a recording is looked at, ms. */
const progressMilliseconds = 500;

export async function openIndiStream(
  { client, device, host, site }: IndiStreamOptions,
  request: StreamRequest,
  signal?: AbortSignal,
): Promise<CameraStream> {
  const { exposureSeconds, target = null } = request;
  const local = isThisComputer(host);
  const stream = await IndiStream.open(client, device, exposureSeconds, signal);
  const gain = request.gain ?? null;
  return {
    stampedBy: 'arrival',
    stampingHost: local ? null : host,
    onFrame: (listener) =>
      stream.on('picture', ({ frame, arrivedAt, sentAt }) => {
        // It left the sensor before it came: its exposure ended then at the latest.
        const [start, end] = [arrivedAt - exposureSeconds * 1000, arrivedAt].map(isoTime) as [string, string];
        const known = { exposureSeconds, gain, camera: device, site, target, timeSource: 'host' } as const;
        listener({ frame: frame.with({ ...known, start, end }), arrivedAt, sentAt });
      }),
    onFault: (listener) => stream.on('fault', listener),
    framesPerSecond: () => stream.framesPerSecond(),
    failed: stream.failed,
    prepareRecording: canRecord(stream)
      ? async (wanted, aborted) => {
          await prepareFilm(stream, wanted, aborted);
          return {
            begin: async ({ stop, onProgress }) => {
              const over = new AbortController();
              if (onProgress) void follow(stream, { local, name: wanted.name, onProgress, over: over.signal });
              const film = await recordFilm(stream, wanted.durationSeconds, stop);
              over.abort();
              return { ...film, local } satisfies DriverRecording;
            },
          };
        }
      : null,
    close: () => stream.close(),
  };
}

/** Whether an address is this computer's own: then files that a server writes are here. */
export function isThisComputer(host: string): boolean {
  const name = host
    .trim()
    .toLowerCase()
    .replace(/^\[|\]$/g, '');
  if (name === '' || name === 'localhost' || name === '::1' || /^127\./.test(name)) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === name));
}

interface Following {
  local: boolean;
  name: string;
  onProgress: (progress: RecordingProgress) => void;
  over: AbortSignal;
}

/** There is no preview while the driver records: the frames are counted from the film's length, or reckoned from the rate. */
async function follow(stream: IndiStream, { local, onProgress, over }: Following): Promise<void> {
  const { client, device } = stream;
  const startedAt = client.clock.now();
  let path: string | null = null;
  const off = client.store.on('event', (event) => {
    if (event.what !== 'message' || event.device !== device) return;
    path = /Record file is (\/.+?)\s*$/.exec(event.message)?.[1] ?? path;
  });
  const bytes = (numberOf(stream.find('CCD_INFO'), 'CCD_BITSPERPIXEL') ?? 16) > 8 ? 2 : 1;
  const planes = isOn(stream.find('CCD_CAPTURE_FORMAT'), 'INDI_RGB') ? 3 : 1;
  const size = streamSizes(stream.find)[0];
  const frameBytes = size ? size.width * size.height * bytes * planes : null;
  try {
    for (;;) {
      await client.clock.sleep(progressMilliseconds * Math.min(client.clock.rate, 1000), over);
      const elapsedSeconds = (client.clock.now() - startedAt) / 1000;
      const length = local && path !== null && frameBytes ? await lengthOf(path) : null;
      const counted = length !== null && frameBytes ? Math.floor((length - serHeaderBytes) / frameBytes) : null;
      const frames = Math.max(0, counted ?? Math.round(elapsedSeconds * (stream.framesPerSecond() ?? 0)));
      if (!over.aborted) onProgress({ elapsedSeconds, frames, estimated: counted === null });
    }
  } catch {
    // The recording is over.
  } finally {
    off();
  }
}

const lengthOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ size }) => size,
    () => null,
  );
