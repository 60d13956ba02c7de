/**
 * Builds data/annotations.json, what is written into pictures: names of bright stars, the lines of the constellations, Messier's objects
 * and the brighter ones of NGC and IC. From the npm package d3-celestial (BSD-3-Clause, see data/NOTICES.md):
 *
 *   node scripts/build-annotations.js
 *
 * The result is committed, so only whoever changes it runs this.
 */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root } from './toolchain.js';

/** Fainter ones are for those who look for them by name. */
const faintestStar = 6;
const faintestObject = 11.5;
/** Larger ones are kept whatever their brightness: large nebulae have none that means much. Minutes of arc. */
const largeObject = 25;

const source = (name) => JSON.parse(readFileSync(join(root, 'node_modules/d3-celestial/data', `${name}.json`), 'utf8'));
const rounded = (value, digits = 3) => Number(value.toFixed(digits));
const place = ([ra, dec]) => [rounded((ra + 360) % 360, 4), rounded(dec, 4)];

const greek = Object.fromEntries(
  [...'αβγδεζηθικλμνξοπρστυφχψω'].map((letter, i) => [
    letter,
    'alp bet gam del eps zet eta the iot kap lam mu nu xi omi pi rho sig tau ups phi chi psi ome'.split(' ')[i],
  ]),
);

/** [ra, dec, V, designation, proper name] */
function stars() {
  const names = source('starnames');
  return source('stars.6')
    .features.flatMap(({ id, properties, geometry }) => {
      const { name = '', bayer = '', flam = '', c = '' } = names[id] ?? {};
      const letter = greek[bayer[0]] ? `${greek[bayer[0]]}${bayer.slice(1).replace(/\D/g, '')}` : '';
      const designation = letter || flam ? `${letter || flam} ${c}` : '';
      const magnitude = Number(properties.mag);
      if (magnitude > faintestStar || !(name || letter)) return [];
      return [[...place(geometry.coordinates), rounded(magnitude, 2), designation, name]];
    })
    .sort((one, other) => one[2] - other[2]);
}

/** { name, abbreviation, at: [ra, dec], lines: [[[ra, dec], …], …] } */
function constellations() {
  const named = new Map(source('constellations').features.map((each) => [`${each.id} ${each.properties.rank}`, each]));
  const byId = new Map([...named.values()].map((each) => [each.id, each]));
  return source('constellations.lines').features.map(({ id, geometry }) => ({
    name: byId.get(id)?.properties.name ?? id,
    abbreviation: id,
    at: place(byId.get(id)?.geometry.coordinates ?? geometry.coordinates[0][0]),
    lines: geometry.coordinates.map((line) => line.map(place)),
  }));
}

/** [ra, dec, V or null, designation, name, kind, length in minutes of arc or null] */
function objects() {
  const messier = source('messier').features.map(({ properties, geometry }) => {
    const { name, desig, alt, type, mag, dim } = properties;
    return {
      also: desig,
      row: [...place(geometry.coordinates), Number(mag) || null, name.replace(/^M/, 'M '), alt, type, size(dim)],
    };
  });
  const known = new Set(messier.flatMap(({ also, row }) => [also, row[3]].map((each) => each.replace(/\s/g, ''))));
  const names = source('dsonames');
  const others = source('dsos.14').features.flatMap(({ id, properties, geometry }) => {
    const { desig, type, mag, dim } = properties;
    const length = size(dim);
    const magnitude = Number(mag) && Number(mag) < 90 ? Number(mag) : null;
    if (!/^(NGC|IC)\s?\d+$/.test(desig) || known.has(desig.replace(/\s/g, ''))) return [];
    if (!((magnitude ?? 99) <= faintestObject || (length ?? 0) >= largeObject)) return [];
    return [
      [
        ...place(geometry.coordinates),
        magnitude,
        desig.replace(/^(NGC|IC)\s?/, '$1 '),
        names[id]?.name ?? names[desig]?.name ?? '',
        type,
        length,
      ],
    ];
  });
  return [...messier.map(({ row }) => row), ...others].sort((one, other) => (one[2] ?? 9) - (other[2] ?? 9));
}

function size(dimension) {
  const length = Math.max(
    ...String(dimension ?? '')
      .split('x')
      .map(Number)
      .filter(Boolean),
    0,
  );
  return length > 0 ? length : null;
}

const data = { stars: stars(), constellations: constellations(), objects: objects() };
const lines = Object.entries(data).map(
  ([name, rows]) => `"${name}": [\n${rows.map((row) => JSON.stringify(row)).join(',\n')}\n]`,
);
writeFileSync(join(root, 'data', 'annotations.json'), `{\n${lines.join(',\n')}\n}\n`);
console.log(
  Object.entries(data)
    .map(([name, rows]) => `${rows.length} ${name}`)
    .join(', '),
);
