/** The real photographs of NIGHTFLOW_DATA/solve with what is known of them, and the hints of a mount that points half well. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { SolveHints } from '../../lib/solve/solver.ts';
import type { SkyPoint } from '../../lib/solve/wcs.ts';

export interface KnownPicture {
  file: string;
  path: string;
  /** `negative`: there are no stars to solve. */
  kind: 'photo' | 'survey' | 'negative';
  /** null: nobody solved it. */
  truth: (SkyPoint & { widthDegrees: number; scale: number }) | null;
}

/** Null where the data is not there. */
export function knownPictures(data: string): KnownPicture[] | null {
  const folder = join(data, 'solve');
  const table = join(folder, 'truth.csv');
  if (!existsSync(table)) return null;
  const [head, ...lines] = readFileSync(table, 'utf8').trim().split('\n');
  const names = head!.split(',');
  return lines.map((line) => {
    const values = line.split(',');
    const of = (name: string) => values[names.indexOf(name)] ?? '';
    const number = (name: string) => Number(of(name));
    const kind = of('class') === 'negative' ? 'negative' : of('class') === 'photo' ? 'photo' : 'survey';
    const truth = of('ra_deg')
      ? {
          ...{ raDegrees: number('ra_deg'), decDegrees: number('dec_deg') },
          ...{ widthDegrees: number('fov_w_deg'), scale: number('scale_arcsec_px') },
        }
      : null;
    return { file: of('file'), path: join(folder, 'images', of('file')), kind, truth };
  });
}

/** A pointing error up to the smaller of 2° and half a field, the same for each engine and each run, and a scale within 15 %. */
export function hintsOf({ file, truth }: KnownPicture): SolveHints {
  if (!truth) return {};
  let seed = 7;
  for (const letter of file) seed = (seed * 31 + letter.charCodeAt(0)) % 65_521;
  const error = Math.min(2, truth.widthDegrees / 2) * ((seed % 97) / 97);
  const angle = seed;
  const decDegrees = Math.max(-90, Math.min(90, truth.decDegrees + error * Math.sin(angle)));
  const inRa = (error * Math.cos(angle)) / Math.max(0.05, Math.cos((decDegrees * Math.PI) / 180));
  return {
    ...{ raDegrees: (truth.raDegrees + inRa + 360) % 360, decDegrees },
    radiusDegrees: Math.max(3, truth.widthDegrees),
    ...{ scaleLow: truth.scale / 1.15, scaleHigh: truth.scale * 1.15 },
  };
}
