/** The video of a CCD device (CCD_VIDEO_STREAM): on, its pictures in their order, off again. Films of the driver: stream-record.ts. */
import { realClock } from '../../clock/clock.ts';
import type { Frame } from '../../frame/frame.ts';
import { asNightflowError, NightflowError } from '../../process/errors.ts';
import { Events, type Listener } from '../../process/events.ts';
import type { BlobArrival } from '../blob/traffic.ts';
import type { IndiClient } from '../client.ts';
import { requireOk } from '../command.ts';
import { switched } from '../completion.ts';
import { type IndiProperty, isOn, numberOf } from '../property.ts';
import type { WantedValues } from '../validate.ts';
import { streamFrame } from './stream-picture.ts';

export interface StreamedPicture {
  /** Pixels only: whose video it is and when it was taken, the caller adds. */
  frame: Frame;
  arrivedAt: number;
  /** The driver's stamp of the sending, whole seconds, UTC ms. */
  sentAt: number | null;
}

interface StreamEvents {
  picture: StreamedPicture;
  /** A picture that came and can't be used, a sentence. */
  fault: string;
}

/** Drivers thin the video out to 10 pictures a second unless told otherwise (libindi: LIMITS_PREVIEW_FPS, at most 120). */
export const mostPicturesPerSecond = 120;
const settingSeconds = 30;

export class IndiStream {
  readonly client: IndiClient;
  readonly device: string;
  /** Settles when the video ended without `close`. */
  readonly failed: Promise<NightflowError>;
  private readonly events = new Events<StreamEvents>();
  private readonly ended = new AbortController();
  private offs: (() => void)[] = [];
  private fail: (reason: NightflowError) => void = () => {};
  /** Pictures that need work (colour, JPEG) stay in their order. */
  private tail: Promise<void> | null = null;
  private recording = false;
  /** The limit as it was found. */
  private usualRate: number | null = null;

  private constructor(client: IndiClient, device: string) {
    this.client = client;
    this.device = device;
    this.failed = new Promise((resolve) => {
      this.fail = resolve;
    });
  }

  /**
   * Turns the video on. Exposure and encoder are set before: drivers don't change them while it runs.
   * @throws busy (an exposure, a video or a recording of somebody else), unsupported, bad-input, rejected, timeout, lost, aborted
   */
  static open(client: IndiClient, device: string, exposureSeconds: number, signal?: AbortSignal): Promise<IndiStream> {
    return client.exclusively(device, { signal }, async (stop) => {
      const stream = new IndiStream(client, device);
      try {
        await stream.start(exposureSeconds, stop);
      } catch (error) {
        await stream.close().catch(() => {});
        throw error;
      }
      return stream;
    });
  }

  on<Name extends keyof StreamEvents>(name: Name, listener: Listener<StreamEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  find = (name: string): IndiProperty | undefined => this.client.store.property(this.device, name);

  /** What the driver measures; null where it does not. */
  framesPerSecond(): number | null {
    return numberOf(this.find('FPS'), 'AVG_FPS') ?? numberOf(this.find('FPS'), 'EST_FPS');
  }

  /** How many pictures a second are sent at most, where the driver can be told; it takes it while the video runs. @throws rejected, lost */
  async limitPictures(perSecond: number, signal?: AbortSignal): Promise<void> {
    const limit = this.find('LIMITS')?.elements.get('LIMITS_PREVIEW_FPS');
    if (!limit) return;
    const { minimum = 1, maximum = mostPicturesPerSecond } = limit;
    const rate = maximum > minimum ? Math.max(minimum, Math.min(maximum, perSecond)) : perSecond;
    if (limit.value !== rate) await this.set('LIMITS', { LIMITS_PREVIEW_FPS: rate }, signal);
  }

  /** A driver may end the video with the film: that is no failure. */
  whileRecording(on: boolean): void {
    this.recording = on;
  }

  /** Off, where it is still on. STREAM_OFF does not end a recording: that is its own command. */
  async close(): Promise<void> {
    if (this.ended.signal.aborted) return;
    this.ended.abort();
    const { client, device } = this;
    try {
      if (client.connected && isStreaming(this.find)) {
        const judge = switched('CCD_VIDEO_STREAM', 'STREAM_OFF');
        const values = { STREAM_OFF: true };
        await client.commandNow({ device, property: 'CCD_VIDEO_STREAM', values, judge, timeoutSeconds: 10 });
      }
      if (client.connected && this.usualRate !== null) await this.limitPictures(this.usualRate).catch(() => {});
    } finally {
      for (const off of this.offs) off();
      this.offs = [];
    }
  }

  private async start(exposureSeconds: number, signal: AbortSignal): Promise<void> {
    const { client, device } = this;
    refuseBusy(device, this.find);
    if (!this.find('CCD_VIDEO_STREAM'))
      throw new NightflowError('unsupported', `${device} has no video (CCD_VIDEO_STREAM).`, {
        remedy: 'Take single exposures with it, or choose a camera whose driver streams.',
      });
    this.offs.push(await client.enableBlobs(device, 'CCD1', signal));
    if (this.find('CCD_STREAM_ENCODER')?.elements.has('RAW') && !isOn(this.find('CCD_STREAM_ENCODER'), 'RAW'))
      await this.set('CCD_STREAM_ENCODER', { RAW: true }, signal);
    this.usualRate = numberOf(this.find('LIMITS'), 'LIMITS_PREVIEW_FPS');
    // A driver that does not take it sends fewer: no reason to have none.
    await this.limitPictures(mostPicturesPerSecond, signal).catch((thrown) => {
      const error = asNightflowError(thrown);
      if (error.code === 'aborted' || error.code === 'lost') throw error;
    });
    if (this.find('STREAMING_EXPOSURE'))
      await this.set('STREAMING_EXPOSURE', { STREAMING_EXPOSURE_VALUE: exposureSeconds }, signal);
    this.offs.push(
      client.onBlob((arrival) => this.take(arrival)),
      client.onDisconnected((reason) => this.end(new NightflowError('lost', reason))),
      client.store.on('event', (event) => {
        if (event.what === 'device-deleted' && event.device === device)
          this.end(new NightflowError('lost', `The driver of ${device} ended.`));
        if (event.what !== 'updated' || event.property.device !== device) return;
        if (event.property.name !== 'CCD_VIDEO_STREAM' || this.recording) return;
        if (event.property.state === 'Alert' || isOn(event.property, 'STREAM_OFF'))
          this.end(new NightflowError('lost', event.message?.trim() || `The video of ${device} was turned off.`));
      }),
    );
    const judge = switched('CCD_VIDEO_STREAM', 'STREAM_ON', { busyIsDone: true });
    const request = { device, property: 'CCD_VIDEO_STREAM', values: { STREAM_ON: true }, judge, signal };
    requireOk(await client.commandNow({ ...request, timeoutSeconds: settingSeconds }));
  }

  private take(arrival: BlobArrival): void {
    if (arrival.device !== this.device || arrival.property !== 'CCD1') return;
    for (const { blob } of arrival.elements) {
      if (!blob.format.startsWith('.stream')) continue;
      const { clock } = this.client;
      // The thread that receives it knows the moment best; of a rehearsal it knows nothing.
      const arrivedAt = (clock === realClock ? blob.firstByteAt : null) ?? clock.now();
      const at = { arrivedAt, sentAt: sentAt(arrival.timestamp) };
      const tell = (frame: Frame) => {
        if (!this.ended.signal.aborted) this.events.emit('picture', { frame, ...at });
      };
      const complain = (thrown: unknown) => this.events.emit('fault', asNightflowError(thrown).message);
      try {
        const made = streamFrame(blob, this.find, this.ended.signal);
        if (made instanceof Promise || this.tail) {
          const tail = Promise.all([made, this.tail]).then(([frame]) => tell(frame), complain);
          this.tail = tail;
          void tail.then(() => {
            if (this.tail === tail) this.tail = null;
          });
        } else tell(made);
      } catch (thrown) {
        complain(thrown);
      }
    }
  }

  private async set(property: string, values: WantedValues, signal?: AbortSignal): Promise<void> {
    const { client, device } = this;
    requireOk(await client.commandNow({ device, property, values, timeoutSeconds: settingSeconds, signal }));
  }

  private end(reason: NightflowError): void {
    if (!this.ended.signal.aborted) this.fail(reason);
  }
}

type Find = (name: string) => IndiProperty | undefined;

export const isStreaming = (find: Find): boolean => isOn(find('CCD_VIDEO_STREAM'), 'STREAM_ON');
export const isRecording = (find: Find): boolean => find('RECORD_STREAM')?.state === 'Busy';

/**
 * An exposure during a video is taken by drivers, and its picture comes among those of the video: refused here instead.
 * @throws busy
 */
export function refuseStreaming(device: string, find: Find): void {
  if (!isStreaming(find) && !isRecording(find)) return;
  throw new NightflowError(
    'busy',
    `${device} is ${isRecording(find) ? 'recording' : 'streaming'}, so it can't expose.`,
    {
      remedy: 'Wait for the end of the recording, or turn the video off (CCD_VIDEO_STREAM, RECORD_STREAM).',
    },
  );
}

function refuseBusy(device: string, find: Find): void {
  if (find('CCD_EXPOSURE')?.state === 'Busy')
    throw new NightflowError('busy', `${device} is exposing, so its video can't be turned on.`, {
      remedy: 'Wait for the end of the exposure or abort it.',
    });
  refuseStreaming(device, find);
}

/** ISO without Z, whole seconds. */
function sentAt(timestamp: string | null): number | null {
  const at = timestamp === null ? Number.NaN : Date.parse(`${timestamp.replace(/Z$/, '')}Z`);
  return Number.isNaN(at) ? null : at;
}
