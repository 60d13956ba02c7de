/** The sky's own light on a coarse grid of the picture: electrons of a whole exposure in R, G, B, and what the clouds let through. */
import { addAurora, auroraAt } from './aurora.ts';
import {
  addSkyRadiance,
  cityColour,
  lightFromAbove,
  moonColour,
  moonlitCloud,
  type SkyLight,
  townGlow,
} from './brightness.ts';
import { cloudField } from './clouds.ts';
import type { Geometry } from './geometry.ts';
import { milkyWayRadiance } from './milky-way.ts';
import { channelResponse, electronsOfMagnitudeZero } from './photometry.ts';
import type { Scene } from './scene.ts';
import { airTable } from './stars.ts';

export interface Background {
  /** Per node of the geometry's grid. */
  colours: readonly [Float32Array, Float32Array, Float32Array];
  transmission: Float32Array;
  /** The same everywhere on the dark ground. */
  ground: readonly [number, number, number];
}

/** Share of the light from above that the ground gives back towards the camera. */
const groundReflection = 0.03;
/** Nodes so far below the horizon still need light for the interpolation at its edge, sine. */
const lowest = -0.06;

export function renderBackground(scene: Scene, geometry: Geometry, light: SkyLight): Background {
  const { conditions } = scene;
  const nodes = geometry.light.length;
  const colours = [new Float32Array(nodes), new Float32Array(nodes), new Float32Array(nodes)] as const;
  const transmission = new Float32Array(nodes).fill(1);
  const electrons = electronsOfMagnitudeZero(scene) * scene.exposureSeconds;
  const middle = scene.startMilliseconds + scene.exposureSeconds * 500;
  const clouds = cloudField(conditions, scene.seed, middle);
  const galaxy = conditions.milkyWay ? milkyWayRadiance(scene.site, middle) : null;
  const aurora = auroraAt(conditions.auroraLevel, scene.seed, middle);
  const above = new Float64Array(3);
  lightFromAbove(light, above);
  const air = airTable();
  const radiance = new Float64Array(3);
  let groundLight = 0;
  for (let node = 0; node < nodes; node++) {
    const up = geometry.directions[node * 3 + 2]!;
    if (geometry.light[node] === 0 || up < lowest) continue;
    const east = geometry.directions[node * 3]!;
    const north = geometry.directions[node * 3 + 1]!;
    addSkyRadiance(light, east, north, up, radiance);
    const through = Math.round(Math.max(0, up) * 1024) * 3;
    if (galaxy) {
      const glow = galaxy(east, north, up);
      for (let colour = 0; colour < 3; colour++)
        radiance[colour]! += glow * channelResponse[colour]! * air[through + colour]!;
    }
    if (aurora) addAurora(aurora, east, north, up, radiance);
    if (clouds && up > -0.02) {
      const depth = clouds(east, north, up);
      if (depth > 0) {
        const passed = Math.exp(-depth);
        transmission[node] = passed;
        const white = 1 - Math.exp(-depth * 0.6);
        const city = light.city * (4 + 3 * townGlow(light, east, north) * (1 - up)) + light.natural * 0.25;
        const moon = moonlitCloud(light, east, north, up);
        const shade = 1.1 - 0.65 * white;
        for (let colour = 0; colour < 3; colour++)
          radiance[colour] =
            radiance[colour]! * passed +
            white * shade * (city * cityColour[colour]! + moon * moonColour[colour]! + 1.1 * above[colour]!);
      }
    }
    const pixel = electrons * geometry.light[node]!;
    for (let colour = 0; colour < 3; colour++) colours[colour]![node] = radiance[colour]! * pixel;
    groundLight = Math.max(groundLight, pixel);
  }
  const ground = [0, 1, 2].map(
    (colour) =>
      groundReflection * groundLight * (above[colour]! + light.city * cityColour[colour]! * 1.5 + light.natural * 0.3),
  ) as unknown as [number, number, number];
  return { colours, transmission, ground };
}
