/** Draws the stars of the catalogue into the light of a frame, trailing as the Earth turns. */
import { colourIndexOf, loadCatalogue, magnitudeOf } from '../catalogue.ts';
import type { Matrix } from '../coordinates.ts';
import {
  apply,
  earthVelocity,
  equatorToHorizon,
  multiply,
  precessionNutation,
  siderealTime,
  transpose,
} from '../coordinates.ts';
import { type Lens, project, radiusOfAngle } from './lens.ts';
import { airmass, colourOfStar, electronsOfMagnitudeZero, extinction, vignetting } from './photometry.ts';
import { addPoint, type LightPlane, type PointSpread, reachOf } from './psf.ts';
import { refract } from './refract.ts';
import { type Scene, trailStep } from './scene.ts';
import { readNoise } from './sensor.ts';

/**
 * Stars whose whole image has fewer electrons than so many times the noise of a pixel under the darkest sky of the picture are
 * not drawn: the sharpest peaks at that noise itself, and at five times it only after some thirty frames are averaged.
 */
const faintestInNoise = 3;
const siderealRate = 7.2921159e-5;
const lowestSine = -0.012;

/** Light that the sky lets through towards a pixel, 0..1. */
export type Transmission = (x: number, y: number) => number;

/** @param skyElectrons Of the darkest sky in the picture, per pixel in the whole exposure. */
export function drawStars(
  scene: Scene,
  plane: LightPlane,
  spread: PointSpread,
  transmission: Transmission,
  skyElectrons: number,
): void {
  const catalogue = loadCatalogue();
  const { lens, exposureSeconds, startMilliseconds } = scene;
  const turns = horizonMatrices(scene);
  const middle = turns[turns.length >> 1]!;
  const aberration = earthVelocity(startMilliseconds + exposureSeconds * 500);
  const zero = electronsOfMagnitudeZero(scene) * exposureSeconds;
  const air = airTable();
  const colours = Array.from({ length: 256 }, (_, code) => colourOfStar(colourIndexOf(code)));
  const fluxes = Float64Array.from({ length: 256 }, (_, code) => zero * 10 ** (-0.4 * magnitudeOf(code)));
  const faintestElectrons = faintestInNoise * Math.sqrt(skyElectrons + readNoise(scene.sensor, scene.gain) ** 2);
  let faintestCode = 255;
  while (faintestCode > 0 && fluxes[faintestCode]! < faintestElectrons) faintestCode--;
  const reaches = Float64Array.from(fluxes, (flux) => reachOf(spread, flux / turns.length));
  const fieldRadius = Math.min(Math.PI, cornerAngle(lens, plane));
  const turned = turnedAngle(scene, turns);
  const place = new Float64Array(2);

  for (let cell = 0; cell < catalogue.cellRadii.length; cell++) {
    const reach = catalogue.cellRadii[cell]! + 0.02;
    const cx = catalogue.cellCentres[cell * 3]!;
    const cy = catalogue.cellCentres[cell * 3 + 1]!;
    const cz = catalogue.cellCentres[cell * 3 + 2]!;
    const up = middle[6]! * cx + middle[7]! * cy + middle[8]! * cz;
    if (up < -Math.sin(reach) + lowestSine) continue;
    const east = middle[0]! * cx + middle[1]! * cy + middle[2]! * cz;
    const north = middle[3]! * cx + middle[4]! * cy + middle[5]! * cz;
    const ahead = east * lens.forward[0] + north * lens.forward[1] + up * lens.forward[2];
    if (Math.acos(Math.max(-1, Math.min(1, ahead))) > fieldRadius + reach + turned) continue;
    // A camera that was slewed through half the sky sees each star for a moment only.
    const seenAt =
      turned > fieldRadius ? turns.filter((m) => looksAt(lens, m, cx, cy, cz, fieldRadius + reach)) : turns;
    const end = catalogue.first[cell + 1]!;
    for (let star = catalogue.first[cell]!; star < end; star++) {
      const code = catalogue.magnitudeCodes[star]!;
      if (code > faintestCode) break;
      const x = catalogue.directions[star * 3]! + aberration[0];
      const y = catalogue.directions[star * 3 + 1]! + aberration[1];
      const z = catalogue.directions[star * 3 + 2]! + aberration[2];
      const colour = colours[catalogue.colourCodes[star]!]!;
      for (const m of seenAt) {
        const sine = m[6]! * x + m[7]! * y + m[8]! * z;
        if (sine < lowestSine) continue;
        drawAt(
          m[0]! * x + m[1]! * y + m[2]! * z,
          m[3]! * x + m[4]! * y + m[5]! * z,
          sine,
          fluxes[code]!,
          reaches[code]!,
          colour,
        );
      }
    }
  }

  function drawAt(
    east: number,
    north: number,
    up: number,
    flux: number,
    reach: number,
    colour: readonly number[],
  ): void {
    const seen = refract(east, north, up);
    const angle = project(lens, seen[0]!, seen[1]!, seen[2]!, place);
    if (angle < 0) return;
    const [x, y] = [place[0]!, place[1]!];
    if (x < -reach || y < -reach || x > plane.width - 1 + reach || y > plane.height - 1 + reach) return;
    const share = (flux / turns.length) * transmission(x, y) * vignetting(lens.projection, angle);
    const through = Math.max(0, Math.min(airSteps, Math.round(seen[2]! * airSteps))) * 3;
    addPoint(
      plane,
      spread,
      reach,
      x,
      y,
      share * air[through]! * colour[0]!,
      share * air[through + 1]! * colour[1]!,
      share * air[through + 2]! * colour[2]!,
    );
  }
}

function looksAt({ forward }: Lens, m: Matrix, x: number, y: number, z: number, radius: number): boolean {
  const east = m[0]! * x + m[1]! * y + m[2]! * z;
  const north = m[3]! * x + m[4]! * y + m[5]! * z;
  const up = m[6]! * x + m[7]! * y + m[8]! * z;
  return east * forward[0] + north * forward[1] + up * forward[2] > Math.cos(radius);
}

/** ICRS to horizon at equal steps of the exposure, as many as the longest trail of the picture needs. */
function horizonMatrices({ lens, site, startMilliseconds, exposureSeconds, turns }: Scene): Matrix[] {
  const longest = exposureSeconds * siderealRate * lens.focalLength;
  const count = turns?.length ?? Math.max(1, Math.min(20_000, Math.ceil(longest / trailStep)));
  const middleMilliseconds = startMilliseconds + exposureSeconds * 500;
  const ofDate = precessionNutation(middleMilliseconds);
  const sidereal = siderealTime(middleMilliseconds);
  return Array.from({ length: count }, (_, index) => {
    const seconds = ((index + 0.5) / count - 0.5) * exposureSeconds;
    const still = multiply(equatorToHorizon(site, sidereal + seconds * siderealRate), ofDate);
    return turns ? multiply(turns[index]!, still) : still;
  });
}

/** How far the sky moves through the picture to either side of the middle of the exposure, radians. */
function turnedAngle({ lens, turns: given, exposureSeconds }: Scene, turns: readonly Matrix[]): number {
  if (!given) return (exposureSeconds * siderealRate) / 2;
  const ends = [0, turns.length >> 1, turns.length - 1].map((at) => apply(transpose(turns[at]!), lens.forward));
  const angle = (at: number) =>
    Math.acos(
      Math.min(
        1,
        [0, 1, 2].reduce((sum, axis) => sum + ends[at]![axis]! * ends[1]![axis]!, 0),
      ),
    );
  return Math.max(angle(0), angle(2));
}

const airSteps = 1024;
let air: Float32Array | null = null;

/** What the air lets through by the sine of the altitude, R G B interleaved. */
export function airTable(): Float32Array {
  if (air) return air;
  air = new Float32Array((airSteps + 1) * 3);
  for (let index = 0; index <= airSteps; index++) {
    const mass = airmass((Math.asin(index / airSteps) * 180) / Math.PI);
    for (let colour = 0; colour < 3; colour++) air[index * 3 + colour] = 10 ** (-0.4 * extinction[colour]! * mass);
  }
  return air;
}

/** From the axis to the farthest corner of the picture, within the lens, radians. */
function cornerAngle(lens: Lens, { width, height }: LightPlane): number {
  const corner = Math.hypot(
    Math.max(lens.centreX, width - lens.centreX),
    Math.max(lens.centreY, height - lens.centreY),
  );
  let [low, high] = [0, lens.maximumAngle];
  if (radiusOfAngle(lens.projection, high) * lens.focalLength < corner) return high;
  while (high - low > 1e-4) {
    const middle = (low + high) / 2;
    if (radiusOfAngle(lens.projection, middle) * lens.focalLength < corner) low = middle;
    else high = middle;
  }
  return high;
}
