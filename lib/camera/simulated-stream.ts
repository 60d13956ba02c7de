/** The video of the simulated camera: its gapless exposures, as fast as they can be drawn, at the times of the clock. */
import type { Clock } from '../clock/clock.ts';
import { asNightflowError, type NightflowError } from '../process/errors.ts';
import { Events } from '../process/events.ts';
import type { CapturedFrame } from './camera.ts';
import type { CameraStream, StreamedFrame } from './camera-stream.ts';

/** @param exposures Of the camera, until the signal aborts. @param exposureSeconds Of each. */
export function simulatedStream(
  exposures: (signal: AbortSignal) => AsyncIterable<CapturedFrame>,
  clock: Clock,
): CameraStream {
  const ended = new AbortController();
  const events = new Events<{ frame: StreamedFrame }>();
  let [frames, startedAt] = [0, clock.now()];
  let fail: (reason: NightflowError) => void = () => {};
  const failed = new Promise<NightflowError>((resolve) => {
    fail = resolve;
  });
  const run = async () => {
    try {
      for await (const { frame } of exposures(ended.signal)) {
        if (frames++ === 0) startedAt = clock.now();
        if (!ended.signal.aborted) events.emit('frame', { frame, arrivedAt: clock.now(), sentAt: null });
      }
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
