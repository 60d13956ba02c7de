/** Live pictures of a Raspberry Pi's camera: from rpicam-vid while it is idle, from the frames while it exposes. Exposures never wait for a viewer. */
import { Frame } from '../frame/frame.ts';
import { renderPreview } from '../frame/preview.ts';
import type { LivePicture, LivePictureOptions } from './camera.ts';
import { JpegStream, Latest } from './jpeg-stream.ts';
import { liveViewWords, runRpicam } from './rpicam-program.ts';

const usualWidth = 1280;
const framesPerSecond = 15;
/** For its first picture and between two. */
const silenceSeconds = 20;

export class RpicamLiveView {
  private readonly programFolder: string | null;
  private readonly viewers = new Set<Latest<Buffer | Frame>>();
  private readonly closed: AbortSignal;
  private program: { stop: AbortController; ended: Promise<void> } | null = null;
  private exposing = false;
  private width = usualWidth;
  private cameraIndex = 0;

  constructor({ programFolder, closed }: { programFolder: string | null; closed: AbortSignal }) {
    this.programFolder = programFolder;
    this.closed = closed;
  }

  async *pictures(cameraIndex: number, options: LivePictureOptions): AsyncGenerator<LivePicture> {
    const { width = usualWidth, signal } = options;
    const latest = new Latest<Buffer | Frame>();
    const stop = signal ? AbortSignal.any([signal, this.closed]) : this.closed;
    const end = () => latest.end();
    stop.addEventListener('abort', end, { once: true });
    if (stop.aborted) end();
    this.viewers.add(latest);
    this.cameraIndex = cameraIndex;
    this.width = width;
    this.mayRun(this.exposing);
    try {
      for (let value = await latest.take(); value !== null; value = await latest.take())
        if (value instanceof Frame) {
          const { jpeg } = await renderPreview(value, { width, stretch: 'auto', drc: 'off' });
          yield { jpeg, from: 'frame' };
        } else yield { jpeg: value, from: 'live' };
    } finally {
      stop.removeEventListener('abort', end);
      this.viewers.delete(latest);
      if (this.viewers.size === 0) await this.rest();
    }
  }

  /** The camera is wanted for an exposure. Resolves when the program has let go of it. */
  async giveWay(): Promise<void> {
    this.exposing = true;
    await this.rest();
  }

  /** Viewers, if there are any, get live pictures again. */
  mayRun(exposing = false): void {
    this.exposing = exposing;
    if (exposing || this.program || this.viewers.size === 0 || this.closed.aborted) return;
    const stop = new AbortController();
    this.program = { stop, ended: this.run(stop.signal) };
  }

  /** A frame of the sequence that runs. */
  show(frame: Frame): void {
    for (const viewer of this.viewers) viewer.set(frame);
  }

  /** Ends the program, if it runs. */
  async rest(): Promise<void> {
    const { program } = this;
    program?.stop.abort();
    await program?.ended;
  }

  private async run(signal: AbortSignal): Promise<void> {
    const { cameraIndex, width } = this;
    const stream = new JpegStream();
    let failed = false;
    // 16:9, even: what rpicam-vid scales to.
    const height = Math.round((width * 9) / 32) * 2;
    try {
      await runRpicam('rpicam-vid', liveViewWords({ cameraIndex, width, height, framesPerSecond }), {
        programFolder: this.programFolder,
        silenceSeconds,
        signal,
        onChunk: (chunk) => {
          const picture = stream.read(chunk).at(-1);
          if (picture) for (const viewer of this.viewers) viewer.set(picture);
        },
      });
    } catch (thrown) {
      failed = !signal.aborted;
      if (failed) for (const viewer of this.viewers) viewer.end(thrown);
    } finally {
      this.program = null;
      // Somebody may have come while it was ending.
      if (!failed) this.mayRun(this.exposing);
    }
  }
}
