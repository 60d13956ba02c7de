/** A batch of 50 x 24 MB over loopback into files of another process, against the time of the exposures alone. */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Camera, CapturedFrame, ExposureRequest } from '../lib/camera/camera.ts';
import { realClock } from '../lib/clock/clock.ts';
import { Appliance } from '../lib/field/appliance/appliance.ts';
import { applianceHandler } from '../lib/field/appliance/http.ts';
import { Spool } from '../lib/field/appliance/spool.ts';
import { Frame } from '../lib/frame/frame.ts';
import { allocateShared } from '../lib/kernels/memory.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { packagePath } from '../lib/process/package-root.ts';
import { type BenchLine, figureLine, unavailable } from './harness.ts';

const [width, height] = [4000, 3000];
const count = 50;
const exposureSeconds = 1;
const goal = 1.05;

/** Exposes by the clock: the next begins where the one before ended, whoever is slow. */
class ClockCamera implements Camera {
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
      // Six frames wait in a camera's buffer; then the oldest are lost.
      const late = Math.floor((realClock.now() - due) / (exposureSeconds * 1000)) - 6;
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
    return new Frame({ data: this.pixels[n % 4]!, width, height, pixelType: 'u16', exposureSeconds });
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

export default async function appliance(): Promise<BenchLine> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-'));
  const spool = await Spool.open({ folder: join(folder, 'spool'), maximumBytes: 4e9 });
  const camera = new ClockCamera();
  const cameras = [{ id: 'clock', name: 'Clock', ready: async () => camera, reserve: () => () => {} }];
  const server = await Appliance.open({ clock: realClock, cameras, spool, whenFull: 'end' });
  const sums = new Map<number, string>();
  server.events.on('frame', ({ file }) => file && sums.set(file.number, file.sha256));
  const handler = applianceHandler(server, 'bench');
  const http = createServer((request, response) => void handler(request, response));
  await new Promise<void>((resolve) => http.listen(0, '127.0.0.1', resolve));
  try {
    const port = (http.address() as AddressInfo).port;
    const out = join(folder, 'out');
    // Started first: that of interest is the time from the first exposure to the last frame's acknowledgement.
    const { id } = await server.start(count, { exposureSeconds });
    const start = performance.now();
    const program = packagePath('lib/field/appliance/nightflow-capture.ts');
    const given = [program, '--resume', id, '--host', `127.0.0.1:${port}`, '--path', '/', '--out', out];
    const code = await new Promise((resolve) =>
      spawn(process.execPath, given, { stdio: 'ignore' }).once('exit', resolve),
    );
    const seconds = (performance.now() - start) / 1000;
    const names = (await readdir(out).catch(() => [])).filter((name) => name.endsWith('.fits')).toSorted();
    if (code !== 0 || names.length !== count || camera.lost > 0)
      return unavailable('appliance', `${names.length} of ${count} frames came, ${camera.lost} were lost.`);
    for (const [index, name] of names.entries()) {
      const sum = createHash('sha256')
        .update(await readFile(join(out, name)))
        .digest('hex');
      if (sum !== sums.get(index + 1)) return unavailable('appliance', `The checksum of ${name} is wrong.`);
    }
    console.log(`appliance: ${count} frames of 24 MB in ${seconds.toFixed(2)} s, ${count * exposureSeconds} s exposed`);
    return figureLine({ bench: 'appliance', figure: seconds / (count * exposureSeconds), goal, unit: 'x' });
  } finally {
    await server.close();
    http.closeAllConnections();
    http.close();
    await closeSharedPool();
    await rm(folder, { recursive: true, force: true });
  }
}
