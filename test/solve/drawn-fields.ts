/** Pictures of real stars as a known camera would take them, for the tests of the solvers: seeded, small, with the truth beside them. */
import { Frame } from '../../lib/frame/frame.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { readDeepCatalogue, type StarCatalogue, starsWithin } from '../../lib/sky/catalogue.ts';
import { toPlane } from '../../lib/solve/wcs.ts';

export interface Drawing {
  raDegrees: number;
  decDegrees: number;
  /** Along the width. */
  fieldDegrees: number;
  /** Position angle of the picture's up, degrees east of north. */
  rotationDegrees?: number;
  mirrored?: boolean;
  /** Radial: r' = r (1 + distortion r²), r' and r in half diagonals. */
  distortion?: number;
  width?: number;
  height?: number;
  /** Faintest star that is drawn. */
  limit?: number;
  /** Stars that are not in the sky, as a share of those that are. */
  strangers?: number;
  hotPixels?: number;
  seed?: number;
}

let catalogue: StarCatalogue | null = null;

/** Two numbers' worth of noise a call: uniform 0 to 1. */
export function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}

export function drawField(drawing: Drawing): Frame {
  const { width = 640, height = 480, fieldDegrees, rotationDegrees = 0, mirrored = false, distortion = 0 } = drawing;
  const { limit = 6, strangers = 0, hotPixels = 0, seed = 1 } = drawing;
  catalogue ??= readDeepCatalogue();
  const random = generator(seed);
  const picture = emptyPicture(width, height, random);
  // Pixels a degree of the tangent plane in the middle.
  const scale = (width / 2 / Math.tan((fieldDegrees * Math.PI) / 360)) * (Math.PI / 180);
  const half = Math.hypot(width, height) / 2;
  const radius = (Math.atan(half / ((scale * 180) / Math.PI)) * 180) / Math.PI;
  const [sin, cos] = [Math.sin((rotationDegrees * Math.PI) / 180), Math.cos((rotationDegrees * Math.PI) / 180)];
  let drawn = 0;
  for (const star of starsWithin(catalogue, drawing.raDegrees, drawing.decDegrees, radius * 1.1, limit)) {
    const plane = toPlane(drawing, star);
    if (!plane) continue;
    const [east, north] = [plane[0] * scale, plane[1] * scale];
    const up = north * cos + east * sin;
    const left = east * cos - north * sin;
    const stretch = 1 + (distortion * (up * up + left * left)) / half ** 2;
    const x = (width - 1) / 2 + (mirrored ? left : -left) * stretch;
    const y = (height - 1) / 2 - up * stretch;
    addStar(picture, width, height, x, y, 4e4 * 10 ** (-0.4 * (star.magnitude - limit + 2)));
    drawn++;
  }
  for (let i = 0; i < drawn * strangers; i++)
    addStar(picture, width, height, random() * width, random() * height, 4e4 * 10 ** (0.8 * random() - 0.4));
  return frameOf(picture, width, height, hotPixels, random);
}

/** As many stars as there may be, none of them in the sky. */
export function drawStrangers({
  stars,
  hotPixels = 0,
  seed,
  width = 640,
  height = 480,
}: {
  stars: number;
  hotPixels?: number;
  seed: number;
  width?: number;
  height?: number;
}): Frame {
  const random = generator(seed);
  const picture = emptyPicture(width, height, random);
  for (let i = 0; i < stars; i++)
    addStar(picture, width, height, random() * width, random() * height, 1e4 * 10 ** (1.2 * random()));
  return frameOf(picture, width, height, hotPixels, random);
}

function emptyPicture(width: number, height: number, random: () => number): Float32Array {
  // The sum of four is near enough to a Gaussian: sigma 10 over a sky of 400.
  return Float32Array.from(
    { length: width * height },
    () => 400 + 17.3 * (random() + random() + random() + random() - 2),
  );
}

function addStar(picture: Float32Array, width: number, height: number, x: number, y: number, flux: number): void {
  const sigma = 1.1;
  for (let row = Math.max(0, Math.floor(y - 6)); row <= Math.min(height - 1, y + 6); row++)
    for (let column = Math.max(0, Math.floor(x - 6)); column <= Math.min(width - 1, x + 6); column++) {
      const square = (column - x) ** 2 + (row - y) ** 2;
      picture[row * width + column]! += (flux / (2 * Math.PI * sigma ** 2)) * Math.exp(-square / (2 * sigma ** 2));
    }
}

function frameOf(picture: Float32Array, width: number, height: number, hotPixels: number, random: () => number): Frame {
  for (let i = 0; i < hotPixels; i++) picture[Math.floor(random() * picture.length)]! += 2000 + 20_000 * random();
  const data = allocateShared(picture.length * 2);
  new Uint16Array(data).set(picture.map((value) => Math.min(65_535, Math.max(0, value))));
  return new Frame({ data, width, height, pixelType: 'u16' });
}
