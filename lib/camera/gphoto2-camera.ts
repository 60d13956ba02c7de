/** A DSLR or mirrorless body on USB as one of ours, through gphoto2: RAW straight to memory, every setting of the body, bursts, live view. */
import { unlink } from 'node:fs/promises';
import type { Frame } from '../frame/frame.ts';
import { readFrame } from '../frame/read.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import type {
  Camera,
  CameraContext,
  CameraInfo,
  CapturedFrame,
  ExposureRequest,
  LivePicture,
  LivePictureOptions,
  SettingDescription,
  SettingValue,
} from './camera.ts';
import type { Focuser } from './focuser.ts';
import { canHold, hold, type Taken, takeOne } from './gphoto2-capture.ts';
import { Gphoto2Connection } from './gphoto2-connection.ts';
import { type ExposurePlan, prepareExposure } from './gphoto2-exposure.ts';
import { focuserOf } from './gphoto2-focuser.ts';
import { Gphoto2LiveView } from './gphoto2-live.ts';
import { TakenQueue } from './gphoto2-queue.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';

export interface Gphoto2Options {
  /** Model, serial number or port; empty: the only or first body. */
  camera?: string;
  /** Set at each opening, in this order: names and values as the body spells them. */
  settings?: readonly { name: string; value: SettingValue }[];
  /** Holds the shutter down in sequences, where the body can: no gap. Default true. */
  holdShutter?: boolean;
  /** Where uhubctl finds the hub ('1-1'), for the last step of a recovery; empty: it is left out. */
  hub?: string;
  /** Pictures that wait in memory for a slow consumer. 4: a RAW has up to 120 MB. */
  waitingFrames?: number;
  /** Path of gphoto2; empty: the installed one. */
  program?: string;
  environment?: Record<string, string>;
}

const usualWaiting = 4;

export class Gphoto2Camera implements Camera {
  private readonly options: Gphoto2Options;
  private readonly context: CameraContext;
  private readonly connection: Gphoto2Connection;
  private readonly live: Gphoto2LiveView;
  private readonly closing = new AbortController();
  private exposing = false;
  /** By Bulb or a continuous drive: a command in the middle of that would break the exposure. */
  private shutterHeld = false;

  constructor(options: Gphoto2Options, context: CameraContext) {
    this.options = options;
    this.context = context;
    this.connection = new Gphoto2Connection(options);
    this.live = new Gphoto2LiveView(() => this.connection.session(), this.closing.signal);
  }

  get info(): CameraInfo {
    const { body } = this.connection;
    return {
      id: body?.model ?? this.options.camera ?? '',
      name: body?.model ?? 'Camera',
      backend: 'gphoto2',
      sensor: null,
    };
  }

  /** @throws missing without gphoto2, lost without the body, busy when another program has it */
  async open(signal?: AbortSignal): Promise<void> {
    this.requireOpen();
    await this.connection.session(signal);
  }

  async settings(): Promise<readonly SettingDescription[]> {
    return (await this.connection.session()).describe();
  }

  async get(name: string): Promise<SettingValue> {
    return (await this.connection.session()).get(name);
  }

  /** Between two exposures of a sequence. @throws bad-input, busy, and rejected when the body took another value than it was given */
  async set(name: string, value: SettingValue): Promise<SettingValue> {
    if (this.shutterHeld)
      throw new NightflowError('busy', `${this.info.name} can't be set while its shutter is held open.`, {
        remedy: 'Wait for the end of the exposure, or stop the sequence.',
      });
    return (await this.connection.session()).set(name, value);
  }

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    throwIfAborted(signal);
    const stop = this.begin(signal);
    try {
      const { session, plan } = await this.prepare(request, stop);
      this.shutterHeld = plan.by === 'bulb';
      return await this.develop(await takeOne(session, plan, this.context.clock, stop), request);
    } finally {
      this.end();
    }
  }

  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncGenerator<CapturedFrame> {
    throwIfAborted(signal);
    const leaving = new AbortController();
    const stop = AbortSignal.any([this.begin(signal), leaving.signal]);
    const queue = new TakenQueue(this.options.waitingFrames ?? usualWaiting);
    let shooting: Promise<void> = Promise.resolve();
    try {
      const { session, plan } = await this.prepare(request, stop);
      const held = (this.options.holdShutter ?? true) && (await canHold(session, plan));
      this.shutterHeld = held || plan.by === 'bulb';
      const shoot = held
        ? hold(session, plan, this.context.clock, stop, (taken) => queue.push(taken))
        : this.oneByOne(session, plan, queue, stop);
      shooting = shoot.then(
        () => queue.end(),
        (thrown) => queue.end(asNightflowError(thrown)),
      );
      let lastEnd: number | null = null;
      for (;;) {
        const next = await queue.take(stop);
        if (!next) return;
        const { taken, lostBefore } = next;
        if (lostBefore > 0) this.connection.tell('A picture was lost: its reader is slower than the camera.');
        const frame = await this.develop(taken, request);
        throwIfAborted(stop);
        const gapSeconds = lastEnd === null ? null : (taken.startMilliseconds - lastEnd) / 1000;
        lastEnd = taken.endMilliseconds;
        yield { frame, gapSeconds, lostBefore };
      }
    } finally {
      leaving.abort();
      await shooting;
      await queue.clear();
      this.end();
    }
  }

  livePictures(options: LivePictureOptions = {}): AsyncIterable<LivePicture> {
    return this.live.pictures(options);
  }

  focuser(): Promise<Focuser | null> {
    return focuserOf(() => this.connection.session());
  }

  warnings(): readonly string[] {
    return this.connection.warnings();
  }

  /** Step by step, from a new session to the power of the hub. A body that comes back under another address is the same camera. */
  async recover(signal?: AbortSignal): Promise<void> {
    this.requireOpen();
    await this.connection.recover(signal);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.connection.close();
  }

  /** One command a picture; the next is asked for as soon as the last one is here, while it is decoded. */
  private async oneByOne(
    session: Gphoto2Session,
    plan: ExposurePlan,
    queue: TakenQueue,
    stop: AbortSignal,
  ): Promise<void> {
    while (!stop.aborted) {
      await queue.room(stop);
      queue.push(await takeOne(session, plan, this.context.clock, stop));
    }
  }

  private async prepare(
    request: ExposureRequest,
    stop: AbortSignal,
  ): Promise<{ session: Gphoto2Session; plan: ExposurePlan }> {
    await this.live.giveWay();
    const session = await this.connection.session(stop);
    return { session, plan: await prepareExposure(session, request) };
  }

  /** Reads the file into a Frame and removes it. */
  private async develop(taken: Taken, request: ExposureRequest): Promise<Frame> {
    try {
      const read = await readFrame(taken.path);
      const middle = (taken.startMilliseconds + taken.endMilliseconds) / 2;
      const [start, mid, end] = [taken.startMilliseconds, middle, taken.endMilliseconds].map((each) =>
        new Date(Math.round(each)).toISOString(),
      ) as [string, string, string];
      const frame = read.with({
        ...{ start, middle: mid, end },
        timeSource: 'host',
        timeUncertaintySeconds: Math.round(taken.uncertaintySeconds * 1000) / 1000,
        exposureSeconds: (taken.endMilliseconds - taken.startMilliseconds) / 1000,
        camera: this.info.name,
        kind: request.kind ?? 'light',
        site: this.context.site,
        target: request.target ?? null,
        source: null,
      });
      this.live.show(frame);
      return frame;
    } finally {
      await unlink(taken.path).catch(() => {});
    }
  }

  /** @throws lost, busy */
  private begin(signal: AbortSignal | undefined): AbortSignal {
    this.requireOpen();
    if (this.exposing)
      throw new NightflowError('busy', `The camera ${this.info.name} is exposing already.`, {
        remedy: 'Stop the sequence that has it, or wait for its end.',
      });
    this.exposing = true;
    return signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
  }

  private end(): void {
    this.exposing = false;
    this.shutterHeld = false;
    this.live.goOn();
  }

  private requireOpen(): void {
    if (this.closing.signal.aborted) throw new NightflowError('lost', 'The camera is closed.');
  }
}
