/**
 * The stand-in of rpicam-apps is what it stands for: its bytes have the check sums of a recorded run of the real, unmodified rpicam-apps 1.12
 * with a virtual camera (rpicam-sums.json: SHA-256 of each file, and the times in it), and each trap of the real programs is there.
 */
import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtemp, readdir, readFile, rm, stat } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { makeRpicamStandIn, type RpicamStandIn } from './stand-in/rpicam-bin.ts';
import { dngFile, pictureOf, rawFile, strideOf } from './stand-in/rpicam-pixels.ts';
import * as texts from './stand-in/rpicam-texts.ts';

const recorded = JSON.parse(await readFile(join(import.meta.dirname, 'stand-in', 'rpicam-sums.json'), 'utf8')) as {
  sums: Record<string, string>;
  stamps: Record<string, [string, string][]>;
  logs: Record<string, string[]>;
};

const { imx477 } = texts;
const [small, , large] = imx477.modes as [texts.StandInMode, texts.StandInMode, texts.StandInMode];
const sha256 = (bytes: string | Buffer) => createHash('sha256').update(bytes).digest('hex');

const facts = ([wallClock, sensorTimestamp]: [string, string], gains: readonly [number, number]): texts.ShotFacts => ({
  ...{ wallClock: BigInt(wallClock), sensorTimestamp: BigInt(sensorTimestamp), gains },
  ...{ exposureMicroseconds: 1_000_000, frameMicroseconds: 1_000_050, gain: 4 },
});
const metadata = (file: string, gains: readonly [number, number]) =>
  recorded.stamps[file]!.map((each) => facts(each, gains));
const stampsOf = (file: string) => {
  const left = [...recorded.logs[file]!];
  return () => left.shift()!;
};
const mode = (raw: texts.StandInMode, more: Partial<texts.ModeLog>): texts.ModeLog => ({
  ...{ asked: '1640:1232:10:P', framesPerSecond: 40, scores: ['0', '170.141', '2057.14'], camera: imx477, raw },
  ...{ other: '640x480-YUV420/SMPTE170M', ...more },
});
const log = (file: string, text: (at: texts.LogStamp) => string): [string, () => string] => [
  file,
  () => text(stampsOf(file)),
];
/** The recording shell wrote the exit code below each error. */
const code = 'rc 255\n';

describe('its bytes are those of the real programs:', () => {
  it.each<[string, () => string | Buffer]>([
    ['version.txt', () => texts.versionText],
    ['list-cameras.stdout.txt', () => texts.listText([imx477], 1)],
    ['list-cameras-v2.stdout.txt', () => texts.listText([imx477], 2)],
    ['list-cameras-none.stdout.txt', () => texts.listText([], 1)],
    ['raw.txt', () => metadata('raw.txt', [1, 1]).map(texts.metadataText).join('')],
    ['raw.json', () => `[\n${metadata('raw.json', [1, 1]).map(texts.metadataJson).join(',\n')}\n]\n`],
    ['still.json', () => metadata('still.json', [2, 1.5]).map(texts.metadataJson).join('')],
    ['still.txt', () => metadata('still.txt', [2, 1.5]).map(texts.metadataText).join('')],
    ['raw.pts', () => texts.ptsText([0, 1003.415, 2000.058])],
    log('raw.stderr.txt', (at) => {
      const start = texts.startLog(at, imx477) + texts.segmentWarning;
      return start + texts.modeLog(at, mode(small, {})) + texts.rawStreamLog(small, strideOf(small));
    }),
    log('still.stderr.txt', (at) => {
      const more = { framesPerSecond: 0, other: '1640x1232-YUV420/sYCC' };
      return texts.startLog(at, imx477) + texts.modeLog(at, mode(small, more)) + texts.stillLog('RGGB', 10);
    }),
    log('vid.stderr.txt', (at) => {
      const more = {
        asked: '640:480:12:P(10)',
        scores: ['1444.49', '1607.33', '1494.33'],
        other: '640x480-YUV420/sYCC',
      };
      return texts.startLog(at, imx477) + texts.modeLog(at, mode(small, more)) + texts.timeoutLog(1000);
    }),
    log(
      'err-camera.stderr.txt',
      (at) => texts.startLog(at, imx477) + texts.errorLog('selected camera is not available') + code,
    ),
    log('err-nocamera.stderr.txt', (at) => texts.startLog(at, null) + texts.errorLog('no cameras available') + code),
    ['err-option.stderr.txt', () => texts.errorLog("unrecognised option '--foo'") + code],
    log('err-noheap.stderr.txt', (at) => {
      const scores = ['9457.13', '8096', '0'];
      const more = { asked: '4056:3040:12:P', framesPerSecond: 0, scores, other: '4056x3040-YUV420/sYCC' };
      return texts.noHeapLog(at, imx477, mode(large, more)) + code;
    }),
    ['f000000.raw', () => rawFile(small, 0, 'golden')],
    ['still.dng', () => dngFile(small, 0, 'golden')],
    ['still.jpg', () => pictureOf('still.jpg')],
    ['vid.mjpeg', () => pictureOf('vid.mjpeg')],
  ])('%s', (file, make) => {
    expect(sha256(make())).toBe(recorded.sums[file]);
  });
});

describe('its traps are those of the real programs:', { timeout: 60_000 }, () => {
  let standIn: RpicamStandIn;
  let folder: string;
  beforeEach(async () => {
    standIn = await makeRpicamStandIn();
    folder = await mkdtemp(join(tmpdir(), 'nightflow-stand-in-'));
  });
  afterEach(async () => {
    await standIn.remove();
    await rm(folder, { recursive: true, force: true });
  });

  const fixed = ['--shutter', '100000', '--gain', '4', '--awbgains', '1,1', '--mode', '1640:1232:10:P'];
  const paths = () => ['--segment', '1', '-o', join(folder, 'f%06d.raw'), '--metadata', join(folder, 'm')];

  /** Runs it until so many files are there, or to its end, and says how it ended. */
  async function run(words: string[], files = Infinity): Promise<{ code: number | null; stderr: string }> {
    const child = spawn(join(standIn.programFolder, 'rpicam-raw'), words, { stdio: ['ignore', 'ignore', 'pipe'] });
    let stderr = '';
    child.stderr.on('data', (chunk) => {
      stderr += chunk;
    });
    const ended = new Promise<number | null>((resolve) => child.on('exit', (status) => resolve(status)));
    if (files < Infinity) {
      await expect
        .poll(async () => (await readdir(folder)).filter((name) => name.endsWith('.raw')).length, { timeout: 30_000 })
        .toBeGreaterThanOrEqual(files);
      child.kill('SIGTERM');
    }
    return { code: await ended, stderr };
  }
  const metadataFile = () => readFile(join(folder, 'm'), 'utf8');

  it('an exposure is cut to 33 ms where --framerate 0 is missing', async () => {
    await run([...fixed, ...paths(), '--flush', '--metadata-format', 'txt'], 3);
    expect(await metadataFile()).toContain('ExposureTime=33283\n');
  });

  it('the end of a frame is held back where --flush is missing', async () => {
    await run([...fixed, '--framerate', '0', ...paths(), '--metadata-format', 'txt'], 3);
    // 2601984 bytes are 635 blocks of 4096 and 1024 more.
    expect((await stat(join(folder, 'f000000.raw'))).size).toBe(2_601_984 - 1024);
  });

  it('the brace of a frame in JSON comes with the next one', async () => {
    await run([...fixed, '--framerate', '0', '--flush', ...paths(), '--metadata-format', 'json'], 3);
    const text = await metadataFile();
    expect(text).toMatch(/^\[\n\{\n/);
    expect(text.endsWith('"FocusFoM": 1000')).toBe(true);
  });

  it('SIGTERM ends it with 143, and any failure with 255', async () => {
    expect(
      await run([...fixed, '--framerate', '0', '--flush', ...paths(), '--metadata-format', 'txt'], 1),
    ).toMatchObject({ code: 143 });
    expect(await run(['--foo'])).toEqual({ code: 255, stderr: "ERROR: *** unrecognised option '--foo' ***\n" });
    await standIn.set({ cameras: 0 });
    expect(await run([...fixed, ...paths()])).toMatchObject({
      code: 255,
      stderr: expect.stringContaining('no cameras available'),
    });
  });

  it('frames go by before the first where an exposure is not fixed', async () => {
    const words = ['--framerate', '0', '--flush', ...paths(), '--metadata-format', 'txt'];
    const begin = performance.now();
    await run(['--shutter', '100000', '--gain', '4', '--mode', '1640:1232:10:P', ...words], 1);
    // Five of 0.1 s, and the frame itself: no sooner, however fast the machine.
    expect(performance.now() - begin).toBeGreaterThan(600);
  });
});
