/** The engines by name, and which one our flows ask. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { packageRoot } from '../../lib/process/package-root.ts';
import { closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { engineNamed, engineNames } from '../../lib/solve/engines.ts';
import { drawField, drawStrangers } from './drawn-fields.ts';

afterAll(async () => {
  await closeBuiltInSolver();
  await closeSharedPool();
});

it('have the names that the dialogs offer', () => {
  expect(engineNames.map((name) => engineNamed(name).name)).toEqual([...engineNames]);
});

it('of every flow that solves is auto: the built-in one first, then solve-field where it is there', () => {
  const folder = join(packageRoot, 'flows');
  const asking = readdirSync(folder).flatMap((file) =>
    (JSON.parse(readFileSync(join(folder, file), 'utf8')) as Record<string, string>[])
      .filter(({ type, engine }) => type === 'astro-solve' || (type === 'astro-mount' && engine !== undefined))
      .map(({ type, engine }) => ({ file, type, engine })),
  );
  expect(asking.filter(({ engine }) => engine !== 'auto')).toEqual([]);
  expect(asking).toContainEqual({ file: 'occultation-night.json', type: 'astro-mount', engine: 'auto' });
  expect(asking).toContainEqual({ file: 'solve.json', type: 'astro-solve', engine: 'auto' });
});

it('auto is the built-in one where that finds the field', { timeout: 200_000 }, async () => {
  const frame = drawField({ raDegrees: 84, decDegrees: 5, fieldDegrees: 30, limit: 6 });
  const result = await engineNamed('auto').solve({ frame, timeoutSeconds: 120 });
  expect(result).toMatchObject({ status: 'matched', engine: 'built-in' });
});

it.each(engineNames)('%s that was cancelled before it began says so', async (name) => {
  const frame = drawStrangers({ stars: 50, seed: 1 });
  const result = await engineNamed(name).solve({ frame, timeoutSeconds: 60, signal: AbortSignal.abort() });
  expect(result).toMatchObject({ status: 'cancelled', solution: null, reason: 'Stopped on request.' });
});
