/** The solve node in a running flow; the engine is a script that stands in for solve-field and leaves the files that it leaves. */
import { chmod, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { formatHeader } from '../../../lib/frame/fits/format.ts';
import type { Frame, Keyword } from '../../../lib/frame/frame.ts';
import { IndiMount } from '../../../lib/indi/devices/mount.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import type { Solution } from '../../../lib/solve/solver.ts';
import { pixelToSky, type Wcs } from '../../../lib/solve/wcs.ts';
import { frameWcs, wcsKeywords } from '../../../lib/solve/wcs-header.ts';
import { StarTable } from '../../../lib/stars/star-table.ts';
import registerSolve from '../../../nodes/stars/astro-solve.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';
import { startDevice } from '../mount/device-flow.ts';

const [width, height] = [320, 240];
const truth: Wcs = {
  ...{ width, height, x: 159.5, y: 119.5, raDegrees: 83.8, decDegrees: -5.4 },
  cd: [
    [-0.01, 0],
    [0, -0.01],
  ],
  sip: null,
};
const hinted = { raDegrees: 84, decDegrees: -5, scaleArcseconds: 36 };

let folder: string;
const { PATH } = process.env;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-solve-node-'));
  await writeFile(join(folder, 'index-nothing.fits'), '');
  const header = [{ name: 'SIMPLE', value: true }, { name: 'BITPIX', value: 8 }, { name: 'NAXIS', value: 0 }]; // biome-ignore format: a header
  await writeFile(join(folder, 'field.wcs'), formatHeader([...header, ...wcsKeywords(truth)]));
  await plays('solved');
  process.env.PATH = `${folder}:${PATH}`;
});
afterEach(stopImageFlow);
afterAll(async () => {
  process.env.PATH = PATH;
  await rm(folder, { recursive: true, force: true });
  await closeSharedPool();
});

/** Notes its words, and solves, finds nothing, solves only without a position, or takes its time. */
async function plays(part: 'solved' | 'nothing' | 'blind' | 'slow') {
  const answer = `cp ${folder}/field.wcs "$out/"; printf '\\001' > "$out/field.solved"`;
  const lines = {
    solved: answer,
    nothing: 'true',
    blind: `case "$words" in *--ra*) ;; *) ${answer};; esac`,
    slow: 'sleep 600',
  };
  const script = `#!/bin/sh
words="$*"
echo "$words" >> ${folder}/words
while [ $# -gt 1 ]; do if [ "$1" = --dir ]; then out="$2"; fi; shift; done
${lines[part]}
`;
  await writeFile(join(folder, 'solve-field'), script);
  await chmod(join(folder, 'solve-field'), 0o755);
  await writeFile(join(folder, 'words'), '');
}
const words = async () => (await readFile(join(folder, 'words'), 'utf8')).trim().split('\n');

function picture(list: Record<string, string | number> = {}) {
  const keywords = Object.entries(list).map(([name, value]): Keyword => ({ name, value }));
  const stars = StarTable.of(8);
  stars.x.set([10, 60, 110, 160, 210, 260, 300, 50]);
  stars.y.set([20, 200, 90, 30, 180, 120, 60, 140]);
  return { frame: smallFrame(0, { width, height, keywords }), stars };
}
const start = (config: Record<string, unknown> = {}) =>
  startImageFlow(registerSolve, 'astro-solve', { engine: 'solve-field', indexFolder: folder, ...config });

it('loads with its defaults: the solution is the payload, and the frame carries it in its header', async () => {
  const flow = await start();
  const { frame, stars } = picture({ FILTER: 'L' });
  flow.send('n', { frame, stars, ...hinted });
  const msg = await flow.sink('one').first();
  expect(msg.payload).toMatchObject({
    ...{ raDegrees: expect.closeTo(83.8), decDegrees: expect.closeTo(-5.4), scale: expect.closeTo(36) },
    ...{ rotationDegrees: expect.closeTo(0), parity: 'normal', widthDegrees: expect.closeTo(3.2, 1) },
    ...{ engine: 'solve-field', withoutHints: false },
  });
  expect(msg.payload).not.toHaveProperty('wcs');
  expect((msg.solution as Solution).wcs).toMatchObject({ width, height });
  expect(msg.solve).toMatchObject({ status: 'matched', engine: 'solve-field', stars: 8 });
  const solved = msg.frame as Frame;
  expect(solved).not.toBe(frame);
  expect(solved.data).toBe(frame.data);
  expect(solved.keyword('FILTER')).toBe('L');
  expect(pixelToSky(frameWcs(solved)!, { x: 159.5, y: 119.5 }).raDegrees).toBeCloseTo(83.8, 9);
  expect(frame.keyword('CTYPE1')).toBeUndefined();
  expect((await flow.status('n', 'green')).text).toMatch(/^83\.80° −5\.40° · 3\.20° × 2\.40° · \d/);
});

describe('the hints', () => {
  const hintsOf = async (config: Record<string, unknown>, ...messages: Record<string, unknown>[]) => {
    await plays('solved');
    const flow = await start(config);
    for (const msg of messages) flow.send('n', { ...picture(), ...msg });
    await flow.sink('one').take(messages.length);
    return words();
  };

  it('are the message’s own, as people write them', async () => {
    const [said] = await hintsOf({}, { raDegrees: '05h35m12s', decDegrees: '-05:24:00', target: { name: '', raDegrees: 1, decDegrees: 1 } }); // biome-ignore format: one message
    expect(said).toContain('--ra 83.8 --dec=-5.4 --radius 10');
  });

  it('are the target, then the header; scale from focal length and pixel size', async () => {
    const header = { RA: 80.5, DEC: -4.5, FOCALLEN: 200, XPIXSZ: 4 };
    const said = await hintsOf(
      { remember: 'false', rememberType: 'bool' },
      { target: { name: 'M 42', raDegrees: 83.8, decDegrees: -5.4 } },
      { ...picture(header) },
    );
    expect(said[0]).toContain('--ra 83.8 --dec=-5.4');
    expect(said[0]).not.toContain('--scale-low');
    // 4 µm at 200 mm are 4.125″, within 15 %.
    expect(said[1]).toMatch(/--ra 80\.5 --dec=-4\.5 --radius 10 --scale-low 3\.506\d* --scale-high 4\.744\d*/);
  });

  it('are what the picture before was, of the same camera and size', async () => {
    const said = await hintsOf({}, {}, {});
    expect(said[0]).not.toContain('--ra');
    expect(said[1]).toMatch(/--ra 83\.8 --dec=-5\.4 .*--scale-low 34\.9\d* --scale-high 37\.08\d* .*--parity neg/);
  });

  it('are where the mount of the dialog points, when the message says nothing', async () => {
    await plays('solved');
    const settings = { engine: 'solve-field', indexFolder: folder, mount: 'Telescope Simulator' };
    const flow = await startDevice(registerSolve, 'astro-solve', settings);
    flow.send('n', picture());
    await flow.done();
    const client = await flow.indi.device('Telescope Simulator');
    const { raDegrees, decDegrees } = new IndiMount(client, 'Telescope Simulator').status();
    const [said] = await words();
    const place = /--ra ([\d.]+) --dec=(-?[\d.]+) /.exec(said!);
    // It stands and the sky turns under a fast clock.
    expect(place).not.toBeNull();
    expect(Number(place![2])).toBeCloseTo(decDegrees!, 0);
    expect(raDegrees).not.toBeNull();
  });

  it('go without a mount that is not there', async () => {
    await plays('solved');
    const settings = { engine: 'solve-field', indexFolder: folder, mount: 'No such mount' };
    const flow = await startDevice(registerSolve, 'astro-solve', settings);
    flow.send('n', picture());
    await flow.done();
    expect((await words())[0]).not.toContain('--ra');
  });

  it('are none when the dialog says so', async () => {
    const [said] = await hintsOf({ positionFrom: 'none' }, { target: { name: '', raDegrees: 1, decDegrees: 1 } });
    expect(said).not.toContain('--ra');
  });

  it('that are wrong are survived, and the status says so', async () => {
    await plays('blind');
    const flow = await start();
    flow.send('n', { ...picture(), ...hinted });
    const { payload } = await flow.sink('one').first();
    expect(payload).toMatchObject({ withoutHints: true });
    expect((await flow.status('n', 'yellow')).text).toContain('the hint was wrong: found without it');
  });

  it('that are no place of the sky are an error', async () => {
    const flow = await start();
    flow.send('n', { ...picture(), raDegrees: 'north', decDegrees: '5' });
    expect((await flow.status('n', 'red')).text).toContain('right ascension');
  });
});

describe('a picture that is not solved', () => {
  it('leaves by output 2 with the reason, and a solution of before does not travel on', async () => {
    await plays('nothing');
    const flow = await start();
    const { frame, stars } = picture();
    flow.send('n', { frame, stars, solution: { raDegrees: 1 } });
    const msg = await flow.sink('two').first();
    expect(msg).toMatchObject({ event: 'not-solved', frame, solve: { status: 'no-match' } });
    expect(msg.payload).toMatchObject({ status: 'no-match', engine: 'solve-field', stars: 8 });
    expect(msg).not.toHaveProperty('solution');
    expect(flow.sink('one').messages).toEqual([]);
    expect((await flow.status('n', 'yellow')).text).toContain('None of the sky');
  });

  it('has too few stars, which needs no engine', async () => {
    const flow = await start();
    flow.send('n', { frame: picture().frame, stars: StarTable.of(2) });
    expect((await flow.sink('two').first()).payload).toMatchObject({ status: 'too-few-stars', stars: 2 });
  });

  it('was stopped: what is under way ends at once, what comes later is solved', async () => {
    await plays('slow');
    const flow = await start();
    flow.send('n', { ...picture(), ...hinted });
    await expect.poll(words, { timeout: 20_000 }).toEqual([expect.stringContaining('--ra')]);
    await plays('solved');
    flow.send('n', { command: 'stop' });
    expect((await flow.sink('two').first()).payload).toMatchObject({ status: 'cancelled' });
    flow.send('n', { ...picture(), ...hinted });
    expect((await flow.sink('one').first()).payload).toMatchObject({ engine: 'solve-field' });
  });

  it('is an error where the engine has no stars to look among, with the line to type', async () => {
    const flow = await start({ indexFolder: join(folder, 'nothing') });
    flow.send('n', picture());
    expect((await flow.status('n', 'red')).text).toContain('sudo apt install astrometry.net astrometry-data-tycho2');
  });
});
