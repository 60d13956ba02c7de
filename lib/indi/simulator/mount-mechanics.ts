/**
 * The axes of the simulated mount: where they are told to be at any moment of the past and near future, and where the telescope truly
 * looks with its index errors, the worm's periodic error and a polar axis that misses the pole.
 */
import type { Clock } from '../../clock/clock.ts';
import {
  anglesOf,
  apply,
  equatorToHorizon,
  type Matrix,
  multiply,
  radians,
  rotation,
  siderealTime,
  transpose,
  type Vector,
} from '../../sky/coordinates.ts';
import { type EquatorialPlace, placeOfJ2000 } from '../../sky/coordinates-date.ts';

export interface PointingErrors {
  /** True minus reported. */
  raArcminutes: number;
  decArcminutes: number;
  /** Half the swing of the worm's error, and its turn. */
  periodicArcseconds: number;
  periodicSeconds: number;
  /** Of the polar axis: above the pole, and east of it. */
  polarAltitudeArcminutes: number;
  polarAzimuthArcminutes: number;
}

export const perfectPointing: Readonly<PointingErrors> = {
  raArcminutes: 0,
  decArcminutes: 0,
  periodicArcseconds: 0,
  periodicSeconds: 480,
  polarAltitudeArcminutes: 0,
  polarAzimuthArcminutes: 0,
};

/** Degrees; the hour angle grows westwards. */
export interface Axes {
  hourAngleDegrees: number;
  decDegrees: number;
}

interface Segment extends Axes {
  fromMilliseconds: number;
  /** Degrees a second. */
  hourAngleRate: number;
  decRate: number;
}

/** Degrees a second that the sky turns. */
export const siderealDegreesPerSecond = 15.0410671786702 / 3600;
const keptMilliseconds = 7_200_000;

export class MountMechanics {
  readonly errors: PointingErrors;
  readonly site: { latitude: number; longitude: number };
  /** Which side the telescope hangs on: 'east' looks west. A flipped tube turns the picture by 180°. */
  pierSide: 'east' | 'west' = 'west';
  private readonly clock: Clock;
  private segments: Segment[];

  constructor(clock: Clock, site: { latitude: number; longitude: number }, errors: PointingErrors) {
    this.clock = clock;
    this.site = site;
    this.errors = errors;
    const rest = { hourAngleDegrees: -90, decDegrees: site.latitude < 0 ? -90 : 90, hourAngleRate: 0, decRate: 0 };
    this.segments = [{ ...rest, fromMilliseconds: clock.now() }];
  }

  /** Where the encoders are. */
  axesAt(milliseconds: number): Axes {
    const { segments } = this;
    let found = segments[0]!;
    for (const each of segments) if (each.fromMilliseconds <= milliseconds) found = each;
    const seconds = Math.max(0, milliseconds - found.fromMilliseconds) / 1000;
    const hourAngleDegrees = found.hourAngleDegrees + found.hourAngleRate * seconds;
    return { hourAngleDegrees, decDegrees: clampDec(found.decDegrees + found.decRate * seconds) };
  }

  /** From now on the axes turn so fast, degrees a second. */
  run(hourAngleRate: number, decRate: number): void {
    this.moveFrom(this.clock.now(), this.axesAt(this.clock.now()), hourAngleRate, decRate);
  }

  /** The same from a moment and a place: where a slew has ended to the millisecond, though nobody looked. */
  moveFrom(fromMilliseconds: number, axes: Axes, hourAngleRate: number, decRate: number): void {
    const oldest = fromMilliseconds - keptMilliseconds;
    const later = this.segments.findIndex((each) => each.fromMilliseconds > oldest);
    if (later > 1) this.segments.splice(0, later - 1);
    this.segments = this.segments.filter((each) => each.fromMilliseconds <= fromMilliseconds);
    this.segments.push({ ...axes, fromMilliseconds, hourAngleRate, decRate });
  }

  /** Hour angle of apparent right ascension 0, degrees. */
  siderealDegrees(milliseconds: number): number {
    return siderealTime(milliseconds) / radians + this.site.longitude;
  }

  /**
   * Unit vectors of the tube: where it looks, up (north) and right in the sensor; east, north and up of the site, without refraction.
   */
  tubeAt(milliseconds: number): { forward: Vector; up: Vector; right: Vector } {
    const { raArcminutes, decArcminutes, periodicArcseconds, periodicSeconds } = this.errors;
    const { hourAngleDegrees, decDegrees } = this.axesAt(milliseconds);
    const turn = (hourAngleDegrees / siderealDegreesPerSecond / periodicSeconds) * 2 * Math.PI;
    const h = (hourAngleDegrees - raArcminutes / 60 + (periodicArcseconds / 3600) * Math.sin(turn)) * radians;
    const d = (decDegrees + decArcminutes / 60) * radians;
    const [sinH, cosH, sinD, cosD] = [Math.sin(h), Math.cos(h), Math.sin(d), Math.cos(d)];
    const toHorizon = this.polarAxis();
    // On the axes of the mount: x to the meridian, y to the east, z to the pole.
    const forward = apply(toHorizon, [cosD * cosH, -cosD * sinH, sinD]);
    const north = apply(toHorizon, [-sinD * cosH, sinD * sinH, cosD]);
    const side = this.pierSide === 'east' ? -1 : 1;
    const up: Vector = [north[0] * side, north[1] * side, north[2] * side];
    return { forward, up, right: cross(forward, up) };
  }

  /** Where the telescope truly looks, of date and J2000. */
  truthAt(milliseconds: number): { raNowDegrees: number; decNowDegrees: number } & EquatorialPlace {
    const horizon = equatorToHorizon(this.site, siderealTime(milliseconds));
    const { longitudeDegrees, latitudeDegrees } = anglesOf(
      apply(transpose(horizon), this.tubeAt(milliseconds).forward),
    );
    const now = { raNowDegrees: longitudeDegrees, decNowDegrees: latitudeDegrees };
    return { ...now, ...placeOfJ2000(now, milliseconds) };
  }

  /** From the mount's axes (meridian, east, pole) to the site's east, north, up. */
  private polarAxis(): Matrix {
    const { polarAltitudeArcminutes, polarAzimuthArcminutes } = this.errors;
    const tilted = { latitude: this.site.latitude + polarAltitudeArcminutes / 60, longitude: 0 };
    return multiply(rotation(3, (polarAzimuthArcminutes / 60) * radians), equatorToHorizon(tilted, 0));
  }
}

const clampDec = (degrees: number): number => Math.max(-90, Math.min(90, degrees));

const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];
