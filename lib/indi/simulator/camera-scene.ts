/** What the simulated CCD looks at: the sky where the mount truly points while the shutter is open. */
import { isoTime } from '../../clock/clock.ts';
import type { FrameFields, FrameKind, Keyword } from '../../frame/frame.ts';
import { type Matrix, multiply, radians, transpose, type Vector } from '../../sky/coordinates.ts';
import { placeOfJ2000 } from '../../sky/coordinates-date.ts';
import { telescopeLens } from '../../sky/render/lens.ts';
import { refract } from '../../sky/render/refract.ts';
import { type Scene, type SensorModel, trailStep } from '../../sky/render/scene.ts';

import type { Window } from './exposure.job.ts';
import type { Observatory } from './observatory.ts';
import { filterNames } from './wheel.ts';

export interface Shot {
  startMilliseconds: number;
  exposureSeconds: number;
  kind: FrameKind;
  gain: number;
  offset: number;
}

/** Made to be like a good cooled CCD of its time; no real one. */
const ccd: Omit<SensorModel, 'width' | 'height' | 'pixelSizeMicrometres'> = {
  bayer: null,
  bitsPerSample: 16,
  blackLevel: 500,
  fullWellElectrons: 50_000,
  readNoiseElectrons: 5,
  readNoiseFloorElectrons: 2,
  darkElectronsPerSecond: 0.3,
  darkDoublingCelsius: 6.3,
  hotPixelsPerMillion: 40,
  quantumEfficiency: 0.7,
};

/** What the filters let through of white light, in the order of the wheel. */
const filterShares = [0.8, 0.8, 0.8, 0.1, 0.1, 0.1, 0.9, 1];
/** Looks at the mount's path to see how far the picture moves. */
const pathSamples = 33;
/** A longer path is a slew in the middle of the exposure: its streaks may be dotted. */
const mostTurns = 4000;

/** @param only Rendered is no more than this window of the sensor: quicker, for streams; its hot pixels are others. */
export function sceneOf(observatory: Observatory, shot: Shot, only: Window | null): Scene {
  const { camera, optics, site, seed, conditions, focuser, sensorCelsius, filterSlot } = observatory;
  const { width, height, pixelSizeMicrometres } = camera;
  const { startMilliseconds, exposureSeconds, gain } = shot;
  const focalLengthPixels = (optics.focalLengthMillimetres * 1000) / pixelSizeMicrometres;
  const size = only ?? { x: 0, y: 0, width, height };
  const middle = axesAt(observatory, startMilliseconds + exposureSeconds * 500);
  const lens = telescopeLens(width, height, focalLengthPixels, refracted(middle));
  return {
    seed,
    site: { latitude: site.latitude, longitude: site.longitude, elevation: site.elevation },
    startMilliseconds,
    exposureSeconds,
    kind: shot.kind,
    sensor: {
      ...ccd,
      width: size.width,
      height: size.height,
      pixelSizeMicrometres,
      quantumEfficiency: ccd.quantumEfficiency * (filterShares[filterSlot - 1] ?? 1),
    },
    lens: { ...lens, centreX: lens.centreX - size.x, centreY: lens.centreY - size.y },
    turns: turnsOf(observatory, shot, middle, focalLengthPixels),
    fNumber: optics.focalLengthMillimetres / optics.apertureMillimetres,
    // Tenths of a decibel, as the makers of astronomical cameras count.
    gain: Math.max(1, 10 ** (gain / 200)),
    offset: shot.offset,
    temperatureCelsius: sensorCelsius,
    conditions: { ...conditions, defocusPixels: focuser.defocusPixels },
  };
}

/** What the header of a frame tells: the coordinates that the mount reports, and the truth as SIMRA and SIMDEC. */
export function fieldsOf(observatory: Observatory, shot: Shot, camera: string, object: string): Partial<FrameFields> {
  const { startMilliseconds, exposureSeconds, kind, gain, offset } = shot;
  const { optics, mount, site, focuser, filterSlot, reported } = observatory;
  const middleMilliseconds = startMilliseconds + exposureSeconds * 500;
  const truth = mount.truthAt(middleMilliseconds);
  const target = reported
    ? {
        name: object,
        ...placeOfJ2000({ raNowDegrees: reported.RA * 15, decNowDegrees: reported.DEC }, middleMilliseconds),
      }
    : null;
  const keywords: Keyword[] = [
    { name: 'FOCALLEN', value: optics.focalLengthMillimetres, comment: '[mm] Focal length' },
    { name: 'APTDIA', value: optics.apertureMillimetres, comment: '[mm] Aperture' },
    { name: 'PIERSIDE', value: mount.pierSide.toUpperCase(), comment: 'Side of the pier' },
    { name: 'FOCUSPOS', value: focuser.position, comment: 'Focuser position' },
    { name: 'FILTER', value: filterNames[filterSlot - 1] ?? null, comment: 'Filter' },
    { name: 'SIMRA', value: Number(truth.raDegrees.toFixed(6)), comment: '[deg] J2000, where it truly looked' },
    { name: 'SIMDEC', value: Number(truth.decDegrees.toFixed(6)), comment: '[deg] J2000, where it truly looked' },
  ];
  return {
    kind,
    start: isoTime(startMilliseconds),
    middle: isoTime(middleMilliseconds),
    end: isoTime(startMilliseconds + exposureSeconds * 1000),
    timeSource: 'simulator',
    exposureSeconds,
    gain,
    offset,
    temperatureCelsius: observatory.sensorCelsius,
    camera,
    site,
    target,
    keywords,
  };
}

interface Axes {
  right: Vector;
  up: Vector;
  forward: Vector;
}

/** The tube's axes with the camera turned in its focuser. */
function axesAt({ mount, camera }: Observatory, milliseconds: number): Axes {
  const { forward, up, right } = mount.tubeAt(milliseconds);
  const [sin, cos] = [Math.sin(camera.rotationDegrees * radians), Math.cos(camera.rotationDegrees * radians)];
  const mix = (a: Vector, ka: number, b: Vector, kb: number): Vector => [
    a[0] * ka + b[0] * kb,
    a[1] * ka + b[1] * kb,
    a[2] * ka + b[2] * kb,
  ];
  // Looking outwards, counter-clockwise from up leads to the left.
  return { forward, up: mix(up, cos, right, -sin), right: mix(right, cos, up, sin) };
}

/** The refracted axes: what is seen in the middle of the picture is the star that the tube's true direction leads to. */
function refracted({ forward, up }: Axes): Axes {
  const lift = (v: Vector): Vector => {
    const seen = refract(v[0], v[1], v[2]);
    return unit([seen[0]!, seen[1]!, seen[2]!]);
  };
  const ahead = lift(forward);
  const step = 1e-3;
  const above = lift(unit([forward[0] + up[0] * step, forward[1] + up[1] * step, forward[2] + up[2] * step]));
  const along = above[0] * ahead[0] + above[1] * ahead[1] + above[2] * ahead[2];
  const straight = unit([above[0] - along * ahead[0], above[1] - along * ahead[1], above[2] - along * ahead[2]]);
  return { forward: ahead, up: straight, right: cross(ahead, straight) };
}

/** As many steps as the path of the picture over the sensor needs. */
function turnsOf(observatory: Observatory, shot: Shot, middle: Axes, focalLengthPixels: number): Matrix[] {
  const { startMilliseconds, exposureSeconds } = shot;
  const still = matrixOf(middle);
  const turnAt = (part: number) =>
    multiply(transpose(still), matrixOf(axesAt(observatory, startMilliseconds + part * exposureSeconds * 1000)));
  let pixels = 0;
  let before: Vector | null = null;
  for (let sample = 0; sample < pathSamples; sample++) {
    // On the sky: how the forward axis moves among the stars, the Earth's turn taken into account by the hour angle.
    const part = sample / (pathSamples - 1);
    const place = starward(observatory, startMilliseconds + part * exposureSeconds * 1000);
    if (before) pixels += Math.hypot(...[0, 1, 2].map((axis) => place[axis]! - before![axis]!)) * focalLengthPixels;
    before = place;
  }
  const count = Math.max(1, Math.min(mostTurns, Math.ceil(pixels / trailStep)));
  return Array.from({ length: count }, (_, index) => turnAt((index + 0.5) / count));
}

/** Where the tube looks among the stars. */
function starward({ mount }: Observatory, milliseconds: number): Vector {
  const { raNowDegrees, decNowDegrees } = mount.truthAt(milliseconds);
  const [ra, dec] = [raNowDegrees * radians, decNowDegrees * radians];
  return [Math.cos(dec) * Math.cos(ra), Math.cos(dec) * Math.sin(ra), Math.sin(dec)];
}

const matrixOf = ({ right, up, forward }: Axes): Matrix => Float64Array.of(...right, ...up, ...forward);

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}
