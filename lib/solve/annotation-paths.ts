/** Lines of the sky through a picture. */
import type { SkyProjection } from './projection.ts';
import { fromPlane, type PixelPoint, type SkyPoint, separation, toPlane } from './wcs.ts';

/** Longest step along a line, as a part of the field's radius, and in degrees: what is bent looks bent. */
const [stepOfRadius, longestStep] = [0.08, 4];
/** A line that ends in the picture, at the horizon, ends there this exactly: halvings of a step. */
const halvings = 8;

/** The pieces of a line of great circles that are in the picture or a little beside it, as pixels. */
export function visiblePaths(projection: SkyProjection, line: readonly SkyPoint[]): PixelPoint[][] {
  const paths: PixelPoint[][] = [];
  let open: PixelPoint[] = [];
  let before: { point: SkyPoint; pixel: PixelPoint | null } | null = null;
  const close = () => {
    if (open.length > 1 && open.some((pixel) => isNear(projection, pixel))) paths.push(open);
    open = [];
  };
  const step = Math.max(0.01, Math.min(longestStep, projection.radiusDegrees * stepOfRadius));
  for (const point of stepsOf(line, step)) {
    const pixel = rounded(projection.skyToPixel(point));
    if (before && (pixel === null) !== (before.pixel === null)) {
      const edge = pixel ? edgeBetween(projection, point, before.point) : edgeBetween(projection, before.point, point);
      if (edge) open.push(edge);
    }
    if (pixel) open.push(pixel);
    else close();
    before = { point, pixel };
  }
  close();
  return paths;
}

/** Lines are for the eye: a tenth of a pixel, since they travel to phones. */
const rounded = (pixel: PixelPoint | null): PixelPoint | null =>
  pixel && { x: Math.round(pixel.x * 10) / 10, y: Math.round(pixel.y * 10) / 10 };

/** The last pixel of a short piece that begins where it is seen and ends where it is not. */
function edgeBetween(projection: SkyProjection, seen: SkyPoint, unseen: SkyPoint): PixelPoint | null {
  const plane = separation(seen, unseen) < 60 ? toPlane(seen, unseen) : null;
  if (!plane) return null;
  let edge: PixelPoint | null = null;
  let [low, high] = [0, 1];
  for (let i = 0; i < halvings; i++) {
    const middle = (low + high) / 2;
    const pixel = projection.skyToPixel(fromPlane(seen, plane[0] * middle, plane[1] * middle));
    if (pixel) [edge, low] = [rounded(pixel), middle];
    else high = middle;
  }
  return edge;
}

const isNear = ({ width, height }: SkyProjection, { x, y }: PixelPoint): boolean =>
  x >= 0 && y >= 0 && x < width && y < height;

/** The line with points in between. A piece over 60° long is left as it is. */
function stepsOf(line: readonly SkyPoint[], stepDegrees: number): SkyPoint[] {
  const points: SkyPoint[] = line.slice(0, 1);
  for (let i = 1; i < line.length; i++) {
    const [from, to] = [line[i - 1]!, line[i]!];
    const length = separation(from, to);
    const plane = length < 60 ? toPlane(from, to) : null;
    const count = plane ? Math.ceil(length / stepDegrees) : 1;
    for (let step = 1; step < count; step++)
      points.push(fromPlane(from, (plane![0] * step) / count, (plane![1] * step) / count));
    points.push(to);
  }
  return points;
}
