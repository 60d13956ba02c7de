import { describe, expect, it } from 'vitest';
import { cellOf, cellsNear, gridOf } from '../../lib/solve/built-in-grid.ts';
import { buildOctave, imagOffset, readQuad } from '../../lib/solve/built-in-index.ts';
import { Neighbourhood } from '../../lib/solve/built-in-neighbours.ts';
import { codeOf, codeOfFlat, type QuadCode } from '../../lib/solve/built-in-quad.ts';
import { brightestAround, loadSky } from '../../lib/solve/built-in-sky.ts';
import { generator } from './drawn-fields.ts';

const degrees = Math.PI / 180;
const sky = loadSky();
const newCode = (): QuadCode => ({ order: new Uint8Array(4), values: new Float64Array(4) });
const directionOf = (star: number) => Array.from(sky.catalogue.directions.subarray(star * 3, star * 3 + 3));
const angle = (a: number[], b: number[]) => 2 * Math.asin(Math.hypot(a[0]! - b[0]!, a[1]! - b[1]!, a[2]! - b[2]!) / 2);
const vector = (ra: number, dec: number) => [Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)];

describe('the shape of four stars', () => {
  const points = [3, 4, 90, 40, 20, 60, 70, 10];
  const code = newCode();
  codeOfFlat(Float64Array.from(points), code);
  const values = Array.from(code.values);

  it('is the same turned, moved, scaled and shuffled', () => {
    const [sin, cos] = [Math.sin(2), Math.cos(2)];
    const turned = [2, 0, 3, 1].flatMap((i) => {
      const [x, y] = [points[i * 2]!, points[i * 2 + 1]!];
      return [500 + 3 * (cos * x - sin * y), 3 * (sin * x + cos * y) - 80];
    });
    const other = newCode();
    expect(codeOfFlat(Float64Array.from(turned), other)).toBe(true);
    for (let i = 0; i < 4; i++) expect(other.values[i]).toBeCloseTo(values[i]!, 9);
  });

  it('is another one mirrored, with the signs of the imaginary parts changed', () => {
    const other = newCode();
    codeOfFlat(Float64Array.from(points.map((each, i) => (i % 2 === 0 ? -each : each))), other);
    for (let i = 0; i < 4; i++) expect(other.values[i]).toBeCloseTo(values[i]! * (i % 2 === 0 ? 1 : -1), 9);
  });

  it('on the sphere is that on the plane where the stars are near each other', () => {
    const small = points.map((each) => each * 1e-5);
    const corners = [0, 1, 2, 3].flatMap((i) => {
      const [x, y] = [small[i * 2]!, small[i * 2 + 1]!];
      const length = Math.hypot(x, y, 1);
      return [x / length, y / length, 1 / length];
    });
    const other = newCode();
    expect(codeOf(Float64Array.from(corners), other)).toBe(true);
    for (let i = 0; i < 4; i++) expect(other.values[i]).toBeCloseTo(values[i]!, 4);
  });

  it('of four that are one point is none', () => {
    expect(codeOfFlat(new Float64Array(8), newCode())).toBe(false);
  });
});

describe('the grid of the sky', () => {
  const grid = gridOf(sky, 3 * degrees);

  it.each([
    [10, 20],
    [359.9, -40],
    [200, 89],
    [77, -89.9],
  ])('gives every cell with a star near %d° %d°', (ra, dec) => {
    const reach = 2.5 * degrees;
    const into = new Uint32Array(4096);
    const near = new Set(into.subarray(0, cellsNear(grid, dec * degrees, ra * degrees, reach, into)));
    const centre = vector(ra * degrees, dec * degrees);
    let [inside, missed, elsewhere] = [0, 0, 0];
    for (let cell = 0; cell + 1 < grid.first.length; cell++)
      for (let i = grid.first[cell]!; i < grid.first[cell + 1]!; i++) {
        const star = grid.stars[i]!;
        if (cellOf(grid, sky.dec16[star]!, sky.ra16[star]!) !== cell) elsewhere++;
        if (angle(directionOf(star), centre) > reach) continue;
        inside++;
        if (!near.has(cell)) missed++;
      }
    expect({ missed, elsewhere }).toEqual({ missed: 0, elsewhere: 0 });
    expect(inside).toBeGreaterThan(3);
  });
});

describe('an octave of the index', () => {
  const size = 8 * degrees;
  const octave = buildOctave(sky, size)!;
  const around = new Neighbourhood(sky, octave.grid, octave.reach);

  it('has quads whose longest side is in the octave, in the bucket of their shape', () => {
    expect(octave.count).toBeGreaterThan(10_000);
    const random = generator(4);
    const stars = new Uint32Array(4);
    const code = newCode();
    for (let i = 0; i < 300; i++) {
      const quad = Math.floor(random() * octave.count);
      readQuad(octave, quad, around, stars);
      const corners = Array.from(stars, directionOf);
      const longest = angle(corners[0]!, corners[1]!);
      expect(longest).toBeLessThanOrEqual(size * 1.0001);
      expect(longest).toBeGreaterThan((size / Math.SQRT2) * 0.98);
      expect(codeOf(Float64Array.from(corners.flat()), code)).toBe(true);
      expect(Array.from(code.order)).toEqual([0, 1, 2, 3]);
      const { re, im } = octave.bins;
      const bin = (k: number) => Math.floor((code.values[k]! + (k % 2 ? imagOffset : 0)) * re);
      const bucket = ((bin(0) * im + bin(1)) * re + bin(2)) * im + bin(3);
      expect(quad).toBeGreaterThanOrEqual(octave.bucketFirst[bucket]!);
      expect(quad).toBeLessThan(octave.bucketFirst[bucket + 1]!);
    }
  });

  it('is not built when it is told to stop', () => {
    expect(buildOctave(sky, size, undefined, () => true)).toBeNull();
  });
});

describe('the brightest stars around a place', () => {
  it('are those of the catalogue, bright first', () => {
    const orion = Float64Array.from(vector(84 * degrees, 0));
    const found = brightestAround(sky, orion, 10 * degrees, 20);
    expect(found).toHaveLength(20);
    const codes = Array.from(found, (star) => sky.catalogue.magnitudeCodes[star]!);
    expect(codes).toEqual(codes.toSorted((a, b) => a - b));
    // Rigel, V 0.13, is in; Sirius, brighter but 20 degrees away, is not.
    expect(codes[0]! / 20 - 2).toBeCloseTo(0.13, 0);
    for (const star of found) expect(angle(directionOf(star), Array.from(orion))).toBeLessThanOrEqual(10.001 * degrees);
  });

  it('are as many as there are where there are not as many as wanted', () => {
    const found = brightestAround(sky, Float64Array.of(0, 0, 1), 0.5 * degrees, 500);
    expect(found.length).toBeGreaterThan(1);
    expect(found.length).toBeLessThan(60);
  });
});
