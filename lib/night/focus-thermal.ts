/** What past focus runs teach: how far the focus moves with the temperature, and where it will be at another one. */
import { medianOf } from './trend.ts';

/** A focus that was found. */
export interface FocusRecord {
  /** Milliseconds since 1970, UTC. */
  timeMilliseconds: number;
  position: number;
  hfr: number;
  temperatureCelsius: number | null;
  /** Steps in which 2 % of HFR can't be told. */
  depthSteps: number;
}

export interface ThermalModel {
  stepsPerCelsius: number;
  /** Standard error of the slope, steps/°C. */
  error: number;
  runs: number;
  rangeCelsius: number;
}

/** Fewer runs, or closer temperatures, teach nothing. */
const fewestRuns = 3;
const leastRangeCelsius = 2;
/** The slope must be so many errors from 0. */
const slopeErrors = 3;
const madToSigma = 1.4826;

/** A robust line (Theil and Sen) through position over temperature; null while the runs don't show a significant one. */
export function thermalModel(runs: readonly FocusRecord[]): ThermalModel | null {
  const known = runs
    .filter((run) => run.temperatureCelsius !== null)
    .map((run) => ({ ...run, t: run.temperatureCelsius! }));
  if (known.length < fewestRuns) return null;
  const temperatures = known.map(({ t }) => t);
  const rangeCelsius = Math.max(...temperatures) - Math.min(...temperatures);
  if (rangeCelsius < leastRangeCelsius) return null;
  const slopes: number[] = [];
  for (const [i, a] of known.entries())
    for (const b of known.slice(i + 1))
      if (Math.abs(b.t - a.t) > 0.2) slopes.push((b.position - a.position) / (b.t - a.t));
  const slope = medianOf(slopes);
  const offset = medianOf(known.map(({ position, t }) => position - slope * t));
  const residuals = known.map(({ position, t }) => Math.abs(position - slope * t - offset));
  const few = Math.sqrt(known.length / Math.max(1, known.length - 2));
  const depth = medianOf(known.map(({ depthSteps }) => depthSteps));
  // Three runs may lie on a line by chance: no run is better than a part of the depth that it could see.
  const scatter = Math.max(few * madToSigma * medianOf(residuals), 0.3 * depth, 1);
  const mean = temperatures.reduce((sum, t) => sum + t, 0) / known.length;
  const spread = Math.sqrt(temperatures.reduce((sum, t) => sum + (t - mean) ** 2, 0));
  const error = scatter / spread;
  return Math.abs(slope) > slopeErrors * error
    ? { stepsPerCelsius: slope, error, runs: known.length, rangeCelsius }
    : null;
}
