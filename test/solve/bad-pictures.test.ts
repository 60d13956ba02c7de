/** What people feed a solver: an honest answer in plain words within the time limit, and the engine works afterwards. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../lib/frame/frame.ts';
import { readFrameBytes } from '../../lib/frame/read.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { engineNamed } from '../../lib/solve/engines.ts';
import { offsetArcsec } from '../../lib/solve/solution.ts';
import type { SolveHints, SolveRequest, SolveStatus } from '../../lib/solve/solver.ts';
import { cat, clouds, mirrorImage, moon, mosaic, nothingButNan, saturated, tiny, trails } from './bad-pictures.ts';
import { type Drawing, drawField, drawStrangers } from './drawn-fields.ts';

/** Seconds; what overruns them is the measurement of the stars and the end of a program, on two busy cores. */
const [timeoutSeconds, overrunSeconds] = [3, 60];
const patient = { timeout: 300_000 };
const engines = ['built-in', 'solve-field'] as const;
const sky: Drawing = { raDegrees: 84, decDegrees: 5, fieldDegrees: 30, rotationDegrees: 75, limit: 6 };

let jpeg: Frame;
beforeAll(async () => {
  const bytes = await cat();
  const data = new SharedArrayBuffer(bytes.length);
  new Uint8Array(data).set(bytes);
  jpeg = await readFrameBytes({ name: 'cat.jpg', data, byteLength: bytes.length });
});
afterAll(async () => {
  await closeBuiltInSolver();
  await closeSharedPool();
});

const few: SolveStatus[] = ['too-few-stars'];
const none: SolveStatus[] = ['too-few-stars', 'no-match', 'timed-out'];
const pictures: [string, () => Frame, SolveStatus[]][] = [
  ['clouds', clouds, few],
  ['star trails', trails, none],
  ['a lens cap', () => drawStrangers({ stars: 0, seed: 3 }), few],
  ['the Moon', moon, none],
  ['a JPEG of a cat', () => jpeg, none],
  ['20,000 hot pixels', () => drawStrangers({ stars: 0, hotPixels: 20_000, seed: 9 }), none],
  ['3x3 px', () => tiny(3, 3), few],
  ['one row', () => tiny(640, 1), few],
  ['nothing but white', saturated, few],
  ['nothing but NaN', nothingButNan, few],
  ['stars that are none of the sky', () => drawStrangers({ stars: 80, seed: 21 }), none],
];

const lies: [string, SolveHints, boolean][] = [
  ['a place that is none', { raDegrees: Number.NaN, decDegrees: 400, radiusDegrees: -1 }, false],
  ['scales that are none', { scaleLow: 0, scaleHigh: Number.NaN }, false],
  ['a scale beyond all', { scaleLow: 1e12, scaleHigh: 1e15 }, false],
  ['scales turned round', { scaleLow: 200, scaleHigh: 150 }, false],
];
const wrong: [string, SolveHints, boolean] = [
  'a wrong place and a wrong scale',
  { raDegrees: 250, decDegrees: -60, radiusDegrees: 5, scaleLow: 3, scaleHigh: 4 },
  true,
];

/** solve-field takes half a minute to give up a wrong scale; test/real/solve-field.test.ts has a wrong place. */
const hintsOf = (engine: string): [string, SolveHints, boolean][] => (engine === 'built-in' ? [...lies, wrong] : lies);

describe.each(engines)('%s', (engine) => {
  const solve = (request: Partial<SolveRequest> & { frame: Frame }) =>
    engineNamed(engine).solve({ timeoutSeconds, ...request });

  it.each(pictures)('has an honest answer to %s', patient, async (_, picture, honest) => {
    const result = await solve({ frame: picture() });
    expect(honest).toContain(result.status);
    expect(result).toMatchObject({ solution: null, engine, withoutHints: false });
    expect(result.seconds.total).toBeLessThan(timeoutSeconds + overrunSeconds);
    // A sentence for a person: what is wrong, no code and no stack.
    expect(result.reason).toMatch(/^[A-Z0-9][^\n{}]{20,200}[.?]$/);
    expect(result.reason).toMatch(/star|match/i);
  });

  it('does not take two fields side by side for one', patient, async () => {
    const result = await solve({ frame: mosaic(), timeoutSeconds: 60 });
    expect(result).toMatchObject({ status: 'no-match', solution: null });
    expect(result.reason).toMatch(/laid together of two fields/);
  });

  it('solves a mirrored picture as such, whatever the hint says', patient, async () => {
    const frame = mirrorImage(drawField(sky));
    const plain = await solve({ frame, timeoutSeconds: 120 });
    expect(plain).toMatchObject({ status: 'matched', withoutHints: false, solution: { parity: 'mirrored' } });
    expect(offsetArcsec(plain.solution!, sky) / plain.solution!.scale).toBeLessThan(2);
    const told = await solve({ frame, hints: { parity: 'normal' }, timeoutSeconds: 120 });
    expect(told).toMatchObject({ status: 'matched', withoutHints: true, solution: { parity: 'mirrored' } });
  });

  it.each(hintsOf(engine))('survives hints of %s', patient, async (_, hints, said) => {
    const result = await solve({ frame: drawField(sky), hints, timeoutSeconds: 120 });
    expect(result.status, result.reason).toBe('matched');
    expect(offsetArcsec(result.solution!, sky) / result.solution!.scale).toBeLessThan(2);
    if (said) expect(result.reason).toMatch(/hint.*wrong|without the hint/);
    expect(result.withoutHints || !said).toBe(true);
  });
});
