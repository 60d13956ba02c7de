/** A camera and a focuser without pixels for the tests of the autofocus: frames carry what the stars would measure, at the true defocus. */
import type { Camera, CameraInfo } from '../../lib/camera/camera.ts';
import type { Focuser, FocuserInfo } from '../../lib/camera/focuser.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { type AutofocusOptions, autofocus } from '../../lib/night/autofocus.ts';
import type { FocusProgress } from '../../lib/night/autofocus-result.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { StarMeasurement } from '../../lib/stars/measurement.ts';
import { StarTable } from '../../lib/stars/star-table.ts';
import { smallFrame } from './small-frames.ts';

export interface BenchOptions {
  info?: Partial<FocuserInfo>;
  start?: number;
  best?: number;
  /** HFR in focus, px, and its slope, px a step. */
  minimumHfr?: number;
  slope?: number;
  /** Play of the gears, steps. */
  play?: number;
  /** Scatter of a frame's median HFR, a part of it. */
  noise?: number;
  /** Stars of each exposure, counted from 1, that has not the usual 40. */
  stars?: (exposure: number, hfr: number) => number;
  /** What happens before each exposure or move, counted from 1; may throw. */
  exposing?: (exposure: number) => void;
  moving?: (move: number) => void;
}

export class FocusBench implements Focuser {
  readonly clock = new RehearsalClock(Date.parse('2026-01-12T22:00:00Z'), Number.POSITIVE_INFINITY);
  readonly info: FocuserInfo;
  readonly moves: number[] = [];
  readonly progress: FocusProgress[] = [];
  readonly camera: Camera;
  motor: number;
  lens: number;
  exposures = 0;
  recovered = 0;
  readonly options: BenchOptions;
  private state = 12345;

  constructor(options: BenchOptions = {}) {
    this.options = options;
    const relative = options.info?.drive === 'relative';
    this.info = {
      name: 'Bench',
      drive: 'absolute',
      minimum: relative ? null : 0,
      maximum: relative ? null : 20_000,
      smallestMove: null,
      largestMove: null,
      ...options.info,
    };
    this.motor = options.start ?? 10_000;
    this.lens = this.motor;
    this.camera = cameraOf(this);
  }

  run(options: Partial<AutofocusOptions> = {}) {
    const { camera, clock, progress } = this;
    return autofocus({
      camera,
      focuser: this,
      clock,
      exposureSeconds: 2,
      stepSize: 60,
      measure: async (frame) => measurements.get(frame)!,
      onProgress: (event) => progress.push(event),
      ...options,
    });
  }

  async position() {
    return this.info.drive === 'absolute' ? this.motor : null;
  }
  async temperatureCelsius() {
    return 4.5;
  }
  async moveTo(position: number, signal?: AbortSignal) {
    await this.move(position, signal);
  }
  async moveBy(steps: number, signal?: AbortSignal) {
    const { largestMove, smallestMove } = this.info;
    if (largestMove !== null && Math.abs(steps) > largestMove) throw new NightflowError('bad-input', 'Too far.');
    if (smallestMove !== null && steps % smallestMove !== 0) throw new NightflowError('bad-input', 'Too fine.');
    await this.move(this.motor + steps, signal);
  }

  measured(): StarMeasurement {
    const { best = 10_400, minimumHfr = 2, slope = 0.012, noise = 0.01, stars } = this.options;
    const hfr = Math.hypot(minimumHfr, slope * (this.lens - best)) * (1 + noise * this.deviate());
    return measurementOf(hfr, stars?.(this.exposures, hfr) ?? 40);
  }

  private async move(position: number, signal: AbortSignal | undefined) {
    this.moves.push(position);
    this.options.moving?.(this.moves.length);
    await this.clock.sleep(Math.abs(position - this.motor), signal);
    this.motor = position;
    this.lens = Math.min(position, Math.max(position - (this.options.play ?? 0), this.lens));
  }

  /** The sum of twelve uniform deviates less six is as good as normal, and the same in every run. */
  private deviate(): number {
    let sum = -6;
    for (let n = 0; n < 12; n++) {
      this.state = (Math.imul(this.state, 1664525) + 1013904223) >>> 0;
      sum += this.state / 2 ** 32;
    }
    return sum;
  }
}

const measurements = new WeakMap<Frame, StarMeasurement>();

function cameraOf(bench: FocusBench): Camera {
  const info: CameraInfo = { id: 'bench', name: 'Bench', backend: 'bench', sensor: null };
  return {
    info,
    open: async () => {},
    settings: async () => [],
    get: async () => 0,
    set: async (_, value) => value,
    expose: async ({ exposureSeconds }, signal) => {
      bench.exposures++;
      bench.options.exposing?.(bench.exposures);
      await bench.clock.sleep(exposureSeconds * 1000, signal);
      const frame = smallFrame(bench.exposures);
      measurements.set(frame, bench.measured());
      return frame;
    },
    exposures: () => {
      throw new Error('An autofocus takes single exposures.');
    },
    recover: async () => void bench.recovered++,
    close: async () => {},
  };
}

/** What `count` stars of about the same HFR give. */
export function measurementOf(hfr: number, count: number): StarMeasurement {
  const stars = StarTable.of(count);
  for (let n = 0; n < count; n++) stars.hfr[n] = hfr * (1 + 0.05 * Math.sin(n * 2.4));
  return {
    stars,
    count,
    hfr: count > 0 ? hfr : null,
    fwhm: count > 0 ? 2 * hfr : null,
    eccentricity: count > 0 ? 0.1 : null,
    measured: count,
    hfrArcseconds: null,
    fwhmArcseconds: null,
    scaleArcseconds: null,
    background: 100,
    noise: 5,
    tilt: [],
    tiltPercent: null,
    reason: count > 0 ? null : { code: 'noise', text: 'No star.' },
  };
}
