/** Video of 1280 x 1024 at the simulator's full rate into a SER on the disk: every frame that the server sent is in the film. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { openIndiStream } from '../lib/camera/indi-stream.ts';
import { realClock } from '../lib/clock/clock.ts';
import { readSerFilm } from '../lib/frame/ser.ts';
import { IndiClient } from '../lib/indi/client.ts';
import { connectDevice } from '../lib/indi/device-care.ts';
import { IndiServer } from '../lib/indi/server.ts';
import { IndiSimulator } from '../lib/indi/simulator/simulator.ts';
import { filmFigures } from '../lib/night/stream-figures.ts';
import { StreamRecorder } from '../lib/night/stream-recorder.ts';
import { asNightflowError } from '../lib/process/errors.ts';
import { type BenchLine, figureLine, unavailable } from './harness.ts';

const device = 'CCD Simulator';
const seconds = 20;
const site = { latitude: 51, longitude: 7, elevation: 100 };
/** Shorter than drawing a picture takes: the simulators go as fast as they can. */
const exposureSeconds = 0.002;

export default async function stream(): Promise<BenchLine[]> {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-stream-bench-'));
  try {
    return [...(await real(folder)), ...(await embedded(folder))];
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function real(folder: string): Promise<BenchLine[]> {
  const port = 17_624 + (process.pid % 1000);
  const server = new IndiServer({ drivers: [{ executable: 'indi_simulator_ccd' }], port, home: folder });
  try {
    await server.start();
  } catch (thrown) {
    return [unavailable('stream', `no indiserver: ${asNightflowError(thrown).message}`)];
  }
  try {
    return await run('real indiserver', port, folder);
  } finally {
    await server.stop();
  }
}

async function embedded(folder: string): Promise<BenchLine[]> {
  const camera = { width: 1280, height: 1024 };
  const simulator = new IndiSimulator({ devices: ['mount', 'camera'], camera }, { clock: realClock, site });
  const port = await simulator.listen(0);
  try {
    return await run('embedded simulator', port, folder);
  } finally {
    await simulator.close();
  }
}

async function run(part: string, port: number, folder: string): Promise<BenchLine[]> {
  const client = new IndiClient({ host: '127.0.0.1', port, clock: realClock });
  await client.start();
  await connectDevice(client, { device });
  const witness = await startWitness(port);
  let arrived = 0;
  client.onBlob(() => arrived++);
  const stream = await openIndiStream({ client, device, host: '127.0.0.1', site }, { exposureSeconds });
  const path = join(folder, `${part.replaceAll(' ', '-')}.ser`);
  const span = { from: 0, until: Infinity };
  const recorder = await StreamRecorder.open(stream, { path, clock: realClock, ...span });
  // The video is on already when its film is begun, as it is in the node.
  const before = arrived;
  const used = process.cpuUsage();
  const began = performance.now();
  await realClock.sleep(seconds * 1000);
  const rate = stream.framesPerSecond();
  const { user, system } = process.cpuUsage(used);
  const lasted = (performance.now() - began) / 1000;
  await turnOff(port);
  const sent = await witness.count();
  const film = await recorder.close();
  await stream.close();
  await client.close();
  if (!film) return [unavailable('stream', `${part}: no frame came`)];
  const { times, whole } = await readSerFilm(path);
  const { cadenceSeconds, jitterSeconds } = filmFigures(times);
  const figure = (value: number | null, digits: number) => value?.toFixed(digits) ?? '?';
  console.log(
    `${part}: ${sent} frames sent in ${lasted.toFixed(1)} s (${(sent / lasted).toFixed(1)} a second; the driver says ${figure(rate, 1)}), ` +
      `${arrived} arrived, ${whole} in the film and ${before} before it, ${film.dropped} dropped, ${film.faults} damaged; cadence ${figure(cadenceSeconds, 4)} s, ` +
      `jitter ${figure(jitterSeconds, 4)} s, at most ${(film.queuePeakBytes / 1e6).toFixed(1)} MB waited for the disk`,
  );
  const cpuMs = (user + system) / 1000 / Math.max(1, whole);
  const ours = part === 'embedded simulator' ? 'CPU of a frame, drawing it included' : 'CPU of a frame';
  console.log(`${part}: ${ours} ${cpuMs.toFixed(2)} ms`);
  return [figureLine({ bench: 'stream', part: `${part}, frames lost`, figure: sent - before - whole, goal: 0 })];
}

/** Another client that only counts the beginnings of BLOBs, in a process of its own, so that nothing of ours decides what was sent. */
async function startWitness(port: number): Promise<{ count(): Promise<number> }> {
  const child = spawn(process.execPath, ['-e', witnessScript, '--', `${port}`, device], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  const lines = createInterface({ input: child.stdout });
  await once(lines, 'line');
  return {
    count: async () => {
      const told = once(lines, 'line') as Promise<[string]>;
      child.stdin.write('count\n');
      const [count] = await told;
      child.kill();
      return Number(count);
    },
  };
}

const witnessScript = `
const [port, device] = process.argv.slice(1);
const socket = require('node:net').connect(Number(port), '127.0.0.1');
const tag = Buffer.from('<setBLOBVector'), pong = Buffer.from('<pingReply');
let rest = Buffer.alloc(0), count = 0, quiet = null;
socket.write('<getProperties version="1.7" device="' + device + '" name="CCD1"/><enableBLOB device="' + device + '">Only</enableBLOB><pingRequest uid="w"/>');
setTimeout(() => console.log('ready'), 1500);
const times = (text, wanted) => { let n = 0; for (let at = text.indexOf(wanted); at >= 0; at = text.indexOf(wanted, at + 1)) n++; return n; };
let last = Date.now();
socket.on('data', (chunk) => {
  const text = Buffer.concat([rest, chunk]);
  count += times(text, tag);
  rest = text.subarray(Math.max(0, text.length - tag.length + 1));
  last = Date.now();
});
process.stdin.on('data', () => {
  const wait = setInterval(() => { if (Date.now() - last > 1000) { clearInterval(wait); console.log(String(count)); } }, 100);
});
`;

/** By a client of its own, so that ours hears all that comes until then. */
async function turnOff(port: number): Promise<void> {
  const client = new IndiClient({ host: '127.0.0.1', port, clock: realClock });
  await client.start();
  await client.waitForProperty(device, 'CCD_VIDEO_STREAM', { timeoutSeconds: 10 });
  await client.command({ device, property: 'CCD_VIDEO_STREAM', values: { STREAM_OFF: true } });
  await client.close();
}
