/** The RAW appliance: some cameras and a spool. One shot at a time straight from memory, batches by way of the spool. */
import { randomBytes } from 'node:crypto';
import type { ExposureRequest } from '../../camera/camera.ts';
import { type Clock, isoTime } from '../../clock/clock.ts';
import type { Frame } from '../../frame/frame.ts';
import { readOriginal } from '../../frame/original.ts';
import { renderPreview } from '../../frame/preview.ts';
import { readFrame } from '../../frame/read.ts';
import { asNightflowError, NightflowError } from '../../process/errors.ts';
import { Events } from '../../process/events.ts';
import { Batch } from './batch.ts';
import { type BatchRecord, estimatedBytes, interrupted, isOver, restored, type WhenFull } from './batch-record.ts';
import { type ApplianceCamera, ApplianceCameras, type CameraState } from './cameras.ts';
import { type EncodedFrame, encodeFrame } from './encode.ts';
import { type ApplianceFormat, requireFormat } from './format.ts';
import { type Spool, type SpooledFrame, type SpoolRoom, spoolFull } from './spool.ts';

export interface ApplianceOptions {
  clock: Clock;
  cameras: readonly ApplianceCamera[];
  spool: Spool;
  /** What a batch does that does not say. */
  whenFull: WhenFull;
}

export interface Shot extends EncodedFrame {
  name: string;
  camera: string;
}

export interface BatchStatus extends BatchRecord {
  /** Those that wait to be fetched. */
  frames: SpooledFrame[];
}

export interface ApplianceStatus {
  cameras: CameraState[];
  spool: SpoolRoom;
  batches: BatchRecord[];
}

export interface ApplianceEvents {
  /** A frame is there: `file` for one of a batch, null for a shot. */
  frame: { frame: Frame; file: SpooledFrame | null; camera: string };
  progress: BatchRecord;
}

/** Batches that are over and fetched are remembered for a while, for clients that come late. */
const rememberedBatches = 20;

export class Appliance {
  readonly events = new Events<ApplianceEvents>();
  /** What they are called, who has them, what they are set to. */
  readonly cameras: ApplianceCameras;
  private readonly options: ApplianceOptions;
  private readonly records = new Map<string, BatchRecord>();
  private readonly running = new Map<string, { stop: AbortController; finished: Promise<void> }>();
  private readonly latest = new Map<string, Frame>();
  /** Of a batch's frames, by format and camera. */
  private readonly frameBytes = new Map<string, number>();
  private readonly closing = new AbortController();
  private lastShot: Shot | null = null;

  private constructor(options: ApplianceOptions) {
    this.options = options;
    this.cameras = new ApplianceCameras(options.cameras, this.closing.signal);
  }

  /** With the batches that an earlier run left in the spool. */
  static async open(options: ApplianceOptions): Promise<Appliance> {
    const appliance = new Appliance(options);
    const { spool } = options;
    for (const id of spool.names()) {
      const record = restored(id, await spool.recorded(id), spool.frames(id), spool.highest(id));
      appliance.records.set(id, record);
      // On a full disk it stays as it was: the frames must come out all the same.
      await spool.record(id, record).catch(() => {});
    }
    return appliance;
  }

  /**
   * One exposure, as a file in memory. It is kept there until the next, for a client whose line broke.
   * @throws as Camera.expose; busy; unsupported where the camera makes no file of its own and one is asked for
   */
  async shot(
    exposure: ExposureRequest,
    id?: string,
    signal?: AbortSignal,
    format: ApplianceFormat = 'auto',
  ): Promise<Shot> {
    const source = this.cameras.find(id);
    const stop = AbortSignal.any([this.closing.signal, ...(signal ? [signal] : [])]);
    const camera = await source.ready(stop);
    requireFormat(format, camera, 'single');
    const release = this.cameras.take(source, 'a shot');
    try {
      const frame = await camera.expose(exposure, stop);
      const encoded = await encodeFrame(frame, { format, signal: stop });
      this.latest.set(source.id, frame.withoutOriginal);
      const time = (frame.start ?? isoTime(this.options.clock.now())).replace(/[-:]/g, '');
      const shot = { ...encoded, name: `shot_${time}${encoded.extension}`, camera: source.id };
      this.lastShot = shot;
      this.events.emit('frame', { frame, file: null, camera: source.id });
      return shot;
    } finally {
      release();
    }
  }

  /** The last shot; null before the first. */
  recentShot(): Shot | null {
    return this.lastShot;
  }

  /** Begins a batch. @throws bad-input, busy; disk-full when it can't fit, unsupported as a shot, before anything is exposed. */
  async start(
    count: number,
    exposure: ExposureRequest,
    id?: string,
    whenFull = this.options.whenFull,
    format: ApplianceFormat = 'auto',
  ): Promise<BatchRecord> {
    const { spool, clock } = this.options;
    const source = this.cameras.find(id);
    const camera = await source.ready(this.closing.signal);
    requireFormat(format, camera, 'sequence');
    const kind = `${format} of ${source.id}`;
    const frameBytes = this.frameBytes.get(kind) ?? estimatedBytes(camera.info);
    const needed = count * (frameBytes ?? 0);
    const most = whenFull === 'end' ? (await spool.room()).roomBytes : await spool.capacity();
    if (needed > most) throw spoolFull(needed, most);
    const named = `${isoTime(clock.now()).slice(0, 19).replace(/[-:]/g, '').toLowerCase()}-${randomBytes(3).toString('hex')}`;
    const release = this.cameras.take(source, `a batch of ${count} (${named})`);
    const record: BatchRecord = {
      id: named,
      camera: source.id,
      count,
      exposure,
      format,
      whenFull,
      state: 'running',
      message: null,
      created: isoTime(clock.now()),
      taken: 0,
      kept: 0,
      lost: 0,
      acknowledged: 0,
    };
    try {
      await spool.record(record.id, record);
    } catch (thrown) {
      release();
      throw thrown;
    }
    this.records.set(record.id, record);
    const batch = new Batch(record, {
      camera,
      spool,
      clock,
      frameBytes,
      onFrame: (frame, file) => {
        this.latest.set(source.id, frame.withoutOriginal);
        this.frameBytes.set(kind, file.bytes);
        this.events.emit('frame', { frame, file, camera: source.id });
      },
      onChange: () => this.events.emit('progress', { ...record }),
    });
    const stop = new AbortController();
    const finished = batch.run(AbortSignal.any([stop.signal, this.closing.signal])).then(async (end) => {
      // Who stops the program has not stopped the batch.
      const { state, message } = end.state === 'aborted' && this.closing.signal.aborted ? interrupted : end;
      const unsaved = await spool.record(record.id, { ...record, state, message }).catch(asNightflowError);
      this.running.delete(record.id);
      release();
      batch.conclude(state, message ?? unsaved?.message ?? null);
      await this.forgetOld().catch(() => {});
    });
    this.running.set(record.id, { stop, finished });
    return { ...record };
  }

  /** Stops a batch, or all; what was taken stays. Resolves when they have stopped, with their ids. @throws bad-input */
  async abort(id?: string): Promise<string[]> {
    if (id !== undefined) this.known(id);
    const stopped = [...this.running].filter(([each]) => id === undefined || each === id);
    for (const [, { stop }] of stopped) stop.abort();
    await Promise.all(stopped.map(([, { finished }]) => finished));
    return stopped.map(([each]) => each);
  }

  /** @throws bad-input */
  batch(id: string): BatchStatus {
    return { ...this.known(id), frames: this.options.spool.frames(id) };
  }

  knows(id: string): boolean {
    return this.records.has(id);
  }

  async status(): Promise<ApplianceStatus> {
    return {
      cameras: this.cameras.states(),
      spool: await this.options.spool.room(),
      batches: [...this.records.values()].map((record) => ({ ...record })),
    };
  }

  get spool(): Spool {
    return this.options.spool;
  }
  get clock(): Clock {
    return this.options.clock;
  }

  /** The client has this frame for good. @returns whether it was there. */
  async acknowledge(id: string, number: number): Promise<boolean> {
    const record = this.known(id);
    if (!(await this.options.spool.acknowledge(id, number))) return false;
    record.acknowledged++;
    this.events.emit('progress', { ...record });
    if (this.knows(id) && isOver(record.state) && this.options.spool.frames(id).length === 0) {
      await this.options.spool.record(id, record);
      await this.forgetOld();
    }
    return true;
  }

  /** Throws a batch away with what was not fetched; stops it first. @throws bad-input */
  async forget(id: string): Promise<void> {
    const record = this.known(id);
    await this.abort(id);
    this.records.delete(id);
    await this.options.spool.forget(id);
    if (record.kept > record.acknowledged) this.events.emit('progress', { ...record, acknowledged: record.kept });
  }

  /** A JPEG of a batch's frame, or of the latest that a camera took; null when there is none. */
  async preview(of: { batch: string; number: number } | { camera?: string }, width: number): Promise<Buffer | null> {
    const path = 'batch' in of ? this.options.spool.path(of.batch, of.number) : null;
    const frame = 'batch' in of ? path && (await frameIn(path)) : this.latest.get(this.cameras.find(of.camera).id);
    return frame ? (await renderPreview(frame, { width, stretch: 'auto', drc: 'off' })).jpeg : null;
  }

  /** Stops everything; what was taken is on the disk then. */
  async close(): Promise<void> {
    this.closing.abort();
    await Promise.all([...this.running.values()].map(({ finished }) => finished));
  }

  private known(id: string): BatchRecord {
    const record = this.records.get(id);
    if (record) return record;
    throw new NightflowError('bad-input', `There is no batch "${id.slice(0, 64)}".`, {
      remedy: 'Ask for the status: it lists them.',
    });
  }

  private async forgetOld(): Promise<void> {
    const fetched = [...this.records.values()].filter(
      ({ id, state }) => isOver(state) && this.options.spool.frames(id).length === 0,
    );
    for (const { id } of fetched.slice(0, -rememberedBatches)) await this.forget(id);
  }
}

/** Of a camera's own file that can't be decoded, its preview. */
const frameIn = async (path: string): Promise<Frame> =>
  path.endsWith('.fits') ? readFrame(path) : (await readOriginal(path, () => {})).withoutOriginal;
