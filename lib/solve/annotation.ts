/** What is in a solved picture: stars with names, constellations, Messier, NGC and IC, planets, a grid, the target: as data, in pixels of the frame. */
import { bodiesIn } from './annotation-bodies.ts';
import { type AnnotationCatalogue, loadAnnotations } from './annotation-catalogue.ts';
import { type GridLine, gridOf } from './annotation-grid.ts';
import { visiblePaths } from './annotation-paths.ts';
import {
  centreOf,
  cornersOf,
  type PixelPoint,
  type SkyPoint,
  scaleOf,
  separation,
  skyToPixel,
  type Wcs,
} from './wcs.ts';

export const annotationLayers = ['stars', 'constellations', 'objects', 'planets', 'grid', 'target'] as const;
export type AnnotationLayer = (typeof annotationLayers)[number];

export interface AnnotationOptions {
  layers: readonly AnnotationLayer[];
  /** UTC since 1970 of the exposure, milliseconds; without it there are no planets. */
  milliseconds: number | null;
  /** For the Moon, which is up to a degree elsewhere from another place; null: from the middle of the Earth. */
  site: { latitude: number; longitude: number; elevation: number } | null;
  target: (SkyPoint & { name: string }) | null;
  /** Fainter stars and objects are left out; by the size of the field when not given. */
  faintestMagnitude?: number | null;
}

export interface MarkedPoint extends SkyPoint, PixelPoint {
  kind: 'star' | 'object' | 'planet' | 'target';
  /** What to write: the proper name, else the designation. */
  label: string;
  designation: string;
  magnitude: number | null;
  /** Across, pixels of the frame; null for what is a point. */
  sizePixels: number | null;
}

export interface ConstellationFigure {
  name: string;
  abbreviation: string;
  /** Pieces of its lines that are in the picture. */
  paths: PixelPoint[][];
}

export interface Annotation {
  width: number;
  height: number;
  /** The most important first. */
  points: MarkedPoint[];
  constellations: ConstellationFigure[];
  grid: GridLine[];
}

export async function annotate(wcs: Wcs, options: AnnotationOptions): Promise<Annotation> {
  const catalogue = await loadAnnotations();
  const has = (layer: AnnotationLayer) => options.layers.includes(layer);
  const field = fieldOf(wcs);
  const limits = limitsFor(field.radiusDegrees, options.faintestMagnitude ?? null);
  const points = [
    ...(has('target') && options.target ? targetIn(wcs, options.target) : []),
    ...(has('planets') && options.milliseconds !== null ? bodiesIn(wcs, options.milliseconds, options.site) : []),
    ...(has('objects') ? objectsIn(wcs, field, catalogue, limits.object) : []),
    ...(has('stars') ? starsIn(wcs, field, catalogue, limits.star) : []),
  ];
  return {
    ...{ width: wcs.width, height: wcs.height, points },
    constellations: has('constellations') ? figuresIn(wcs, field, catalogue) : [],
    grid: has('grid') ? gridOf(wcs) : [],
  };
}

interface Field extends SkyPoint {
  /** From the middle to the farthest corner. */
  radiusDegrees: number;
}

function fieldOf(wcs: Wcs): Field {
  const centre = centreOf(wcs);
  return { ...centre, radiusDegrees: Math.max(...cornersOf(wcs).map((corner) => separation(centre, corner))) };
}

/** A narrow field has room for all; in a wide one only what the eye sees is told apart. */
function limitsFor(radiusDegrees: number, given: number | null): { star: number; object: number } {
  if (given !== null) return { star: given, object: given };
  const star = radiusDegrees < 8 ? 6 : radiusDegrees < 20 ? 4.5 : 3;
  const object = radiusDegrees < 3 ? 99 : radiusDegrees < 8 ? 10 : radiusDegrees < 20 ? 7 : 5;
  return { star, object };
}

function starsIn(wcs: Wcs, field: Field, { stars }: AnnotationCatalogue, faintest: number): MarkedPoint[] {
  return stars.flatMap(([raDegrees, decDegrees, magnitude, designation, name]) => {
    if (magnitude > faintest) return [];
    const label = name || designation;
    return marked(wcs, field, { kind: 'star', raDegrees, decDegrees, label, designation, magnitude, sizePixels: null });
  });
}

function objectsIn(wcs: Wcs, field: Field, { objects }: AnnotationCatalogue, faintest: number): MarkedPoint[] {
  const scale = scaleOf(wcs);
  return objects.flatMap(([raDegrees, decDegrees, magnitude, designation, name, , arcminutes]) => {
    if ((magnitude ?? 0) > faintest) return [];
    const label = name ? `${designation} ${name}` : designation;
    const sizePixels = arcminutes === null ? null : (arcminutes * 60) / scale;
    return marked(wcs, field, { kind: 'object', raDegrees, decDegrees, label, designation, magnitude, sizePixels });
  });
}

function targetIn(wcs: Wcs, { name, raDegrees, decDegrees }: SkyPoint & { name: string }): MarkedPoint[] {
  const label = name || 'Target';
  const point = { kind: 'target', raDegrees, decDegrees, label, designation: label } as const;
  return marked(wcs, fieldOf(wcs), { ...point, magnitude: null, sizePixels: null });
}

/** With its pixel, if that is in the picture. */
function marked(wcs: Wcs, field: Field, point: Omit<MarkedPoint, 'x' | 'y'>): MarkedPoint[] {
  // Far outside a distortion means nothing, and most of the sky is far outside.
  if (separation(field, point) > field.radiusDegrees * 1.01) return [];
  const pixel = skyToPixel(wcs, point);
  return pixel && isInside(wcs, pixel) ? [{ ...point, ...pixel }] : [];
}

export const isInside = ({ width, height }: Wcs, { x, y }: PixelPoint): boolean =>
  x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5;

function figuresIn(wcs: Wcs, field: Field, { constellations }: AnnotationCatalogue): ConstellationFigure[] {
  return constellations.flatMap(({ name, abbreviation, lines }) => {
    const paths = lines.flatMap((line) =>
      visiblePaths(
        wcs,
        field.radiusDegrees,
        line.map(([raDegrees, decDegrees]) => ({ raDegrees, decDegrees })),
      ),
    );
    return paths.length > 0 ? [{ name, abbreviation, paths }] : [];
  });
}
