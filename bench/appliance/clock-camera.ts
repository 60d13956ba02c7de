/** A camera of 12 Mpx that exposes by the clock: the next begins where the one before ended, whoever is slow. */
import type { Camera, CapturedFrame, ExposureRequest } from '../../lib/camera/camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';

const [width, height] = [4000, 3000];
/** Frames wait in a camera's buffer; then the oldest are lost. */
const buffered = 6;

export class ClockCamera implements Camera {
  readonly info = { id: 'clock', name: 'Clock', backend: 'bench', sensor: null };
  lost = 0;
  private readonly pixels = Array.from({ length: 4 }, (_, seed) => noise(seed));
  async open() {}
  async settings() {
    return [];
  }
  async get() {
    return 0;
  }
  async set() {
    return 0;
  }
  async expose(request: ExposureRequest, signal?: AbortSignal) {
    await realClock.sleep(request.exposureSeconds * 1000, signal);
    return this.frame(0);
  }
  async *exposures({ exposureSeconds }: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame> {
    let due = realClock.now();
    for (let n = 0; ; n++) {
      due += exposureSeconds * 1000;
      const late = Math.floor((realClock.now() - due) / (exposureSeconds * 1000)) - buffered;
      const lostBefore = Math.max(0, late);
      this.lost += lostBefore;
      due += lostBefore * exposureSeconds * 1000;
      await realClock.sleep(Math.max(0, due - realClock.now()), signal);
      yield { frame: this.frame(n), gapSeconds: 0, lostBefore };
    }
  }
  async recover() {}
  async close() {}
  private frame(n: number): Frame {
    return new Frame({ data: this.pixels[n % 4]!, width, height, pixelType: 'u16', exposureSeconds: 1 });
  }
}

function noise(seed: number): SharedArrayBuffer {
  const data = allocateShared(width * height * 2);
  const samples = new Uint16Array(data);
  let state = seed + 1;
  for (let i = 0; i < samples.length; i++) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    samples[i] = 256 + (state >>> 20);
  }
  return data;
}
