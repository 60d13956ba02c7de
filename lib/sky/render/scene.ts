/** What the renderer is told: the place, the moment, the camera and the weather; plain data that crosses to a worker. */
import type { BayerPattern, FrameKind } from '../../frame/frame.ts';
import type { Matrix } from '../coordinates.ts';
import type { Lens } from './lens.ts';

/** A sensor as physics sees it. Electrons are per pixel. */
export interface SensorModel {
  width: number;
  height: number;
  pixelSizeMicrometres: number;
  bayer: BayerPattern | null;
  bitsPerSample: number;
  /** ADU of no light at offset 0. */
  blackLevel: number;
  fullWellElectrons: number;
  /** At gain 1, and what remains of it at the highest gain. */
  readNoiseElectrons: number;
  readNoiseFloorElectrons: number;
  /** Electrons a second at 20 °C, and by how many degrees it doubles. */
  darkElectronsPerSecond: number;
  darkDoublingCelsius: number;
  /** Hot pixels in a million. */
  hotPixelsPerMillion: number;
  /** Peak quantum efficiency of the green pixels (or of a mono one) with its filter and the lens. */
  quantumEfficiency: number;
}

export interface Conditions {
  /** Natural and artificial light together at the zenith of a moonless night, V magnitudes per square arc second. */
  zenithMagnitude: number;
  /** Diameter of a star's disc in the air, arc seconds. */
  seeingArcseconds: number;
  /** Diameter of an unfocused star, pixels; 0 in focus. */
  defocusPixels: number;
  /** Share of the sky under clouds, 0..1. */
  cloudCover: number;
  windMetresPerSecond: number;
  /** Where the wind comes from, degrees from north through east. */
  windAzimuthDegrees: number;
  /** 0 none, 1 a quiet arc, 2 rayed curtains, 3 a storm over the whole sky. */
  auroraLevel: number;
  meteorsPerHour: number;
  satellitesPerHour: number;
  aeroplanesPerHour: number;
  milkyWay: boolean;
  /** A silhouette of hills and trees along the horizon. */
  landscape: boolean;
}

export interface Scene {
  /** The same seed, time and settings give the same pixels. */
  seed: number;
  site: { latitude: number; longitude: number; elevation: number };
  /** UTC since 1970. */
  startMilliseconds: number;
  exposureSeconds: number;
  kind: FrameKind;
  sensor: SensorModel;
  lens: Lens;
  /**
   * For a camera on a mount, at equal steps of the exposure: takes a direction over the site (east, north, up, before refraction), as the
   * camera stood at that step, to where it falls for the camera of `lens`. Absent: the camera stands still.
   */
  turns?: readonly Matrix[];
  fNumber: number;
  /** Analogue gain, 1 or more. */
  gain: number;
  /** ADU on top of the sensor's black level. */
  offset: number;
  temperatureCelsius: number;
  conditions: Conditions;
}

/** A trail is drawn as points so far apart, pixels. */
export const trailStep = 0.6;

export type SkyEventKind = 'meteor' | 'satellite' | 'aeroplane';

/** The truth about something that moved through a frame. Coordinates are 0-based pixel centres from the top left. */
export interface SkyEvent {
  kind: SkyEventKind;
  /** The same number in each frame that it crosses. */
  id: number;
  /** Where it was first and last drawn in this frame. */
  fromX: number;
  fromY: number;
  toX: number;
  toY: number;
  /** UTC since 1970 of these two moments. */
  fromMilliseconds: number;
  toMilliseconds: number;
  /** V magnitude at its brightest in this frame. */
  magnitude: number;
}

export interface Rendering {
  /** u16, width × height. */
  data: SharedArrayBuffer;
  blackLevel: number;
  whiteLevel: number;
  events: SkyEvent[];
  /** Of the middle of the exposure, degrees, without refraction. */
  sunAltitudeDegrees: number;
  moonAltitudeDegrees: number;
  /** CPU of this rendering in the worker, milliseconds. */
  cpuMilliseconds: number;
}

/** Index of each pixel's colour (0 R, 1 G, 2 B) for the 2x2 mosaic, row-major; a mono sensor is all green. */
export function mosaicOf(bayer: BayerPattern | null): readonly [number, number, number, number] {
  if (bayer === null) return [1, 1, 1, 1];
  return [...bayer].map((letter) => 'RGB'.indexOf(letter)) as [number, number, number, number];
}
