/** The simulated CCD: exposes, one by one or gapless, streams, cools, and sends what it saw as BLOBs. */
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { FrameKind } from '../../frame/frame.ts';
import { job, sharedPool } from '../../kernels/pool.ts';
import { cameraProperties, type frameTypes, mostBinning } from './camera-properties.ts';
import { fieldsOf, type Shot, sceneOf } from './camera-scene.ts';
import { Cooler } from './cooler.ts';
import { type DeviceContext, SimulatedDevice } from './device.ts';
import type { ReadBlob, Readout, Window } from './exposure.job.ts';
import type { Observatory } from './observatory.ts';
import { onIn, only, type Vector } from './vector.ts';
import type { Values } from './wish.ts';

const exposeCcd = job<Readout, ReadBlob>(new URL('./exposure.job.ts', import.meta.url), 'exposeCcd');

const kinds: Readonly<Record<(typeof frameTypes)[number], FrameKind>> = {
  FRAME_LIGHT: 'light',
  FRAME_BIAS: 'bias',
  FRAME_DARK: 'dark',
  FRAME_FLAT: 'flat',
};
const value = 'CCD_EXPOSURE_VALUE';
/** The rate of a stream is told so often. */
const rateMilliseconds = 1000;

export class SimulatedCcd extends SimulatedDevice {
  private readonly observatory: Observatory;

  constructor(name: string, context: DeviceContext, observatory: Observatory) {
    super(name, { executable: 'indi_simulator_ccd', interface: 22 }, context);
    this.observatory = observatory;
    const cooler = new Cooler(observatory, {
      clock: this.clock,
      number: (property, element) => this.number(property, element),
      update: (...told) => this.update(...told),
      begin: (task, work) => this.begin(task, work),
      refuse: (property, reason) => this.refuse(property, reason),
    });
    const handlers: Readonly<Record<string, (wanted: Values, vector: Vector) => void>> = {
      CCD_EXPOSURE: (wanted) => this.expose(Number(wanted[value])),
      CCD_ABORT_EXPOSURE: () => this.abort(),
      CCD_TEMPERATURE: ({ CCD_TEMPERATURE_VALUE }) => cooler.coolTo(Number(CCD_TEMPERATURE_VALUE)),
      CCD_COOLER: ({ COOLER_ON }) => (COOLER_ON ? cooler.on() : cooler.off()),
      CCD_BINNING: (wanted) => this.setBinning(wanted),
      CCD_VIDEO_STREAM: ({ STREAM_ON }) => (STREAM_ON ? this.stream() : this.stopStream()),
      UPLOAD_MODE: (wanted) =>
        wanted.UPLOAD_CLIENT
          ? this.update('UPLOAD_MODE', 'Ok', wanted)
          : this.refuse('UPLOAD_MODE', '[ERROR] The simulator keeps no files of its own.'),
      SCOPE_INFO: (wanted, vector) => {
        if (!this.adopt(vector, wanted)) return;
        observatory.optics.focalLengthMillimetres = Number(wanted.FOCAL_LENGTH);
        observatory.optics.apertureMillimetres = Number(wanted.APERTURE);
      },
      SIM_SKY: (wanted) => this.setSky(wanted),
    };
    for (const vector of cameraProperties(observatory)) this.add(vector, handlers[vector.name]);
  }

  private get fast(): boolean {
    return this.value('CCD_FAST_TOGGLE', 'INDI_ENABLED') === true;
  }

  /** A second exposure while one runs starts anew, and only that one sends a picture. */
  private expose(seconds: number): undefined {
    if (!(seconds >= 0.001 && seconds <= 3600))
      return this.refuse('CCD_EXPOSURE', `[ERROR] An exposure of ${seconds} s is out of range (0.001 to 3600 s).`);
    const count = this.fast ? Math.max(1, this.number('CCD_FAST_COUNT', 'FRAMES')) : 1;
    this.begin('expose', async (signal) => {
      let start = this.clock.now();
      for (let left = count; left > 0; left--) {
        if (this.fast) this.update('CCD_FAST_COUNT', 'Busy', { FRAMES: left });
        this.update('CCD_EXPOSURE', 'Busy', { [value]: seconds });
        await this.countDown(start, seconds, signal);
        const picture = this.picture(this.shot(start, seconds), this.window('CCD_FRAME'), signal);
        if (count === 1) {
          await picture;
          this.update('CCD_EXPOSURE', 'Ok', { [value]: 0 });
          return;
        }
        // Without a gap: the next one begins where this one ends; its Ok comes before its picture, as the real driver does it.
        start += seconds * 1000;
        if (left === 1) this.update('CCD_FAST_COUNT', 'Idle', { FRAMES: 0 });
        this.update('CCD_EXPOSURE', left === 1 ? 'Ok' : 'Busy', { [value]: 0 });
        if (left === 1) await picture;
        else picture.catch(() => {});
      }
    });
  }

  private async countDown(start: number, seconds: number, signal: AbortSignal): Promise<void> {
    const end = start + seconds * 1000;
    for (let left = end - this.clock.now(); left > 0; left = end - this.clock.now()) {
      await this.clock.sleep(Math.min(left, this.number('POLLING_PERIOD', 'PERIOD_MS')), signal);
      const rest = end - this.clock.now();
      if (rest > 0) this.update('CCD_EXPOSURE', 'Busy', { [value]: rest / 1000 });
    }
  }

  private abort(): undefined {
    const exposing = this.runs('expose') || this.vector('CCD_EXPOSURE').state === 'Busy';
    this.end('expose');
    this.release('CCD_EXPOSURE');
    this.update('CCD_ABORT_EXPOSURE', 'Ok', { ABORT: false });
    if (!exposing) return;
    this.update('CCD_EXPOSURE', 'Idle', { [value]: 0 });
    if (this.vector('CCD_FAST_COUNT').state === 'Busy') this.update('CCD_FAST_COUNT', 'Idle', { FRAMES: 0 });
  }

  private setBinning(wanted: Values): undefined {
    const good = Object.values(wanted).every(
      (each) => Number.isInteger(each) && Number(each) >= 1 && Number(each) <= mostBinning,
    );
    if (good) return this.update('CCD_BINNING', 'Ok', wanted);
    // As the real driver: an Alert between two Oks, gone within a millisecond.
    this.update('CCD_BINNING', 'Ok');
    this.update('CCD_BINNING', 'Alert', {}, `[ERROR] Binning is from 1x1 to ${mostBinning}x${mostBinning}.`);
    this.update('CCD_BINNING', 'Ok');
  }

  private stream(): undefined {
    this.update('CCD_VIDEO_STREAM', 'Busy', { STREAM_ON: true, STREAM_OFF: false });
    this.begin('stream', async (signal) => {
      let [frames, since] = [0, this.clock.now()];
      let drawing = Promise.resolve();
      for (;;) {
        const seconds = this.number('STREAMING_EXPOSURE', 'STREAMING_EXPOSURE_VALUE');
        const start = this.clock.now();
        await this.clock.sleep(seconds * 1000, signal);
        // One picture is drawn while the next is exposed.
        await drawing;
        drawing = this.picture(this.shot(start, seconds), this.window('CCD_STREAM_FRAME'), signal, true);
        drawing.catch(() => {});
        frames++;
        const elapsed = this.clock.now() - since;
        if (elapsed < rateMilliseconds) continue;
        const rate = (frames * 1000) / elapsed;
        this.update('FPS', 'Ok', { EST_FPS: rate, AVG_FPS: rate });
        [frames, since] = [0, this.clock.now()];
      }
    });
  }

  private stopStream(): undefined {
    this.end('stream');
    this.update('CCD_VIDEO_STREAM', 'Ok', { STREAM_ON: false, STREAM_OFF: true });
  }

  private shot(startMilliseconds: number, exposureSeconds: number): Shot {
    const kind = kinds[onIn(this.vector('CCD_FRAME_TYPE')) as keyof typeof kinds];
    const [gain, offset] = [this.number('CCD_GAIN', 'GAIN'), this.number('CCD_OFFSET', 'OFFSET')];
    return { startMilliseconds, exposureSeconds, kind, gain, offset };
  }

  /** Of the sensor as asked for; what lies beyond the sensor is left out. */
  private window(property: 'CCD_FRAME' | 'CCD_STREAM_FRAME'): Window {
    const { width, height } = this.observatory.camera;
    const of = (element: string) => Math.round(this.number(property, element));
    const x = Math.max(0, Math.min(width - mostBinning, of('X')));
    const y = Math.max(0, Math.min(height - mostBinning, of('Y')));
    const inside = (size: number, most: number) => Math.max(mostBinning, Math.min(most, size));
    return { x, y, width: inside(of('WIDTH'), width - x), height: inside(of('HEIGHT'), height - y) };
  }

  /** Renders after the exposure, when it is known where the mount has gone meanwhile. A rehearsal clock that jumps waits for it. */
  private async picture(shot: Shot, window: Window, signal: AbortSignal, stream = false): Promise<void> {
    const [binningX, binningY] = stream
      ? [1, 1]
      : ['HOR_BIN', 'VER_BIN'].map((each) => this.number('CCD_BINNING', each));
    const native = onIn(this.vector('CCD_TRANSFER_FORMAT')) === 'FORMAT_NATIVE';
    const format = stream ? 'stream' : native ? 'native' : 'fits';
    const compressed = !stream && this.value('CCD_COMPRESSION', 'INDI_ENABLED') === true;
    const fields = fieldsOf(this.observatory, shot, this.name, String(this.value('FITS_HEADER', 'FITS_OBJECT')));
    const { pixelSizeMicrometres } = this.observatory.camera;
    const keywords = [
      ...(fields.keywords ?? []),
      { name: 'XBINNING', value: binningX!, comment: 'Binning along the row' },
      { name: 'YBINNING', value: binningY!, comment: 'Binning along the column' },
      { name: 'XPIXSZ', value: pixelSizeMicrometres * binningX!, comment: '[um] Pixel, binned' },
      { name: 'YPIXSZ', value: pixelSizeMicrometres * binningY!, comment: '[um] Pixel, binned' },
    ];
    const readout: Readout = {
      scene: sceneOf(this.observatory, shot, stream ? window : null),
      window: stream ? { ...window, x: 0, y: 0 } : window,
      ...{ binningX: binningX!, binningY: binningY!, format, compressed },
      fields: { ...fields, keywords },
      path: join(tmpdir(), `nightflow-simulated-${randomUUID()}.fits`),
    };
    const letGo = this.clock.hold();
    try {
      const { bytes, uncompressedBytes } = await sharedPool().run(exposeCcd, readout, { signal });
      const ending = { stream: '.stream', native: '.bin', fits: '.fits' }[format];
      this.sendBlob('CCD1', 'CCD1', compressed ? `${ending}.z` : ending, Buffer.from(bytes), uncompressedBytes);
    } finally {
      letGo();
    }
  }

  private setSky(wanted: Values): undefined {
    if (!this.adopt(this.vector('SIM_SKY'), wanted)) return;
    const { conditions, camera } = this.observatory;
    conditions.seeingArcseconds = Number(wanted.SEEING);
    conditions.zenithMagnitude = Number(wanted.ZENITH_MAGNITUDE);
    conditions.cloudCover = Number(wanted.CLOUD_COVER);
    camera.rotationDegrees = Number(wanted.ROTATION);
  }

  protected override onDisconnected(): undefined {
    this.vector('CCD_EXPOSURE').state = 'Idle';
    const video = this.vector('CCD_VIDEO_STREAM');
    for (const [name, on] of Object.entries(only(video, 'STREAM_OFF')))
      video.elements.find((each) => each.name === name)!.value = on;
  }
}
