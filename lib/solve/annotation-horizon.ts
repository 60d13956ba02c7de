/** The horizon of an all-sky picture and where north, east, south and west are on it. */
import type { GridLine } from './annotation-grid.ts';
import type { SkyProjection } from './projection.ts';
import type { PixelPoint } from './wcs.ts';

export interface HorizonMarks {
  /** The horizon itself and circles of altitude, with a label ('0°'). */
  circles: GridLine[];
  /** Points of the horizon that are in the picture. */
  cardinals: (PixelPoint & { label: string; azimuthDegrees: number })[];
}

const directions = ['N', 'NE', 'E', 'SE', 'S', 'SW', 'W', 'NW'];
const altitudes = [0, 30, 60];
/** Degrees of azimuth a step. */
const step = 3;

/** Null of a picture that does not know the ground. */
export function horizonOf({ ground, width, height }: SkyProjection): HorizonMarks | null {
  if (!ground) return null;
  const isInside = ({ x, y }: PixelPoint) => x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5;
  const circles = altitudes.flatMap((altitudeDegrees) => {
    const paths: PixelPoint[][] = [];
    let open: PixelPoint[] = [];
    for (let azimuthDegrees = 0; azimuthDegrees <= 360; azimuthDegrees += step) {
      const pixel = ground.pixelOf({ altitudeDegrees, azimuthDegrees });
      if (pixel) open.push({ x: Math.round(pixel.x * 10) / 10, y: Math.round(pixel.y * 10) / 10 });
      if (pixel && azimuthDegrees < 360) continue;
      if (open.some(isInside) && open.length > 1) paths.push(open);
      open = [];
    }
    return paths.length > 0 ? [{ label: `${altitudeDegrees}°`, paths }] : [];
  });
  const cardinals = directions.flatMap((label, i) => {
    const azimuthDegrees = i * 45;
    const pixel = ground.pixelOf({ altitudeDegrees: 0, azimuthDegrees });
    return pixel && isInside(pixel) ? [{ ...pixel, label, azimuthDegrees }] : [];
  });
  return { circles, cardinals };
}
