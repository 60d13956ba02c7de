/** How bright the cloudless sky is in a direction: night glow, city light, Moon, twilight and day, in red, green and blue. */
import type { Bodies } from './bodies.ts';
import { channelResponse, radianceOf } from './photometry.ts';

/** Of a moonless sky far from any town, V magnitudes per square arc second at the zenith (Patat 2003). */
const naturalZenithMagnitude = 21.9;

/** Colours beside sunlight (red, green, blue). */
const airglow = [0.92, 1, 1.08] as const;
const cityLight = [1.3, 1, 0.66] as const;
const moonlight = [0.86, 1, 1.3] as const;
const skyBlue = [0.72, 1, 1.75] as const;
const sunsetGlow = [2.3, 1.05, 0.3] as const;

/**
 * V magnitudes per square arc second of the twilight at the zenith by the Sun's depression, the dark sky's own light taken off. 5° to
 * 15° after Patat, Ugolnikov & Postylyakov 2006 (A&A 455, 385); daylight after the CIE's clear sky.
 */
const twilightZenith: readonly (readonly [number, number])[] = [
  [-90, 2.9],
  [-30, 3.2],
  [-10, 3.9],
  [-4, 4.6],
  [0, 6.1],
  [3, 8.7],
  [5, 11.8],
  [6, 13.3],
  [7, 14.7],
  [8, 16],
  [9, 17.1],
  [10, 18.1],
  [12, 19.9],
  [15, 22.3],
  [18, 24.8],
  [25, 31],
  [90, 90],
];

/** Azimuths, radians, and weights: one town in the south-west, villages elsewhere. */
const towns = [
  [3.75, 1],
  [1.66, 0.45],
  [5.76, 0.25],
] as const;

export interface SkyLight {
  bodies: Bodies;
  /** Light from the ground's lamps at the zenith, V = 0 stars per square radian. */
  city: number;
  natural: number;
  /** Moonlight outside the air as Krisciunas & Schaefer's I*, times what the air lets through; 0 when it is down. */
  moon: number;
  /** Directions of the towns and how much each gives. */
  towns: readonly { east: number; north: number; weight: number }[];
}

export function skyLight(bodies: Bodies, zenithMagnitude: number): SkyLight {
  const natural = radianceOf(naturalZenithMagnitude);
  const moonHeight = bodies.moon.direction[2];
  const phase = bodies.moon.phaseDegrees;
  const intensity = 10 ** (-0.4 * (3.84 + 0.026 * phase + 4e-9 * phase ** 4));
  // The Moon's light fades over the degree around its setting.
  const risen = Math.max(0, Math.min(1, (bodies.moon.altitudeDegrees + 0.8) / 1.2));
  return {
    bodies,
    natural,
    city: Math.max(0, radianceOf(Math.min(zenithMagnitude, naturalZenithMagnitude)) - natural),
    moon: risen * intensity * 10 ** (-0.4 * 0.172 * scatteringMass(moonHeight)),
    towns: towns.map(([azimuth, weight]) => ({ east: Math.sin(azimuth), north: Math.cos(azimuth), weight })),
  };
}

/** Adds what the sky shines towards a direction, in V = 0 stars per square radian, to `out` (R, G, B). */
export function addSkyRadiance(light: SkyLight, east: number, north: number, up: number, out: Float64Array): void {
  const height = Math.max(0.01, up);
  out[0] = 0;
  out[1] = 0;
  out[2] = 0;
  addNight(light, east, north, height, out);
  if (light.moon > 0) addMoonlight(light, east, north, up, height, out);
  addTwilight(light, east, north, height, out);
  for (let colour = 0; colour < 3; colour++) out[colour]! *= channelResponse[colour]!;
}

/** Mean light on clouds and ground from above: the twilight's and the Moon's, without the towns. */
export function lightFromAbove(light: SkyLight, out: Float64Array): void {
  const without = { ...light, city: 0 };
  const sum = [0, 0, 0];
  const directions = [
    [0, 0, 1],
    [0.7, 0, 0.7],
    [-0.7, 0, 0.7],
    [0, 0.7, 0.7],
    [0, -0.7, 0.7],
  ] as const;
  for (const [east, north, up] of directions) {
    addSkyRadiance(without, east, north, up, out);
    for (let colour = 0; colour < 3; colour++) sum[colour]! += out[colour]! / directions.length;
  }
  out.set(sum);
}

/** Moonlight that clouds scatter towards the camera from a direction, in green: strong around the Moon, some everywhere. */
export function moonlitCloud(light: SkyLight, east: number, north: number, up: number): number {
  const { direction, magnitude } = light.bodies.moon;
  if (light.moon === 0) return 0;
  const cos = Math.max(-1, Math.min(1, east * direction[0] + north * direction[1] + up * direction[2]));
  const forward = 0.72;
  // Henyey & Greenstein's phase function beside what comes out evenly after many scatterings.
  const phase = (1 - forward ** 2) / (1 + forward ** 2 - 2 * forward * cos) ** 1.5;
  const flux = 10 ** (-0.4 * (magnitude + 0.172 * scatteringMass(direction[2])));
  return (flux * (0.35 * Math.max(0.05, direction[2]) + 0.12 * phase)) / (4 * Math.PI);
}

export const moonColour = moonlight.map((share, colour) => (0.5 + 0.5 * share) * channelResponse[colour]!);

/** Colour of the towns' light through the filters. */
export const cityColour = cityLight.map((share, colour) => share * channelResponse[colour]!);

/** How the towns' glow varies along the horizon, about 1. */
export function townGlow(light: SkyLight, east: number, north: number): number {
  const flat = Math.sqrt(east * east + north * north) || 1;
  let glow = 0.25;
  for (const town of light.towns)
    glow += town.weight * Math.exp(2.2 * ((east * town.east + north * town.north) / flat - 1));
  return glow;
}

function addNight(light: SkyLight, east: number, north: number, height: number, out: Float64Array): void {
  // The layer that glows is thicker towards the horizon (van Rhijn), the air in front of it takes some back.
  const mass = scatteringMass(height);
  const glow = light.natural * mass * 10 ** (-0.4 * 0.16 * (mass - 1));
  const low = (1 - height) ** 3;
  const glare = light.city > 0 ? townGlow(light, east, north) : 0;
  const city = light.city * (1 + 3 * low * glare + 9 * low ** 5 * glare * glare);
  for (let colour = 0; colour < 3; colour++) out[colour]! += glow * airglow[colour]! + city * cityLight[colour]!;
}

/** Krisciunas & Schaefer 1991 (PASP 103, 1033), equations 15, 20 and 21. */
function addMoonlight(
  light: SkyLight,
  east: number,
  north: number,
  up: number,
  height: number,
  out: Float64Array,
): void {
  const [mx, my, mz] = light.bodies.moon.direction;
  const cos = Math.max(-1, Math.min(1, east * mx + north * my + up * mz));
  // Nearer than a few degrees the lens' own scatter takes over.
  const rho = Math.max(3, (Math.acos(cos) * 180) / Math.PI);
  const scattering = 10 ** 5.36 * (1.06 + cos * cos) + 10 ** (6.15 - rho / 40) + (6.2e7 / (rho * rho)) * 0.25;
  const nanolamberts = scattering * light.moon * (1 - 10 ** (-0.4 * 0.172 * scatteringMass(height)));
  const radiance = radianceOf(22.5) * (nanolamberts / 34.08);
  for (let colour = 0; colour < 3; colour++) out[colour]! += radiance * moonlight[colour]!;
}

function addTwilight(light: SkyLight, east: number, north: number, height: number, out: Float64Array): void {
  const sun = light.bodies.sun;
  const depression = -sun.altitudeDegrees;
  if (depression > 20) return;
  const flat = Math.hypot(sun.direction[0], sun.direction[1]) || 1;
  const across = Math.hypot(east, north) || 1;
  const cosAzimuth = (east * sun.direction[0] + north * sun.direction[1]) / (flat * across);
  const low = 1 - height;
  // Towards the Sun the lit air lies lower and nearer: as if the Sun were higher by up to some degrees.
  const night = Math.max(0, Math.min(1, (depression + 4) / 8));
  const shifted = depression - night * low ** 1.4 * (2.7 * ((1 + cosAzimuth) / 2) ** 1.6 - 0.45);
  const radiance = radianceOf(interpolate(twilightZenith, shifted));
  const mass = Math.min(12, 1 / (height + 0.05));
  const thick = (1 - Math.exp(-0.35 * mass)) / (1 - Math.exp(-0.35 / 1.05));
  const ember = Math.max(0, Math.min(1, (depression + 3) / 5)) * Math.exp(-height / 0.13) * ((1 + cosAzimuth) / 2) ** 2;
  const pale = 0.55 * low ** 2 * (1 - ember);
  for (let colour = 0; colour < 3; colour++) {
    const blue = skyBlue[colour]! * (1 - pale) + pale;
    const tint = blue * (1 - ember) + sunsetGlow[colour]! * ember * 1.6;
    out[colour]! += radiance * tint * (1 + (thick - 1) * 0.5);
  }
  if (sun.altitudeDegrees > -1) {
    const cos = Math.min(1, east * sun.direction[0] + north * sun.direction[1] + height * sun.direction[2]);
    const aureole = radianceOf(1.5) * Math.exp(-Math.acos(cos) / 0.12);
    for (let colour = 0; colour < 3; colour++) out[colour]! += aureole;
  }
}

/** Air masses for scattered light by the sine of the altitude (Krisciunas & Schaefer, equation 3): 5 at the horizon. */
const scatteringMass = (sine: number): number => 1 / Math.sqrt(1 - 0.96 * (1 - sine * sine));

function interpolate(table: readonly (readonly [number, number])[], x: number): number {
  let index = 1;
  while (index < table.length - 1 && table[index]![0] < x) index++;
  const [x0, y0] = table[index - 1]!;
  const [x1, y1] = table[index]!;
  return y0 + ((y1 - y0) * (x - x0)) / (x1 - x0);
}
