import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { packagePath } from '../../lib/process/package-root.ts';
import { parseCatalogue, readDeepCatalogue, starsWithin } from '../../lib/sky/catalogue.ts';

const bytes = readFileSync(packagePath('data', 'stars.bin'));
const catalogue = parseCatalogue(bytes);

// SIMBAD's ICRS positions at J2000.0, V and B−V (Ducati 2002; Hipparcos for the Pleiad), as quoted in the literature.
const known: [string, number, number, number, number][] = [
  ['Sirius', 101.28716, -16.71612, -1.46, 0],
  ['Canopus', 95.98796, -52.69566, -0.74, 0.15],
  ['Vega', 279.23473, 38.78369, 0.03, 0],
  ['Arcturus', 213.9153, 19.18241, -0.05, 1.23],
  ['Betelgeuse', 88.79294, 7.40706, 0.42, 1.85],
  ['Polaris', 37.95456, 89.26411, 2.02, 0.6],
  ['Alcyone', 56.87115, 24.10514, 2.87, -0.09],
  ['Sigma Octantis', 317.19517, -88.95654, 5.47, 0.27],
];

describe('the star catalogue', () => {
  it.each(known)('has %s in its place, brightness and colour', (_, ra, dec, magnitude, colour) => {
    const [star] = starsWithin(catalogue, ra, dec, 2 / 3600);
    expect(star).toBeDefined();
    expect(star!.decDegrees).toBeCloseTo(dec, 3);
    expect(Math.abs(star!.magnitude - magnitude)).toBeLessThan(0.15);
    expect(Math.abs(star!.colourIndex! - colour)).toBeLessThan(0.4);
  });

  it('is complete: as many stars to V 6, 7, 8 and 9 as an independent one, to 5 %', () => {
    // Stellarium's and KStars' catalogues (Hipparcos, Tycho-2) merged, see data/README.md. Limits are half a step low: codes are rounded.
    const reference: [number, number][] = [
      [5.97, 4688],
      [6.97, 14_650],
      [7.97, 43_590],
      [8.97, 126_966],
    ];
    for (const [limit, count] of reference)
      expect(Math.abs(starsWithin(catalogue, 0, 0, 180, limit).length / count - 1)).toBeLessThan(0.05);
  });

  it('keeps the stars of a cell from bright to faint, each near the middle of its cell', () => {
    const { first, magnitudeCodes, directions, cellCentres, cellRadii } = catalogue;
    expect(first.at(-1)).toBe(catalogue.count);
    for (let cell = 0; cell < cellRadii.length; cell++)
      for (let star = first[cell]!; star < first[cell + 1]!; star++) {
        if (star > first[cell]!) expect(magnitudeCodes[star]! >= magnitudeCodes[star - 1]!).toBe(true);
        let cos = 0;
        for (let axis = 0; axis < 3; axis++) cos += directions[star * 3 + axis]! * cellCentres[cell * 3 + axis]!;
        if (Math.acos(Math.min(1, cos)) > cellRadii[cell]!) throw new Error(`star ${star} is outside cell ${cell}`);
      }
  });

  it('finds the Pleiades with a limit, bright first', () => {
    const found = starsWithin(catalogue, 56.75, 24.12, 0.7, 5.5);
    expect(found.map((star) => star.magnitude)).toEqual(found.map((star) => star.magnitude).sort((a, b) => a - b));
    expect(found.length).toBeGreaterThanOrEqual(6);
    expect(found.length).toBeLessThan(12);
  });

  it.each([
    ['another file', (copy: Uint8Array) => copy.fill(0), 'does not begin with NFSC'],
    ['another version', (copy: Uint8Array) => copy.fill(9, 4, 5), 'has version 9'],
    ['rings of no height', (copy: Uint8Array) => copy.fill(0, 6, 8), 'declination rings of 0'],
    ['a wrong number of cells', (copy: Uint8Array) => copy.fill(1, 8, 9), 'cells, not'],
    ['too many stars', (copy: Uint8Array) => copy.fill(255, 12, 16), "can't have 4294967295 stars"],
    ['a few stars more than there are', (copy: Uint8Array) => copy.fill(255, 12, 13), 'is cut short'],
    ['a wrong count in a cell', (copy: Uint8Array) => copy.fill(77, 24, 26), 'counts its stars wrongly'],
  ])('refuses %s', (_, spoil, message) => {
    const copy = new Uint8Array(bytes);
    spoil(copy);
    expect(() => parseCatalogue(copy)).toThrow(message);
  });

  it('refuses a file that is cut short', () => {
    expect(() => parseCatalogue(bytes.subarray(0, 10))).toThrow('does not begin');
    expect(() => parseCatalogue(bytes.subarray(0, bytes.length - 1))).toThrow('is cut short');
  });
});

describe('the catalogue for plate solving', () => {
  const deepBytes = readFileSync(packagePath('data', 'deep.bin'));
  const deep = readDeepCatalogue();

  it('has the bright stars that Tycho-2 lacks, and the faint ones of a Tycho field', () => {
    expect(deep.count).toBeGreaterThan(1.8e6);
    for (const [, ra, dec, magnitude] of known) {
      const [star] = starsWithin(deep, ra, dec, 2 / 3600);
      expect(Math.abs(star!.magnitude - magnitude)).toBeLessThan(0.15);
      expect(star!.colourIndex).toBeNull();
    }
    const pleiades = starsWithin(deep, 56.75, 24.12, 0.7);
    expect(pleiades.length).toBeGreaterThan(50);
    expect(pleiades.at(-1)!.magnitude).toBeGreaterThan(10.5);
  });

  it('agrees with the bright one, star by star', () => {
    for (const star of starsWithin(catalogue, 120, 40, 3, 9)) {
      const [same] = starsWithin(deep, star.raDegrees, star.decDegrees, 0.5 / 3600);
      expect(Math.abs(same!.magnitude - star.magnitude)).toBeLessThan(0.06);
    }
  });

  it.each([
    ['half of a file', deepBytes.subarray(0, deepBytes.length >> 1), 'is cut short'],
    ['noise behind the header', Buffer.concat([deepBytes.subarray(0, 24), Buffer.alloc(1000, 0xa7)]), 'is cut short'],
    ['a header alone', deepBytes.subarray(0, 24), 'is cut short'],
  ])('refuses %s', (_, bad, message) => expect(() => parseCatalogue(bad)).toThrow(message));

  it('refuses a header that says fewer stars than there are, without unpacking the rest', () => {
    const copy = new Uint8Array(deepBytes);
    copy.fill(0, 12, 16);
    expect(() => parseCatalogue(copy)).toThrow('is cut short');
  });
});
