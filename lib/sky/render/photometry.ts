/** Magnitudes to electrons: what a star or a patch of sky leaves in the red, green and blue pixels. */
import { radians } from '../coordinates.ts';
import type { Scene } from './scene.ts';

/**
 * Photons of a star of V = 0 above the air, per second and square centimetre through a band as wide as V (880 Å x
 * 1000 photons/s/cm²/Å; Bessell 1979).
 */
const photonsOfMagnitudeZero = 8.8e5;

/** What a Sun-coloured light leaves in red and blue pixels beside green; its inverse is the white balance. */
export const channelResponse = [0.58, 1, 0.66] as const;
export const simulatedWhiteBalance: readonly [number, number, number] = [
  1 / channelResponse[0],
  1,
  1 / channelResponse[2],
];

/** Colour index of the Sun, which is white here. */
const solarColourIndex = 0.65;

/** Magnitudes that one air mass takes from red, green and blue. */
export const extinction = [0.11, 0.17, 0.29] as const;

/** Relative light of a star of this B−V in red, green, blue (V−R ≈ 0.55 (B−V)), filters included. */
export function colourOfStar(colourIndex: number): [number, number, number] {
  const off = Math.min(2.2, colourIndex) - solarColourIndex;
  return [
    channelResponse[0] * 10 ** (0.4 * 0.55 * off),
    channelResponse[1],
    channelResponse[2] * 10 ** (-0.4 * 0.9 * off),
  ];
}

/** Electrons a second that a star of V = 0 above the air gives to the whole of its image, all pixels green. */
export function electronsOfMagnitudeZero(scene: Scene): number {
  return photonsOfMagnitudeZero * scene.sensor.quantumEfficiency * apertureSquareCentimetres(scene);
}

function apertureSquareCentimetres({ lens, sensor, fNumber }: Scene): number {
  const diameter = (lens.focalLength * sensor.pixelSizeMicrometres * 1e-4) / fNumber;
  return (Math.PI / 4) * diameter * diameter;
}

/** Square arc seconds in a square radian. */
export const squareArcseconds = (3600 / radians) ** 2;

/** Surface brightness (V magnitudes per square arc second) to the light of stars of V = 0 in a square radian. */
export const radianceOf = (magnitudePerSquareArcsecond: number): number =>
  squareArcseconds * 10 ** (-0.4 * magnitudePerSquareArcsecond);

/** Air masses towards an altitude (Kasten & Young 1989); 38 at the horizon. */
export function airmass(altitudeDegrees: number): number {
  const h = Math.max(0, altitudeDegrees);
  return 1 / (Math.sin(h * radians) + 0.50572 * (h + 6.07995) ** -1.6364);
}

/** How far light falls off from the middle of the picture: natural vignetting of a fisheye, gentle; cos⁴ for rectilinear. */
export function vignetting(projection: string, angle: number): number {
  if (projection === 'rectilinear') return Math.cos(angle) ** 4 * 0.5 + 0.5 * Math.cos(angle);
  const falling = 1 - 0.3 * (angle / (Math.PI / 2)) ** 2;
  return Math.max(0, falling);
}
