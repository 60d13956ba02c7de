/** A camera of a Raspberry Pi as one of ours, through rpicam-apps: stills, sequences without a gap, live pictures. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseFitsTime } from '../frame/fits/values.ts';
import type { Frame } from '../frame/frame.ts';
import { readOriginal } from '../frame/original.ts';
import { NightflowError, throwIfAborted } from '../process/errors.ts';
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
import { makeRamFolder, removeRamFolder } from './ram-folder.ts';
import { inTurn, RecoveryReport } from './recovery.ts';
import { findCamera } from './rpicam-find.ts';
import { lensFocuser } from './rpicam-focuser.ts';
import { frameOf, frameOfStill, type Wish } from './rpicam-frame.ts';
import { type RpicamCamera as Found, sensorOf } from './rpicam-list.ts';
import { RpicamLiveView } from './rpicam-live.ts';
import { parseMetadataJson } from './rpicam-metadata.ts';
import { pipelineEnvironment } from './rpicam-pipeline.ts';
import { runRpicam, type ShotSettings, stillWords } from './rpicam-program.ts';
import { type DevelopedFrame, framesOfRun } from './rpicam-run.ts';
import type { RawShot, RpicamSequence } from './rpicam-sequence.ts';
import {
  describeSettings,
  modeOf,
  type RpicamSettings,
  shotSettings,
  usualSettings,
  withSetting,
} from './rpicam-settings.ts';

export interface RpicamOptions extends Partial<RpicamSettings> {
  /** libcamera's path of the camera; empty: the only or first one. */
  camera?: string;
  /** Folder of rpicam-apps; empty: those that are installed. */
  programFolder?: string;
  /** Whole frames that wait in memory for a slow consumer. 6, as rpicam-apps' own buffers. */
  waitingFrames?: number;
}

/** Hidden frames of some sensors, the JPEG that comes along, a slow start. */
const stillSeconds = 20;
/** What libcamera's own watchdog waits longer than ours. */
const marginSeconds = 10;
const usualWaiting = 6;
const endSeconds = 20;
const openSeconds = 60;
const askFor = 'Look at the ribbon cable and the power supply, and restart the computer.';
const mostWarnings = 100;

export class RpicamCamera implements Camera {
  private readonly options: RpicamOptions;
  private readonly context: CameraContext;
  private readonly closing = new AbortController();
  private readonly live: RpicamLiveView;
  private found: Found | null = null;
  private current: RpicamSettings | null = null;
  private lensWasSet: boolean;
  private sequence: RpicamSequence | null = null;
  private exposing = false;
  private temperature: number | null = null;
  private readonly report: RecoveryReport;
  private told: string[] = [];

  constructor(options: RpicamOptions, context: CameraContext) {
    this.options = options;
    this.context = context;
    this.report = new RecoveryReport(context.clock);
    this.lensWasSet = options.lensPosition !== undefined;
    this.live = new RpicamLiveView({ programFolder: options.programFolder || null, closed: this.closing.signal });
  }

  get info(): CameraInfo {
    const { found, current } = this;
    const id = found?.id ?? this.options.camera ?? '';
    const sensor = found && sensorOf(found, current ? modeOf(found, current.mode) : undefined);
    return { id, name: found?.model ?? 'Raspberry Pi camera', backend: 'rpicam', sensor };
  }

  /** @throws missing without rpicam-apps, lost without the camera, bad-input for settings that it can't have */
  async open(signal?: AbortSignal): Promise<void> {
    const found = await findCamera(this.options, signal);
    let settings = usualSettings(found);
    for (const name of ['mode', 'packing', 'gain', 'redGain', 'blueGain', 'lensPosition'] as const) {
      const value = this.current?.[name] ?? this.options[name];
      if (value !== undefined && (name !== 'lensPosition' || this.lensWasSet))
        settings = withSetting(settings, found, name, value);
    }
    this.found = found;
    this.current = settings;
  }

  async settings(): Promise<readonly SettingDescription[]> {
    return describeSettings(this.opened().found);
  }

  async get(name: string): Promise<SettingValue> {
    const { found, current } = this.opened();
    if (name === 'temperatureCelsius') {
      if (this.temperature !== null) return this.temperature;
      throw new NightflowError('unsupported', `${found.model} has told no temperature yet.`, {
        remedy: 'It comes with a frame, from sensors that measure it.',
      });
    }
    if (describeSettings(found).some((each) => each.name === name)) return current[name as keyof RpicamSettings];
    throw new NightflowError('bad-input', `The camera ${found.model} has no setting "${name}".`);
  }

  /** In force from the next exposure on. A sequence that runs starts its program anew between two frames. */
  async set(name: string, value: SettingValue): Promise<SettingValue> {
    const { found, current } = this.opened();
    this.current = withSetting(current, found, name, value);
    if (name === 'lensPosition') this.lensWasSet = true;
    this.sequence?.finish();
    return this.get(name);
  }

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    const settings = this.shotSettings(request);
    return this.alone(signal, async (stop) => {
      const bytes = settings.mode.width * settings.mode.height * 4;
      const folder = await makeRamFolder(bytes);
      try {
        const silenceSeconds = settings.exposureSeconds * 3.5 + stillSeconds;
        const { cameraId } = settings;
        await runRpicam('rpicam-still', stillWords(settings, folder, 'still'), {
          programFolder: this.options.programFolder || null,
          silenceSeconds,
          env: await pipelineEnvironment({ cameraId, silentSeconds: silenceSeconds + marginSeconds, folder }),
          signal: stop,
        });
        const metadata = parseMetadataJson(await readFile(join(folder, 'still.json'), 'utf8'));
        if (!metadata) throw new NightflowError('failed', 'rpicam-still wrote no times of its frame.');
        const still = await readOriginal(join(folder, 'still.dng'), (problem) => this.tell(problem), stop);
        return this.known(await frameOfStill(still, metadata, this.wish(settings, request)));
      } finally {
        await removeRamFolder(folder);
      }
    });
  }

  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncGenerator<CapturedFrame> {
    this.shotSettings(request);
    const release = await this.begin();
    const stop = signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal;
    try {
      let lastEnd: number | null = null;
      for (;;)
        for await (const { frame, lostBefore } of this.oneProgram(request, stop)) {
          const start = parseFitsTime(frame.start);
          const gapSeconds = lastEnd === null || start === null ? null : (start - lastEnd) / 1e6;
          lastEnd = parseFitsTime(frame.end);
          this.live.show(frame);
          yield { frame, gapSeconds, lostBefore };
        }
    } finally {
      release();
    }
  }

  /** A still is a DNG; rpicam-raw writes bare samples. */
  bringsOriginals(way: 'single' | 'sequence'): boolean {
    return way === 'single';
  }

  livePictures(options: LivePictureOptions = {}): AsyncIterable<LivePicture> {
    return this.live.pictures(this.opened().found.index, options);
  }

  /** The lens of a module with a focus motor; null for the others. */
  async focuser(): Promise<Focuser | null> {
    const range = this.opened().found.controls.get('LensPosition');
    const lens = () => this.opened().current.lensPosition;
    return range ? lensFocuser(range, lens, (dioptres) => this.set('lensPosition', dioptres)) : null;
  }

  warnings(): readonly string[] {
    const told = this.told;
    this.told = [];
    return told;
  }

  /** The program that failed has ended; what is left is to look whether the camera is there, perhaps at another place of the list. */
  async recover(signal?: AbortSignal): Promise<void> {
    const steps = [
      { what: 'the programs at the camera are ended', limitSeconds: endSeconds, work: () => this.live.rest() },
      {
        what: 'the camera is looked for and opened anew',
        limitSeconds: openSeconds,
        work: (stop: AbortSignal) => this.open(stop),
      },
    ];
    await inTurn(steps, this.report, { askFor, signal });
  }

  onRecovery(listener: (state: RecoveryState | null) => void): () => void {
    return this.report.on(listener);
  }

  async close(): Promise<void> {
    this.closing.abort();
    await this.live.rest();
    await this.sequence?.stop();
  }

  private oneProgram(request: ExposureRequest, stop: AbortSignal): AsyncGenerator<DevelopedFrame> {
    const settings = this.shotSettings(request);
    const before = this.current;
    const run = {
      settings,
      programFolder: this.options.programFolder || null,
      waitingFrames: this.options.waitingFrames ?? usualWaiting,
      develop: (shot: RawShot) => this.develop(shot, settings, request),
      runs: (sequence: RpicamSequence | null) => {
        this.sequence = sequence;
        // Changed while the program was being prepared.
        if (this.current !== before) sequence?.finish();
      },
      tell: (sentence: string) => this.tell(sentence),
    };
    return framesOfRun(run, stop);
  }

  private async develop(shot: RawShot, settings: ShotSettings, request: ExposureRequest): Promise<Frame> {
    return this.known(await frameOf(shot, this.wish(settings, request)));
  }

  private wish(settings: ShotSettings, request: ExposureRequest): Wish {
    return { settings, request, camera: this.info.name, context: this.context };
  }

  private known(frame: Frame): Frame {
    this.temperature = frame.temperatureCelsius ?? this.temperature;
    this.report.end();
    return frame;
  }

  private shotSettings(request: ExposureRequest): ShotSettings {
    const { found, current } = this.opened();
    return shotSettings(found, current, request, this.lensWasSet);
  }

  private async alone<T>(signal: AbortSignal | undefined, work: (stop: AbortSignal) => Promise<T>): Promise<T> {
    throwIfAborted(signal);
    const release = await this.begin();
    try {
      return await work(signal ? AbortSignal.any([signal, this.closing.signal]) : this.closing.signal);
    } finally {
      release();
    }
  }

  /** @throws busy */
  private async begin(): Promise<() => void> {
    if (this.closing.signal.aborted) throw new NightflowError('lost', 'The camera is closed.');
    if (this.exposing)
      throw new NightflowError('busy', `The camera ${this.info.name} is exposing already.`, {
        remedy: 'Stop the sequence that has it, or wait for its end.',
      });
    this.exposing = true;
    await this.live.giveWay();
    return () => {
      this.exposing = false;
      this.live.mayRun();
    };
  }

  private opened(): { found: Found; current: RpicamSettings } {
    const { found, current } = this;
    if (found && current) return { found, current };
    throw new NightflowError('lost', 'The camera is not open.');
  }

  private tell(sentence: string): void {
    this.told = [...this.told, sentence].slice(-mostWarnings);
  }
}
