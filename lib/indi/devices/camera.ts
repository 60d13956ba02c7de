/** A CCD device on an INDI server: its sensor, one exposure, and runs without a gap. Pictures are handed out as they came. */
import { NightflowError, throwIfAborted } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import { requireOk } from '../command.ts';
import { pressed } from '../completion.ts';
import { exposed, pictureIn } from '../completion-devices.ts';
import { connectDevice, type DeviceCareOptions } from '../device-care.ts';
import { type IndiProperty, isOn, numberOf, textOf } from '../property.ts';
import type { WantedValues } from '../validate.ts';
import { adoptExposure } from './adopt-exposure.ts';
import { fastPictures } from './fast-exposures.ts';
import { isRecording, isStreaming } from './stream.ts';
import { transferFormat } from './transfer-format.ts';

export interface IndiSensor {
  width: number;
  height: number;
  pixelSizeMicrometres: number | null;
  /** The driver's word: RGGB, BGGR, … */
  bayer: string | null;
  bitsPerSample: number;
  minimumExposureSeconds: number | null;
  maximumExposureSeconds: number | null;
}

/** A picture as the driver sent it: a whole file, FITS or the camera's own. */
export interface IndiPicture {
  name: string;
  data: SharedArrayBuffer;
  byteLength: number;
  /** Of a camera's own file, with its dot, in small letters ('.cr2'); null for FITS. */
  extension: string | null;
  /** When its first byte was here, UTC ms of the real clock; null when nobody looked. */
  arrivedAt: number | null;
}

/** Real drivers define a camera's properties over seconds, the size of the sensor last. */
const definitionSeconds = 20;
/** What DSLR drivers send in their own format (`FORMAT_NATIVE`). */
const ownFile = /^\.(arw|cr2|cr3|crw|nef|nrw|dng|raf|orf|rw2|pef|srw|jpe?g|png|tiff?)$/;
/** From the end of the exposure to the picture: a large sensor over USB 2 and a slow network. */
const deliverySeconds = 60;

export class IndiCamera {
  readonly client: IndiClient;
  readonly device: string;
  private unsubscribe: () => void = () => {};

  constructor(client: IndiClient, device: string) {
    this.client = client;
    this.device = device;
  }

  /**
   * Connects the device with its settings and asks for its pictures to us, as FITS unless a setting asks for the camera's own files.
   * @returns sentences about settings that it did not take
   * @throws bad-input, unsupported when it is no camera, rejected, timeout, lost, aborted
   */
  async open(options: Omit<DeviceCareOptions, 'device'>, signal?: AbortSignal): Promise<string[]> {
    const { client, device } = this;
    const complaints = await connectDevice(client, { ...options, device }, signal);
    // CCD_INFO comes with zeros first.
    const ready = (property: IndiProperty) => (numberOf(property, 'CCD_MAX_X') ?? 0) > 0;
    await client
      .waitForProperty(device, 'CCD_INFO', { timeoutSeconds: definitionSeconds, signal, ready })
      .catch((error) => {
        throwIfAborted(signal);
        throw new NightflowError('unsupported', `${device} is no camera: it does not tell the size of its sensor.`, {
          cause: error,
        });
      });
    await client.waitForProperty(device, 'CCD1', { timeoutSeconds: definitionSeconds, signal });
    this.unsubscribe();
    this.unsubscribe = await client.enableBlobs(device, 'CCD1', signal);
    const { property, own, fits } = transferFormat;
    if (!options.settings?.some((each) => each.property === property && own in each.values))
      await this.put(property, fits, signal);
    if (isOn(this.find('UPLOAD_MODE'), 'UPLOAD_LOCAL')) await this.put('UPLOAD_MODE', 'UPLOAD_CLIENT', signal);
    // Left on by somebody: one exposure would be the first of many.
    await this.put('CCD_FAST_TOGGLE', 'INDI_DISABLED', signal);
    return complaints;
  }

  find = (name: string): IndiProperty | undefined => this.client.store.property(this.device, name);

  /** null before the device told. */
  sensor(): IndiSensor | null {
    const info = this.find('CCD_INFO');
    const [width, height] = [numberOf(info, 'CCD_MAX_X') ?? 0, numberOf(info, 'CCD_MAX_Y') ?? 0];
    if (width < 1 || height < 1) return null;
    const { minimum = 0, maximum = 0 } = this.find('CCD_EXPOSURE')?.elements.get('CCD_EXPOSURE_VALUE') ?? {};
    return {
      width,
      height,
      pixelSizeMicrometres: numberOf(info, 'CCD_PIXEL_SIZE') || null,
      bayer: textOf(this.find('CCD_CFA'), 'CFA_TYPE'),
      bitsPerSample: numberOf(info, 'CCD_BITSPERPIXEL') ?? 16,
      minimumExposureSeconds: maximum > minimum ? minimum : null,
      maximumExposureSeconds: maximum > minimum ? maximum : null,
    };
  }

  get canFast(): boolean {
    return this.find('CCD_FAST_TOGGLE') !== undefined && this.find('CCD_FAST_COUNT') !== undefined;
  }

  /** The driver does not expose on by itself; false while nobody is connected and it can't be known. */
  get isSlow(): boolean {
    return isOn(this.find('CCD_FAST_TOGGLE'), 'INDI_DISABLED');
  }

  /** @throws bad-input, rejected, timeout (the exposure is stopped then), lost, aborted */
  expose(exposureSeconds: number, signal?: AbortSignal): Promise<IndiPicture> {
    return this.client.exclusively(this.device, { signal }, (stop) => this.exposeNow(exposureSeconds, stop));
  }

  /**
   * One after the other until `signal` or the consumer ends it; the next is begun before the last is handed out. In fast mode the
   * driver itself goes on; where it gives that up (the network is slower than the exposures), we go on one by one.
   * @param told A sentence when fast mode was given up.
   */
  async *pictures(
    exposureSeconds: number,
    { fast, told, signal }: { fast: boolean; told: (sentence: string) => void; signal?: AbortSignal },
  ): AsyncGenerator<IndiPicture> {
    if (fast && this.canFast) {
      yield* fastPictures(this, exposureSeconds, { told, signal });
      // It returns when the driver gave up.
    }
    const ended = new AbortController();
    const stop = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
    const begin = () => {
      const running = this.expose(exposureSeconds, stop);
      running.catch(() => {});
      return running;
    };
    let running = begin();
    try {
      for (;;) {
        const picture = await running;
        running = begin();
        yield picture;
      }
    } finally {
      ended.abort();
      await running.catch(() => {});
    }
  }

  /** For whoever holds the device. An exposure outlives the connection: after a reconnect it is taken over. */
  async exposeNow(exposureSeconds: number, signal: AbortSignal): Promise<IndiPicture> {
    const { client, device } = this;
    this.refuseNow();
    const request = { device, property: 'CCD_EXPOSURE', judge: exposed(), signal };
    const endsAt = client.clock.now() + exposureSeconds * 1000;
    const begun = await client.commandNow({
      ...request,
      values: { CCD_EXPOSURE_VALUE: exposureSeconds },
      refuseBusy: true,
      timeoutSeconds: exposureSeconds + deliverySeconds,
    });
    const result = await adoptExposure(client, begun, { request, endsAt, deliverySeconds });
    // One that hangs is healed by it, too. Why the exposure ended is what the caller has to know, not how its abort went.
    if (result.status === 'aborted' || result.status === 'timeout') await this.abort().catch(() => {});
    const { history } = requireOk(result);
    return pictureOf(device, pictureIn(history, 'CCD1'));
  }

  /** Ends a running exposure; whether it was the last word is in the exposure's own result. */
  async abort(): Promise<void> {
    const { client, device } = this;
    const property = 'CCD_ABORT_EXPOSURE';
    if (!client.connected || !this.find(property)) return;
    const request = { device, property, values: { ABORT: true }, judge: pressed(property), timeoutSeconds: 10 };
    await client.commandNow(request);
  }

  /** Turns a switch on where it is there and off. @throws rejected, timeout, lost, aborted */
  async put(name: string, element: string, signal?: AbortSignal): Promise<void> {
    const property = this.find(name);
    if (!property?.elements.has(element) || isOn(property, element)) return;
    await this.set(name, { [element]: true }, signal);
  }

  /** @throws rejected, timeout, lost, aborted */
  async set(property: string, values: WantedValues, signal?: AbortSignal): Promise<void> {
    const { client, device } = this;
    requireOk(await client.commandNow({ device, property, values, timeoutSeconds: 30, signal }));
  }

  /** Drivers take an exposure beside a video, and mix up whose picture is whose. @throws busy, unsupported */
  refuseNow(): void {
    if (isStreaming(this.find) || isRecording(this.find))
      throw new NightflowError('busy', `${this.device} is filming: it can't expose meanwhile.`, {
        remedy: 'Stop its stream or recording first.',
      });
    if (!isOn(this.find('UPLOAD_MODE'), 'UPLOAD_LOCAL')) return;
    throw new NightflowError('unsupported', `${this.device} keeps its pictures on the server (UPLOAD_LOCAL).`, {
      remedy: 'Set uploadMode to client or both.',
    });
  }

  /** No more pictures. An exposure of ours is stopped first; one of another program goes on. */
  async close(): Promise<void> {
    const { client, device } = this;
    client.interrupt(device);
    await client.exclusively(device, {}, async () => {});
    this.unsubscribe();
  }
}

/** @throws unsupported for what is neither FITS nor a camera's own file */
export function pictureOf(device: string, blob: ReturnType<typeof pictureIn>): IndiPicture {
  if (!blob?.data) throw new NightflowError('lost', `${device} sent no picture: ${blob?.error ?? 'nothing came'}.`);
  const format = blob.format.toLowerCase();
  const isFits = /^\.fi?ts?(?:\.fz)?$/.test(format);
  if (!isFits && !ownFile.test(format))
    throw new NightflowError('unsupported', `${device} sent a picture as ${blob.format.slice(0, 20)}, not as FITS.`, {
      remedy: 'Choose FITS as its transfer format.',
    });
  const { data, byteLength, firstByteAt: arrivedAt } = blob;
  return { name: `the picture of ${device}`, data, byteLength, extension: isFits ? null : format, arrivedAt };
}
