import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { writeFits } from '../../lib/frame/fits/write.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { type FilterName, integrateColour } from '../../lib/stars/integration-colour.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { expose, starField, turned } from './integration-night.ts';

const [width, height] = [360, 280];
const stars = starField(width, height, 110);
/** What the filters let through, and their sky. */
const filters = { luminance: [2, 2000], red: [1, 1500], green: [0.8, 1200], blue: [0.5, 900] } as const;

let folder: string;
const files = {} as Record<FilterName, string[]>;
beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'nightflow-colour-test-'));
  for (const [k, [name, [transparency, sky]]] of Object.entries(filters).entries()) {
    files[name as FilterName] = [];
    for (let i = 0; i < 3; i++) {
      const path = join(folder, `${name}-${i}.fits`);
      const matrix = turned(width, height, k === 2 ? 180 : k, 3 * k + i, 2 * i - k);
      await writeFits(expose(stars, width, height, { seed: 500 + 10 * k + i, transparency, sky, matrix }), path);
      files[name as FilterName].push(path);
    }
  }
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

const medianOf = (frame: Frame, plane: number) => {
  const values = frame.pixels
    .slice(plane * width * height, (plane + 1) * width * height)
    .filter((value) => !Number.isNaN(value));
  return values.sort((a, b) => a - b)[values.length >> 1]!;
};

it('makes LRGB of twelve files, every filter laid on the luminance', async () => {
  const seen: number[] = [];
  const result = await integrateColour(files, { stretch: true, onProgress: ({ whole }) => seen.push(whole) });
  const { frame, stretched, registrations } = result;
  expect(frame).toMatchObject({ channels: 3, combined: 12 });
  expect(Object.keys(registrations)).toEqual(['red', 'green', 'blue']);
  for (const registration of Object.values(registrations)) expect(registration.residualPixels).toBeLessThan(0.1);
  expect(result.filters.green).toMatchObject({ used: 3 });
  // The stars of the three colours stand on each other, as one can see of their measured centres.
  const planes = await Promise.all(
    [0, 1, 2].map(async (k) => {
      const data = new SharedArrayBuffer(width * height * 4);
      new Float32Array(data).set(
        frame.pixels.slice(k * width * height, (k + 1) * width * height).map((value) => value * 65535),
      );
      return (await measureStars(frame.with({ data, channels: 1, whiteLevel: 65535 }))).stars;
    }),
  );
  for (const other of planes.slice(1)) {
    const off: number[] = [];
    for (let i = 0; i < 30; i++) {
      const distances = Array.from(other.x, (x, j) => Math.hypot(x - planes[0]!.x[i]!, other.y[j]! - planes[0]!.y[i]!));
      off.push(Math.min(...distances));
    }
    expect(off.sort((a, b) => a - b)[15]).toBeLessThan(0.1);
  }
  for (const plane of [0, 1, 2]) expect(medianOf(stretched!, plane) / 65535).toBeCloseTo(0.25, 1);
  expect(seen.at(-1)).toBe(1);
});

it('names the filter that something is wrong with', async () => {
  const { red, green } = files;
  await expect(integrateColour({ red, green })).rejects.toMatchObject({ message: 'There is no file for blue.' });
  const blue = [join(folder, 'absent-1.fits'), join(folder, 'absent-2.fits')];
  await expect(integrateColour({ red, green, blue })).rejects.toMatchObject({
    code: 'rejected',
    message: expect.stringMatching(/^The files for blue: Of 2 files only 0 can be integrated/),
  });
});
