/**
 * Brings the camera of a sequence back: again and again with growing pauses, saying where it is, until the camera is there, the sequence
 * is to end, or nobody wants it any more. It never gives up by itself: whoever plugs the cable in at three in the morning need not start anew.
 */
import type { Camera, CapturedFrame, RecoveryState } from '../camera/camera.ts';
import type { Clock } from '../clock/clock.ts';
import { asNightflowError, type NightflowError } from '../process/errors.ts';
import { type BackOff, backOffSeconds } from '../process/retry.ts';
import type { Control } from './control.ts';

export interface ComebackOptions {
  camera: Camera;
  clock: Clock;
  control: Control;
  backOff?: BackOff;
  warn(message: string, error: NightflowError | null): void;
  /** Each step, and null when the camera is back. */
  tell(state: RecoveryState | null): void;
  /** It waits: why, and until when (UTC ms). */
  waits(reason: string, until: number): void;
  /** Whether the sequence is over, whatever the camera does. */
  over(): boolean;
  /** UTC ms of the planned end; null for none. */
  endAt(): number | null;
  /** A picture that lay on the camera's card. */
  take(captured: CapturedFrame): Promise<void>;
}

/** For pictures on the card, before the sequence goes on; the rest comes at its end. */
const fetchSeconds = 60;

export class Comeback {
  private readonly options: ComebackOptions;
  private failuresInARow = 0;
  private since: number | null = null;
  private attempt = 0;
  private mayBeLeft = false;

  constructor(options: ComebackOptions) {
    this.options = options;
  }

  /** The camera sent a frame. */
  worked(): void {
    this.failuresInARow = 0;
    this.since = null;
    this.attempt = 0;
  }

  /** Resolves when the camera is back, with what lay on its card, or when the sequence is over. @param from UTC ms: pictures from before are none of ours */
  async after(error: NightflowError, from: number): Promise<void> {
    const { clock, backOff, warn, over } = this.options;
    this.since ??= clock.now();
    this.mayBeLeft = true;
    for (let cause = error; ; ) {
      const seconds = backOffSeconds(++this.failuresInARow, backOff);
      warn(`${cause.message} Trying again in ${seconds.toFixed(1)} s.`, cause);
      await this.pause(cause.message, seconds);
      if (over()) return;
      try {
        await this.climb();
        await this.fetch(from, fetchSeconds).catch((thrown) => this.unlessLost(thrown));
        return;
      } catch (thrown) {
        cause = asNightflowError(thrown);
        if (over()) return;
      }
    }
  }

  /** What is left on the card at the end of the sequence. */
  async rest(from: number): Promise<void> {
    if (!this.mayBeLeft) return;
    await this.fetch(from, Number.POSITIVE_INFINITY).catch((thrown) => this.warnOfLeft(asNightflowError(thrown)));
  }

  /** A card that can't be read is no reason to wait with the next exposure. */
  private unlessLost(thrown: unknown): void {
    const error = asNightflowError(thrown);
    if (error.code === 'lost' || error.code === 'timeout') throw error;
    this.warnOfLeft(error);
  }

  private warnOfLeft({ code, message }: NightflowError): void {
    if (code !== 'aborted') this.options.warn(`Pictures may be left on the camera's card: ${message}`, null);
  }

  private async pause(reason: string, seconds: number): Promise<void> {
    const { clock, control, over, endAt, waits } = this.options;
    const again = clock.now() + seconds * 1000;
    waits(reason, again);
    const until = Math.min(again, endAt() ?? Number.POSITIVE_INFINITY);
    while (!over() && !(await control.sleepUntil(clock, until)));
  }

  private async climb(): Promise<void> {
    const { camera, clock, control, tell } = this.options;
    const around = { since: this.since ?? clock.now(), attempt: ++this.attempt };
    const plain = { step: 1, of: 1, what: 'the camera is opened anew', needsPerson: false, problem: null };
    const off = camera.onRecovery?.((state) => state && tell({ ...state, ...around }));
    if (!off) tell({ ...plain, ...around });
    const done = new AbortController();
    try {
      await camera.recover(untilEnding(control, done.signal));
      tell(null);
    } catch (thrown) {
      const { message, remedy } = asNightflowError(thrown);
      const what = (remedy ?? 'Look at the camera').replace(/\.$/, '');
      if (!off && !control.ending) tell({ ...plain, ...around, what, problem: message, needsPerson: true });
      throw thrown;
    } finally {
      done.abort();
      off?.();
    }
  }

  private async fetch(from: number, limitSeconds: number): Promise<void> {
    const { camera, clock, control, take, over } = this.options;
    if (!camera.leftBehind) return;
    const until = clock.now() + limitSeconds * 1000;
    for await (const captured of camera.leftBehind(from, control.signal)) {
      await take(captured);
      if (clock.now() > until || (over() && limitSeconds !== Number.POSITIVE_INFINITY)) return;
    }
  }
}

/** Aborts when the sequence is to end: there is no exposure that could be finished. */
function untilEnding(control: Control, done: AbortSignal): AbortSignal {
  const ending = new AbortController();
  void (async () => {
    while (!done.aborted && !control.ending) await control.asked(done);
    if (control.ending) ending.abort();
  })();
  return ending.signal;
}
