/** An annotation as an SVG to lay over a picture: lines, circles and labels that don't cover one another. */
import type { Annotation, MarkedPoint } from '../solve/annotation.ts';
import type { PixelPoint } from '../solve/wcs.ts';
import { textPath, textWidth } from './stroke-font.ts';

const colours = {
  grid: '#6f9fd0',
  constellation: '#9db8ff',
  star: '#ffffff',
  object: '#ffd070',
  planet: '#ff9f6b',
  target: '#ff5f5f',
  horizon: '#7fd08f',
} as const;
/** A label of a grid line or a point gives up its place to one that came before. */
const mostLabels = 150;

/** Length of a cross's arms, in its own radii. */
const crossArm = 2.5;

interface Box {
  left: number;
  top: number;
  right: number;
  bottom: number;
}

/** @param size Of the picture that it is laid over, pixels. */
export function drawAnnotation(annotation: Annotation, size: { width: number; height: number }): string {
  const scale = size.width / annotation.width;
  // Pixel centres: the picture's (0, 0) is the middle of its first pixel.
  const at = ({ x, y }: PixelPoint): PixelPoint => ({ x: (x + 0.5) * scale, y: (y + 0.5) * scale });
  const letters = Math.max(9, Math.round(size.width / 100));
  const line = Math.max(1, size.width / 1000);
  const taken: Box[] = [];
  const parts: string[] = [];
  const stroke = (path: string, colour: string, opacity: number, width = line) =>
    path &&
    parts.push(`<path d="${path}" stroke="${colour}" stroke-width="${width.toFixed(1)}" opacity="${opacity}"/>`);
  const label = (text: string, x: number, y: number, colour: string, opacity: number): boolean => {
    const written = plain(text);
    const box = { left: x - 2, top: y - 2, right: x + textWidth(written, letters) + 2, bottom: y + letters + 2 };
    const outside = box.left < 0 || box.top < 0 || box.right > size.width || box.bottom > size.height;
    if (outside || taken.length >= mostLabels || taken.some((other) => overlap(box, other))) return false;
    taken.push(box);
    const path = textPath(written, x, y, letters);
    // Dark behind it, so that it can be read on a bright nebula.
    stroke(path, '#000000', 0.6 * opacity, line * 3.5);
    stroke(path, colour, opacity, line * 1.3);
    return true;
  };

  // Where north is comes before every name.
  for (const { label: text, ...place } of annotation.horizon?.cardinals ?? []) {
    const { x, y } = at(place);
    const [left, top] = [x - textWidth(text, letters) / 2, y - letters / 2];
    const { width, height } = size;
    const inside = (value: number, most: number) => Math.max(3, Math.min(most, value));
    label(
      text,
      inside(left, width - textWidth(text, letters) - 3),
      inside(top, height - letters - 3),
      colours.horizon,
      1,
    );
  }
  for (const { paths } of annotation.horizon?.circles ?? [])
    stroke(paths.map((path) => polyline(path.map(at))).join(''), colours.horizon, 0.4);
  for (const { paths } of annotation.grid)
    stroke(paths.map((path) => polyline(path.map(at))).join(''), colours.grid, 0.4);
  const figures = annotation.constellations.flatMap(({ paths }) => paths.map((path) => polyline(path.map(at))));
  stroke(figures.join(''), colours.constellation, 0.6, line * 1.3);
  for (const point of annotation.points) {
    const { x, y } = at(point);
    const radius = radiusOf(point, scale, letters);
    const colour = colours[point.kind];
    stroke(markOf(point, x, y, radius), colour, 0.9, line * 1.2);
    // Right of it, left, below, above: the first that is free.
    const width = textWidth(plain(point.label), letters);
    const beside = Math.min(point.kind === 'target' ? radius * crossArm : radius, size.width / 4) + letters * 0.5;
    const places = [
      [x + beside, y - letters / 2],
      [x - beside - width, y - letters / 2],
      [x - width / 2, y + beside],
      [x - width / 2, y - beside - letters],
    ] as const;
    places.some(([left, top]) => label(point.label, left, top, colour, 1));
  }
  for (const { name, paths } of annotation.constellations) {
    const inside = paths
      .flat()
      .map(at)
      .filter((point) => isIn(point, size));
    const middle = { x: mean(inside.map(({ x }) => x)), y: mean(inside.map(({ y }) => y)) };
    if (inside.length > 4)
      label(name, middle.x - textWidth(plain(name), letters) / 2, middle.y, colours.constellation, 0.9);
  }
  for (const { label: text, paths } of annotation.grid) {
    // Where the line comes into the picture, or further along it where there is room.
    const inside = paths
      .flat()
      .map(at)
      .filter((point) => isIn(point, size));
    inside.some(({ x, y }) => label(text, x + 4, y + 4, colours.grid, 0.9));
  }
  return `<svg xmlns="http://www.w3.org/2000/svg" width="${size.width}" height="${size.height}"><g fill="none" stroke-linecap="round" stroke-linejoin="round">${parts.join('')}</g></svg>`;
}

function radiusOf({ kind, sizePixels, magnitude }: MarkedPoint, scale: number, letters: number): number {
  if (sizePixels !== null) return Math.max(letters * 0.6, (sizePixels * scale) / 2);
  return kind === 'star' ? letters * (0.45 + 0.06 * Math.max(0, 5 - (magnitude ?? 5))) : letters * 0.9;
}

function markOf({ kind }: MarkedPoint, x: number, y: number, radius: number): string {
  if (kind !== 'target') return circle(x, y, radius);
  const [inner, outer] = [radius, radius * crossArm];
  const arm = (dx: number, dy: number) =>
    `M${(x + dx * inner).toFixed(1)} ${(y + dy * inner).toFixed(1)}L${(x + dx * outer).toFixed(1)} ${(y + dy * outer).toFixed(1)}`;
  return arm(1, 0) + arm(-1, 0) + arm(0, 1) + arm(0, -1);
}

const circle = (x: number, y: number, radius: number): string => {
  const r = radius.toFixed(1);
  return `M${(x - radius).toFixed(1)} ${y.toFixed(1)}a${r} ${r} 0 1 0 ${(2 * radius).toFixed(1)} 0a${r} ${r} 0 1 0 ${(-2 * radius).toFixed(1)} 0`;
};

const polyline = (points: readonly PixelPoint[]): string =>
  points.map(({ x, y }, i) => `${i === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`).join('');

const isIn = ({ x, y }: PixelPoint, { width, height }: { width: number; height: number }): boolean =>
  x >= 0 && y >= 0 && x < width && y < height;
const overlap = (a: Box, b: Box): boolean =>
  a.left < b.right && b.left < a.right && a.top < b.bottom && b.top < a.bottom;
const mean = (values: readonly number[]): number =>
  values.reduce((sum, each) => sum + each, 0) / Math.max(1, values.length);

/** What the letters of lines can write: no marks, no degree sign. */
const plain = (text: string): string =>
  text.normalize('NFKD').replace(/\p{M}/gu, '').replaceAll('°', ' ').replaceAll("'", 'm').trimEnd();
