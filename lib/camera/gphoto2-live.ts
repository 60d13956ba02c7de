/** Live view of a body: one preview after the other while it is idle, made of the frames while it exposes. */
import { readFile, unlink } from 'node:fs/promises';
import { Frame } from '../frame/frame.ts';
import { renderPreview } from '../frame/preview.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { LivePicture, LivePictureOptions } from './camera.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';
import { Latest } from './jpeg-stream.ts';

const usualWidth = 1280;
const previewSeconds = 20;

export class Gphoto2LiveView {
  private readonly session: () => Promise<Gphoto2Session>;
  private readonly closed: AbortSignal;
  private readonly viewers = new Set<Latest<Buffer | Frame>>();
  private exposing = false;
  private running: Promise<void> | null = null;

  constructor(session: () => Promise<Gphoto2Session>, closed: AbortSignal) {
    this.session = session;
    this.closed = closed;
  }

  async *pictures({ width = usualWidth, signal }: LivePictureOptions): AsyncGenerator<LivePicture> {
    const latest = new Latest<Buffer | Frame>();
    const stop = signal ? AbortSignal.any([signal, this.closed]) : this.closed;
    const end = () => latest.end();
    stop.addEventListener('abort', end, { once: true });
    if (stop.aborted) end();
    this.viewers.add(latest);
    this.run();
    try {
      for (let value = await latest.take(); value !== null; value = await latest.take())
        if (value instanceof Frame) {
          const { jpeg } = await renderPreview(value, { width, stretch: 'auto', drc: 'off' });
          yield { jpeg, from: 'frame' };
        } else yield { jpeg: value, from: 'live' };
    } finally {
      stop.removeEventListener('abort', end);
      this.viewers.delete(latest);
      if (this.viewers.size === 0) await this.running;
    }
  }

  /** Resolves when the body is free for an exposure. */
  async giveWay(): Promise<void> {
    this.exposing = true;
    await this.running;
  }

  goOn(): void {
    this.exposing = false;
    this.run();
  }

  show(frame: Frame): void {
    for (const viewer of this.viewers) viewer.set(frame);
  }

  private get wanted(): boolean {
    return !this.exposing && this.viewers.size > 0 && !this.closed.aborted;
  }

  private run(): void {
    if (!this.wanted || this.running) return;
    this.running = this.loop()
      .then(
        () => true,
        (thrown) => {
          for (const viewer of this.viewers) viewer.end(asNightflowError(thrown));
          return false;
        },
      )
      .then((well) => {
        this.running = null;
        // Somebody may have come while it was ending.
        if (well) this.run();
      });
  }

  private async loop(): Promise<void> {
    const session = await this.session();
    const viewfinder = session.has('viewfinder');
    if (viewfinder) await session.act('viewfinder', '1');
    try {
      while (this.wanted) {
        const jpeg = await previewOf(session);
        for (const viewer of this.viewers) viewer.set(jpeg);
      }
    } finally {
      // The mirror must come down, and the sensor cool, before an exposure.
      if (viewfinder && session.shell.alive) await session.act('viewfinder', '0');
    }
  }
}

async function previewOf(session: Gphoto2Session): Promise<Buffer> {
  const lines = await session.shell.send('capture-preview', { timeoutSeconds: previewSeconds });
  const path = lines.map((line) => /^Saving file as (.+)$/.exec(line)?.[1]).find((found) => found !== undefined);
  if (!path)
    throw new NightflowError('unsupported', 'The camera sent no live picture.', { remedy: 'Turn its mode dial to M.' });
  try {
    return await readFile(path);
  } finally {
    await unlink(path).catch(() => {});
  }
}
