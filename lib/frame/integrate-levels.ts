/** Levels of frames made equal: the sky brightens and the air thickens while a night's frames are taken. */
import { job, type WorkerPool } from '../kernels/pool.ts';
import type { Level } from './integrate-band.ts';
import type { RowSource } from './integrate-source.ts';

/**
 * From medians and sigmas (1.4826 MAD) of the frames' planes:
 * `additive` shifts medians onto the reference's (lights under a changing sky); `additive-scaling` makes sigmas equal too;
 * `multiplicative` scales by the ratio of medians (flats), `multiplicative-scaling` about the pedestal 0 by that of the sigmas.
 */
export type Normalisation = 'none' | 'additive' | 'additive-scaling' | 'multiplicative' | 'multiplicative-scaling';

const measureJob = job<{ source: RowSource }, { location: number; sigma: number }[]>(
  new URL('./integrate.job.ts', import.meta.url),
  'measureLevels',
);

export interface LevelOptions {
  normalisation?: Normalisation;
  scales?: readonly number[];
  reference?: number;
  signal?: AbortSignal;
}

/** For each frame and plane the line that brings it to the reference's levels; null for 'none'. */
export async function levelFrames(
  sources: readonly RowSource[],
  { normalisation = 'none', scales, reference = 0, signal }: LevelOptions,
  pool: WorkerPool,
): Promise<Level[][] | null> {
  if (normalisation === 'none') return null;
  const measured = await Promise.all(sources.map((source) => pool.run(measureJob, { source }, { signal })));
  return measured.map((planes, frame) =>
    planes.map((own, plane) => {
      const main = measured[reference]![plane]!;
      const level = levelBetween(own, main, normalisation, scales?.[frame] ?? 1);
      return Number.isFinite(level.scale) && Number.isFinite(level.offset) && level.scale > 0
        ? level
        : { scale: 1, offset: 0 };
    }),
  );
}

interface Measured {
  location: number;
  sigma: number;
}

function levelBetween(
  own: Measured,
  main: Measured,
  normalisation: Exclude<Normalisation, 'none'>,
  scale: number,
): Level {
  const sigmas = main.sigma / own.sigma;
  switch (normalisation) {
    case 'additive':
      return { scale, offset: main.location - own.location * scale };
    case 'additive-scaling':
      return { scale: sigmas, offset: main.location - own.location * sigmas };
    case 'multiplicative':
      return { scale: main.location / own.location, offset: 0 };
    case 'multiplicative-scaling':
      return { scale: sigmas, offset: 0 };
  }
}
