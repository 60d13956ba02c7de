/** Batches of 24 MB frames over loopback into files of another process: against the exposures alone, against exposing first and sending then, and against a plain server. */
import { fork } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../lib/clock/clock.ts';
import { Appliance } from '../lib/field/appliance/appliance.ts';
import { applianceHandler } from '../lib/field/appliance/http.ts';
import { Spool } from '../lib/field/appliance/spool.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { ClockCamera } from './appliance/clock-camera.ts';
import type { Order, Received } from './appliance/receiver.ts';
import { type BenchLine, figureLine, median, unavailable } from './harness.ts';

const count = 50;
const exposureSeconds = 1;
/** Of the batches of a minute each. */
const pairs = Number(process.env.APPLIANCE_PAIRS || 3);
/** Of the transfers alone, of so many frames. */
const transferPairs = 7;
const transferCount = 12;
/** Long enough that a busy disk keeps up. */
const transferExposureSeconds = 0.5;

export default async function appliance(): Promise<BenchLine[]> {
  const world = await openWorld();
  try {
    const lines = await batches(world);
    return [...lines, ...(await transfers(world))];
  } catch (thrown) {
    return [unavailable('appliance', (thrown as Error).message)];
  } finally {
    await world.close();
  }
}

/** (a) fetched while the next are exposed and (b) all exposed, then all fetched, in turn. */
async function batches(world: World): Promise<BenchLine[]> {
  const exposed = count * exposureSeconds;
  const whileExposing: number[] = [];
  const after: number[] = [];
  for (let pair = 0; pair < pairs; pair++) {
    const streamed = await world.batch(count, exposureSeconds, 'while exposing');
    if (pair === 0) await world.check(count);
    const later = await world.batch(count, exposureSeconds, 'after');
    whileExposing.push(streamed.seconds);
    after.push(later.seconds);
    console.log(
      `${count} frames of 24 MB, ${exposed} s exposed: ${streamed.seconds.toFixed(2)} s when fetched while the next are exposed ` +
        `(CPU a frame: appliance ${(streamed.serverCpuMs / count).toFixed(0)} ms, client ${(streamed.cpuMs / count).toFixed(0)} ms), ` +
        `${later.seconds.toFixed(2)} s when fetched afterwards`,
    );
  }
  if (pairs === 0) return [];
  const [bench, unit] = ['appliance', 'x'];
  const alone = whileExposing.map((seconds) => seconds / exposed);
  const ratios = whileExposing.map((seconds, i) => seconds / after[i]!);
  return [
    figureLine({ bench, part: 'against the exposures alone', figure: median(alone), goal: 1.05, unit }),
    figureLine({ bench, part: 'against exposing first, sending then', figure: median(ratios), goal: 1, unit }),
  ];
}

/** (c) frames that lie ready: ours with sums, durable files and acknowledgements, against bytes from memory into files, left to the page cache and durable. */
async function transfers(world: World): Promise<BenchLine[]> {
  const runs: Record<'ours' | 'cached' | 'durable', Received[]> = { ours: [], cached: [], durable: [] };
  for (let pair = -1; pair < transferPairs; pair++) {
    const received = {
      ours: await world.batch(transferCount, transferExposureSeconds, 'after'),
      cached: await world.plain(transferCount, false),
      durable: await world.plain(transferCount, true),
    };
    // The first of each warms both ends up.
    if (pair >= 0) for (const name of ['ours', 'cached', 'durable'] as const) runs[name].push(received[name]);
  }
  const row = (peer: 'cached' | 'durable', part: string, goal: number) => {
    const ratios = runs.ours.map(({ wallMs }, i) => wallMs / runs[peer][i]!.wallMs);
    console.log(
      `${part}: ${transferPairs} pairs, ${Math.min(...ratios).toFixed(2)} to ${Math.max(...ratios).toFixed(2)}`,
    );
    return figureLine({ bench: 'appliance', part, figure: median(ratios), goal, unit: 'x wall' });
  };
  for (const [name, what] of [
    ['ours', 'checked, durable, acknowledged'],
    ['cached', 'a plain server and client, into the page cache'],
    ['durable', 'the same, each file durable'],
  ] as const) {
    const [wallMs, cpuMs] = [median(runs[name].map((run) => run.wallMs)), median(runs[name].map((run) => run.cpuMs))];
    const rate = (transferCount * 24) / (wallMs / 1000);
    console.log(`${what}: ${rate.toFixed(0)} MB/s, the client's CPU ${(cpuMs / transferCount).toFixed(0)} ms a frame`);
  }
  return [
    row('cached', 'transfer against the loopback limit', 5),
    row('durable', 'transfer against the loopback limit with durable files', 2),
  ];
}

interface World {
  batch(count: number, exposureSeconds: number, fetched: 'while exposing' | 'after'): Promise<Batch>;
  /** The same bytes without anything of ours. */
  plain(count: number, durable: boolean): Promise<Received>;
  /** Whether the last batch came as it was taken. @throws */
  check(count: number): Promise<void>;
  close(): Promise<void>;
}

interface Batch extends Received {
  /** From the first exposure to the last acknowledgement. */
  seconds: number;
  serverCpuMs: number;
}

async function openWorld(): Promise<World> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-'));
  const spool = await Spool.open({ folder: join(folder, 'spool'), maximumBytes: 4e9 });
  const camera = new ClockCamera();
  const cameras = [{ id: 'clock', name: 'Clock', ready: async () => camera, reserve: () => () => {} }];
  const appliance = await Appliance.open({ clock: realClock, cameras, spool, whenFull: 'end' });
  const sums = new Map<number, string>();
  appliance.events.on('frame', ({ file }) => file && sums.set(file.number, file.sha256));
  const handler = applianceHandler(appliance, 'bench');
  const ours = await listening(createServer((request, response) => void handler(request, response)));
  const picture = Buffer.alloc(24_002_880, 7);
  const plain = await listening(createServer((_request, response) => response.end(picture)));
  const receiver = fork(join(import.meta.dirname, 'appliance', 'receiver.ts'));
  const order = (wanted: Order) =>
    new Promise<Received>((resolve, reject) => {
      receiver.once('message', (received: Received) =>
        received.error ? reject(new Error(received.error)) : resolve(received),
      );
      receiver.send(wanted);
    });
  const out = join(folder, 'out');

  return {
    async batch(frames, seconds, fetched) {
      await rm(out, { recursive: true, force: true });
      sums.clear();
      const begin = performance.now();
      const before = process.cpuUsage();
      const { id } = await appliance.start(frames, { exposureSeconds: seconds });
      if (fetched === 'after') while (sums.size < frames) await realClock.sleep(5);
      const received = await order({ kind: 'batch', url: `http://127.0.0.1:${ours.port}/`, id, folder: out });
      const { user, system } = process.cpuUsage(before);
      if (camera.lost > 0) throw new Error(`${camera.lost} frames were lost.`);
      const all = (performance.now() - begin) / 1000;
      return { ...received, seconds: all, serverCpuMs: (user + system) / 1000 };
    },
    async plain(frames, durable) {
      await rm(out, { recursive: true, force: true });
      return order({ kind: 'plain', url: `http://127.0.0.1:${plain.port}`, count: frames, folder: out, durable });
    },
    async check(frames) {
      const names = (await readdir(out)).filter((name) => name.endsWith('.fits')).toSorted();
      if (names.length !== frames) throw new Error(`${names.length} of ${frames} frames came.`);
      for (const [index, name] of names.entries()) {
        const bytes = await readFile(join(out, name));
        const sum = createHash('sha256').update(bytes).digest('hex');
        if (sum !== sums.get(index + 1)) throw new Error(`The checksum of ${name} is wrong.`);
      }
    },
    async close() {
      receiver.kill();
      await appliance.close();
      for (const { server } of [ours, plain]) {
        server.closeAllConnections();
        server.close();
      }
      await closeSharedPool();
      await rm(folder, { recursive: true, force: true });
    },
  };
}

async function listening(server: Server): Promise<{ server: Server; port: number }> {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return { server, port: (server.address() as AddressInfo).port };
}
