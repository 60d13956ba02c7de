/** The stars of a frame in the order in which a solver should try them. */
import { type StarTable, starFlag } from '../stars/star-table.ts';

export interface ListedStar {
  /** 0-based pixel centre from the top left. */
  x: number;
  y: number;
  flux: number;
  /** Radius of half of the light, pixels, where it was measured. */
  hfr?: number;
}

/** A trail is no star; one that is saturated is among the best. */
export function listStars(stars: StarTable): ListedStar[] {
  const { x, y, flux, hfr, flags } = stars;
  const listed: ListedStar[] = [];
  for (let i = 0; i < stars.count; i++)
    if (!(flags[i]! & starFlag.elongated)) listed.push({ x: x[i]!, y: y[i]!, flux: flux[i]!, hfr: hfr[i]! });
  return listed;
}

/**
 * The brightest of each cell in turn, so that a cluster or a nebula in one corner does not take all the first places: round by
 * round the brightest that is left of every cell, and within a round by brightness.
 * @param stars Brightest first. @param cells About how many cells the picture is divided into.
 */
export function spreadStars(
  stars: readonly ListedStar[],
  { width, height, cells, most }: { width: number; height: number; cells: number; most: number },
): ListedStar[] {
  const columns = Math.max(1, Math.round(Math.sqrt((cells * width) / height)));
  const rows = Math.max(1, Math.round(cells / columns));
  const taken = new Map<number, number>();
  const ranked = stars.map((star, rank) => {
    const column = Math.min(columns - 1, Math.max(0, Math.floor((star.x / width) * columns)));
    const row = Math.min(rows - 1, Math.max(0, Math.floor((star.y / height) * rows)));
    const round = taken.get(row * columns + column) ?? 0;
    taken.set(row * columns + column, round + 1);
    return { star, round, rank };
  });
  ranked.sort((one, other) => one.round - other.round || one.rank - other.rank);
  return ranked.slice(0, most).map(({ star }) => star);
}
