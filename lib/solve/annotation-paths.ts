/** Lines of the sky through a picture. */
import {
  centreOf,
  fromPlane,
  type PixelPoint,
  type SkyPoint,
  separation,
  skyToPixel,
  toPlane,
  type Wcs,
} from './wcs.ts';

/** Longest step along a line, as a part of the field's radius: what is bent looks bent. */
const stepOfRadius = 0.08;

/**
 * The pieces of a line of great circles that are in the picture or a little beside it, as pixels.
 * @param radiusDegrees From the middle of the picture to its farthest corner.
 */
export function visiblePaths(wcs: Wcs, radiusDegrees: number, line: readonly SkyPoint[]): PixelPoint[][] {
  const centre = centreOf(wcs);
  const paths: PixelPoint[][] = [];
  let open: PixelPoint[] = [];
  const close = () => {
    if (open.length > 1 && open.some((pixel) => isNear(wcs, pixel))) paths.push(open);
    open = [];
  };
  for (const point of stepsOf(line, Math.max(0.01, radiusDegrees * stepOfRadius))) {
    // One step outside is drawn, so that the line reaches the edge; further out a distortion means nothing.
    const pixel = separation(centre, point) < Math.min(80, radiusDegrees * 1.15) ? skyToPixel(wcs, point) : null;
    if (pixel) open.push(pixel);
    else close();
  }
  close();
  return paths;
}

const isNear = ({ width, height }: Wcs, { x, y }: PixelPoint): boolean => x >= 0 && y >= 0 && x < width && y < height;

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
