/** What a recording over an instant is asked, what it needs, and what it tells. */
import type { Camera, CameraInfo } from '../camera/camera.ts';
import type { RecordingProgress, StreamedFrame } from '../camera/camera-stream.ts';
import type { Clock } from '../clock/clock.ts';
import type { FrameSite, FrameTarget } from '../frame/frame.ts';
import type { ClockQuality, ClockQualityOptions } from '../process/clock-quality.ts';
import type { NightflowError } from '../process/errors.ts';
import type { RecordingProtocol } from './stream-protocol.ts';

export interface RecordingRequest {
  /** UTC ms; null: as soon as the video runs. */
  startMilliseconds: number | null;
  durationSeconds: number;
  exposureSeconds: number;
  gain: number | null;
  offset: number | null;
  target: FrameTarget | null;
  recordBy: 'auto' | 'driver' | 'own';
  /** The video is on so long before the start. */
  leadSeconds: number;
  /** Later than this, a start is missed. */
  lateSeconds: number;
  clockLimitSeconds: number;
}

export interface RecordingContext {
  camera: Camera;
  clock: Clock;
  site: FrameSite | null;
  /** Absolute path of a film that begins then; nothing is there yet. @throws bad-input */
  filmPath(startMilliseconds: number): Promise<string>;
  /** Takes the camera for us. @throws busy */
  takeCamera(): () => void;
  /** Told where a film is being made, so that a crash leaves no orphan; null when it is finished. */
  underWay?(film: FilmUnderWay | null): Promise<void>;
  /** For tests. */
  askClock?: (options: ClockQualityOptions) => Promise<ClockQuality>;
}

export interface FilmUnderWay {
  /** Where it is to be. */
  path: string;
  byDriver: boolean;
  request: RecordingRequest;
  camera: CameraInfo;
  site: FrameSite | null;
  /** UTC ms. */
  start: number;
  before: ClockQuality | null;
}

export type RecordingPhase = 'waiting' | 'opening' | 'recording' | 'finishing';

export interface RecordingListener {
  phase(phase: RecordingPhase, startMilliseconds: number | null): void;
  clock(quality: ClockQuality): void;
  progress(progress: RecordingProgress): void;
  frame(streamed: StreamedFrame): void;
  warning(error: NightflowError): void;
}

export interface RecordingEnd {
  reason: 'done' | 'stopped' | 'missed' | 'error';
  /** null when there is no film. */
  protocol: RecordingProtocol | null;
  protocolPath: string | null;
  error: NightflowError | null;
  /** By how much it was missed. */
  lateSeconds: number | null;
}

export interface RecordingSignals {
  /** Ends the wait or the recording; what was recorded is kept. */
  stop: AbortSignal;
  /** Ends it at once; a film of our own is thrown away. */
  abort: AbortSignal;
}

/** Files, programs and reading back take real time: a rehearsal that jumps stands still meanwhile. `work` must not wait on the clock. */
export async function held<T>(clock: Clock, work: () => Promise<T>): Promise<T> {
  const release = clock.hold();
  try {
    return await work();
  } finally {
    release();
  }
}
