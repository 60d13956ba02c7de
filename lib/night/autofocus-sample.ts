/** One point of a focus curve: exposes where the focuser stands, measures the stars, and waits for a cloud to pass. */
import type { Camera } from '../camera/camera.ts';
import type { Clock } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { asNightflowError } from '../process/errors.ts';
import type { FocusPoint } from '../stars/focus-curve.ts';
import type { StarMeasurement } from '../stars/measurement.ts';
import { hfrError } from './focus-error.ts';

export type Measure = (frame: Frame, options: { signal?: AbortSignal }) => Promise<StarMeasurement>;

export interface SampleOptions {
  exposureSeconds: number;
  gain?: number;
  /** Exposures at each position; their median HFR counts. Default 1. */
  exposuresPerPosition?: number;
  /** A frame with fewer measured stars says nothing. Default 5. */
  minimumStars?: number;
  /** Between a move and an exposure. Default 0.5. */
  settleSeconds?: number;
  /** Where the stars of the position before have vanished a cloud may pass: so long until the next look, so many looks. Default 15 s, 4. */
  cloudWaitSeconds?: number;
  cloudLooks?: number;
}

interface Measured {
  hfr: number;
  sigma: number;
  stars: number;
}

/** What frames without stars ask for, by the reason of their measurement. */
const remedies: Partial<Record<string, string>> = {
  'all-black': 'No light reaches the sensor: take the cap off, open the roof, or expose longer.',
  saturated: 'The frames are saturated: expose shorter, or wait for a darker sky.',
};

export class FocusSampler {
  /** Taken so far. */
  exposures = 0;
  /** What would help, as the last frame without stars says; null when it does not. */
  remedy: string | null = null;
  private readonly camera: Camera;
  private readonly clock: Clock;
  private readonly measure: Measure;
  private readonly options: SampleOptions;
  /** Whether there was anything to lose: far from the focus stars vanish without a cloud. */
  private hadStars = false;
  private looksLeft: number;
  private mayRecover = true;

  constructor(camera: Camera, clock: Clock, measure: Measure, options: SampleOptions) {
    this.camera = camera;
    this.clock = clock;
    this.measure = measure;
    this.options = options;
    this.looksLeft = options.cloudLooks ?? 4;
  }

  /**
   * A point without stars has an HFR of NaN.
   * @param onCloud Called before each wait for stars that were there before.
   * @throws lost, timeout, busy, aborted; what `measure` throws
   */
  async take(position: number, signal: AbortSignal, onCloud: () => void): Promise<FocusPoint> {
    const { exposuresPerPosition = 1, settleSeconds = 0.5, cloudWaitSeconds = 15 } = this.options;
    if (settleSeconds > 0) await this.clock.sleep(settleSeconds * 1000, signal);
    const measured: Measured[] = [];
    for (let n = 0; n < exposuresPerPosition; n++) {
      let one = await this.once(signal);
      while (!one && this.hadStars && this.looksLeft > 0) {
        this.looksLeft--;
        onCloud();
        await this.clock.sleep(cloudWaitSeconds * 1000, signal);
        one = await this.once(signal);
      }
      this.hadStars = one !== null;
      if (one) measured.push(one);
    }
    return { position, ...middleOf(measured) };
  }

  private async once(signal: AbortSignal): Promise<Measured | null> {
    const { minimumStars = 5 } = this.options;
    const frame = await this.expose(signal);
    // A rehearsal's time stands still while the stars are measured.
    const release = this.clock.hold();
    const measurement = await this.measure(frame, { signal }).finally(release);
    const { hfr, measured } = measurement;
    if (hfr === null || !(hfr > 0) || measured < minimumStars) {
      this.remedy = remedies[measurement.reason?.code ?? ''] ?? null;
      return null;
    }
    return { hfr, sigma: hfrError(measurement), stars: measured };
  }

  /** A camera that drops out once in a run is brought back: an exposure can be repeated, a move could not. */
  private async expose(signal: AbortSignal): Promise<Frame> {
    const { exposureSeconds, gain } = this.options;
    const request = { exposureSeconds, ...(gain === undefined ? {} : { gain }) };
    try {
      this.exposures++;
      return await this.camera.expose(request, signal);
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (!this.mayRecover || (error.code !== 'lost' && error.code !== 'timeout')) throw error;
      this.mayRecover = false;
      await this.camera.recover(signal);
      this.exposures++;
      return this.camera.expose(request, signal);
    }
  }
}

function middleOf(measured: readonly Measured[]): Omit<FocusPoint, 'position'> {
  if (measured.length === 0) return { hfr: Number.NaN, sigma: null, stars: 0 };
  const sorted = [...measured].sort((a, b) => a.hfr - b.hfr);
  const [low, high] = [sorted[(sorted.length - 1) >> 1]!, sorted[sorted.length >> 1]!];
  const mean = measured.reduce((sum, { sigma }) => sum + sigma, 0) / measured.length;
  return {
    hfr: (low.hfr + high.hfr) / 2,
    sigma: mean / Math.sqrt(measured.length),
    stars: Math.min(low.stars, high.stars),
  };
}
