/** Draws the Moon with its phase, the Sun and the planets. */
import { radians, type Vector } from '../coordinates.ts';
import type { Bodies, SkyBody } from './bodies.ts';
import { project } from './lens.ts';
import { colourOfStar, electronsOfMagnitudeZero } from './photometry.ts';
import { addPoint, type LightPlane, type PointSpread, reachOf } from './psf.ts';
import type { Scene } from './scene.ts';
import { airTable, type Transmission } from './stars.ts';

/** The brighter bodies saturate every sensor: beyond this the light only widens the halo. */
const brightestMagnitude = -14;
const sunRadius = 0.2666 * radians;

export function drawDiscs(
  scene: Scene,
  bodies: Bodies,
  plane: LightPlane,
  spread: PointSpread,
  transmission: Transmission,
): void {
  const zero = electronsOfMagnitudeZero(scene) * scene.exposureSeconds;
  const air = airTable();
  const place = new Float64Array(2);

  const drawBody = (body: SkyBody, radius: number, lit: (a: number, b: number) => number) => {
    const [east, north, up] = body.direction;
    if (body.altitudeDegrees < -1.5 || project(scene.lens, east, north, up, place) < 0) return;
    const [x, y] = [place[0]!, place[1]!];
    const through = Math.round(Math.max(0, up) * 1024) * 3;
    const flux =
      zero * 10 ** (-0.4 * Math.max(brightestMagnitude, body.magnitude)) * transmission(clampX(x), clampY(y));
    const colour = colourOfStar(body.colourIndex).map((share, index) => share * flux * air[through + index]!);
    const pixels = radius * scene.lens.focalLength;
    const steps = pixels < 0.4 ? 0 : Math.min(40, Math.ceil(pixels * 1.2));
    const dots: [number, number, number][] = [];
    for (let i = -steps; i <= steps; i++)
      for (let j = -steps; j <= steps; j++) {
        const [a, b] = steps === 0 ? [0, 0] : [i / steps, j / steps];
        const light = a * a + b * b <= 1 ? lit(a, b) : 0;
        if (light > 0) dots.push([a * pixels, b * pixels, light]);
      }
    const total = dots.reduce((sum, [, , light]) => sum + light, 0);
    for (const [dx, dy, light] of dots) {
      const share = light / total;
      const reach = reachOf(spread, share * flux);
      addPoint(plane, spread, reach, x + dx, y + dy, share * colour[0]!, share * colour[1]!, share * colour[2]!);
    }
  };
  const clampX = (x: number) => Math.max(0, Math.min(plane.width - 1, x));
  const clampY = (y: number) => Math.max(0, Math.min(plane.height - 1, y));

  for (const planet of bodies.planets) drawBody(planet, 0, () => 1);
  drawBody(bodies.sun, sunRadius, () => 1);
  drawBody(bodies.moon, bodies.moon.angularRadius, moonPhase(scene, bodies));
}

/** Whether a point of the Moon's disc (right, down in the picture; radius 1) is in sunlight. */
function moonPhase({ lens }: Scene, { moon, sun }: Bodies): (a: number, b: number) => number {
  const here = new Float64Array(2);
  const there = new Float64Array(2);
  const towards = tangentTowards(moon.direction, sun.direction);
  const [east, north, up] = moon.direction;
  const step = 1e-3;
  project(lens, east, north, up, here);
  project(lens, east + step * towards[0], north + step * towards[1], up + step * towards[2], there);
  const length = Math.hypot(there[0]! - here[0]!, there[1]! - here[1]!) || 1;
  const [limbX, limbY] = [(there[0]! - here[0]!) / length, (there[1]! - here[1]!) / length];
  const phase = moon.phaseDegrees * radians;
  return (a, b) => {
    const along = a * limbX + b * limbY;
    const depth = Math.sqrt(Math.max(0, 1 - a * a - b * b));
    // The Sun stands `phase` away from the Earth as seen from the Moon.
    const sunlight = along * Math.sin(phase) + depth * Math.cos(phase);
    const mare = 0.8 + 0.2 * Math.cos(5 * a + 1) * Math.cos(4 * b - 0.6);
    return sunlight > 0 ? (0.35 + 0.65 * sunlight) * mare : 0.0006;
  };
}

/** Unit vector at `from` along the great circle to `to`. */
function tangentTowards(from: Vector, to: Vector): Vector {
  const cos = from[0] * to[0] + from[1] * to[1] + from[2] * to[2];
  const off = [0, 1, 2].map((axis) => to[axis]! - cos * from[axis]!) as unknown as Vector;
  const length = Math.hypot(...off) || 1;
  return [off[0] / length, off[1] / length, off[2] / length];
}
