/** The video of the simulated camera: its gapless exposures, as fast as they can be drawn, at the times of the clock. */
import { type Clock, isoTime } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, type NightflowError } from '../process/errors.ts';
import { Events } from '../process/events.ts';
import type { CapturedFrame } from './camera.ts';
import type { CameraStream, StreamedFrame } from './camera-stream.ts';

/** What one real second of a fast rehearsal can take. */
const rehearsedPicturesPerSecond = 50;
/** Pictures of a rehearsal that may become due before the first is drawn. */
const mostDue = 200;

/** @param exposures Of the camera, until the signal aborts. @param exposureSeconds Of each. */
export function simulatedStream(
  exposures: (signal: AbortSignal) => AsyncIterable<CapturedFrame>,
  { clock, exposureSeconds }: { clock: Clock; exposureSeconds: number },
): CameraStream {
  const ended = new AbortController();
  const events = new Events<{ frame: StreamedFrame }>();
  let [frames, startedAt] = [0, clock.now()];
  let fail: (reason: NightflowError) => void = () => {};
  const failed = new Promise<NightflowError>((resolve) => {
    fail = resolve;
  });
  const emit = (frame: Frame) => {
    if (frames++ === 0) startedAt = clock.now();
    if (!ended.signal.aborted) events.emit('frame', { frame, arrivedAt: clock.now(), sentAt: null });
  };
  const hurried = clock.rate > 1 && clock.rate !== Infinity;
  const run = async () => {
    try {
      if (hurried) await rehearse(exposures(ended.signal), { clock, exposureSeconds, emit, signal: ended.signal });
      else for await (const { frame } of exposures(ended.signal)) emit(frame);
    } catch (thrown) {
      if (!ended.signal.aborted) fail(asNightflowError(thrown));
    }
  };
  const running = run();
  return {
    stampedBy: 'simulator',
    stampingHost: null,
    onFrame: (listener) => events.on('frame', listener),
    onFault: () => () => {},
    framesPerSecond: () => (frames < 2 ? null : ((frames - 1) * 1000) / Math.max(1, clock.now() - startedAt)),
    failed,
    prepareRecording: null,
    close: async () => {
      ended.abort();
      await running;
    },
  };
}

interface Rehearsal {
  clock: Clock;
  exposureSeconds: number;
  emit: (frame: Frame) => void;
  signal: AbortSignal;
}

/**
 * A night that runs 600 times faster lasts 6000 pictures a second: so few of them are sent as can be, in an even cadence, each the last that was
 * drawn, with the times at which it was due.
 */
async function rehearse(pictures: AsyncIterable<CapturedFrame>, rehearsal: Rehearsal): Promise<void> {
  const { clock, exposureSeconds, emit, signal } = rehearsal;
  const period = 1000 * Math.max(exposureSeconds, clock.rate / rehearsedPicturesPerSecond);
  let latest: Frame | null = null;
  let due: number[] = [];
  const flush = () => {
    if (latest === null) return;
    for (const end of due) {
      const start = end - exposureSeconds * 1000;
      const [from, middle, to] = [start, (start + end) / 2, end].map(isoTime) as [string, string, string];
      emit(latest.with({ start: from, middle, end: to }));
    }
    due = [];
  };
  const drawing = (async () => {
    for await (const { frame } of pictures) {
      latest = frame;
      flush();
    }
  })();
  drawing.catch(() => {});
  const ticking = (async () => {
    for (let next = clock.now() + period; ; next += period) {
      await clock.sleep(Math.max(0, next - clock.now()), signal);
      due = [...due, next].slice(-mostDue);
      flush();
    }
  })();
  await Promise.race([drawing, ticking]).finally(() => drawing.catch(() => {}));
}
