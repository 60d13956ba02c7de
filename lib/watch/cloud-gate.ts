/** Judges frame after frame as they arrive: measures the stars, remembers the clear sky over restarts. */
import type { Clock } from '../clock/clock.ts';
import type { Frame, FrameSite } from '../frame/frame.ts';
import { asNightflowError, type NightflowError } from '../process/errors.ts';
import { measureStars } from '../stars/measure.ts';
import type { StarTable } from '../stars/star-table.ts';
import { CloudWatch } from './clouds.ts';
import { gridOf } from './clouds-grid.ts';
import { keepClearSky, recallClearSky } from './clouds-memory.ts';
import { noiseOf } from './clouds-noise.ts';
import type { CloudOptions, CloudVerdict } from './clouds-verdict.ts';

export interface Judged {
  verdict: CloudVerdict;
  /** null where the verdict is that of a frame before. */
  stars: StarTable | null;
}

/** What was learnt goes to the disk so often; a crash costs as much of it. */
const keepMilliseconds = 30 * 60_000;
/** A frame of the Milky Way through a long lens holds more; the brightest tell clouds as well. */
const mostStars = 6000;
/** Moonlight and city skies leave few stars: here a false one costs less than a true one missed. */
const thresholdSigma = 4;

export class CloudGate {
  private readonly watch = new CloudWatch();
  private readonly folder: string | null;
  private readonly clock: Clock;
  private readonly onDamage: (error: NightflowError) => void;
  private recalled: Promise<void> | null = null;
  private held: { verdict: CloudVerdict; view: string; startMilliseconds: number } | null = null;
  private keptAt: number;
  private changed = false;

  /** @param folder Where the clear sky is kept; null keeps it in memory only. @param onDamage Told when the file can't be used. */
  constructor(folder: string | null, clock: Clock, onDamage: (error: NightflowError) => void) {
    this.folder = folder;
    this.clock = clock;
    this.onDamage = onDamage;
    this.keptAt = clock.now();
  }

  async judge(frame: Frame, options: CloudOptions, site: FrameSite | null, signal?: AbortSignal): Promise<Judged> {
    await this.recall();
    const view = viewOf(frame);
    const start = Date.parse(frame.start ?? '');
    if (this.held?.view === view && (start - this.held.startMilliseconds) / 1000 < (options.holdSeconds ?? 0))
      if (start >= this.held.startMilliseconds) return { verdict: this.held.verdict, stars: null };
    const [{ stars }, noise] = await Promise.all([
      measureStars(frame, { thresholdSigma, maximumStars: mostStars, signal }),
      noiseOf(frame, gridOf(frame.width, frame.height), signal),
    ]);
    const now = this.clock.now();
    const verdict = this.watch.judge(frame, stars, noise, options, { site, milliseconds: now });
    this.changed = true;
    this.held = verdict.state === 'unknown' ? null : { verdict, view, startMilliseconds: start };
    // A clock that was set back starts the wait anew.
    if (Math.abs(now - this.keptAt) >= keepMilliseconds) await this.keep().catch(this.onDamage);
    return { verdict, stars };
  }

  /** Forgets what was learnt, on the disk too. */
  async reset(): Promise<void> {
    await this.recall();
    this.watch.reset();
    this.held = null;
    this.changed = true;
    await this.keep();
  }

  /** Puts what was learnt on the disk; does nothing when it is there already. @throws disk-full, failed */
  async keep(): Promise<void> {
    this.keptAt = this.clock.now();
    if (!this.changed || this.folder === null) return;
    this.changed = false;
    await keepClearSky(this.watch, this.folder);
  }

  private recall(): Promise<void> {
    this.recalled ??=
      this.folder === null
        ? Promise.resolve()
        : recallClearSky(this.watch, this.folder).catch((thrown) => this.onDamage(asNightflowError(thrown)));
    return this.recalled;
  }
}

/** Frames that show the sky in the same way. */
const viewOf = ({ camera, width, height, exposureSeconds, gain, target }: Frame): string =>
  JSON.stringify([camera, width, height, exposureSeconds, gain, target]);
