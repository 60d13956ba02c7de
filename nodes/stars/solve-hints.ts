/** What is known of a picture before it is solved: from the message, the mount, the header, or the picture before. */
import type { Frame } from '../../lib/frame/frame.ts';
import { parseDeclination, parseRightAscension } from '../../lib/sky/angles.ts';
import { scaleRange } from '../../lib/solve/solution.ts';
import type { Solution, SolveHints } from '../../lib/solve/solver.ts';
import { pixelScale } from '../../lib/stars/pixel-scale.ts';
import type { InputTable, Settings } from '../inputs.ts';
import type { AstroMessage } from '../types.ts';

export const hintInputs = {
  positionFrom: { type: 'choice', label: 'position hint', choices: ['auto', 'none'], default: 'auto' },
  radiusDegrees: { type: 'number', label: 'search radius', default: 10, minimum: 0.1, maximum: 180, unit: '°' },
  focalLength: { type: 'number', label: 'focal length', default: null, minimum: 0.1, maximum: 1e5, unit: 'mm' },
  pixelSize: { type: 'number', label: 'pixel size', default: null, minimum: 0.1, maximum: 1000, unit: 'µm' },
  scaleArcseconds: { type: 'number', label: 'scale', default: null, minimum: 0.01, maximum: 3600, unit: '″/px' },
  scaleMargin: { type: 'number', label: 'margin of the scale', default: 15, minimum: 1, maximum: 90, unit: '%' },
  remember: { type: 'boolean', label: 'memory of the last picture', default: true },
} as const satisfies InputTable;

/** The scale of the picture before it, when it was of the same camera, is known this well. */
const rememberedMargin = 0.03;

/**
 * @param mount Where the mount says that it points; null without one.
 * @param last The solution of the picture before, of the same camera and size; null without one.
 * @throws bad-input
 */
export function hintsFor(
  msg: AstroMessage,
  frame: Frame,
  settings: Settings<typeof hintInputs>,
  { mount, last }: { mount: Place | null; last: Solution | null },
): SolveHints {
  const { positionFrom, radiusDegrees, focalLength, pixelSize, scaleMargin, remember } = settings;
  const known = remember ? last : null;
  const place = positionFrom === 'none' ? null : (placeOf(msg, mount) ?? placeOfFrame(frame) ?? known);
  const optics = { focalLengthMillimetres: focalLength, pixelSizeMicrometres: pixelSize };
  const said = settings.scaleArcseconds ?? pixelScale(frame, optics);
  const margin = scaleMargin / 100;
  const scale = said ? { scaleLow: said * (1 - margin), scaleHigh: said * (1 + margin) } : {};
  return {
    ...(place ? { raDegrees: place.raDegrees, decDegrees: place.decDegrees, radiusDegrees } : {}),
    ...(known ? scaleRange(known, rememberedMargin) : scale),
    ...(known ? { parity: known.parity } : {}),
  };
}

interface Place {
  raDegrees: number;
  decDegrees: number;
}

/** `msg.raDegrees` and `msg.decDegrees`, a number or as people write them; then the mount; then `msg.target`. */
function placeOf(msg: AstroMessage, mount: Place | null): Place | null {
  const { raDegrees, decDegrees } = msg;
  if (raDegrees !== undefined && decDegrees !== undefined) {
    return {
      raDegrees: parseRightAscension(typed(raDegrees)).degrees,
      decDegrees: parseDeclination(typed(decDegrees)).degrees,
    };
  }
  for (const each of [msg.mount, mount, msg.target]) if (isPlace(each)) return each;
  return null;
}

/** A header may lie, as that of a mount that was never aligned; the solver looks elsewhere then. */
function placeOfFrame(frame: Frame): Place | null {
  if (frame.target) return frame.target;
  const place = {
    raDegrees: Number(frame.keyword('RA') ?? Number.NaN),
    decDegrees: Number(frame.keyword('DEC') ?? Number.NaN),
  };
  return isPlace(place) ? place : null;
}

const typed = (value: unknown): number | string => (typeof value === 'number' ? value : String(value));

function isPlace(value: unknown): value is Place {
  const { raDegrees, decDegrees } = (value ?? {}) as Partial<Place>;
  return (
    typeof raDegrees === 'number' &&
    typeof decDegrees === 'number' &&
    raDegrees >= 0 &&
    raDegrees <= 360 &&
    Math.abs(decDegrees) <= 90
  );
}
