import { describe, expect, it } from 'vitest';
import { type ImageQuads, quadsOf } from '../../lib/solve/built-in-image-quads.ts';
import { codeOfFlat } from '../../lib/solve/built-in-quad.ts';
import { generator } from './drawn-fields.ts';

const random = generator(12);
const stars = (count: number) => ({
  count,
  x: Float64Array.from({ length: count }, () => 1000 * random() - 500),
  y: Float64Array.from({ length: count }, () => 800 * random() - 400),
});
const image = stars(9);
const membersOf = ({ members }: ImageQuads, quad: number) =>
  [0, 8, 16, 24].map((shift) => (members[quad]! >>> shift) & 255);
const apart = (a: number, b: number) => Math.hypot(image.x[a]! - image.x[b]!, image.y[a]! - image.y[b]!);

describe('the quads of a picture', () => {
  it('are all fours of its stars, each once', () => {
    const quads = quadsOf(image, 3, 9, null, 0);
    expect(quads.count).toBe(126);
    const fours = Array.from({ length: 126 }, (_, i) => membersOf(quads, i).toSorted().join());
    expect(new Set(fours).size).toBe(126);
  });

  it('of some stars are those whose last one is among them', () => {
    // C(8,4) - C(6,4)
    const quads = quadsOf(image, 6, 8, null, 0);
    expect(quads.count).toBe(55);
    for (let i = 0; i < quads.count; i++) expect([6, 7]).toContain(Math.max(...membersOf(quads, i)));
  });

  it('have their code and the longest side, from A to B', () => {
    const quads = quadsOf(image, 3, 9, null, 0);
    const code = { order: new Uint8Array(4), values: new Float64Array(4) };
    for (let i = 0; i < quads.count; i++) {
      const four = membersOf(quads, i);
      codeOfFlat(Float64Array.from(four.flatMap((star) => [image.x[star]!, image.y[star]!])), code);
      expect(Array.from(code.order)).toEqual([0, 1, 2, 3]);
      for (let k = 0; k < 4; k++) expect(quads.codes[i * 4 + k]).toBeCloseTo(code.values[k]!, 5);
      expect(quads.longest[i]).toBeCloseTo(apart(four[0]!, four[1]!), 2);
    }
  });

  it('come in the order of C, a sixteenth after the other', () => {
    const quads = quadsOf(image, 3, 9, null, 0);
    const columns = Array.from({ length: quads.count }, (_, i) => Math.floor(quads.codes[i * 4]! * 16));
    expect(columns).toEqual(columns.toSorted((a, b) => a - b));
  });

  it('of an assumed camera have the angle for their longest side', () => {
    const focalLength = 700;
    const quads = quadsOf(image, 3, 9, focalLength, 0);
    for (let i = 0; i < quads.count; i++) {
      const [a, b] = membersOf(quads, i) as [number, number];
      const ray = (star: number) => [image.x[star]!, image.y[star]!, focalLength];
      const dot = ray(a).reduce((sum, each, axis) => sum + each * ray(b)[axis]!, 0);
      expect(quads.longest[i]).toBeCloseTo(Math.acos(dot / Math.hypot(...ray(a)) / Math.hypot(...ray(b))), 5);
    }
  });

  it('are none of fewer than four stars, and no short ones', () => {
    expect(quadsOf(image, 3, 3, null, 0).count).toBe(0);
    const quads = quadsOf(image, 3, 9, null, 600);
    expect(quads.count).toBeGreaterThan(0);
    expect(quads.count).toBeLessThan(126);
    expect(Math.min(...quads.longest.subarray(0, quads.count))).toBeGreaterThanOrEqual(600);
  });
});
