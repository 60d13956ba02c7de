/** Holds the focus: sees the HFR drift with time and temperature, tells drift from seeing, and asks for a correction only when it is due. */
import { type FocusRecord, type ThermalModel, thermalModel } from './focus-thermal.ts';
import { jumpIn, medianOf, type Trend, type TrendPoint, trendOf } from './trend.ts';

export interface FocusObservation {
  timeMilliseconds: number;
  /** Pixels: the frame's median; null without stars. */
  hfr: number | null;
  /** Stars that it stands on. */
  stars: number;
  temperatureCelsius: number | null;
}

export interface WatchOptions {
  /** A rise of the HFR that is worth a correction, per cent. Default 10. */
  tolerancePercent?: number;
  /** Frames with fewer stars don't count. Default 5. */
  minimumStars?: number;
  /** How long a sharpness that was lost at once must stay lost before a correction is due. Default 30. */
  jumpMinutes?: number;
}

export type WatchState =
  /** Not enough frames since the last focus. */
  | 'learning'
  | 'steady'
  /** It rises significantly, but not yet by the tolerance. */
  | 'drifting'
  /** It changed at once: seeing, or somebody touched the telescope. */
  | 'changed'
  | 'due';

export interface WatchReport {
  state: WatchState;
  /** Why a correction is due; null when it is not. */
  cause: 'drift' | 'temperature' | 'jump' | null;
  /** One sentence for people. */
  text: string;
  /** HFR after the last focus and now, pixels; null when unknown. */
  baselineHfr: number | null;
  hfr: number | null;
  risePercent: number;
  /** Mann and Kendall's z of the rise; above `significantZ` it counts. */
  z: number;
  hfrPerHour: number;
  temperatureCelsius: number | null;
  changeCelsius: number | null;
  thermal: ThermalModel | null;
  /** By the learned steps per °C: how far the focus has moved since the last run, and where it should be; null while unknown. */
  predictedShift: number | null;
  predictedPosition: number | null;
}

/** One-sided 0.5 %: with a test at every frame of a night, a 5 % test would cry wolf. */
const significantZ = 2.576;
/**
 * Frames are put together in as many groups at most, and in none that is shorter than seeing remembers: neighbours are alike, and each
 * frame for itself would count too much.
 */
const groups = 16;
const fewestGroups = 6;
const framesPerGroup = 3;
const groupHours = 8 / 60;
/** It must stay up by the tolerance for so long: a jump of the seeing shows as one only when it is two groups old. */
const confirmMinutes = 10;
/** At most so many frames are kept; then every second one of the older half goes. */
const mostFrames = 1200;
/** Sharpness that is lost at once and stays so counts from here on. */
const jumpPercent = 40;
/** The HFR of a hyperbola rises by 2 % in the depth that a run reports: by r at depth · sqrt(r² − 1) / sqrt(1.02² − 1). */
const depthRoot = Math.sqrt(1.02 ** 2 - 1);
const mostRuns = 100;

export class FocusWatch {
  private readonly options: WatchOptions;
  private runs: FocusRecord[];
  private frames: FocusObservation[] = [];
  /** HFR that counts as focused. */
  private baseline: number | null = null;
  /** Frames before this time are no longer compared: the air has changed since. */
  private sinceMilliseconds = Number.NEGATIVE_INFINITY;
  private jump: { atMilliseconds: number; percent: number } | null = null;
  /** Since when it is up by the tolerance. */
  private risenMilliseconds: number | null = null;
  /** Temperature of the last focus, or of the first frame. */
  private celsius: number | null = null;

  /** @param runs Of nights before, oldest first. */
  constructor(options: WatchOptions = {}, runs: readonly FocusRecord[] = []) {
    this.options = options;
    this.runs = [...runs].slice(-mostRuns);
  }

  /** What was learned, to be kept for the next night. */
  get records(): readonly FocusRecord[] {
    return this.runs;
  }

  /** The focus was found anew: everything is compared with this from now on. */
  focused(record: FocusRecord): void {
    this.runs = [...this.runs, record].slice(-mostRuns);
    this.reset();
    this.baseline = record.hfr;
    // A frame from before may still be on its way.
    this.sinceMilliseconds = record.timeMilliseconds;
    this.celsius = record.temperatureCelsius;
  }

  /** Forgets the frames (another target, filter or exposure), not what was learned. */
  reset(): void {
    this.frames = [];
    this.baseline = null;
    this.jump = null;
    this.risenMilliseconds = null;
    this.celsius = null;
    this.sinceMilliseconds = Number.NEGATIVE_INFINITY;
  }

  observe(frame: FocusObservation): WatchReport {
    const { minimumStars = 5 } = this.options;
    if (frame.hfr !== null && frame.hfr > 0 && frame.stars >= minimumStars) {
      this.frames.push(frame);
      this.celsius ??= frame.temperatureCelsius;
      if (this.frames.length > mostFrames) {
        const half = mostFrames / 2;
        this.frames = this.frames.filter((_, index) => index >= half || index % 2 === 0);
      }
    }
    return this.judge(frame.temperatureCelsius, frame.timeMilliseconds);
  }

  private judge(temperatureCelsius: number | null, now: number): WatchReport {
    const frames = this.frames.filter(({ timeMilliseconds }) => timeMilliseconds >= this.sinceMilliseconds);
    const points = grouped(frames);
    const trend = points.length >= fewestGroups ? trendOf(points) : null;
    const report = this.measures(points, trend, temperatureCelsius);
    const byHeat = this.byTemperature(report);
    if (byHeat) return byHeat;
    const jumped = this.byJump(report, now);
    if (jumped?.state === 'due') return jumped;
    if (!trend) return jumped ?? report;
    const jump = jumpIn(points, trend);
    const rises = trend.z > significantZ;
    if (jump && Math.abs(trend.z) > significantZ) {
      const percent = (jump.after / jump.before - 1) * 100;
      this.risenMilliseconds = null;
      // What lies before the jump says nothing about a drift after it.
      this.sinceMilliseconds = frames[0]!.timeMilliseconds + points[jump.at]!.x * hour;
      this.jump = percent > 0 ? { atMilliseconds: this.sinceMilliseconds, percent } : null;
      return this.byJump(report, now) ?? { ...report, state: 'steady', text: 'The stars became sharper at once.' };
    }
    if (!rises) {
      this.risenMilliseconds = null;
      return jumped ?? report;
    }
    const { tolerancePercent = 10 } = this.options;
    const seen = `The HFR rose by ${report.risePercent.toFixed(0)} % to ${report.hfr!.toFixed(2)} px`;
    if (report.risePercent >= tolerancePercent) {
      this.risenMilliseconds ??= now;
      if ((now - this.risenMilliseconds) / 60_000 < confirmMinutes)
        return { ...report, state: 'drifting', text: `${seen}; it is watched for a while more.` };
      return { ...report, state: 'due', cause: 'drift', text: `${seen}, frame by frame${this.colder(report)}.` };
    }
    this.risenMilliseconds = null;
    return { ...report, state: 'drifting', text: `${seen}; ${tolerancePercent} % are to be corrected.` };
  }

  /** The figures, in the state of a watch to which nothing happens. */
  private measures(points: readonly TrendPoint[], trend: Trend | null, celsius: number | null): WatchReport {
    const from = trend?.first ?? this.baseline;
    const hfr = trend?.last ?? points.at(-1)?.y ?? null;
    const thermal = thermalModel(this.runs);
    const last = this.runs.at(-1);
    const known = thermal !== null && celsius !== null && last !== undefined && last.temperatureCelsius !== null;
    const predictedShift = known ? thermal.stepsPerCelsius * (celsius - last.temperatureCelsius!) : null;
    return {
      state: trend ? 'steady' : 'learning',
      cause: null,
      text: trend
        ? `The HFR is steady at ${trend.last.toFixed(2)} px.`
        : `${this.frames.length} frame${this.frames.length === 1 ? '' : 's'} since the last focus; a drift shows after ${Math.round(fewestGroups * groupHours * 60)} minutes.`,
      baselineHfr: this.baseline ?? trend?.first ?? null,
      hfr,
      risePercent: from !== null && hfr !== null ? (hfr / from - 1) * 100 : 0,
      z: trend?.z ?? 0,
      hfrPerHour: trend?.slope ?? 0,
      temperatureCelsius: celsius,
      changeCelsius: celsius !== null && this.celsius !== null ? celsius - this.celsius : null,
      thermal,
      predictedShift,
      predictedPosition: predictedShift === null ? null : Math.round(last!.position + predictedShift),
    };
  }

  /** The learned drift alone is enough: nobody has to wait until the stars are seen to be soft. */
  private byTemperature(report: WatchReport): WatchReport | null {
    const { tolerancePercent = 10 } = this.options;
    const { predictedShift, temperatureCelsius, thermal } = report;
    const depth = this.runs.at(-1)?.depthSteps ?? 0;
    const allowed = (depth * Math.sqrt((1 + tolerancePercent / 100) ** 2 - 1)) / depthRoot;
    if (predictedShift === null || !(depth > 0) || Math.abs(predictedShift) < allowed) return null;
    const change = temperatureCelsius! - this.runs.at(-1)!.temperatureCelsius!;
    const text = `${change < 0 ? 'Colder' : 'Warmer'} by ${Math.abs(change).toFixed(1)} °C: the focus has moved by about ${Math.round(predictedShift)} steps (${thermal!.stepsPerCelsius.toFixed(1)} steps/°C from ${thermal!.runs} runs).`;
    return { ...report, state: 'due', cause: 'temperature', text };
  }

  private byJump(report: WatchReport, now: number): WatchReport | null {
    if (!this.jump) return null;
    const { jumpMinutes = 30 } = this.options;
    const { percent, atMilliseconds } = this.jump;
    const minutes = (now - atMilliseconds) / 60_000;
    const risen = `The HFR rose at once by ${percent.toFixed(0)} %`;
    const after = this.frames
      .filter(({ timeMilliseconds }) => timeMilliseconds >= atMilliseconds)
      .map(({ hfr }) => hfr!);
    const stays = medianOf(after.slice(-3 * framesPerGroup)) > medianOf(after) * 0.85;
    if (!stays) {
      this.jump = null;
      return null;
    }
    if (percent >= jumpPercent && minutes >= jumpMinutes)
      return {
        ...report,
        state: 'due',
        cause: 'jump',
        text: `${risen} and has stayed for ${Math.round(minutes)} minutes.`,
      };
    return { ...report, state: 'changed', text: `${risen}: seeing, or something was touched. It is not a drift.` };
  }

  private colder({ changeCelsius }: WatchReport): string {
    if (changeCelsius === null || Math.abs(changeCelsius) < 1) return '';
    return `, while it became ${Math.abs(changeCelsius).toFixed(1)} °C ${changeCelsius < 0 ? 'colder' : 'warmer'}`;
  }
}

const hour = 3_600_000;

/** Medians of neighbours: time in hours since the first frame, HFR in pixels. */
function grouped(frames: readonly FocusObservation[]): TrendPoint[] {
  if (frames.length === 0) return [];
  const start = frames[0]!.timeMilliseconds;
  const hours = (frames.at(-1)!.timeMilliseconds - start) / hour;
  const count = Math.min(groups, Math.floor(frames.length / framesPerGroup), Math.floor(hours / groupHours));
  return Array.from({ length: count }, (_, index) => {
    const part = frames.slice(
      Math.floor((index * frames.length) / count),
      Math.floor(((index + 1) * frames.length) / count),
    );
    return {
      x: medianOf(part.map(({ timeMilliseconds }) => (timeMilliseconds - start) / hour)),
      y: medianOf(part.map(({ hfr }) => hfr!)),
    };
  });
}
