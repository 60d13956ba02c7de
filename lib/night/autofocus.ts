/** The autofocus: sweeps the focuser through the focus, fits the curve, goes to its minimum, looks whether it is true, or goes back. */
import type { Camera } from '../camera/camera.ts';
import type { Focuser } from '../camera/focuser.ts';
import { type Clock, isoTime } from '../clock/clock.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import { type FocusFit, type FocusModel, type FocusPoint, fitFocusCurve } from '../stars/focus-curve.ts';
import { measureStars } from '../stars/measure.ts';
import { type DriveOptions, FocusDrive } from './autofocus-drive.ts';
import type { FocusProgress, FocusReason, FocusResult } from './autofocus-result.ts';
import { FocusSampler, type Measure, type SampleOptions } from './autofocus-sample.ts';
import { largestHfrOf, nextStep, positionsOf, type SearchLimits, type Sweep } from './autofocus-search.ts';

export interface AutofocusOptions extends DriveOptions, SampleOptions {
  camera: Camera;
  focuser: Focuser;
  clock: Clock;
  /** Distance between two positions of the first sweep, steps. */
  stepSize: number;
  /** Positions in a sweep. Default 9, at least 5. */
  samples?: number;
  /** Default 8. */
  maximumSweeps?: number;
  /** Default `auto`. */
  model?: FocusModel | 'auto';
  /** Default `measureStars`. */
  measure?: Measure;
  onProgress?(progress: FocusProgress): void;
  /** Stops the run; the focuser goes back to where it was. */
  signal?: AbortSignal;
  /** Ends the way back, too (a flow that closes). */
  giveUp?: AbortSignal;
  /** Longest time for the way back. Default 120. */
  returnSeconds?: number;
}

/** The verification may be worse than the curve says by this part, or by so many errors. */
const confirmTolerance = 0.15;
const confirmErrors = 4;
/** A look at a verification that failed by a gust or a puff of seeing. */
const confirmLooks = 3;

/**
 * Runs one autofocus. A run that finds nothing, loses the sky, the camera or the focuser, or is stopped, brings the focuser back to where
 * it was (unless the focuser itself is lost) and says why in the result. No move is ever repeated.
 * @throws bad-input for settings that can't be; nothing has moved then
 */
export async function autofocus(options: AutofocusOptions): Promise<FocusResult> {
  const { stepSize, samples = 9 } = options;
  if (!(stepSize >= 1)) throw new NightflowError('bad-input', `The focus step must be 1 or more, not ${stepSize}.`);
  if (!(samples >= 5 && samples <= 51))
    throw new NightflowError('bad-input', `A focus sweep takes 5 to 51 positions, not ${samples}.`);
  return new FocusRun(options).run();
}

interface Confirmed {
  position: number;
  point: FocusPoint;
}

class FocusRun {
  private readonly options: AutofocusOptions;
  private readonly signal: AbortSignal;
  private readonly sampler: FocusSampler;
  private readonly startedMilliseconds: number;
  private readonly points: FocusPoint[] = [];
  private readonly sweeps: Sweep[] = [];
  /** Range of the last sweep. */
  private near = { low: 0, high: 0 };
  private drive: FocusDrive | null = null;
  private fit: FocusFit | null = null;
  private startPoint: FocusPoint | null = null;
  private n = 0;
  private of = 0;

  constructor(options: AutofocusOptions) {
    this.options = options;
    this.signal = options.signal ?? new AbortController().signal;
    const { camera, clock, measure = measureStars } = options;
    this.sampler = new FocusSampler(camera, clock, measure, options);
    this.startedMilliseconds = clock.now();
  }

  async run(): Promise<FocusResult> {
    const { focuser } = this.options;
    let temperatureCelsius: number | null = null;
    try {
      this.drive = await FocusDrive.of(focuser, this.options);
      temperatureCelsius = await focuser.temperatureCelsius().catch(() => null);
      const confirmed = (await this.search()) ?? (await this.confirm());
      if (!('code' in confirmed)) return this.result(temperatureCelsius, null, confirmed, false);
      return this.result(temperatureCelsius, confirmed, null, await this.goBack());
    } catch (thrown) {
      const { code, message, remedy } = asNightflowError(thrown);
      if (code === 'bad-input' && !this.startPoint) throw thrown;
      const text = code === 'aborted' ? 'The focus run was stopped.' : message;
      const reason = { code, text, ...(remedy ? { remedy } : {}) };
      return this.result(temperatureCelsius, reason, null, await this.goBack());
    }
  }

  /** Why no minimum was found; null when the fit has one. */
  private async search(): Promise<FocusReason | null> {
    const drive = this.drive!;
    const { samples = 9, maximumSweeps = 8, focuser, stepSize } = this.options;
    const smallestStep = Math.max(1, focuser.info.smallestMove ?? 1);
    const { minimum, maximum } = drive;
    const limits: SearchLimits = { minimum, maximum, smallestStep, samples, maximumSweeps };
    // How sharp it was: what the end has to beat. The play of the gears may lie before it, so it is no part of the curve.
    this.tell('measuring', 'Measures where the focuser stands.');
    this.startPoint = await this.sample(drive.start);
    let sweep: Sweep = { centre: drive.start, step: Math.max(smallestStep, stepSize) };
    for (;;) {
      this.sweeps.push(sweep);
      await this.measureSweep(sweep, limits);
      const fit = this.fitted();
      this.fit = fit;
      this.tell('fitted', fit.text);
      const points = this.points.filter((point) => this.isNear(point));
      const next = nextStep({ sweeps: this.sweeps, fit, points }, limits);
      if (next.kind === 'accept') return null;
      if (next.kind === 'fail') {
        const known = next.reason === 'no-stars' ? this.sampler.remedy : null;
        return { code: next.reason, text: next.text, remedy: known ?? next.remedy };
      }
      sweep = next.sweep;
    }
  }

  private async measureSweep(sweep: Sweep, limits: SearchLimits): Promise<void> {
    const drive = this.drive!;
    const wanted = positionsOf(sweep, limits, drive.approach).map((position) => drive.reachable(position));
    const positions = [...new Set(wanted)];
    this.near = { low: Math.min(...positions), high: Math.max(...positions) };
    const known = new Set(this.points.filter(({ hfr }) => hfr > 0).map(({ position }) => position));
    [this.n, this.of] = [0, positions.length];
    for (const position of positions) {
      this.n++;
      if (known.has(position)) continue;
      this.tell('moving', `Goes to ${position}.`);
      await drive.goTo(position, this.signal);
      this.points.push(await this.sample(position));
      this.fit = this.fitted();
      this.tell('measuring', `HFR at ${position}: ${shown(this.points.at(-1)!)}.`);
    }
  }

  /** Through the points of the last sweep's range, without those far up the wings: there they are not what they are near the focus. */
  private fitted(): FocusFit {
    const largest = largestHfrOf(this.points.filter((point) => this.isNear(point)));
    const points = this.points.map((point) =>
      this.isNear(point) && point.hfr <= largest ? point : { ...point, hfr: Number.NaN },
    );
    return fitFocusCurve(points, { model: this.options.model });
  }

  private isNear({ position }: FocusPoint): boolean {
    return position >= this.near.low && position <= this.near.high;
  }

  /** Goes to the minimum and looks. */
  private async confirm(): Promise<FocusReason | Confirmed> {
    const curve = this.fit!.curve!;
    const drive = this.drive!;
    const lowest = Math.min(...this.points.filter((_, index) => curve.weights[index]! > 0.2).map(({ hfr }) => hfr));
    // No curve is exact at its bottom: two lines meet below what a star can be, and stars smaller than a pixel have a floor.
    const expected = Math.max(curve.minimumHfr, lowest);
    this.tell('verifying', `Goes to ${Math.round(curve.best)} and looks.`);
    const position = await drive.goTo(curve.best, this.signal);
    let best: FocusPoint | null = null;
    for (let look = 0; look < confirmLooks; look++) {
      const point = await this.sample(position);
      if (!best || point.hfr < best.hfr || Number.isNaN(best.hfr)) best = point;
      const tolerance = Math.max(confirmTolerance * expected, confirmErrors * (point.sigma ?? 0));
      if (point.hfr <= expected + tolerance && !this.worseThanStart(point)) return { position, point };
    }
    return {
      code: 'not-confirmed',
      text: `At ${position} the HFR is ${shown(best!)}, not ${expected.toFixed(2)} px as the curve says.`,
      remedy: 'Clouds, wind or gears with play can do that: set the backlash, or try again.',
    };
  }

  private worseThanStart({ hfr, sigma }: FocusPoint): boolean {
    const before = this.startPoint;
    if (!before || !(before.hfr > 0)) return false;
    const error = Math.hypot(sigma ?? 0, before.sigma ?? 0);
    return hfr > before.hfr + Math.max(confirmTolerance * before.hfr, confirmErrors * error);
  }

  private sample(position: number): Promise<FocusPoint> {
    return this.sampler.take(position, this.signal, () =>
      this.tell('cloud', 'The stars are gone: waits and looks again.'),
    );
  }

  /** Whether the focuser is back where it was. */
  private async goBack(): Promise<boolean> {
    const { clock, giveUp, returnSeconds = 120, focuser } = this.options;
    const drive = this.drive;
    if (!drive) return true;
    const limit = new AbortController();
    const over = giveUp ? AbortSignal.any([limit.signal, giveUp]) : limit.signal;
    const waited = new AbortController();
    clock.sleep(returnSeconds * 1000, waited.signal).then(
      () => limit.abort(),
      () => {},
    );
    try {
      throwIfAborted(over);
      if (drive.position === null) {
        await drive.relocate();
        if (drive.position === null) return false;
      }
      this.tell('returning', `${focuser.info.name} goes back to ${drive.start}.`);
      await drive.goTo(drive.start, over);
      return true;
    } catch {
      return false;
    } finally {
      waited.abort();
    }
  }

  private tell(phase: FocusProgress['phase'], text: string): void {
    this.options.onProgress?.({
      phase,
      sweep: this.sweeps.length,
      n: this.n,
      of: this.of,
      position: this.drive?.position ?? null,
      points: [...this.points],
      fit: this.fit,
      text,
    });
  }

  private result(
    temperatureCelsius: number | null,
    reason: FocusReason | null,
    confirmed: Confirmed | null,
    returned: boolean,
  ): FocusResult {
    const { clock, focuser } = this.options;
    const point = confirmed?.point ?? null;
    return {
      outcome: confirmed ? 'focused' : 'failed',
      reason,
      drive: focuser.info.drive,
      position: this.drive?.position ?? null,
      startPosition: this.drive?.start ?? null,
      returned,
      hfr: point?.hfr ?? null,
      startHfr: this.startPoint && this.startPoint.hfr > 0 ? this.startPoint.hfr : null,
      stars: point?.stars ?? 0,
      temperatureCelsius,
      fit: this.fit,
      points: this.points,
      sweeps: this.sweeps.length,
      exposures: this.sampler.exposures,
      seconds: (clock.now() - this.startedMilliseconds) / 1000,
      time: isoTime(clock.now()),
    };
  }
}

const shown = ({ hfr }: FocusPoint): string => (hfr > 0 ? `${hfr.toFixed(2)} px` : 'no stars');
