/** A camera for the tests of the appliance: small numbered frames, a millisecond each, with a script of what happens on the way. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { onTestFinished } from 'vitest';
import type { Camera, CapturedFrame, ExposureRequest, SettingValue } from '../../../lib/camera/camera.ts';
import { isoTime, realClock } from '../../../lib/clock/clock.ts';
import { Appliance, type ApplianceOptions } from '../../../lib/field/appliance/appliance.ts';
import type { ApplianceCamera } from '../../../lib/field/appliance/cameras.ts';
import { Spool, type SpoolOptions } from '../../../lib/field/appliance/spool.ts';
import { allocatePixels, Frame, type Original } from '../../../lib/frame/frame.ts';
import { allocateShared } from '../../../lib/kernels/memory.ts';
import { NightflowError } from '../../../lib/process/errors.ts';

/** A frame's file: one block of header or two, and 64 x 48 samples of 16 bits in blocks of 2880 bytes. */
export const pixelBlocks = Math.ceil((64 * 48 * 2) / 2880);

export class CountingCamera implements Camera {
  readonly info = {
    id: 'counting',
    name: 'Counting',
    backend: 'test',
    sensor: {
      width: 64,
      height: 48,
      pixelSizeMicrometres: 5,
      bayer: null,
      bitsPerSample: 16,
      minimumExposureSeconds: null,
      maximumExposureSeconds: 600,
    },
  };
  /** Of which exposures it makes files of its own, `file 1` and so on. */
  originals: 'single' | 'sequence' | null = null;
  taken = 0;
  recovered = 0;
  /** Sequences that were begun. */
  begun = 0;
  loseAt: number | null = null;
  lostBefore: Record<number, number> = {};
  /** Called before each frame is delivered. */
  before: (n: number, signal?: AbortSignal) => Promise<void> = async () => {};
  private gain: SettingValue = 4;
  private readonly size: { width: number; height: number };

  constructor(width = 64, height = 48) {
    this.size = { width, height };
    Object.assign(this.info.sensor, this.size);
  }

  async open() {}
  async settings() {
    return [{ name: 'gain', label: 'Gain', type: 'number' as const, minimum: 0, maximum: 100 }];
  }
  async get(name: string) {
    if (name === 'gain') return this.gain;
    throw new NightflowError('bad-input', `No setting "${name}".`);
  }
  async set(name: string, value: SettingValue) {
    await this.get(name);
    this.gain = value;
    return this.gain;
  }
  bringsOriginals(way: 'single' | 'sequence') {
    return way === this.originals;
  }
  expose(request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    return this.exposeOne('single', request, signal);
  }
  private async exposeOne(way: 'single' | 'sequence', request: ExposureRequest, signal?: AbortSignal): Promise<Frame> {
    const n = ++this.taken;
    await this.before(n, signal);
    await realClock.sleep(request.exposureSeconds * 1000, signal);
    if (n === this.loseAt) throw new NightflowError('lost', 'The cable came off.');
    const { width, height } = this.size;
    const data = allocatePixels(width, height, 1, 'u16');
    new Uint16Array(data).fill(n);
    const start = isoTime(Date.UTC(2026, 2, 14, 20, 0, n));
    const original = this.bringsOriginals(way) ? fileOf(n) : null;
    return new Frame({ data, width, height, pixelType: 'u16', start, camera: 'Counting', original });
  }
  async *exposures(request: ExposureRequest, signal?: AbortSignal): AsyncIterable<CapturedFrame> {
    this.begun++;
    for (;;) {
      const frame = await this.exposeOne('sequence', request, signal);
      yield { frame, gapSeconds: 0, lostBefore: this.lostBefore[this.taken] ?? 0 };
    }
  }
  async recover() {
    this.recovered++;
  }
  async close() {}
}

function fileOf(n: number): Original {
  const bytes = Buffer.from(`file ${n}`);
  const data = allocateShared(bytes.length);
  bytes.copy(new Uint8Array(data));
  return { data, extension: '.arw' };
}

export const exposure = { exposureSeconds: 0.001 };

export const asCamera = (camera: Camera, id = 'main'): ApplianceCamera => ({
  id,
  name: camera.info.name,
  ready: async () => camera,
  reserve: () => () => {},
});

export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-appliance-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

/** An appliance over a folder (a new one), closed at the end of the test. */
export async function openAppliance(
  camera: Camera,
  spoolOptions: Partial<SpoolOptions> = {},
  options: Partial<ApplianceOptions> = {},
): Promise<Appliance> {
  const folder = spoolOptions.folder ?? (await temporaryFolder());
  const spool = await Spool.open({ maximumBytes: 1e9, reserveBytes: 0, ...spoolOptions, folder });
  const cameras = [asCamera(camera)];
  const appliance = await Appliance.open({ clock: realClock, cameras, whenFull: 'pause', spool, ...options });
  onTestFinished(() => appliance.close());
  return appliance;
}
