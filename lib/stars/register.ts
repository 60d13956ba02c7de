/** How one frame's stars lie on another's: drift, field rotation, meridian flip, change of scale, perspective. */
import { job, sharedPool } from '../kernels/pool.ts';
import { throwIfAborted } from '../process/errors.ts';
import type { RegisterInput } from './register.job.ts';
import type { StarTable } from './star-table.ts';

export interface RegisterOptions {
  /** Of the reference frame, pixels; of the moving one too, unless `moving` says otherwise. */
  width: number;
  height: number;
  moving?: { width: number; height: number };
  /** `similarity`: shift, turn, scale. `homography`: perspective too, 8 stars at least. `auto`: a homography where it is significantly better. */
  model?: 'similarity' | 'homography' | 'auto';
  /** Largest change of scale: 0.1, a tenth more or less, when absent. */
  maximumScaleChange?: number;
  /** A worse fit (root mean square, pixels) is refused; 1.5 when absent. */
  maximumResidualPixels?: number;
  /** Also look for a frame that is mirrored (a diagonal mirror was put in). */
  allowMirrored?: boolean;
  signal?: AbortSignal;
}

export interface Registration {
  /** 3x3 row-major: (x, y, 1) of a moving pixel to the reference pixel, 0-based pixel centres. */
  matrix: readonly number[];
  model: 'similarity' | 'homography';
  /** Stars that meet, and how well: root mean square of their distances, pixels of the reference. */
  matched: number;
  residualPixels: number;
  /** From +x towards +y (clockwise as seen), −180 … 180: the turn that lays the moving frame on the reference, in its middle. */
  rotationDegrees: number;
  /** Reference pixels for a moving pixel, in the middle. */
  scale: number;
  /** Where the middle of the moving frame goes, less where it was, pixels. */
  dx: number;
  dy: number;
  /** Turned by about 180 degrees: the mount went through the meridian. */
  flipped: boolean;
  mirrored: boolean;
}

const register = job<RegisterInput, Registration>(new URL('./register.job.ts', import.meta.url), 'registerTables');

/**
 * Finds the map that lays the moving frame's stars on the reference's, whatever shift and turn there is, in a worker. Triangles of
 * bright neighbours give the guesses; all stars that meet under the best of them are fitted, wrong pairs losing their weight.
 * @throws rejected with the reason: fewer than five stars, another field, a picture too distorted for the model.
 */
export async function registerStars(
  moving: StarTable,
  reference: StarTable,
  options: RegisterOptions,
): Promise<Registration> {
  const { width, height, model = 'auto', signal } = options;
  throwIfAborted(signal);
  const input: RegisterInput = {
    moving: { data: moving.data, count: moving.count },
    reference: { data: reference.data, count: reference.count },
    options: {
      size: { width, height },
      movingSize: options.moving ?? { width, height },
      model,
      maximumScaleChange: options.maximumScaleChange ?? 0.1,
      maximumResidualPixels: options.maximumResidualPixels ?? 1.5,
      allowMirrored: options.allowMirrored ?? false,
    },
  };
  return sharedPool().run(register, input, { signal });
}
