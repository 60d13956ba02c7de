import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { writeFits } from '../../../lib/frame/fits/write.ts';
import type { Frame } from '../../../lib/frame/frame.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerCalibrate from '../../../nodes/image/astro-calibrate.ts';
import { bias, cameraFrame, dark, light, samples } from '../../frame/calibrate/frames.ts';
import { type ImageFlow, startImageFlow, stopImageFlow } from './image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);

/** Steady, so that nothing but its masters changes it. */
const even = (fields = {}) => cameraFrame(() => 1256, fields);
const level = (kind: 'bias' | 'dark' | 'flat', adu: number, fields = {}) =>
  cameraFrame(() => adu, { kind, ...fields }, 'f32');

const start = (settings: Record<string, unknown> = {}): Promise<ImageFlow> =>
  startImageFlow(registerCalibrate, 'astro-calibrate', { cosmetic: 'false', ...settings });

async function save(flow: ImageFlow, name: string, frame: Frame): Promise<string> {
  const path = join(flow.archiveFolder, name);
  await writeFits(frame, path);
  return path;
}

const failure = async (flow: ImageFlow) => ((await flow.sink('failures').first()).error as { message: string }).message;

describe('calibrating', () => {
  it('loads with its defaults: the best masters of the folder "masters" of the archive', async () => {
    const flow = await start();
    const paths = {
      dark: await save(flow, 'masters/dark.fits', level('dark', 300)),
      other: await save(flow, 'masters/dark300.fits', level('dark', 900, { exposureSeconds: 300 })),
      flat: await save(flow, 'masters/flat.fits', level('flat', 20_000, { blackLevel: 0 })),
      bias: await save(flow, 'masters/bias.fits', level('bias', 256)),
    };
    flow.send('n', { frame: even() });
    const msg = await flow.sink('one').first();
    expect(msg.payload).toBe('BDF');
    expect(msg.frame!.pixels[77]).toBe(1256 - 300 + 256);
    expect(msg.calibration).toMatchObject({ dark: paths.dark, flat: paths.flat, bias: null, factor: 1, missing: [] });
    expect((await flow.status('n', 'green')).text).toBe('dark · flat');
  });

  it('says in yellow which kind no master of the folder fits', async () => {
    const flow = await start();
    await save(flow, 'masters/dark.fits', level('dark', 300));
    flow.send('n', { frame: even() });
    expect((await flow.sink('one').first()).calibration).toMatchObject({ missing: ['There is no flat.'] });
    expect((await flow.status('n', 'yellow')).text).toBe('dark · There is no flat.');
  });

  it('takes the files that are named, from the dialog or from the message', async () => {
    const flow = await start({ mastersFrom: 'files', dark: 'a.fits', darkType: 'str', samples: 'f32' });
    await save(flow, 'a.fits', level('dark', 300));
    await save(flow, 'b.fits', level('dark', 400));
    flow.send('n', { frame: even() });
    flow.send('n', { frame: even(), dark: 'b.fits' });
    const [first, second] = await flow.sink('one').take(2);
    expect([first!.frame!.pixels[5], second!.frame!.pixels[5]]).toEqual([956, 856]);
  });

  it('reads a master again when its file changes', async () => {
    const flow = await start({ mastersFrom: 'files', dark: 'a.fits', samples: 'f32' });
    await save(flow, 'a.fits', level('dark', 300));
    flow.send('n', { frame: even() });
    await flow.sink('one').first();
    await save(flow, 'a.fits', level('dark', 500));
    flow.send('n', { frame: even() });
    expect((await flow.sink('one').take(2))[1]!.frame!.pixels[5]).toBe(756);
  });

  it('refuses a master of another gain by its keyword, with both values, and goes on with the next frame', async () => {
    const flow = await start({ mastersFrom: 'files', dark: 'a.fits' });
    const path = await save(flow, 'a.fits', level('dark', 300, { gain: 200 }));
    flow.send('n', { frame: even() });
    expect(await failure(flow)).toBe(
      `The dark ${path} does not match the frame: GAIN differs, 200 in the dark, 100 in the frame. Take a dark with gain 100.`,
    );
    expect((await flow.status('n', 'red')).text).toContain('Take a dark with gain 100.');
    flow.send('n', { frame: even(), allow: 'GAIN' });
    expect((await flow.sink('one').first()).payload).toBe('BD');
  });

  it.each([
    ['a folder that is not there', {}, async () => {}, 'masters yet. Build masters of this camera'],
    [
      'an empty folder',
      {},
      async (flow: ImageFlow) => {
        await mkdir(join(flow.archiveFolder, 'masters'));
      },
      'masters yet. Build masters of this camera',
    ],
    [
      'a folder where nothing fits',
      {},
      async (flow: ImageFlow) => {
        await save(flow, 'masters/d.fits', level('dark', 300, { width: 20, height: 20 }));
      },
      'none fits: d.fits differs in NAXIS1 (20, the frame 62).',
    ],
    ['no file named', { mastersFrom: 'files' }, async () => {}, 'No master is named.'],
    [
      'a file that is not there',
      { mastersFrom: 'files', dark: 'none.fits' },
      async () => {},
      'none.fits is not there.',
    ],
    [
      'an all-black flat',
      { mastersFrom: 'files', flat: 'f.fits' },
      async (flow: ImageFlow) => {
        await save(flow, 'f.fits', level('flat', 0, { blackLevel: 0 }));
      },
      'holds no light',
    ],
  ])('tells Catch about %s', async (_what, settings, prepare, message) => {
    const flow = await start(settings);
    await prepare(flow);
    flow.send('n', { frame: even() });
    expect(await failure(flow)).toContain(message);
  });

  it('passes a frame on as it is where it is told to and no master fits, and calibrates the next one once there is one', async () => {
    const flow = await start({ withoutMasters: 'pass' });
    const frame = even();
    flow.send('n', { frame });
    const [first] = await flow.sink('one').take(1);
    expect(first!.frame!.data).toBe(frame.data);
    expect(first).toMatchObject({ payload: '', calibration: { dark: null, missing: ['There is no master yet.'] } });
    expect((await flow.status('n', 'yellow')).text).toBe('passed on as it is: There is no master yet.');

    await save(flow, 'masters/dark.fits', level('dark', 900, { exposureSeconds: 300 }));
    flow.send('n', { frame: even() });
    const second = (await flow.sink('one').take(2))[1]!;
    expect(second.calibration).toMatchObject({
      missing: [
        'There is no bias.',
        'Of 1 dark none fits: dark.fits differs in EXPTIME (300, the frame 60).',
        'There is no flat.',
      ],
    });

    flow.send('n', { frame: even(), mastersFrom: 'files', dark: 'masters/dark.fits' });
    expect(await failure(flow)).toContain('EXPTIME differs');
  });

  it('takes no path of a message that leads out of the archive', async () => {
    const flow = await start({ mastersFrom: 'files' });
    flow.send('n', { frame: even(), dark: '../../secret.fits' });
    expect(await failure(flow)).toContain('leads out of the folder');
  });

  it('hands the end of a sequence on', async () => {
    const flow = await start();
    flow.send('n', { event: 'end' });
    expect((await flow.sink('one').first()).event).toBe('end');
  });
});

describe('building masters', () => {
  it('of frames as they arrive: one of each setting at the end, which the next night’s frames are calibrated with', async () => {
    const flow = await start({ job: 'build' });
    const raw = (adu: number, fields: object) => cameraFrame((i) => adu + (i % 3), { blackLevel: 0, ...fields });
    for (let n = 0; n < 4; n++) {
      flow.send('n', { frame: raw(5256, { kind: 'flat', exposureSeconds: 2, start: `2026-01-12T06:0${n}:00Z` }) });
      flow.send('n', { frame: raw(320, { kind: 'dark' }) });
      flow.send('n', { frame: raw(400, { kind: 'dark', exposureSeconds: 300 }) });
      flow.send('n', { frame: raw(256, { kind: 'bias', exposureSeconds: 0 }) });
    }
    flow.send('n', { event: 'end', topic: 'mine' });
    const built = await flow.sink('one').take(4);
    const names = [
      'bias_gain100_offset10',
      'dark_60s_gain100_offset10_-10C',
      'dark_300s_gain100_offset10_-10C',
      'flat_gain100_offset10',
    ];
    const folder = join(flow.archiveFolder, 'masters');
    expect(built.map(({ payload }) => payload).sort()).toEqual(
      names.map((name) => join(folder, `master_${name}.fits`)).sort(),
    );
    expect(built[0]).toMatchObject({ topic: 'mine', master: { kind: 'bias', frames: 4 } });
    expect((await flow.status('n', 'green')).text).toContain('4 masters · master_flat');
    const master = await readFrame(join(folder, 'master_flat_gain100_offset10.fits'));
    expect(master).toMatchObject({ kind: 'flat', combined: 4, blackLevel: 0 });
    // Less the bias of the same session.
    expect(master.pixels[3]).toBeCloseTo(5000, 1);
    expect(await readdir(folder)).toContain('defects_dark_60s_gain100_offset10_-10C.txt');
    flow.send('n', { frame: even({ blackLevel: 0 }), job: 'calibrate', samples: 'f32' });
    const [light60] = (await flow.sink('one').take(5)).slice(4);
    expect(light60!.payload).toBe('BDF');
    expect(light60!.frame!.pixels[0]).toBeCloseTo(1256 - 320, 1);
  });

  it('keeps what was put aside over a restart, and reset throws it away', async () => {
    let flow = await start({ job: 'build', masterKind: 'dark' });
    flow.send('n', { frame: even() });
    await flow.status('n', 'blue', '1 frames put aside');
    flow = await start({ job: 'build', masterKind: 'dark' });
    flow.send('n', { frame: even() });
    await flow.status('n', 'blue', '2 frames put aside');
    flow.send('n', { command: 'finish' });
    expect((await flow.sink('one').first()).master).toMatchObject({ kind: 'dark', frames: 2 });
    flow.send('n', { frame: even() });
    await flow.status('n', 'blue', '1 frames put aside');
    flow.send('n', { command: 'reset' });
    flow.send('n', { command: 'finish' });
    expect(await failure(flow)).toContain('There is no bias, dark or flat');
  });

  it('of a folder, passing by what is no calibration frame', async () => {
    const flow = await start();
    for (let n = 0; n < 3; n++) await save(flow, `raw/d${n}.fits`, dark({ source: null }));
    await save(flow, 'raw/light.fits', light());
    await writeFile(join(flow.archiveFolder, 'raw', 'broken.fits'), 'broken');
    flow.send('n', { command: 'build', path: 'raw' });
    expect(await flow.sink('one').first()).toMatchObject({ master: { kind: 'dark', frames: 3 } });
  });

  it('calls a light a light', async () => {
    const flow = await start({ job: 'build' });
    flow.send('n', { frame: even() });
    expect(await failure(flow)).toContain('is a light: no master can be made of it.');
    await save(flow, 'raw/light.fits', light());
    flow.send('n', { command: 'build', path: 'raw' });
    await flow.status('n', 'red', 'light.fits is a light');
  });
});

it('mends hot and cold pixels unless told not to', async () => {
  const flow = await start({ mastersFrom: 'files', bias: 'b.fits', cosmetic: 'true' });
  await save(flow, 'b.fits', bias());
  const frame = even();
  frame.pixels[samples >> 1] = 9000;
  flow.send('n', { frame });
  expect((await flow.sink('one').first()).calibration).toMatchObject({ hot: 1, cold: 0 });
  expect((await flow.status('n', 'green')).text).toBe('bias · 1 pixels mended');
});
