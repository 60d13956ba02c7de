/** Chooses the reference of an integration and lays the other frames on it. */
import { applyMatrix } from '../frame/matrix.ts';
import { asNightflowError, throwIfAborted } from '../process/errors.ts';
import type { Reported } from './integration.ts';
import type { Candidate } from './integration-measure.ts';
import type { StarMeasurement } from './measurement.ts';
import { type Registration, registerStars } from './register.ts';
import { starFlag } from './star-table.ts';

export interface Aligned extends Candidate {
  /** null for the reference, and for frames that were not to be moved. */
  registration: Registration | null;
  transparency: number | null;
}

export interface AlignResult {
  used: Aligned[];
  refused: Reported[];
  /** Index in `used`. */
  reference: number;
}

export interface AlignOptions {
  align: 'stars' | 'none';
  /** File of the reference. */
  reference?: string;
  signal?: AbortSignal;
  onFile?: (part: number) => void;
}

/** So many references are tried until half of the frames lie on one. */
const tries = 3;

export async function alignAll(candidates: readonly Candidate[], options: AlignOptions): Promise<AlignResult> {
  const { align, reference: named } = options;
  if (candidates.length === 0) return { used: [], refused: [], reference: 0 };
  const chosen = candidates.findIndex(({ file }) => file === named);
  if (align === 'none') {
    const used = candidates.map((each) => ({ ...each, registration: null, transparency: null }));
    return { used, refused: [], reference: Math.max(0, chosen) };
  }
  const order = chosen >= 0 ? [chosen] : bestFirst(candidates).slice(0, tries);
  let best: AlignResult | null = null;
  for (const reference of order) {
    const result = await alignOn(candidates, reference, options);
    if (!best || result.used.length > best.used.length) best = result;
    if (best.used.length * 2 > candidates.length) break;
  }
  return best!;
}

/** Many stars, and sharp ones: the number over the square of the FWHM. */
const bestFirst = (candidates: readonly Candidate[]): number[] =>
  candidates
    .map(({ measurement }, i) => ({ i, score: (measurement?.measured ?? 0) / ((measurement?.fwhm ?? 0) ** 2 || 1e9) }))
    .sort((a, b) => b.score - a.score)
    .map(({ i }) => i);

async function alignOn(
  candidates: readonly Candidate[],
  at: number,
  { signal, onFile }: AlignOptions,
): Promise<AlignResult> {
  const main = candidates[at]!;
  const { width, height, channels } = main.header;
  const used: Aligned[] = [];
  const refused: Reported[] = [];
  let reference = 0;
  for (const [i, each] of candidates.entries()) {
    throwIfAborted(signal);
    if (i === at) {
      reference = used.length;
      used.push({ ...each, registration: null, transparency: 1 });
    } else if (each.header.channels !== channels)
      refused.push({ ...each, reason: `It has ${each.header.channels} channels, the reference ${channels}.` });
    else
      try {
        const registration = await registerStars(each.measurement!.stars, main.measurement!.stars, {
          width,
          height,
          moving: each.header,
          signal,
        });
        const transparency = brightnessOf(each.measurement!, main.measurement!, registration);
        used.push({ ...each, registration, transparency });
      } catch (thrown) {
        const error = asNightflowError(thrown);
        if (error.code === 'aborted') throw error;
        refused.push({ ...each, reason: error.message });
      }
    onFile?.((i + 1) / candidates.length);
  }
  return { used, refused, reference };
}

/** Stars that are compared, and how near one must lie, pixels. */
const comparedStars = 200;
const nearPixels = 2;
const fewestPairs = 5;

/** Median ratio of the fluxes of the stars that meet; null with too few of them. */
function brightnessOf(
  moving: StarMeasurement,
  reference: StarMeasurement,
  { matrix, scale }: Registration,
): number | null {
  const flaws = starFlag.saturated | starFlag.edge | starFlag.blended;
  const [own, main] = [moving.stars, reference.stars];
  const [x, y, flux, flags] = [main.x, main.y, main.flux, main.flags];
  const [ownX, ownY, ownFlux, ownFlags] = [own.x, own.y, own.flux, own.flags];
  const ratios: number[] = [];
  for (let i = 0; i < own.count && ratios.length < comparedStars; i++) {
    if (ownFlags[i]! & flaws) continue;
    const [u, v] = applyMatrix(matrix, ownX[i]!, ownY[i]!);
    for (let j = 0; j < main.count; j++)
      if (Math.abs(x[j]! - u) < nearPixels && Math.abs(y[j]! - v) < nearPixels) {
        if (!(flags[j]! & flaws) && flux[j]! > 0) ratios.push(ownFlux[i]! / flux[j]!);
        break;
      }
  }
  if (ratios.length < fewestPairs) return null;
  const ratio = ratios.sort((a, b) => a - b)[ratios.length >> 1]!;
  // A resampled frame keeps its brightness per pixel: of a smaller plate scale, less of the star's light is in each.
  return Number.isFinite(ratio) && ratio > 0 ? ratio * scale ** -2 : null;
}
