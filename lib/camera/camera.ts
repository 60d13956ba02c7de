/** The one interface of every camera: simulator, folder of files, INDI, a Raspberry Pi's own, bodies on USB. */
import type { Clock } from '../clock/clock.ts';
import type { BayerPattern, Frame, FrameKind, FrameSite, FrameTarget } from '../frame/frame.ts';
import type { CameraStream, ReferenceTime, StreamRequest } from './camera-stream.ts';
import type { Focuser } from './focuser.ts';

export interface SensorInfo {
  /** Pixels of the full frame. */
  width: number;
  height: number;
  /** Micrometres; null when unknown. */
  pixelSizeMicrometres: number | null;
  bayer: BayerPattern | null;
  bitsPerSample: number;
  /** Seconds; what the sensor can take. null when unlimited or unknown. */
  minimumExposureSeconds: number | null;
  maximumExposureSeconds: number | null;
}

export interface CameraInfo {
  /** Stable identity within its backend. */
  id: string;
  name: string;
  backend: string;
  sensor: SensorInfo | null;
}

export interface SettingDescription {
  name: string;
  label: string;
  type: 'number' | 'text' | 'choice' | 'boolean';
  unit?: string;
  minimum?: number;
  maximum?: number;
  step?: number;
  choices?: readonly string[];
  readOnly?: boolean;
}

export type SettingValue = number | string | boolean;

export interface ExposureRequest {
  exposureSeconds: number;
  gain?: number;
  offset?: number;
  kind?: FrameKind;
  target?: FrameTarget;
}

/** A frame and how it followed the one before. */
export interface CapturedFrame {
  frame: Frame;
  /** Seconds between the end of the previous exposure and the start of this one; null for the first. */
  gapSeconds: number | null;
  /** Frames that the camera is known to have lost just before this one. */
  lostBefore: number;
}

/** How far bringing a lost camera back has come. */
export interface RecoveryState {
  /** The step that is under way, from 1, and how many there are. */
  step: number;
  of: number;
  /** What is being done, or what a person has to do; the words of a sentence without its full stop. */
  what: string;
  /** UTC ms of the first attempt since it worked. */
  since: number;
  /** How often all steps were begun since then, from 1. */
  attempt: number;
  /** No step helped: it is tried again, and a person can help. */
  needsPerson: boolean;
  /** Why the step before did not help; null at the first. */
  problem: string | null;
}

export interface CameraContext {
  clock: Clock;
  site: FrameSite | null;
}

/** A picture to aim and focus by. */
export interface LivePicture {
  jpeg: Uint8Array;
  /** `live`: from the idle camera; `frame`: made of the latest frame of a sequence. */
  from: 'live' | 'frame';
}

export interface LivePictureOptions {
  /** Pixels across; 1280. A camera that can't choose sends what it has. */
  width?: number;
  signal?: AbortSignal;
}

export interface Camera {
  readonly info: CameraInfo;
  open(signal?: AbortSignal): Promise<void>;
  settings(): Promise<readonly SettingDescription[]>;
  get(name: string): Promise<SettingValue>;
  /** @throws bad-input (name, range, choices), rejected. The value that is now in force is returned. */
  set(name: string, value: SettingValue): Promise<SettingValue>;
  /** One exposure. @throws bad-input when the sensor can't take it, aborted, lost, timeout. */
  expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame>;
  /**
   * Back-to-back exposures without a gap that the backend can avoid, until the consumer leaves the loop or `signal` aborts.
   * Ends by itself only when there is nothing more (a folder that was read to its end).
   */
  exposures(request: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame>;
  /**
   * Pictures to aim and focus by, always the latest, until the consumer leaves the loop or `signal` aborts: live from the idle camera,
   * made of the frames while a sequence runs. Exposures go first, and never wait for it. Absent where a camera has no live view.
   */
  livePictures?(options?: LivePictureOptions): AsyncIterable<LivePicture>;
  /** Video, until it is closed; absent where the camera has none. @throws bad-input, busy, unsupported, rejected, lost, timeout, aborted */
  stream?(request: StreamRequest, signal?: AbortSignal): Promise<CameraStream>;
  /** What a device beside the camera says of the time; null or absent where there is none. @throws aborted */
  referenceTime?(signal?: AbortSignal): Promise<ReferenceTime | null>;
  /** Whether its frames may bring the camera's own file (`Frame.original`, or the file of `Frame.source`), those of `expose` and those of `exposures`. Absent: never. */
  bringsOriginals?(way: 'single' | 'sequence'): boolean;
  /** What went wrong since the last call without stopping the camera (a broken file passed over), one sentence each. */
  warnings?(): readonly string[];
  /** The focus drive that belongs to this camera (a lens driven over USB, the simulator's own); null or absent where there is none. */
  focuser?(): Promise<Focuser | null>;
  /** Brings a camera that stopped answering back, or says why not. An abort ends it at once. */
  recover(signal?: AbortSignal): Promise<void>;
  /** Told of each step of `recover` as it begins, and null when the camera is back. @returns takes the listener off */
  onRecovery?(listener: (state: RecoveryState | null) => void): () => void;
  /**
   * After `recover`: pictures that were exposed since `since` (UTC ms) and could not be sent when the camera was lost (they lay on its card),
   * oldest first, each once. What is not taken out of the loop is there the next time. Absent where a camera keeps none.
   * @throws lost, timeout, busy, aborted
   */
  leftBehind?(since: number, signal?: AbortSignal): AsyncIterable<CapturedFrame>;
  close(): Promise<void>;
}

/** What one backend offers: `list` what is there, `create` one from its configuration. */
export interface CameraBackend<Options> {
  readonly name: string;
  /** @param options Where to look, for a backend that has to be told (the address of a server). */
  list(options?: Options): Promise<readonly CameraInfo[]>;
  create(options: Options, context: CameraContext): Camera;
}
