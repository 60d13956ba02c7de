/** The stars of a frame in the order in which a solver should try them. */
import { StarTable, starFlag } from '../stars/star-table.ts';

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

/** The way back: what a solver takes in the place of its own look at the picture. */
export function tableOf(stars: readonly ListedStar[]): StarTable {
  const table = StarTable.of(stars.length);
  for (const name of ['x', 'y', 'flux'] as const) table.column(name).set(stars.map((star) => star[name]));
  table.column('hfr').set(stars.map(({ hfr = 1 }) => hfr));
  return table;
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

/** No star is smaller, pixels: half of the light within this radius. */
const sharpestRadius = 0.5;
/** As many of the sharpest say how large the stars of a picture are, and a star is not more than so many times as large. */
const [typicalOf, usualSpread] = [100, 1.5];

/**
 * By light over area: a knot of a nebula is bright because it is large. What is smaller than a star gains nothing by it: in a picture
 * with large stars, specks of noise and of compression are the smallest.
 */
export function bySharpness(list: readonly ListedStar[]): ListedStar[] {
  const radius = ({ hfr = sharpestRadius }: ListedStar) => hfr;
  const order = (least: number) => {
    const sharpness = (star: ListedStar) => star.flux / Math.max(least, radius(star)) ** 2;
    return list.toSorted((a, b) => sharpness(b) - sharpness(a));
  };
  const radii = order(sharpestRadius).slice(0, typicalOf).map(radius);
  const typical = radii.sort((a, b) => a - b)[radii.length >> 1] ?? 0;
  return order(Math.max(sharpestRadius, usualSpread * typical));
}
