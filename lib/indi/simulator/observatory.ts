/** What truly stands in the simulated dome. It outlives the drivers: a driver that crashes does not move a telescope. */
import type { Clock } from '../../clock/clock.ts';
import type { FrameSite } from '../../frame/frame.ts';
import { NightflowError } from '../../process/errors.ts';
import type { Conditions } from '../../sky/render/scene.ts';
import { MountMechanics, type PointingErrors, perfectPointing } from './mount-mechanics.ts';

export interface TelescopeOptics {
  focalLengthMillimetres: number;
  apertureMillimetres: number;
}

export interface ObservatoryOptions {
  /** Another seed is another specimen of the camera under other weather. */
  seed?: number;
  optics?: Partial<TelescopeOptics>;
  pointing?: Partial<PointingErrors>;
  mount?: Partial<MountOptions>;
  focuser?: Partial<FocuserOptions>;
  camera?: Partial<CameraOptions>;
  conditions?: Partial<Conditions>;
}

export interface MountOptions {
  slewDegreesPerSecond: number;
  /** Slews below are refused, and tracking ends there; null: no limit, as the real simulator. */
  minimumAltitudeDegrees: number | null;
  /** Tracking ends so far past the meridian on the wrong side of the pier; null: never. */
  meridianLimitDegrees: number | null;
}

export interface FocuserOptions {
  /** Where the stars are sharpest, steps. */
  bestPosition: number;
  /** Where it stands at the beginning. */
  position: number;
  maximum: number;
  backlashSteps: number;
  /** Steps that make an unfocused star a pixel wider. */
  stepsPerPixel: number;
  microsecondsPerStep: number;
  /** Tells Busy and the way it goes; without, as the real simulator: nothing until one Ok at the end. */
  tellsBusy: boolean;
}

export interface CameraOptions {
  width: number;
  height: number;
  pixelSizeMicrometres: number;
  /** From north up, east left, counter-clockwise on the sky. */
  rotationDegrees: number;
  /** Of the sensor without cooling. */
  ambientCelsius: number;
  /** Degrees a second of the cooler at full power. */
  coolingCelsiusPerSecond: number;
}

/** The focus drive: a motor, and the lens that follows it with the gears' play. */
export class FocusMechanics {
  readonly options: FocuserOptions;
  private at: number;
  private lens: number;

  constructor(options: FocuserOptions) {
    this.options = options;
    this.at = options.position;
    this.lens = options.position;
  }

  get position(): number {
    return this.at;
  }

  moveTo(position: number): void {
    this.at = position;
    const play = this.options.backlashSteps;
    this.lens = Math.max(position - play, Math.min(position, this.lens));
  }

  /** The motor's number changes, the lens does not. */
  relabel(position: number): void {
    this.lens += position - this.at;
    this.at = position;
  }

  get defocusPixels(): number {
    return Math.min(200, Math.abs(this.lens - this.options.bestPosition) / this.options.stepsPerPixel);
  }
}

export class Observatory {
  readonly seed: number;
  readonly site: FrameSite;
  readonly optics: TelescopeOptics;
  readonly mountOptions: MountOptions;
  readonly camera: CameraOptions;
  readonly mount: MountMechanics;
  readonly focuser: FocusMechanics;
  /** May be changed at any time. */
  readonly conditions: Conditions;
  sensorCelsius: number;
  filterSlot = 1;
  /** What the mount says: hours and degrees of date; null before it has said anything. */
  reported: { RA: number; DEC: number } | null = null;
  /** Azimuth of the dome's slit, and whether it is open. */
  dome = { azimuthDegrees: 90, open: false };

  constructor(options: ObservatoryOptions, clock: Clock, site: FrameSite) {
    this.seed = options.seed ?? 1;
    this.site = { ...site };
    this.optics = { focalLengthMillimetres: 135, apertureMillimetres: 34, ...options.optics };
    this.mountOptions = {
      ...{ slewDegreesPerSecond: 6, minimumAltitudeDegrees: null, meridianLimitDegrees: null },
      ...options.mount,
    };
    this.camera = {
      ...{ width: 1280, height: 1024, pixelSizeMicrometres: 5.2, rotationDegrees: 0 },
      ...{ ambientCelsius: 10, coolingCelsiusPerSecond: 0.5 },
      ...options.camera,
    };
    this.sensorCelsius = this.camera.ambientCelsius;
    this.mount = new MountMechanics(clock, this.site, { ...perfectPointing, ...options.pointing });
    this.focuser = new FocusMechanics({
      ...{ bestPosition: 50_000, position: 50_000, maximum: 100_000, backlashSteps: 0, stepsPerPixel: 400 },
      ...{ microsecondsPerStep: 100, tellsBusy: false },
      ...options.focuser,
    });
    this.conditions = { ...clearNight, ...options.conditions };
    for (const [what, value] of Object.entries({ ...this.optics, ...this.camera }))
      if (!Number.isFinite(value)) throw new NightflowError('bad-input', `The simulator's ${what} is ${value}.`);
    const { width, height, pixelSizeMicrometres } = this.camera;
    if (!(width >= 16 && height >= 16 && width * height <= 1e8 && pixelSizeMicrometres > 0))
      throw new NightflowError('bad-input', `A simulated sensor of ${width} x ${height} pixels can't be.`);
    if (!(this.optics.focalLengthMillimetres > 0 && this.optics.apertureMillimetres > 0))
      throw new NightflowError('bad-input', 'A simulated telescope needs a focal length and an aperture above 0 mm.');
  }

  /** The whole observatory stands where a client says that it does. @param eastDegrees 0 to 360 */
  moveTo(latitude: number, eastDegrees: number, elevation: number): void {
    const longitude = eastDegrees > 180 ? eastDegrees - 360 : eastDegrees;
    // The mount's axes know the same object.
    Object.assign(this.site, { latitude, longitude, elevation });
  }
}

/** A telescope sees no meteors worth the time, and no landscape. */
const clearNight: Conditions = {
  zenithMagnitude: 21,
  seeingArcseconds: 2.5,
  defocusPixels: 0,
  cloudCover: 0,
  windMetresPerSecond: 5,
  windAzimuthDegrees: 250,
  auroraLevel: 0,
  meteorsPerHour: 0,
  satellitesPerHour: 0,
  aeroplanesPerHour: 0,
  milkyWay: false,
  landscape: false,
};
