import { describe, expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { renderAnnotated } from '../../lib/night/annotated-picture.ts';
import { drawAnnotation } from '../../lib/night/annotation-drawing.ts';
import { type AnnotationOptions, annotate, annotationLayers } from '../../lib/solve/annotation.ts';
import { separation, skyToPixel, type Wcs } from '../../lib/solve/wcs.ts';

const [width, height] = [1200, 800];
/** North up, so many degrees across. */
function view(raDegrees: number, decDegrees: number, across: number): Wcs {
  const s = across / width;
  return {
    ...{ width, height, x: 599.5, y: 399.5, raDegrees, decDegrees, sip: null },
    cd: [
      [-s, 0],
      [0, -s],
    ],
  };
}
const options = (changes: Partial<AnnotationOptions> = {}): AnnotationOptions => ({
  ...{ layers: annotationLayers, milliseconds: null, site: null, target: null },
  ...changes,
});
const orion = view(84, -1, 30);

describe('what is in a picture', () => {
  it('has the stars of Orion’s belt, its nebulae and its figure', async () => {
    const { points, constellations } = await annotate(orion, options());
    const labels = points.map(({ label }) => label);
    for (const name of ['Rigel', 'Betelgeuse', 'Bellatrix', 'Saiph', 'Alnilam', 'Alnitak', 'Mintaka'])
      expect(labels).toContain(name);
    expect(labels).toContain('M 42 Orion Nebula');
    expect(constellations.map(({ name }) => name)).toContain('Orion');
    // Betelgeuse (Hipparcos, J2000): 88.7929, +7.4071.
    const star = points.find(({ label }) => label === 'Betelgeuse')!;
    expect(separation(star, { raDegrees: 88.7929, decDegrees: 7.4071 }) * 3600).toBeLessThan(2);
    expect({ x: star.x, y: star.y }).toEqual(skyToPixel(orion, star));
    expect(star).toMatchObject({ kind: 'star', designation: 'alp Ori', magnitude: expect.closeTo(0.45, 1) });
  });

  it('writes stars without a name by their Greek letters', async () => {
    const { points } = await annotate(orion, options({ layers: ['stars'], faintestMagnitude: 5 }));
    expect(points.map(({ label }) => label)).toEqual(expect.arrayContaining(['σ Ori', 'θ² Ori']));
    expect(points.find(({ label }) => label === 'θ² Ori')!.designation).toBe('the2 Ori');
  });

  it('is in the picture: nothing beside it', async () => {
    const { points } = await annotate(orion, options());
    expect(points.filter(({ x, y }) => x < -0.5 || y < -0.5 || x > width - 0.5 || y > height - 0.5)).toEqual([]);
    expect(points.map(({ label }) => label)).not.toContain('Sirius');
  });

  it('is more in a narrow field than in a wide one, and as much as was asked for', async () => {
    const wide = await annotate(view(187, 12, 60), options({ layers: ['objects'] }));
    const narrow = await annotate(view(187, 12, 4), options({ layers: ['objects'] }));
    expect(wide.points.every(({ magnitude }) => magnitude === null || magnitude <= 5)).toBe(true);
    // Virgo's galaxies: M 84, M 86, M 87 and the chain around them.
    expect(narrow.points.map(({ designation }) => designation)).toEqual(
      expect.arrayContaining(['M 84', 'M 86', 'M 87']),
    );
    expect(narrow.points.length).toBeGreaterThan(10);
    const faint = await annotate(orion, options({ layers: ['stars'], faintestMagnitude: 2 }));
    expect(faint.points.every(({ magnitude }) => magnitude! <= 2)).toBe(true);
  });

  it('has the planets of the hour, and the Moon from where one stands', async () => {
    // 2026-11-21T20:00Z, astrometric (light time, no aberration), from astropy 5.2 get_body_barycentric with its
    // built-in ephemeris, which is good to half a minute of arc for these two (Simon et al. 1994).
    const milliseconds = Date.UTC(2026, 10, 21, 20);
    const layers = ['planets'] as const;
    const { points } = await annotate(view(149.6, 13.9, 10), options({ layers, milliseconds }));
    const jupiter = points.find(({ label }) => label === 'Jupiter')!;
    expect(separation(jupiter, { raDegrees: 148.43666, decDegrees: 13.59828 }) * 3600).toBeLessThan(40);
    const mars = points.find(({ label }) => label === 'Mars')!;
    expect(separation(mars, { raDegrees: 150.83537, decDegrees: 14.14171 }) * 3600).toBeLessThan(40);
    // The Moon from 60° N, 10° E (astropy get_body with an EarthLocation), 0.7° from where the Earth's middle sees it.
    const site = { latitude: 60, longitude: 10, elevation: 0 };
    const moon = (await annotate(view(18, 12, 10), options({ layers, milliseconds, site }))).points[0]!;
    expect(moon.label).toBe('Moon');
    expect(separation(moon, { raDegrees: 18.1145, decDegrees: 11.452 }) * 3600).toBeLessThan(60);
    expect(moon.sizePixels).toBeGreaterThan(55);
    expect(moon.sizePixels).toBeLessThan(70);
  });

  it('has the target first', async () => {
    const target = { name: 'NGC 2024', raDegrees: 85.43, decDegrees: -1.9 };
    const { points } = await annotate(orion, options({ target }));
    expect(points[0]).toMatchObject({ kind: 'target', label: 'NGC 2024' });
  });

  it('has a grid at round numbers, round a pole, too', async () => {
    const { grid } = await annotate(orion, options({ layers: ['grid'] }));
    const labels = grid.map(({ label }) => label);
    expect(labels).toEqual(expect.arrayContaining(['0°', '-5°', '5h 30m']));
    // The line of declination 0 runs through the pixels of declination 0.
    const equator = grid.find(({ label }) => label === '0°')!.paths.flat();
    const middle = equator.find(({ x }) => Math.abs(x - 599.5) < 60)!;
    expect(middle.y).toBeCloseTo(skyToPixel(orion, { raDegrees: 84, decDegrees: 0 })!.y, 0);
    const pole = await annotate(view(40, 89.5, 20), options({ layers: ['grid'] }));
    expect(pole.grid.filter(({ label }) => /h/.test(label)).length).toBeGreaterThanOrEqual(8);
    expect(pole.grid.map(({ label }) => label)).toContain('+85°');
  });
});

describe('the picture', () => {
  it('has labels that don’t cover one another and stay inside', async () => {
    const annotation = await annotate(orion, options());
    const svg = drawAnnotation(annotation, { width: 800, height: 533 });
    expect(svg).toMatch(/^<svg [^>]*width="800" height="533">/);
    expect(svg).not.toContain('NaN');
    expect(svg.match(/<path/g)!.length).toBeGreaterThan(30);
  });

  it.each([1, 3] as const)('is a colour JPEG of a frame of %i channels', async (channels) => {
    const data = allocatePixels(width, height, channels, 'u8');
    const frame = new Frame({ data, width, height, channels, pixelType: 'u8' });
    const annotation = await annotate(orion, options());
    const { jpeg, ...size } = await renderAnnotated(frame, annotation, { width: 600, stretch: 'none', drc: 'off' });
    expect(size).toEqual({ width: 600, height: 400 });
    const { default: sharp } = await import('sharp');
    const { channels: found } = await sharp(jpeg).stats();
    expect(found).toHaveLength(3);
    // Something was drawn on black, and stars are white, objects yellow.
    expect(found.every(({ max }) => max > 150)).toBe(true);
  });
});
