/** Our `gsc`: what it prints is what the CCD simulator reads, and what the sky has there. */
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { type TrueSky, trueSky } from './true-sky.ts';

let sky: TrueSky;
beforeAll(async () => {
  sky = await trueSky();
});
afterAll(() => sky?.end());

/** As libindi's CCD simulator calls it and reads it (sscanf of twelve columns). */
async function stars(ra: number, dec: number, radiusArcminutes: number, faint: number) {
  const line = ['-c', ra.toFixed(6), `${dec < 0 ? '' : '+'}${dec.toFixed(6)}`, '-r', radiusArcminutes.toFixed(1)];
  const { stdout } = await promisify(execFile)(join(sky.folder, 'gsc'), [
    ...line,
    '-m',
    '0',
    faint.toFixed(2),
    '-n',
    '3000',
  ]);
  return stdout
    .split('\n')
    .filter(Boolean)
    .map((text) => {
      const columns = text.trim().split(/\s+/);
      expect(columns).toHaveLength(12);
      expect(columns.slice(1, 6).map(Number).every(Number.isFinite)).toBe(true);
      return { ra: Number(columns[1]), dec: Number(columns[2]), magnitude: Number(columns[4]) };
    });
}

it('has the Pleiades where they are', async () => {
  // Alcyone, Atlas, Electra, Maia (Hipparcos, ESA 1997): ICRS degrees at J2000 and V.
  const known = [
    [56.8712, 24.1051, 2.85],
    [57.2906, 24.0534, 3.62],
    [56.2189, 24.1133, 3.72],
    [56.4567, 24.3677, 3.87],
  ] as const;
  const found = await stars(56.75, 24.12, 60, 9);
  expect(found.length).toBeGreaterThan(60);
  for (const [ra, dec, magnitude] of known) {
    const near = found.filter((star) => Math.hypot((star.ra - ra) * 0.913, star.dec - dec) < 0.002);
    expect(near.some((star) => Math.abs(star.magnitude - magnitude) < 0.3)).toBe(true);
  }
  expect(found.map(({ magnitude }) => magnitude)).toEqual(
    found.map(({ magnitude }) => magnitude).sort((a, b) => a - b),
  );
});

it('has the pole, both sides of 0 h, and nothing that is too faint', async () => {
  const pole = await stars(120, 90, 60, 9);
  expect(pole.some(({ dec, magnitude }) => Math.abs(dec - 89.2641) < 0.002 && magnitude < 2.3)).toBe(true);
  expect(pole.every(({ dec }) => dec >= 89)).toBe(true);
  const meridian = await stars(0, 0, 120, 8);
  expect(meridian.some(({ ra }) => ra < 2) && meridian.some(({ ra }) => ra > 358)).toBe(true);
  expect(meridian.every(({ magnitude }) => magnitude <= 8)).toBe(true);
});
