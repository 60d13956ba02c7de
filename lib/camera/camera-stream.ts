/** Video of a camera: frames as they come, and films that the camera's own driver records where it can. */
import type { Frame, FrameTarget } from '../frame/frame.ts';
import type { NightflowError } from '../process/errors.ts';

export interface StreamRequest {
  exposureSeconds: number;
  gain?: number;
  offset?: number;
  target?: FrameTarget;
}

/** One picture of a video. Its `start` and `end` are the best that is known; `stampedBy` of the stream says whose they are. */
export interface StreamedFrame {
  frame: Frame;
  /** When its first byte came, UTC ms by our clock. */
  arrivedAt: number;
  /** The driver's stamp of when it was sent, whole seconds, UTC ms; null without one. */
  sentAt: number | null;
}

export type StampedBy =
  /** The driver or camera, when the picture left the sensor. */
  | 'driver'
  /** We, when it arrived: latency and jitter of the way are in it. */
  | 'arrival'
  | 'simulator';

export interface DriverRecordingRequest {
  /** Without folder and ending; drivers overwrite, so it has to be new. */
  name: string;
  durationSeconds: number;
}

export interface RecordingProgress {
  elapsedSeconds: number;
  frames: number;
  /** The frames are reckoned from the rate, not counted. */
  estimated: boolean;
}

/** A film on the driver's computer. It may be whole although recording it ended badly. */
export interface DriverRecording {
  /** As the driver names it; null when it never did. */
  path: string | null;
  /** The driver's computer is this one. */
  local: boolean;
  /** As the driver counts; null when it did not say. */
  frames: number | null;
  ended: 'done' | 'stopped' | 'lost';
  /** Why it was lost; null otherwise. */
  problem: NightflowError | null;
}

/** A recording that was made ready, so that beginning it takes one message only. */
export interface PreparedRecording {
  /** Resolves when the film is closed. `stop` ends it early and keeps it. Never throws once it has begun. */
  begin(options: { stop: AbortSignal; onProgress?: (progress: RecordingProgress) => void }): Promise<DriverRecording>;
}

/** The time as a device beside the camera knows it (a GPS receiver on its server). */
export interface ReferenceTime {
  device: string;
  /** Our clock minus that time, and how far off this may be, s. */
  offsetSeconds: number;
  uncertaintySeconds: number;
}

/** A running video. */
export interface CameraStream {
  readonly stampedBy: StampedBy;
  /** The computer whose clock stamps a film of the driver; null: this one. */
  readonly stampingHost: string | null;
  /** Told of each frame in its order, synchronously; whoever is slow has to queue. */
  onFrame(listener: (streamed: StreamedFrame) => void): () => void;
  /** Pictures that came and could not be used, a sentence each. */
  onFault(listener: (sentence: string) => void): () => void;
  /** As the camera tells, or null. */
  framesPerSecond(): number | null;
  /** Settles when the video ended without being closed. */
  readonly failed: Promise<NightflowError>;
  /** null where the driver can't record. @throws rejected, timeout, lost, aborted */
  readonly prepareRecording:
    | ((request: DriverRecordingRequest, signal?: AbortSignal) => Promise<PreparedRecording>)
    | null;
  close(): Promise<void>;
}
