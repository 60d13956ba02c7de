import { describe, expect, it } from 'vitest';
import { makeLens, pixelSolidAngle, project, projections, unproject } from '../../../lib/sky/render/lens.ts';

const zenith = { altitudeDegrees: 90, azimuthDegrees: 180, rollDegrees: 0 };
const at = (lens: ReturnType<typeof makeLens>, altitudeDegrees: number, azimuthDegrees: number) => {
  const [h, a] = [(altitudeDegrees * Math.PI) / 180, (azimuthDegrees * Math.PI) / 180];
  const out = new Float64Array(2);
  const angle = project(lens, Math.cos(h) * Math.sin(a), Math.cos(h) * Math.cos(a), Math.sin(h), out);
  return angle < 0 ? null : [out[0]!, out[1]!];
};

describe('lenses', () => {
  it('an all-sky camera has north at the top and east on the left, as one sees lying on the back', () => {
    const lens = makeLens(801, 601, 'equidistant', 180, zenith);
    const [north, east] = [at(lens, 0, 0)!, at(lens, 0, 90)!];
    expect(north[0]).toBeCloseTo(400, 6);
    expect(north[1]).toBeCloseTo(300 - 300.5, 6);
    expect(east[0]).toBeCloseTo(400 - 300.5, 6);
    expect(east[1]).toBeCloseTo(300, 6);
    const halfway = at(lens, 45, 0)!;
    expect(halfway[1]).toBeCloseTo(300 - 300.5 / 2, 6);
  });

  // r(60°) / r(30°): θ: 2; 2 sin θ/2: 1.9319; 2 tan θ/2: 2.1547; tan θ: 3.
  it.each([
    ['equidistant', 2],
    ['equisolid', 1.9319],
    ['stereographic', 2.1547],
    ['rectilinear', 3],
  ] as const)('%s spaces angles as its formula says', (projection, ratio) => {
    const lens = makeLens(1001, 1001, projection, 120, zenith);
    const radius = (altitude: number) => 500 - at(lens, altitude, 0)![1]!;
    expect(radius(30) / radius(60)).toBeCloseTo(ratio, 3);
  });

  it.each(projections)('%s: a pixel leads to a direction and back', (projection) => {
    const lens = makeLens(640, 480, projection, 100, { altitudeDegrees: 35, azimuthDegrees: 70, rollDegrees: 12 });
    const direction = new Float64Array(3);
    const back = new Float64Array(2);
    for (const [x, y] of [
      [0, 0],
      [319.5, 239.5],
      [500, 100],
      [639, 479],
    ] as const) {
      unproject(lens, x, y, direction);
      expect(Math.hypot(...direction)).toBeCloseTo(1, 12);
      project(lens, direction[0]!, direction[1]!, direction[2]!, back);
      expect(back[0]).toBeCloseTo(x, 6);
      expect(back[1]).toBeCloseTo(y, 6);
    }
  });

  it('a camera that looks north sees what is higher further up, east on the right', () => {
    const lens = makeLens(640, 480, 'rectilinear', 50, { altitudeDegrees: 35, azimuthDegrees: 0, rollDegrees: 0 });
    expect(at(lens, 35, 0)![0]).toBeCloseTo(319.5, 6);
    expect(at(lens, 45, 0)![1]).toBeLessThan(at(lens, 35, 0)![1]!);
    expect(at(lens, 35, 10)![0]).toBeGreaterThan(319.5);
    expect(at(lens, 0, 180)).toBeNull();
  });

  it('roll turns the sky counter-clockwise in the picture', () => {
    const lens = makeLens(640, 480, 'rectilinear', 50, { altitudeDegrees: 35, azimuthDegrees: 0, rollDegrees: 90 });
    const higher = at(lens, 45, 0)!;
    expect(higher[0]).toBeLessThan(310);
    expect(higher[1]).toBeCloseTo(239.5, 6);
  });

  it.each(projections)('%s: the pixels together see the solid angle of the circle they cover', (projection) => {
    const lens = makeLens(300, 300, projection, 100, zenith);
    const direction = new Float64Array(3);
    let total = 0;
    for (let y = 0; y < 300; y++)
      for (let x = 0; x < 300; x++) {
        const angle = unproject(lens, x, y, direction);
        if (angle <= (50 * Math.PI) / 180) total += pixelSolidAngle(lens, angle);
      }
    expect(total / (2 * Math.PI * (1 - Math.cos((50 * Math.PI) / 180)))).toBeCloseTo(1, 2);
  });

  it('refuses a field that a lens can not show', () => {
    expect(() => makeLens(640, 480, 'rectilinear', 180, zenith)).toThrow("A rectilinear lens can't show 180 degrees.");
    expect(() => makeLens(640, 480, 'equidistant', 0, zenith)).toThrow("can't show 0 degrees");
  });
});
