/** One batch: N exposures back to back into the spool. Who fetches them, and how slowly, is nothing to the camera while there is room. */
import type { Camera, CapturedFrame } from '../../camera/camera.ts';
import { recoverySentence } from '../../camera/recovery.ts';
import type { Clock } from '../../clock/clock.ts';
import type { Frame } from '../../frame/frame.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../../process/errors.ts';
import { isTransient, retry } from '../../process/retry.ts';
import { type BatchRecord, type BatchState, headerBytes } from './batch-record.ts';
import { encodeFrame } from './encode.ts';
import type { Spool, SpooledFrame } from './spool.ts';

export interface BatchContext {
  camera: Camera;
  spool: Spool;
  clock: Clock;
  /** Bytes of a frame's file as far as they are known before the first. */
  frameBytes: number | null;
  onFrame(frame: Frame, file: SpooledFrame): void;
  onChange(record: BatchRecord): void;
}

/** Frames in memory that wait for the disk; then the camera's own buffer fills, and it counts what it loses. */
const maximumInMemory = 4;
/** How often a full disk is looked at again, when nobody says that there is room. */
const lookAgainMilliseconds = 5_000;
/** Failures in a row without a frame between them, each after the camera was back. */
const mostFailures = 5;

export class Batch {
  readonly record: BatchRecord;
  private readonly context: BatchContext;
  private readonly writing = new Set<Promise<void>>();
  private frameBytes: number | null;
  private failure: NightflowError | null = null;
  /** Frames in memory for which there was no room. */
  private readonly waiting = new Set<number>();

  constructor(record: BatchRecord, context: BatchContext) {
    this.record = record;
    this.context = context;
    this.frameBytes = context.frameBytes;
  }

  /**
   * Resolves with how it ended when all that was taken is on the disk (or said not to be); never throws. The record says so
   * after `conclude`, when its camera is free again.
   */
  async run(signal: AbortSignal): Promise<{ state: BatchState; message: string | null }> {
    let failure: NightflowError | null = null;
    try {
      await this.takeAll(signal);
    } catch (thrown) {
      failure = asNightflowError(thrown);
    }
    await Promise.all(this.writing);
    failure ??= this.failure;
    const state = failure ? endOf(failure) : 'done';
    const message = failure && state !== 'aborted' ? [failure.message, failure.remedy].filter(Boolean).join(' ') : null;
    return { state, message };
  }

  conclude(state: BatchState, message: string | null): void {
    this.change(state, message);
  }

  private async takeAll(signal: AbortSignal): Promise<void> {
    const from = this.context.clock.now();
    for (let failures = 0; this.record.taken < this.record.count; ) {
      const before = this.record.taken;
      try {
        await this.waitForRoom(signal);
        await this.sequence(signal);
      } catch (thrown) {
        const error = asNightflowError(thrown);
        failures = this.record.taken > before ? 1 : failures + 1;
        const hopeless = !isTransient(error) || this.failure !== null || failures > mostFailures;
        if (signal.aborted || hopeless) throw error;
        this.change('recovering', error.message);
        await this.comeBack(from, signal);
        this.change('running', null);
      }
    }
  }

  /** For as long as it takes somebody to plug the cable in. Then pictures that lay on the camera's card come first. @param from UTC ms */
  private async comeBack(from: number, signal: AbortSignal): Promise<void> {
    const { camera, clock } = this.context;
    const off = camera.onRecovery?.((state) => state && this.change('recovering', recoverySentence(state)));
    await retry((stop) => camera.recover(stop), { clock, signal }).finally(() => off?.());
    if (!camera.leftBehind || !(await this.hasRoom())) return;
    try {
      for await (const captured of camera.leftBehind(from, signal)) {
        this.taken(captured, signal);
        if (this.record.taken >= this.record.count || !(await this.hasRoom())) return;
      }
    } catch (thrown) {
      throwIfAborted(signal);
      // Lost again: the next exposure finds that out. What is on the card is no reason to end.
      this.change('recovering', asNightflowError(thrown).message);
    }
  }

  /** Exposes until all are taken or the spool has no room for another. */
  private async sequence(signal: AbortSignal): Promise<void> {
    const { camera } = this.context;
    for await (const captured of camera.exposures(this.record.exposure, signal)) {
      this.taken(captured, signal);
      if (this.record.taken >= this.record.count) return;
      if (this.writing.size >= maximumInMemory) await Promise.race(this.writing);
      if (this.failure) throw this.failure;
      if (!(await this.hasRoom())) return;
    }
    throwIfAborted(signal);
    if (this.record.taken < this.record.count)
      throw new NightflowError('bad-input', `The camera has no more than ${this.record.taken} frames.`);
  }

  private taken({ frame, lostBefore }: CapturedFrame, signal: AbortSignal): void {
    const { record } = this;
    this.frameBytes ??=
      (record.format !== 'fits' && frame.original?.data.byteLength) || frame.data.byteLength + headerBytes;
    record.taken++;
    record.lost += lostBefore;
    const written: Promise<void> = this.keep(frame.with({ number: record.taken }), record.taken, signal)
      .catch((thrown) => {
        this.failure ??= asNightflowError(thrown);
      })
      .finally(() => this.writing.delete(written));
    this.writing.add(written);
    this.context.onChange(record);
  }

  /** An abort stops the camera, not the way to the disk of what it has delivered. */
  private async keep(frame: Frame, number: number, signal: AbortSignal): Promise<void> {
    const { spool } = this.context;
    const content = await encodeFrame(frame, { format: this.record.format });
    this.frameBytes = content.bytes.byteLength;
    for (;;)
      try {
        const file = await spool.add(this.record.id, number, content);
        this.record.kept++;
        if (this.waiting.delete(number) && this.waiting.size === 0 && this.record.state === 'waiting-for-space')
          this.change('running', null);
        this.context.onFrame(frame, file);
        this.context.onChange(this.record);
        return;
      } catch (thrown) {
        const error = asNightflowError(thrown);
        if (error.code !== 'disk-full' || this.record.whenFull === 'end' || signal.aborted) throw error;
        // It turned out larger than those before it: it waits in memory, and the camera behind it.
        this.waiting.add(number);
        if (this.record.state === 'running') this.change('waiting-for-space', fullSentence);
        await this.roomMayHaveCome(signal);
      }
  }

  /** Room for the next frame besides those that are on their way. */
  private async hasRoom(): Promise<boolean> {
    const bytes = this.frameBytes ?? 0;
    return (await this.context.spool.room()).roomBytes >= bytes * (this.writing.size + 1);
  }

  /** @throws disk-full where the batch is to end then; aborted */
  private async waitForRoom(signal: AbortSignal): Promise<void> {
    while (!(await this.hasRoom())) {
      // What is on its way is counted twice while it is being written: only a spool at rest is full.
      if (this.writing.size > 0) {
        await Promise.race(this.writing);
        if (this.failure) throw this.failure;
        continue;
      }
      if (this.record.whenFull === 'end') throw fullAfter(this.record);
      this.change('waiting-for-space', fullSentence);
      await this.roomMayHaveCome(signal);
    }
    if (this.record.state === 'waiting-for-space') this.change('running', null);
  }

  private async roomMayHaveCome(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    const off = this.context.spool.events.on('freed', () => woken.abort());
    await this.context.clock.sleep(lookAgainMilliseconds, AbortSignal.any([signal, woken.signal])).catch(() => {});
    off();
    throwIfAborted(signal);
  }

  private change(state: BatchState, message: string | null): void {
    Object.assign(this.record, { state, message });
    this.context.onChange(this.record);
  }
}

const fullSentence = 'The spool is full: frames that are fetched and deleted (DELETE) make room.';

const endOf = ({ code }: NightflowError): BatchState =>
  code === 'aborted' ? 'aborted' : code === 'disk-full' ? 'spool-full' : 'failed';

const fullAfter = ({ taken, count }: BatchRecord): NightflowError =>
  new NightflowError('disk-full', `The spool is full after ${taken} of ${count} frames.`, {
    remedy: 'Fetch frames and delete them (DELETE), or give the spool more space.',
  });
