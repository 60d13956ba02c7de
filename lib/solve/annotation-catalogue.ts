/** What is written into pictures: data/annotations.json, read once (made by scripts/build-annotations.js; where from: data/README.md). */
import { readFile } from 'node:fs/promises';
import { packagePath } from '../process/package-root.ts';

export interface AnnotationCatalogue {
  /** Right ascension, declination (J2000 degrees), V, designation, proper name; the brightest first. */
  stars: readonly (readonly [number, number, number, string, string])[];
  constellations: readonly {
    name: string;
    abbreviation: string;
    lines: readonly (readonly (readonly [number, number])[])[];
  }[];
  /** Right ascension, declination, V or null, designation, name, kind, length in minutes of arc or null; the brightest first. */
  objects: readonly (readonly [number, number, number | null, string, string, string, number | null])[];
}

let loaded: Promise<AnnotationCatalogue> | null = null;

export function loadAnnotations(): Promise<AnnotationCatalogue> {
  loaded ??= readFile(packagePath('data', 'annotations.json'), 'utf8').then(
    (text) => JSON.parse(text) as AnnotationCatalogue,
  );
  return loaded;
}
