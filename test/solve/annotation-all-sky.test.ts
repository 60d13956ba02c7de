/** What is in a picture of the whole sky, from a camera whose lens is given. Reference places: astropy 5.2. */
import { describe, expect, it } from 'vitest';
import type { AllSkyPlace } from '../../lib/solve/all-sky-solution.ts';
import { annotate, annotationLayers } from '../../lib/solve/annotation.ts';
import { projectionOf } from '../../lib/solve/projection.ts';

const site = { latitude: 60, longitude: 10, elevation: 0 };
const time = '2026-11-21T20:00:00.000Z';
/** Looks straight up with north at the top, east on the left, the horizon a hundred pixels from each edge. */
const overhead: AllSkyPlace = {
  ...{ kind: 'all-sky', site, time },
  camera: {
    ...{ width: 1000, height: 1000, x: 499.5, y: 499.5, focalLength: 800 / Math.PI, cubic: 0, quintic: 0 },
    axes: [-1, 0, 0, 0, -1, 0, 0, 0, 1],
    mirrored: false,
  },
};
const options = { layers: annotationLayers, milliseconds: Date.parse(time), site, target: null };
const fromMiddle = ({ x, y }: { x: number; y: number }) => Math.hypot(x - 499.5, y - 499.5);

describe('a picture of the whole sky', () => {
  it('has what is above the horizon, and nothing below it', async () => {
    const { points, constellations, grid } = await annotate(overhead, options);
    const labels = points.map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(['Capella', 'Vega', 'Polaris', 'Moon', 'Saturn', 'Aldebaran']));
    // Sirius, Arcturus and Jupiter are 15, 9 and 9 degrees below it (astropy).
    for (const below of ['Sirius', 'Arcturus', 'Jupiter', 'Sun']) expect(labels).not.toContain(below);
    expect(points.every(({ altitudeDegrees }) => altitudeDegrees! >= 0)).toBe(true);
    const lines = [...constellations.flatMap(({ paths }) => paths), ...grid.flatMap(({ paths }) => paths)].flat();
    expect(lines.length).toBeGreaterThan(500);
    expect(Math.max(...lines.map(fromMiddle))).toBeLessThan(400.2);
    // Lines that go below the horizon are drawn down to it.
    expect(lines.some((pixel) => fromMiddle(pixel) > 399)).toBe(true);
    expect(constellations.map(({ name }) => name)).not.toContain('Centaurus');
  });

  it('has stars and planets where they are seen, with their altitude', async () => {
    const { points } = await annotate(overhead, options);
    // astropy 5.2, AltAz with 1010 hPa and 10 °C; Saturn and the Moon by its built-in ephemeris from the same place.
    for (const [label, altitude, azimuth] of [
      ['Capella', 48.478, 77.56],
      ['Vega', 32.26, 292.933],
      ['Saturn', 30.868, 182.573],
      ['Moon', 41.282, 170.028],
    ] as const) {
      const point = points.find((each) => each.label === label)!;
      expect(point.altitudeDegrees).toBeCloseTo(altitude, 1);
      expect(point.azimuthDegrees).toBeCloseTo(azimuth, 1);
      // North is up and east is left, equidistant.
      const radius = ((90 - point.altitudeDegrees!) / 90) * 400;
      const angle = (point.azimuthDegrees! * Math.PI) / 180;
      expect(point.x).toBeCloseTo(499.5 - radius * Math.sin(angle), 3);
      expect(point.y).toBeCloseTo(499.5 - radius * Math.cos(angle), 3);
    }
  });

  it('has its horizon with north, east, south and west', async () => {
    const { horizon } = await annotate(overhead, options);
    const [north, , east, , south] = horizon!.cardinals;
    expect(north).toMatchObject({ label: 'N', azimuthDegrees: 0 });
    expect(north!.y).toBeCloseTo(99.5, 6);
    expect(east).toMatchObject({ label: 'E' });
    expect(east!.x).toBeCloseTo(99.5, 6);
    expect(south!.y).toBeCloseTo(899.5, 6);
    expect(horizon!.circles.map(({ label }) => label)).toEqual(['0°', '30°', '60°']);
    for (const [i, radius] of [400, 266.67, 133.33].entries())
      for (const pixel of horizon!.circles[i]!.paths.flat()) expect(fromMiddle(pixel)).toBeCloseTo(radius, 0);
  });

  it('has a grid that goes round the pole', async () => {
    const { grid } = await annotate(overhead, { ...options, layers: ['grid'] });
    const labels = grid.map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(['+60°', '+30°', '0°', '0h', '6h']));
  });

  it('tells the sky of a pixel, and none below the horizon or where the lens does not look', () => {
    const projection = projectionOf(overhead);
    for (const pixel of [
      { x: 499.5, y: 499.5 },
      { x: 300, y: 700 },
      { x: 499.5, y: 102 },
    ]) {
      const again = projection.skyToPixel(projection.pixelToSky(pixel)!)!;
      expect(again.x).toBeCloseTo(pixel.x, 2);
      expect(again.y).toBeCloseTo(pixel.y, 2);
    }
    expect(projection.pixelToSky({ x: 499.5, y: 90 })).toBeNull();
    expect(projection.pixelToSky({ x: -600, y: -600 })).toBeNull();
    expect(projection.ground!.placeOf({ x: 499.5, y: 79.5 })!.altitudeDegrees).toBeCloseTo(-4.5, 1);
  });
});
