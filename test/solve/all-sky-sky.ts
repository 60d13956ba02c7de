/** Fisheye pictures of the simulator's night, with where each pixel truly looks beside them. */
import { Frame } from '../../lib/frame/frame.ts';
import { type Horizontal, horizontalOf, radians, vectorOf } from '../../lib/sky/coordinates.ts';
import { type Lens, unproject } from '../../lib/sky/render/lens.ts';
import { renderScene } from '../../lib/sky/render/render.job.ts';
import type { Scene } from '../../lib/sky/render/scene.ts';

export const [width, height] = [900, 900];
export const site = { latitude: 69.65, longitude: 18.96, elevation: 100 };
export const night = Date.UTC(2024, 2, 14, 21);
export const exposureSeconds = 8;
/** Of a pixel in the middle, a fisheye of 180 degrees. */
export const pixelDegrees = 0.2;

/** A still night, clear if nothing else is said. */
export function picture(lens: Lens, startMilliseconds: number, conditions: Partial<Scene['conditions']> = {}): Frame {
  const scene: Scene = {
    ...{ seed: 4, site, startMilliseconds, exposureSeconds, kind: 'light', lens, fNumber: 1.8, gain: 4, offset: 0 },
    temperatureCelsius: -5,
    sensor: {
      ...{ width, height, pixelSizeMicrometres: 6, bayer: null, bitsPerSample: 16, blackLevel: 500 },
      ...{ fullWellElectrons: 60_000, readNoiseElectrons: 4, readNoiseFloorElectrons: 2 },
      ...{ darkElectronsPerSecond: 0.1, darkDoublingCelsius: 6, hotPixelsPerMillion: 20, quantumEfficiency: 0.6 },
    },
    conditions: {
      ...{ zenithMagnitude: 21.5, seeingArcseconds: 3, defocusPixels: 0, cloudCover: 0 },
      ...{ windMetresPerSecond: 0, windAzimuthDegrees: 0, auroraLevel: 0, meteorsPerHour: 0, satellitesPerHour: 0 },
      ...{ aeroplanesPerHour: 0, milkyWay: false, landscape: false },
      ...conditions,
    },
  };
  const { data, blackLevel, whiteLevel } = renderScene(scene);
  const middle = new Date(startMilliseconds + exposureSeconds * 500).toISOString();
  return new Frame({ data, width, height, pixelType: 'u16', blackLevel, whiteLevel, middle, camera: 'Roof' });
}

export const middleOf = (startMilliseconds: number): number => startMilliseconds + exposureSeconds * 500;

/** Altitude and azimuth that the renderer gives a pixel. */
export function truthAt(lens: Lens, x: number, y: number): Horizontal {
  const out = new Float64Array(3);
  unproject(lens, x, y, out);
  return horizontalOf([out[0]!, out[1]!, out[2]!]);
}

/** Degrees between two places over the site. */
export function apart(one: Horizontal, other: Horizontal): number {
  const [a, b] = [one, other].map(({ azimuthDegrees, altitudeDegrees }) => vectorOf(azimuthDegrees, altitudeDegrees));
  const dot = a![0] * b![0] + a![1] * b![1] + a![2] * b![2];
  return Math.acos(Math.min(1, dot)) / radians;
}
