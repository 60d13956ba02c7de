/** Two catalogues of the same frame, star by star. */
import { median } from '../harness.ts';

export interface Catalogue {
  x: ArrayLike<number>;
  y: ArrayLike<number>;
  hfr: ArrayLike<number>;
}

/** What a peer says of its own detections. */
export interface PeerCatalogue extends Catalogue {
  snr: ArrayLike<number>;
  /** Not 0: blended, cut off or saturated. */
  flag: ArrayLike<number>;
}

export interface Agreement {
  /** Stars of the peer that count. */
  stars: number;
  /** Part of them that we have within 1.5 pixels. */
  matched: number;
  /** Median and 90 % of the distances, pixels. */
  distance: number;
  distance90: number;
  /** Median of our HFR over the peer's, and part of the stars where it is within 4 %. */
  hfrRatio: number;
  within4: number;
}

const matchRadius = 1.5;
const isolation = 20;

/** Stars of the peer above an SNR: those without a flag and without a neighbour, and the rest. */
export function agreement(
  ours: Catalogue,
  peer: PeerCatalogue,
  { leastSnr = 20, mostSnr = Infinity, isolated = true }: { leastSnr?: number; mostSnr?: number; isolated?: boolean },
): Agreement {
  const nearOurs = grid(ours);
  const nearPeer = grid(peer);
  const distances: number[] = [];
  const ratios: number[] = [];
  let stars = 0;
  for (let i = 0; i < peer.x.length; i++) {
    if (!(peer.snr[i]! > leastSnr && peer.snr[i]! <= mostSnr)) continue;
    const alone = peer.flag[i] === 0 && nearPeer(peer.x[i]!, peer.y[i]!, isolation).length === 1;
    if (alone !== isolated) continue;
    stars++;
    const [best] = nearOurs(peer.x[i]!, peer.y[i]!, matchRadius);
    if (!best) continue;
    distances.push(best.distance);
    ratios.push(ours.hfr[best.index]! / peer.hfr[i]!);
  }
  const sorted = distances.toSorted((a, b) => a - b);
  return {
    stars,
    matched: stars === 0 ? 0 : distances.length / stars,
    distance: sorted.length === 0 ? Infinity : median(sorted),
    distance90: sorted[Math.floor(sorted.length * 0.9)] ?? Infinity,
    hfrRatio: ratios.length === 0 ? Number.NaN : median(ratios),
    within4: ratios.filter((ratio) => Math.abs(ratio - 1) <= 0.04).length / Math.max(1, ratios.length),
  };
}

/** The goals of a bench of detection: true, or what is missed. */
export function agrees({ stars, matched, distance, hfrRatio, within4 }: Agreement): true | string {
  if (stars < 20) return `only ${stars} stars to compare`;
  if (matched < 0.98) return `${(100 * matched).toFixed(1)} % of the stars matched`;
  if (distance > 0.05) return `positions differ by ${distance.toFixed(3)} px`;
  if (Math.abs(hfrRatio - 1) > 0.01) return `the HFR differs by a factor of ${hfrRatio.toFixed(4)}`;
  return within4 >= 0.9 || `the HFR of ${(100 * within4).toFixed(1)} % of the stars is within 4 %`;
}

export const describeAgreement = ({ stars, matched, distance, distance90, hfrRatio, within4 }: Agreement): string =>
  `${stars} stars, ${(100 * matched).toFixed(2)} % matched, distance ${distance.toFixed(3)} px (90 %: ${distance90.toFixed(3)}), ` +
  `HFR ratio ${hfrRatio.toFixed(4)}, ${(100 * within4).toFixed(1)} % within 4 %`;

/** Looks up the stars around a place, the nearest first. */
export function grid({ x, y }: Pick<Catalogue, 'x' | 'y'>) {
  const cell = 32;
  const cells = new Map<string, number[]>();
  for (let i = 0; i < x.length; i++) {
    const key = `${Math.floor(x[i]! / cell)} ${Math.floor(y[i]! / cell)}`;
    const list = cells.get(key);
    if (list) list.push(i);
    else cells.set(key, [i]);
  }
  return (cx: number, cy: number, radius: number): { index: number; distance: number }[] => {
    const found: { index: number; distance: number }[] = [];
    for (let v = Math.floor((cy - radius) / cell); v <= Math.floor((cy + radius) / cell); v++)
      for (let u = Math.floor((cx - radius) / cell); u <= Math.floor((cx + radius) / cell); u++)
        for (const index of cells.get(`${u} ${v}`) ?? []) {
          const distance = Math.hypot(x[index]! - cx, y[index]! - cy);
          if (distance <= radius) found.push({ index, distance });
        }
    return found.sort((a, b) => a.distance - b.distance);
  };
}
