/** What is in a solved picture: stars with names, constellations, Messier, NGC and IC, planets, a grid, the target: as data, in pixels of the frame. */
import { horizontalOf, vectorOf } from '../sky/coordinates.ts';
import { type GeographicPlace, Overhead } from './all-sky-overhead.ts';
import type { AllSkyPlace } from './all-sky-solution.ts';
import { bodiesAt } from './annotation-bodies.ts';
import { type AnnotationCatalogue, loadAnnotations } from './annotation-catalogue.ts';
import { type GridLine, gridOf } from './annotation-grid.ts';
import { type HorizonMarks, horizonOf } from './annotation-horizon.ts';
import { visiblePaths } from './annotation-paths.ts';
import { projectionOf, type SkyProjection } from './projection.ts';
import type { Solution } from './solver.ts';
import { type PixelPoint, type SkyPoint, separation, type Wcs } from './wcs.ts';

export const annotationLayers = ['stars', 'constellations', 'objects', 'planets', 'grid', 'target', 'horizon'] as const;
export type AnnotationLayer = (typeof annotationLayers)[number];

export interface AnnotationOptions {
  layers: readonly AnnotationLayer[];
  /** UTC since 1970 of the exposure, milliseconds; without it there are no planets. */
  milliseconds: number | null;
  /** For altitudes, and for the Moon, which is up to a degree elsewhere from another place; null: from the middle of the Earth. */
  site: GeographicPlace | null;
  target: (SkyPoint & { name: string }) | null;
  /** Fainter stars and objects are left out; by the size of the field when not given. */
  faintestMagnitude?: number | null;
}

/** What may be marked, wherever it is. */
export interface Mark extends SkyPoint {
  kind: 'star' | 'object' | 'planet' | 'target';
  /** What to write: the proper name, else the designation with its Greek letter. */
  label: string;
  designation: string;
  magnitude: number | null;
  /** Across, pixels of the frame; null for what is a point. */
  sizePixels: number | null;
}

export interface MarkedPoint extends Mark, PixelPoint {
  /** As seen from the site at the time of the exposure, refraction included; null without them. */
  altitudeDegrees: number | null;
  azimuthDegrees: number | null;
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
  /** Of an all-sky picture; null of others. */
  horizon: HorizonMarks | null;
}

/** @param solution A plane picture's or an all-sky picture's; a WCS alone does too. */
export async function annotate(
  solution: Solution | AllSkyPlace | Wcs,
  { layers, milliseconds, site, target, faintestMagnitude = null }: AnnotationOptions,
): Promise<Annotation> {
  const catalogue = await loadAnnotations();
  const has = (layer: AnnotationLayer) => layers.includes(layer);
  const projection = projectionOf(solution);
  const limits = limitsFor(projection.radiusDegrees, faintestMagnitude);
  const objects = has('objects') ? objectsOf(catalogue, limits, projection.scale) : [];
  const stars = has('stars') ? starsOf(catalogue, limits.star) : [];
  const marks = [
    ...(has('target') && target ? [markOfTarget(target)] : []),
    ...(has('planets') && milliseconds !== null ? bodiesAt(milliseconds, site, projection.scale) : []),
    // What the eye sees first comes first where it is a whole sky.
    ...(limits.wholeSky ? [...stars, ...objects] : [...objects, ...stars]),
  ];
  const overhead = site && milliseconds !== null ? new Overhead(site, milliseconds) : null;
  const { width, height } = projection;
  return {
    ...{ width, height, points: marks.flatMap((mark) => marked(projection, overhead, mark)) },
    constellations: has('constellations') ? figuresIn(projection, catalogue) : [],
    grid: has('grid') ? gridOf(projection) : [],
    horizon: has('horizon') ? horizonOf(projection) : null,
  };
}

interface Limits {
  star: number;
  object: number;
  wholeSky: boolean;
}

/** A narrow field has room for all; in a wide one only what the eye sees is told apart. */
function limitsFor(radiusDegrees: number, given: number | null): Limits {
  const wholeSky = radiusDegrees > 60;
  if (given !== null) return { star: given, object: given, wholeSky };
  if (wholeSky) return { star: 2.3, object: 4, wholeSky };
  const star = radiusDegrees < 8 ? 6 : radiusDegrees < 20 ? 4.5 : 3;
  const object = radiusDegrees < 3 ? 99 : radiusDegrees < 8 ? 10 : radiusDegrees < 20 ? 7 : 5;
  return { star, object, wholeSky };
}

const starsOf = ({ stars }: AnnotationCatalogue, faintest: number): Mark[] =>
  stars.flatMap(([raDegrees, decDegrees, magnitude, designation, name]) => {
    if (magnitude > faintest) return [];
    const label = name || inGreek(designation);
    return [{ kind: 'star', raDegrees, decDegrees, label, designation, magnitude, sizePixels: null }];
  });

// SIMBAD's abbreviations, in the order of the alphabet; ς, which stands between ρ and σ in Unicode, is no letter of Bayer's.
const abbreviations =
  'alp bet gam del eps zet eta the iot kap lam mu nu xi omi pi rho sig tau ups phi chi psi ome'.split(' ');
const letters = [...'αβγδεζηθικλμνξοπρστυφχψω'];

/** 'del2 Lyr' is δ² Lyr; a number of Flamsteed's stays. */
function inGreek(designation: string): string {
  const [, name = '', index = '', constellation] = /^([a-z]+)(\d*) (.+)$/.exec(designation) ?? [];
  const letter = letters[abbreviations.indexOf(name)];
  return letter
    ? `${letter}${[...index].map((digit) => '⁰¹²³⁴⁵⁶⁷⁸⁹'[Number(digit)]).join('')} ${constellation}`
    : designation;
}

const objectsOf = ({ objects }: AnnotationCatalogue, { object: faintest, wholeSky }: Limits, scale: number): Mark[] =>
  objects.flatMap(([raDegrees, decDegrees, magnitude, designation, name, , arcminutes]) => {
    // Nebulae without a magnitude are for telescopes and long exposures.
    if ((magnitude ?? (wholeSky ? 99 : 0)) > faintest) return [];
    const label = name ? `${designation} ${name}` : designation;
    const sizePixels = arcminutes === null ? null : (arcminutes * 60) / scale;
    return [{ kind: 'object', raDegrees, decDegrees, label, designation, magnitude, sizePixels }];
  });

function markOfTarget({ name, raDegrees, decDegrees }: SkyPoint & { name: string }): Mark {
  const label = name || 'Target';
  return { kind: 'target', raDegrees, decDegrees, label, designation: label, magnitude: null, sizePixels: null };
}

/** With its pixel, if that is in the picture. */
function marked(projection: SkyProjection, overhead: Overhead | null, mark: Mark): MarkedPoint[] {
  // Far outside a distortion means nothing, and most of the sky is far outside.
  if (separation(projection.centre, mark) > projection.radiusDegrees * 1.01) return [];
  const pixel = projection.skyToPixel(mark);
  if (!pixel || !isInside(projection, pixel)) return [];
  const seen = overhead && horizontalOf(overhead.seen(vectorOf(mark.raDegrees, mark.decDegrees)));
  const { altitudeDegrees = null, azimuthDegrees = null } = seen ?? {};
  return [{ ...mark, ...pixel, altitudeDegrees, azimuthDegrees }];
}

const isInside = ({ width, height }: SkyProjection, { x, y }: PixelPoint): boolean =>
  x >= -0.5 && y >= -0.5 && x <= width - 0.5 && y <= height - 0.5;

function figuresIn(projection: SkyProjection, { constellations }: AnnotationCatalogue): ConstellationFigure[] {
  return constellations.flatMap(({ name, abbreviation, lines }) => {
    const paths = lines.flatMap((line) =>
      visiblePaths(
        projection,
        line.map(([raDegrees, decDegrees]) => ({ raDegrees, decDegrees })),
      ),
    );
    return paths.length > 0 ? [{ name, abbreviation, paths }] : [];
  });
}
