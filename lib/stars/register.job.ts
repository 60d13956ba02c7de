/** The worker's side of a registration. */
import { applyMatrix } from '../frame/matrix.ts';
import type { Registration } from './register.ts';
import { type MatchOptions, matchFields } from './register-match.ts';
import { StarTable } from './star-table.ts';

export interface RegisterInput {
  moving: { data: SharedArrayBuffer; count: number };
  reference: { data: SharedArrayBuffer; count: number };
  options: MatchOptions;
}

/** Degrees from 180 within which a turn is a meridian flip. */
const flipDegrees = 20;

export function registerTables({ moving, reference, options }: RegisterInput): Registration {
  const match = matchFields(new StarTable(moving), new StarTable(reference), options);
  const { matrix } = match;
  const [x, y] = [(options.movingSize.width - 1) / 2, (options.movingSize.height - 1) / 2];
  const [u, v] = applyMatrix(matrix, x, y);
  const [right, down] = [applyMatrix(matrix, x + 1, y), applyMatrix(matrix, x, y + 1)];
  const [a, c] = [right[0] - u, right[1] - v];
  const determinant = a * (down[1] - v) - (down[0] - u) * c;
  const rotationDegrees = (Math.atan2(c, a) * 180) / Math.PI;
  return {
    ...match,
    rotationDegrees,
    scale: Math.sqrt(Math.abs(determinant)),
    dx: u - x,
    dy: v - y,
    flipped: determinant > 0 && Math.abs(rotationDegrees) > 180 - flipDegrees,
    mirrored: determinant < 0,
  };
}
