/**
 * Does a picture with hardly a star to be found still show the sky that a known camera must see? The light at the places of the brightest
 * stars is weighed against that at the places they would have were the sky turned.
 */
import { type AllSkyCamera, projectWide } from './all-sky-camera.ts';
import type { GeographicPlace } from './all-sky-overhead.ts';
import { referencesOver } from './all-sky-references.ts';
import { type AllSkyStarsInput, type ContrastMap, contrastMap } from './all-sky-stars.job.ts';

export interface WeighInput extends Omit<AllSkyStarsInput, 'most'> {
  /** Frame coordinates of the plane's pixel (0, 0). */
  offset: number;
  camera: AllSkyCamera;
  site: GeographicPlace;
  /** UTC since 1970 of the middle of the exposure. */
  milliseconds: number;
}

export interface Weighed {
  /** By how many standard deviations of the turned skies the true one is brighter. */
  sigmas: number;
}

const stars = 70;
const [limit, degrees] = [(72 * Math.PI) / 180, Math.PI / 180];
/** Turns about the zenith, degrees: none so small that stars fall on themselves. */
const [firstTurn, turnStep] = [6, 3];
/** A lamp or a letter counts no more than a bright star, in standard deviations of the contrast. */
const mostLight = 6;

export function weighSky(input: WeighInput): Weighed {
  const map = contrastMap(input);
  const sky = referencesOver(input.site, input.milliseconds, stars);
  const light = (turn: number): number => {
    const [sin, cos] = [Math.sin(turn * degrees), Math.cos(turn * degrees)];
    const place = new Float64Array(2);
    let [sum, count] = [0, 0];
    for (let i = 0; i < sky.count; i++) {
      const [east, north, up] = [sky.directions[i * 3]!, sky.directions[i * 3 + 1]!, sky.directions[i * 3 + 2]!];
      const seen = projectWide(input.camera, east * cos + north * sin, north * cos - east * sin, up, limit, place);
      const found = seen ? lightAt(map, place[0]! - input.offset, place[1]! - input.offset) : null;
      if (found === null) continue;
      sum += found;
      count++;
    }
    return count > 0 ? sum / count : 0;
  };
  const turned: number[] = [];
  for (let turn = firstTurn; turn <= 360 - firstTurn; turn += turnStep) turned.push(light(turn));
  const mean = turned.reduce((sum, each) => sum + each, 0) / turned.length;
  const scatter = Math.sqrt(turned.reduce((sum, each) => sum + (each - mean) ** 2, 0) / turned.length);
  return { sigmas: scatter > 0 ? (light(0) - mean) / scatter : 0 };
}

/** The highest contrast within a pixel, in standard deviations; null beside the picture. */
function lightAt({ contrast, width, height, noise, tile, bin }: ContrastMap, x: number, y: number): number | null {
  const [column, row] = [Math.round((x + 0.5) / bin - 0.5), Math.round((y + 0.5) / bin - 0.5)];
  if (column < 1 || row < 1 || column >= width - 1 || row >= height - 1) return null;
  let best = 0;
  for (let dy = -1; dy <= 1; dy++)
    for (let dx = -1; dx <= 1; dx++) best = Math.max(best, contrast[(row + dy) * width + column + dx]!);
  const sigma = noise[Math.floor(row / tile) * Math.ceil(width / tile) + Math.floor(column / tile)]!;
  return Math.min(mostLight, best / sigma);
}
