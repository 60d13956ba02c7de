/** The solve node and what comes along its wire in a real night: honest answers on output 2, lies in the header survived, a stop at once. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { writeFits } from '../../../lib/frame/fits/write.ts';
import type { Frame, Keyword } from '../../../lib/frame/frame.ts';
import { readFrame, readFrameBytes } from '../../../lib/frame/read.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { closeBuiltInSolver } from '../../../lib/solve/built-in.ts';
import { offsetArcsec } from '../../../lib/solve/solution.ts';
import type { Solution } from '../../../lib/solve/solver.ts';
import registerSolve from '../../../nodes/stars/astro-solve.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { cat, clouds, mirrorImage, mosaic, nothingButNan, tiny } from '../../solve/bad-pictures.ts';
import { type Drawing, drawField, drawStrangers } from '../../solve/drawn-fields.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

const patient = { timeout: 300_000 };
const sky: Drawing = { raDegrees: 84, decDegrees: 5, fieldDegrees: 30, rotationDegrees: 75, limit: 6 };
const start = (timeoutSeconds: string) =>
  startImageFlow(registerSolve, 'astro-solve', { engine: 'built-in', timeoutSeconds });

let folder: string;
let jpeg: Frame;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-lying-'));
  const bytes = await cat();
  const data = new SharedArrayBuffer(bytes.length);
  new Uint8Array(data).set(bytes);
  jpeg = await readFrameBytes({ name: 'cat.jpg', data, byteLength: bytes.length });
});
afterEach(stopImageFlow);
afterAll(async () => {
  await closeBuiltInSolver();
  await closeSharedPool();
  await rm(folder, { recursive: true, force: true });
});

const placed = (msg: AstroMessage) => {
  const solution = msg.solution as Solution;
  expect(offsetArcsec(solution, sky) / solution.scale).toBeLessThan(2);
  return solution;
};

it('answers every picture of a bad night on output 2, in their order, and solves the next one', patient, async () => {
  const flow = await start('3');
  const pictures: [Frame, RegExp][] = [
    [clouds(), /too-few-stars/],
    [drawStrangers({ stars: 0, seed: 3 }), /too-few-stars/],
    [jpeg, /no-match|timed-out|too-few-stars/],
    [drawStrangers({ stars: 0, hotPixels: 20_000, seed: 9 }), /no-match|timed-out|too-few-stars/],
    [mosaic(), /no-match|timed-out/],
    [tiny(3, 3), /too-few-stars/],
    [nothingButNan(), /too-few-stars/],
  ];
  for (const [frame] of pictures) flow.send('n', { frame });
  const answers = await flow.sink('two').take(pictures.length);
  for (const [i, msg] of answers.entries()) {
    const { status, reason } = msg.payload as { status: string; reason: string };
    expect(status).toMatch(pictures[i]![1]);
    expect(msg).toMatchObject({ event: 'not-solved', frame: pictures[i]![0], solve: { status, engine: 'built-in' } });
    expect(msg).not.toHaveProperty('solution');
    // What the person at the editor reads.
    expect((await flow.status('n', 'yellow', reason)).text).toBe(reason);
  }
  flow.send('n', { frame: drawField(sky), timeoutSeconds: 120 });
  placed(await flow.sink('one').first());
  expect(flow.sink('failures').messages).toEqual([]);
});

describe('a header that lies', () => {
  const ignored: [string, Record<string, string | number>][] = [
    ['no numbers', { RA: 'north', DEC: 'up', SCALE: 'NaN', FOCALLEN: 'long' }],
    ['nothing', { SCALE: 0, FOCALLEN: 0, XPIXSZ: 0 }],
    ['places and scales that can’t be', { RA: 9999, DEC: -321, SCALE: 1e30, FOCALLEN: -50, XPIXSZ: 1e9 }],
  ];
  const survived: [string, Record<string, string | number>][] = [
    ['another place', { RA: 250, DEC: -60 }],
    ['another scale', { SCALE: 4 }],
    ['another place and another lens', { RA: 10, DEC: 80, FOCALLEN: 2000, XPIXSZ: 3.76 }],
  ];

  it.each([
    ...ignored.map(([what, list]) => [what, list, false] as const),
    ...survived.map(([what, list]) => [what, list, true] as const),
  ])('of %s is survived', patient, async (what, list, said) => {
    const flow = await start('90');
    const keywords = Object.entries(list).map(([name, value]): Keyword => ({ name, value }));
    // Through a file, as it comes from another program.
    const path = join(folder, `${what.replaceAll(' ', '-')}.fits`);
    await writeFits(drawField(sky).with({ keywords }), path);
    const frame = await readFrame(path);
    flow.send('n', { frame });
    const msg = await flow.sink('one').first();
    placed(msg);
    expect(msg.payload).toMatchObject({ withoutHints: said });
    if (said) expect((await flow.status('n', 'yellow')).text).toMatch(/hint was wrong: found without it/);
    else expect((await flow.status('n', 'green')).text).toMatch(/^84\.00° \+5\.00° · 30\.0° × 22/);
  });
});

it('solves a mirrored picture as mirrored, also after one that was not', patient, async () => {
  const flow = await start('90');
  const frame = drawField(sky);
  flow.send('n', { frame });
  flow.send('n', { frame: mirrorImage(frame) });
  const [plain, mirrored] = await flow.sink('one').take(2);
  expect(placed(plain!).parity).toBe('normal');
  expect(placed(mirrored!).parity).toBe('mirrored');
  // The picture before was a hint, and this one another.
  expect(mirrored!.payload).toMatchObject({ withoutHints: true });
});

it('is stopped in the middle of a search at once, and works afterwards', patient, async () => {
  const flow = await start('3600');
  flow.send('n', { frame: drawStrangers({ stars: 200, seed: 12 }) });
  await flow.status('n', 'blue');
  flow.send('n', { command: 'stop' });
  expect((await flow.sink('two').first()).payload).toMatchObject({ status: 'cancelled' });
  flow.send('n', { frame: drawField(sky) });
  placed(await flow.sink('one').first());
});
