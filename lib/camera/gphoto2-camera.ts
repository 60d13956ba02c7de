/** A DSLR or mirrorless body on USB as one of ours, through gphoto2: RAW straight to memory, every setting of the body, bursts, live view. */
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { isTransient } from '../process/retry.ts';
import type {
  Camera,
  CameraContext,
  CameraInfo,
  CapturedFrame,
  ExposureRequest,
  LivePicture,
  LivePictureOptions,
  RecoveryState,
  SettingDescription,
  SettingValue,
} from './camera.ts';
import type { Focuser } from './focuser.ts';
import { canHold, hold, takeOne, unlessAborted } from './gphoto2-capture.ts';
import { Gphoto2Connection } from './gphoto2-connection.ts';
import { type Development, develop, developLeft, developQueue } from './gphoto2-develop.ts';
import { type ExposurePlan, prepareExposure } from './gphoto2-exposure.ts';
import { focuserOf } from './gphoto2-focuser.ts';
import { LeftPictures } from './gphoto2-left.ts';
import { Gphoto2LiveView } from './gphoto2-live.ts';
import { TakenQueue } from './gphoto2-queue.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';
import { within } from './recovery.ts';
import type { UsbTools } from './usb-reset.ts';

export interface Gphoto2Options {
  /** Model, serial number or port; empty: the only or first body. */
  camera?: string;
  /** Set at each opening, in this order: names and values as the body spells them. */
  settings?: readonly { name: string; value: SettingValue }[];
  /** Holds the shutter down in sequences, where the body can: no gap. Default true. */
  holdShutter?: boolean;
  /** Where uhubctl finds the hub ('1-1'), for the last step of a recovery; empty: it is left out. */
  hub?: string;
  /** Other than the installed programs that reset a USB device. */
  usb?: UsbTools;
  /** Pictures that wait in memory for a slow consumer. 4: a RAW has up to 120 MB. */
  waitingFrames?: number;
  /** Path of gphoto2; empty: the installed one. */
  program?: string;
  environment?: Record<string, string>;
}

const usualWaiting = 4;
/** For a held shutter to be let go of: the command under way, a large file on its way. */
const letGoSeconds = 15;

export class Gphoto2Camera implements Camera {
  private readonly options: Gphoto2Options;
  private readonly context: CameraContext;
  private readonly connection: Gphoto2Connection;
  private readonly live: Gphoto2LiveView;
  private readonly left: LeftPictures;
  private readonly closing = new AbortController();
  private exposing = false;
  /** By Bulb or a continuous drive: a command in the middle of that would break the exposure. */
  private shutterHeld = false;

  constructor(options: Gphoto2Options, context: CameraContext) {
    this.options = options;
    this.context = context;
    this.connection = new Gphoto2Connection(options, context.clock);
    this.left = new LeftPictures(context.clock, (sentence) => this.connection.tell(sentence));
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
    // Whether pictures stay on the card is said when a session begins.
    if (name === 'capturetarget' && this.exposing)
      throw new NightflowError('busy', `Where ${this.info.name} saves its pictures can't be changed in a sequence.`, {
        remedy: 'Stop the sequence first, or set it in the camera’s dialog.',
      });
    return this.connection.set(name, value);
  }

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    throwIfAborted(signal);
    const stop = this.begin(signal);
    try {
      const { session, plan } = await this.prepare(request, stop, true);
      this.shutterHeld = plan.by === 'bulb';
      return await develop(await takeOne(session, plan, this.context.clock, stop), request, this.development);
    } catch (thrown) {
      throw this.failed(thrown);
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
      const { session, plan } = await this.prepare(request, stop, false);
      const held = (this.options.holdShutter ?? true) && (await canHold(session, plan));
      this.shutterHeld = held || plan.by === 'bulb';
      const shoot = held
        ? hold(session, plan, this.context.clock, stop, (taken) => queue.push(taken))
        : this.oneByOne(session, plan, queue, stop);
      shooting = shoot.then(
        () => queue.end(),
        (thrown) => queue.end(asNightflowError(thrown)),
      );
      yield* developQueue(queue, request, this.development, stop);
    } catch (thrown) {
      throw this.failed(thrown);
    } finally {
      leaving.abort();
      // A body that hangs with its shutter down must not hold up who wants to leave.
      await within(letGoSeconds, () => shooting).catch(() => this.connection.drop());
      await queue.clear();
      this.end();
    }
  }

  bringsOriginals(): boolean {
    return true;
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

  onRecovery(listener: (state: RecoveryState | null) => void): () => void {
    return this.connection.recovery.on(listener);
  }

  /** Of the card, when pictures are saved there: those that came since the exposures began and were not sent. */
  async *leftBehind(since: number, signal?: AbortSignal): AsyncGenerator<CapturedFrame> {
    if (!this.left.any) return;
    const stop = this.begin(signal);
    let pictures: ReturnType<LeftPictures['fetch']> | null = null;
    try {
      pictures = this.left.fetch(await this.connection.session(stop), since, stop);
      for (;;) {
        const { value: fetched, done } = await unlessAborted(pictures.next(), stop);
        if (done) return;
        const frame = await developLeft(fetched, this.development);
        if (frame) yield { frame, gapSeconds: null, lostBefore: 0 };
      }
    } finally {
      void pictures?.return(undefined);
      this.end();
    }
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
    single: boolean,
  ): Promise<{ session: Gphoto2Session; plan: ExposurePlan }> {
    await this.live.giveWay();
    const session = await this.connection.session(stop);
    const plan = await prepareExposure(session, request);
    await this.left.begin(session, request, single);
    return { session, plan };
  }

  private get development(): Development {
    return {
      camera: this.info.name,
      context: this.context,
      left: this.left,
      undecodable: new Set(),
      tell: (sentence) => this.connection.tell(sentence),
      show: (frame) => {
        this.connection.recovery.end();
        this.live.show(frame);
      },
    };
  }

  /** What ended the exposures: pictures of theirs may lie on the card. */
  private failed(thrown: unknown): NightflowError {
    const error = asNightflowError(thrown);
    if (isTransient(error)) this.left.lost();
    return error;
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
