/** rpicam-apps without a camera, for tests: run by the scripts of rpicam-bin.ts as `node rpicam.ts FOLDER PROGRAM PARAMETERS…`. */
import {
  appendFileSync,
  closeSync,
  fsyncSync,
  openSync,
  readdirSync,
  readFileSync,
  unlinkSync,
  writeFileSync,
  writeSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RpicamTraps } from './rpicam-bin.ts';
import { patienceMilliseconds, readPipeline } from './rpicam-pipeline.ts';
import { dngFile, pictureOf, rawFile, strideOf } from './rpicam-pixels.ts';
import {
  errorLog,
  imx477,
  listText,
  metadataJson,
  metadataText,
  modeLog,
  noHeapLog,
  rawStreamLog,
  type ShotFacts,
  type StandInMode,
  segmentWarning,
  startLog,
  stillLog,
} from './rpicam-texts.ts';

const [, , folder, program, ...parameters] = process.argv as [string, string, string, string, ...string[]];
const traps = JSON.parse(readFileSync(join(folder, 'traps.json'), 'utf8')) as RpicamTraps;
appendFileSync(join(folder, 'calls.jsonl'), `${JSON.stringify([program, ...parameters])}\n`);

/** Those that take no value. */
const flags = new Set(['--list-cameras', '--flush', '--immediate', '--raw', '-n', '--nopreview']);
const known = new Set(
  '-t -v -o -q -n --timeout --verbose --output --camera --shutter --gain --awbgains --framerate --mode --segment --flush --metadata --metadata-format --immediate --raw --denoise --list-cameras --codec --width --height --autofocus-mode --lens-position'.split(
    ' ',
  ),
);
const options = new Map<string, string>();
for (let i = 0; i < parameters.length; i++) {
  const name = parameters[i]!;
  if (!known.has(name)) fail(errorLog(`unrecognised option '${name}'`));
  options.set(name, flags.has(name) ? '' : (parameters[++i] ?? ''));
}
const option = (name: string) => options.get(name);

const stamp = () => {
  const at = process.hrtime.bigint();
  const seconds = Number(at / 1_000_000_000n);
  const clock = `${Math.floor(seconds / 3600)}:${String(Math.floor(seconds / 60) % 60).padStart(2, '0')}:${String(seconds % 60).padStart(2, '0')}`;
  return `[${clock}.${String(at % 1_000_000_000n).padStart(9, '0')}] [${process.pid}]`;
};

function fail(text: string): never {
  writeSync(2, text);
  process.exit(255);
}

/** The ribbon of a Raspberry Pi 5 ends in its chip RP1. */
const camera = traps.board === 'pi5' ? { ...imx477, id: '/base/axi/pcie@1000120000/rp1/i2c@88000/imx477@1a' } : imx477;
const configuration = process.env.LIBCAMERA_RPI_CONFIG_FILE;
const pipeline = configuration ? readPipeline(configuration) : null;

if (options.has('--list-cameras')) {
  const cameras = [camera, { ...camera, id: camera.id.replace('i2c@1', 'i2c@0').replace('88000', '80000') }].slice(
    0,
    traps.cameras,
  );
  process.stdout.write(listText(cameras, Number(option('-v') ?? 1)));
} else await capture();

async function capture(): Promise<void> {
  const index = Number(option('--camera') ?? 0);
  // libcamera leaves a camera out whose pipeline is configured for another board.
  const wrongBoard = pipeline !== null && pipeline.target !== (traps.board === 'pi5' ? 'pisp' : 'bcm2835');
  if (traps.cameras === 0 || wrongBoard) fail(startLog(stamp, null) + errorLog('no cameras available'));
  if (index >= traps.cameras) fail(startLog(stamp, camera) + errorLog('selected camera is not available'));
  const raw = chosenMode();
  const log = {
    asked: option('--mode') ?? '640:480:12:P(10)',
    framesPerSecond: 0,
    scores: ['0', '170.141', '2057.14'],
    camera,
    raw,
  };
  if (traps.noMemory) fail(noHeapLog(stamp, camera, { ...log, other: '4056x3040-YUV420/sYCC' }));
  takeLock(index);
  writeSync(
    2,
    startLog(stamp, camera) +
      (option('--segment') ? segmentWarning : '') +
      modeLog(stamp, { ...log, other: '640x480-YUV420/SMPTE170M' }),
  );
  await sleep(traps.startMilliseconds);
  if (program === 'rpicam-raw') await rawFrames(raw);
  else if (program === 'rpicam-still') await still(raw);
  else await video();
}

/** libcamera lets one process at a camera. */
function takeLock(index: number): void {
  const path = join(folder, `camera-${index}.lock`);
  const refuse = () =>
    fail(
      `${startLog(stamp, camera)}${stamp()} ERROR Camera camera.cpp:1041 Pipeline handler in use by another process\n${errorLog(`failed to acquire camera ${camera.id}`)}`,
    );
  if (traps.busy) refuse();
  try {
    const owner = Number(readFileSync(path, 'utf8'));
    if (owner > 0 && process.kill(owner, 0)) refuse();
  } catch {
    // Nobody has it, or who had it is gone.
  }
  writeFileSync(path, String(process.pid));
  const release = () => unlinkSync(path);
  // rpicam-raw and rpicam-still catch no signal: they are killed, and the kernel lets go of the camera. So does the end of this process.
  process.on('exit', release);
  const end = (code: number) => () => {
    if (!traps.deaf) process.exit(code);
  };
  process.on('SIGTERM', end(143));
  process.on('SIGINT', end(program === 'rpicam-vid' ? 0 : 130));
}

/** Without --shutter and all gains, five frames go into finding them; without --framerate, none is longer than a thirtieth of a second. */
function shutter(): { exposureMicroseconds: number; converging: number } {
  const asked = Number(option('--shutter') ?? 20_000);
  const [red, blue] = (option('--awbgains') ?? '').split(',').map(Number);
  const fixed = options.has('--shutter') && options.has('--gain') && (red ?? 0) > 0 && (blue ?? 0) > 0;
  const free = program === 'rpicam-still' || option('--framerate') === '0';
  const exposureMicroseconds = traps.snapsToSeconds === null ? asked : traps.snapsToSeconds * 1e6;
  return { exposureMicroseconds: free ? exposureMicroseconds : Math.min(asked, 33_283), converging: fixed ? 0 : 5 };
}

function chosenMode(): StandInMode {
  const [width, height, bits, packing] = (option('--mode') ?? '640:480:12:P').split(':');
  const near =
    imx477.modes.find((each) => each.width === Number(width) && each.height === Number(height)) ?? imx477.modes[0]!;
  if (packing === 'P') return traps.board === 'pi5' ? { ...near, format: 'RGGB_PISP_COMP1' } : near;
  return { ...near, bits: Number(bits) || near.bits, format: `SRGGB${traps.board === 'pi5' ? 16 : near.bits}` };
}

/** The first exposure begins with the stream; frames follow the sensor's own clock, however late this program runs. */
function timeline(exposureMicroseconds: number) {
  const frameMicroseconds = exposureMicroseconds + traps.deadMicroseconds;
  const pace = traps.everyMilliseconds === null ? 1 : (traps.everyMilliseconds * 1000) / frameMicroseconds;
  const wallStart = BigInt(Math.round((performance.timeOrigin + performance.now()) * 1e6));
  const sensorStart = process.hrtime.bigint();
  const [red, blue] = (option('--awbgains') ?? '1,1').split(',').map(Number) as [number, number];
  return {
    frameMicroseconds,
    /** Of the read-out of frame `n`, counted with the hidden ones. */
    facts: (n: number): ShotFacts => {
      const passed = BigInt(exposureMicroseconds + n * frameMicroseconds) * 1000n;
      const wallClock = traps.noWallClock ? null : wallStart + passed;
      const gain = Number(option('--gain') ?? 1);
      return {
        wallClock,
        sensorTimestamp: sensorStart + passed,
        exposureMicroseconds,
        frameMicroseconds,
        gain,
        gains: [red, blue],
      };
    },
    until: async (n: number) => {
      const due = sensorStart + BigInt(Math.round((exposureMicroseconds + n * frameMicroseconds) * pace)) * 1000n;
      const left = Number(due - process.hrtime.bigint()) / 1e6;
      // Even when it is late: a signal is heard between two turns of the event loop only.
      await sleep(Math.max(0, left));
    },
  };
}

async function rawFrames(raw: StandInMode): Promise<void> {
  const { exposureMicroseconds, converging } = shutter();
  const hidden = traps.hiddenFrames + converging;
  const { facts, until, frameMicroseconds } = timeline(exposureMicroseconds);
  const sent = traps.pictureFiles.map((path) => readFileSync(path));
  const output = option('-o')!;
  const metadata = option('--metadata') ? openSync(option('--metadata')!, 'w') : null;
  let held = Buffer.alloc(0);
  let json = '[\n';
  for (let taken = 0, file = 0; ; taken++) {
    await until(hidden + taken);
    await untilRead(dirname(output));
    if (taken === traps.dieAfter) fail(errorLog('failed to start camera'));
    if (taken === traps.hangAfter) await never();
    if (taken === traps.silentAfter) await restarts(patienceMilliseconds(pipeline, frameMicroseconds));
    if (taken === traps.restartsAfter) await restarts(50);
    if (traps.lose.includes(taken)) continue;
    const pixels = sent[taken % sent.length] ?? rawFile(raw, taken, traps.pixels, traps.board === 'pi5');
    const given = taken === traps.shortFrame ? pixels.subarray(0, pixels.length >> 1) : pixels;
    const whole = held.length > 0 ? Buffer.concat([held, given]) : given;
    // Without --flush the C library keeps what does not fill a block until the next frame.
    const now = options.has('--flush') ? whole.length : whole.length - (whole.length % 4096);
    const handle = openSync(output.replace('%06d', String(file++).padStart(6, '0')), 'w');
    writeSync(handle, whole, 0, now);
    held = Buffer.from(whole.subarray(now));
    closeSync(handle);
    if (file === 1) writeSync(2, rawStreamLog(raw, strideOf(raw)));
    if (metadata === null) continue;
    // Pixels first. Of JSON, the brace that ends a frame's object comes with the next one.
    if (option('--metadata-format') === 'txt') {
      const text = metadataText(facts(hidden + taken));
      writeSync(metadata, traps.timeless.includes(taken) ? text.replace(/^SensorTimestamp=.*\n/m, '') : text);
    } else {
      const object = metadataJson(facts(hidden + taken));
      writeSync(metadata, json + object.slice(0, -2));
      json = `${object.slice(-2)},\n`;
    }
  }
}

async function untilRead(path: string): Promise<void> {
  const { mostUnread } = traps;
  const unread = () => readdirSync(path).filter((name) => name.endsWith('.raw')).length;
  while (mostUnread !== null && unread() >= mostUnread) await sleep(5);
}

function never(): Promise<never> {
  return new Promise(() => setInterval(() => {}, 1000));
}

async function restarts(milliseconds: number): Promise<void> {
  for (;;) {
    await sleep(milliseconds);
    writeSync(
      2,
      `${stamp()}  WARN V4L2 v4l2_videodevice.cpp:2106 /dev/video4[13:cap]: Dequeue timer of ${(milliseconds * 1000).toFixed(2)}us has expired!\n`,
    );
    writeSync(2, 'ERROR: Device timeout detected, attempting a restart!!!\n');
  }
}

async function still(raw: StandInMode): Promise<void> {
  const { exposureMicroseconds, converging } = shutter();
  const hidden = traps.hiddenFrames + converging;
  const { facts, until } = timeline(exposureMicroseconds);
  if (traps.hangAfter === 0) await never();
  await until(hidden);
  writeSync(2, stillLog('RGGB', raw.bits));
  const jpeg = option('-o')!;
  writeFileSync(jpeg, pictureOf('still.jpg'));
  if (options.has('--raw'))
    writeFileSync(jpeg.replace(/\.jpg$/, '.dng'), dngFile(raw, 0, traps.pixels, traps.board === 'pi5'));
  const path = option('--metadata');
  if (!path) return;
  const handle = openSync(path, 'w');
  writeSync(handle, option('--metadata-format') === 'txt' ? metadataText(facts(hidden)) : metadataJson(facts(hidden)));
  fsyncSync(handle);
  closeSync(handle);
}

/** The nine pictures of the real run over and over. */
async function video(): Promise<void> {
  const film = pictureOf('vid.mjpeg');
  const period = 1000 / Number(option('--framerate') ?? 30);
  for (let from = 0; ; ) {
    const end = film.indexOf(Buffer.from([0xff, 0xd9]), from) + 2;
    process.stdout.write(film.subarray(from, end));
    from = end >= film.length ? 0 : end;
    await sleep(period);
  }
}
