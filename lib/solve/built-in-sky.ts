/** The deep star catalogue as the built-in solver asks it: from bright to faint, and around a direction. For workers. */
import { readDeepCatalogue, type StarCatalogue } from '../sky/catalogue.ts';

export interface Sky {
  catalogue: StarCatalogue;
  /** Star numbers from bright to faint. */
  order: Uint32Array;
  /** Stars at least as bright as each magnitude code. */
  brighter: Uint32Array;
  /** Places for the grids of the index, 1/65536 of 180 and 360 degrees (10" and 20"); 0 in both: not yet worked out. */
  dec16: Uint16Array;
  ra16: Uint16Array;
}

/** Codes of magnitudes are bytes. */
const codes = 256;

let loaded: Sky | null = null;

/** The sky of this thread, read at first use. */
export function loadSky(): Sky {
  loaded ??= arrange(readDeepCatalogue());
  return loaded;
}

export function arrange(catalogue: StarCatalogue): Sky {
  const { count, magnitudeCodes } = catalogue;
  const order = new Uint32Array(count);
  const { brighter } = sortByCode(order, count, (i) => i, magnitudeCodes);
  return { catalogue, order, brighter, dec16: new Uint16Array(count), ra16: new Uint16Array(count) };
}

/**
 * The brightest stars within an angle of a direction (a unit vector), bright first.
 * @param wanted As many as there should be; the magnitude limit is guessed from the whole sky and lowered until they are there.
 */
export function brightestAround(sky: Sky, direction: ArrayLike<number>, radius: number, wanted: number): Uint32Array {
  const { catalogue, brighter } = sky;
  const share = Math.max(1e-9, (1 - Math.cos(Math.min(Math.PI, radius))) / 2);
  let limit = 0;
  while (limit < codes - 1 && brighter[limit]! * share < wanted * 1.5) limit++;
  for (;;) {
    const found = starsAround(catalogue, direction, radius, limit);
    if (found.length >= wanted || limit >= codes - 1) return firstByBrightness(found, catalogue.magnitudeCodes, wanted);
    limit = Math.min(codes - 1, limit + 12);
  }
}

function starsAround(catalogue: StarCatalogue, direction: ArrayLike<number>, radius: number, limit: number): number[] {
  const { first, cellCentres, cellRadii, directions, magnitudeCodes } = catalogue;
  const [x, y, z] = [direction[0]!, direction[1]!, direction[2]!];
  const chord = radius >= Math.PI ? 5 : 4 * Math.sin(radius / 2) ** 2;
  const cellReach = Math.cos(Math.min(Math.PI, radius + cellRadii[0]!));
  const found: number[] = [];
  for (let cell = 0; cell < cellRadii.length; cell++) {
    const at = cell * 3;
    if (cellCentres[at]! * x + cellCentres[at + 1]! * y + cellCentres[at + 2]! * z < cellReach) continue;
    const end = first[cell + 1]!;
    for (let star = first[cell]!; star < end && magnitudeCodes[star]! <= limit; star++) {
      const i = star * 3;
      const dx = directions[i]! - x;
      const dy = directions[i + 1]! - y;
      const dz = directions[i + 2]! - z;
      if (dx * dx + dy * dy + dz * dz <= chord) found.push(star);
    }
  }
  return found;
}

function firstByBrightness(stars: number[], magnitudeCodes: Uint8Array, wanted: number): Uint32Array {
  const sorted = new Uint32Array(stars.length);
  sortByCode(sorted, stars.length, (i) => stars[i]!, magnitudeCodes);
  return sorted.subarray(0, wanted);
}

/** A counting sort of stars by brightness into `sorted`, stable. */
function sortByCode(
  sorted: Uint32Array,
  count: number,
  starAt: (index: number) => number,
  magnitudeCodes: Uint8Array,
): { brighter: Uint32Array } {
  const brighter = new Uint32Array(codes);
  for (let i = 0; i < count; i++) brighter[magnitudeCodes[starAt(i)]!]!++;
  for (let code = 1; code < codes; code++) brighter[code]! += brighter[code - 1]!;
  const at = new Uint32Array(codes);
  for (let code = 1; code < codes; code++) at[code] = brighter[code - 1]!;
  for (let i = 0; i < count; i++) {
    const star = starAt(i);
    sorted[at[magnitudeCodes[star]!]!++] = star;
  }
  return { brighter };
}

/** Works out the places of a star for the grids, once. */
export function locate(sky: Sky, star: number): void {
  const { directions } = sky.catalogue;
  const z = directions[star * 3 + 2]!;
  const dec = Math.asin(Math.max(-1, Math.min(1, z)));
  const ra = Math.atan2(directions[star * 3 + 1]!, directions[star * 3]!);
  sky.dec16[star] = Math.min(65535, Math.max(1, ((dec / Math.PI + 0.5) * 65536) | 0));
  sky.ra16[star] = Math.min(65535, (((ra < 0 ? ra + 2 * Math.PI : ra) / (2 * Math.PI)) * 65536) | 0);
}
