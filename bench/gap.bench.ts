/** Dead time that we add between exposures, for each backend: a camera asked for each frame, simulator, folder, rpicam and gphoto2 (stand-ins of their programs), a real indiserver. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Camera, CapturedFrame, ExposureRequest } from '../lib/camera/camera.ts';
import { folderBackend } from '../lib/camera/folder.ts';
import { deadSeconds } from '../lib/camera/sensors.ts';
import { simulatorBackend } from '../lib/camera/simulator.ts';
import { isoTime, realClock } from '../lib/clock/clock.ts';
import { allocatePixels, Frame } from '../lib/frame/frame.ts';
import { gphoto2Held, gphoto2OneByOne } from './gap/gphoto2.ts';
import { indi } from './gap/indi.ts';
import { rpicam } from './gap/rpicam.ts';
import { lines, run } from './gap/run.ts';
import { type BenchLine, median } from './harness.ts';

/** The IMX477's own, at 5 s, from its frame timing: 22 lines of 28.6 µs, four times longer in its long-exposure mode. Printed for comparison. */
const sensorMilliseconds = deadSeconds('imx477', 5) * 1000;

export default async function gap(): Promise<BenchLine[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-gap-'));
  try {
    console.log(`The IMX477 itself is blind for ${sensorMilliseconds.toFixed(2)} ms between exposures of 5 s.`);
    const own = [...(await onRequest(folder)), ...(await simulator(folder)), ...(await replayed(folder))];
    const programs = [...(await rpicam(folder)), ...(await gphoto2Held(folder)), ...(await gphoto2OneByOne(folder))];
    return [...own, ...programs, ...(await indi())];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** The hardest case: nothing is exposed until the sequence asks for the next frame. */
async function onRequest(folder: string): Promise<BenchLine[]> {
  const camera = new AskedCamera(4056, 3040);
  const taken = await run(camera, { exposureSeconds: 0.5, frames: 40 }, join(folder, 'asked'));
  const addedMilliseconds = (taken.end.gaps.median ?? Infinity) * 1000;
  return lines({ part: 'asked for each frame', model: 'none', addedMilliseconds, lost: taken.end.lost }, taken);
}

/** Streams by itself: what is added is what exceeds the sensor's own dead time. */
async function simulator(folder: string): Promise<BenchLine[]> {
  const sensor = 'imx290';
  const camera = simulatorBackend.create({ sensor }, { clock: realClock, site: null });
  const taken = await run(camera, { exposureSeconds: 2, frames: 15 }, join(folder, 'simulator'));
  const own = deadSeconds(sensor, 2) * 1000;
  const addedMilliseconds = (taken.end.gaps.median ?? Infinity) * 1000 - own;
  const model = `${sensor} at 2 s, ${own.toFixed(2)} ms`;
  return lines({ part: 'simulator', model, addedMilliseconds, lost: taken.end.lost }, taken);
}

/** A fixed pace of 0.5 s: what is added is how much later than that a frame reaches the flow. */
async function replayed(folder: string): Promise<BenchLine[]> {
  const intervalSeconds = 0.5;
  const path = join(folder, 'asked', '*', '*.fits');
  const camera = folderBackend.create(
    { path, pace: 'fixed', intervalSeconds, watch: false },
    { clock: realClock, site: null },
  );
  const taken = await run(camera, { exposureSeconds: 0.5, frames: 30 }, null);
  const { arrivals } = taken;
  const late = arrivals.slice(1).map((at, i) => at - arrivals[i]! - intervalSeconds * 1000);
  const model = `a picture every ${intervalSeconds} s; added is how much later one is there`;
  return lines({ part: 'folder', model, addedMilliseconds: median(late), lost: taken.end.lost }, taken);
}

/** Opens its shutter when it is asked, and closes it when its timer fires: the time between is the sequence's doing. */
class AskedCamera implements Camera {
  readonly info = { id: 'asked', name: 'Asked', backend: 'bench', sensor: null };
  private readonly size: { width: number; height: number };

  constructor(width: number, height: number) {
    this.size = { width, height };
  }

  async open(): Promise<void> {}
  async settings() {
    return [];
  }
  async get() {
    return 0;
  }
  async set(_name: string, value: number | string | boolean) {
    return value;
  }
  async recover(): Promise<void> {}
  async close(): Promise<void> {}

  async expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    const { width, height } = this.size;
    const start = realClock.now();
    // Memory for the read-out is found while the shutter is open, as in any backend.
    const data = allocatePixels(width, height, 1, 'u16');
    await realClock.sleep(start + request.exposureSeconds * 1000 - realClock.now(), signal);
    const { exposureSeconds } = request;
    return new Frame({
      data,
      width,
      height,
      pixelType: 'u16',
      start: isoTime(start),
      end: isoTime(realClock.now()),
      exposureSeconds,
    });
  }

  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame> {
    let closed: number | null = null;
    for (;;) {
      const opened = performance.now();
      const frame = await this.expose(request, signal);
      const gapSeconds = closed === null ? null : (opened - closed) / 1000;
      closed = performance.now();
      yield { frame, gapSeconds, lostBefore: 0 };
    }
  }
}
