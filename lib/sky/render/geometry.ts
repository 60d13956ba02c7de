/** What depends on the lens alone: the directions of a coarse grid of pixels, and the silhouette of the landscape. */
import { radians } from '../coordinates.ts';
import { highestHorizonDegrees, horizonAltitude, makeHorizon } from './horizon.ts';
import { type Lens, pixelSolidAngle, unproject } from './lens.ts';
import { vignetting } from './photometry.ts';

/** Codes of the mask: outside the lens, ground, and from there on the share of sky in 254 steps. */
export const maskOutside = 0;
export const maskGround = 1;
export const maskSky = 255;

export interface Geometry {
  key: string;
  /** Pixels between two nodes; columns x rows nodes, the first at pixel 0, 0. */
  step: number;
  columns: number;
  rows: number;
  /** Per node: east, north, up, interleaved. */
  directions: Float64Array;
  altitudes: Float32Array;
  azimuths: Float32Array;
  /** Per node: square radians of sky on a pixel times vignetting; 0 outside the lens. */
  light: Float32Array;
  /** Per pixel, one of the codes above. */
  mask: Uint8Array;
}

/** Enough for the rays of an aurora. */
const gridColumns = 160;

let last: Geometry | null = null;

/** The geometry of a lens; the last one is kept, since a camera on a roof doesn't move. */
export function geometryOf(lens: Lens, width: number, height: number, landscape: boolean, seed: number): Geometry {
  const step = Math.max(4, Math.round(Math.max(width, height) / gridColumns));
  const key = JSON.stringify([lens, width, height, landscape, seed, step]);
  if (last?.key === key) return last;
  last = build(key, step, lens, width, height, landscape, seed);
  return last;
}

function build(
  key: string,
  step: number,
  lens: Lens,
  width: number,
  height: number,
  landscape: boolean,
  seed: number,
): Geometry {
  const columns = Math.ceil((width - 1) / step) + 1;
  const rows = Math.ceil((height - 1) / step) + 1;
  const nodes = columns * rows;
  const geometry: Geometry = {
    key,
    step,
    columns,
    rows,
    directions: new Float64Array(nodes * 3),
    altitudes: new Float32Array(nodes),
    azimuths: new Float32Array(nodes),
    light: new Float32Array(nodes),
    mask: new Uint8Array(width * height),
  };
  const direction = new Float64Array(3);
  const angles = new Float32Array(nodes);
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const node = row * columns + column;
      angles[node] = unproject(lens, column * step, row * step, direction);
      geometry.directions.set(direction, node * 3);
      geometry.altitudes[node] = Math.asin(Math.max(-1, Math.min(1, direction[2]!))) / radians;
      geometry.azimuths[node] = Math.atan2(direction[0]!, direction[1]!) / radians;
      // Nodes just outside keep their light, so that the sky doesn't fade within a node's distance of the rim.
      if (angles[node]! < lens.maximumAngle + (3 * step) / lens.focalLength)
        geometry.light[node] = pixelSolidAngle(lens, angles[node]!) * vignetting(lens.projection, angles[node]!);
    }
  fillMask(geometry, angles, lens, width, height, landscape, seed);
  return geometry;
}

/** Only cells that the horizon or the rim of the lens crosses are looked at pixel by pixel. */
function fillMask(
  geometry: Geometry,
  angles: Float32Array,
  lens: Lens,
  width: number,
  height: number,
  landscape: boolean,
  seed: number,
): void {
  const { step, columns, rows, altitudes, mask } = geometry;
  const horizon = landscape ? makeHorizon(seed) : null;
  const highest = horizon ? highestHorizonDegrees : 0;
  const pixelDegrees = 1 / lens.focalLength / radians;
  const margin = 2 * step * pixelDegrees;
  const direction = new Float64Array(3);
  const codeAt = (x: number, y: number): number => {
    const angle = unproject(lens, x, y, direction);
    if (angle > lens.maximumAngle) return maskOutside;
    const altitude = Math.asin(Math.max(-1, Math.min(1, direction[2]!))) / radians;
    const edge = horizon ? horizonAltitude(horizon, Math.atan2(direction[0]!, direction[1]!) / radians) : 0;
    const share = Math.max(0, Math.min(1, 0.5 + (altitude - edge) / pixelDegrees));
    return Math.round(maskGround + share * (maskSky - maskGround));
  };
  for (let row = 0; row < rows; row++)
    for (let column = 0; column < columns; column++) {
      const corners = [0, 1, columns, columns + 1].map((off) =>
        Math.min(altitudes.length - 1, row * columns + column + off),
      );
      const lowest = Math.min(...corners.map((node) => altitudes[node]!)) - margin;
      const top = Math.max(...corners.map((node) => altitudes[node]!)) + margin;
      const widest = Math.max(...corners.map((node) => angles[node]!)) + margin * radians;
      const narrowest = Math.min(...corners.map((node) => angles[node]!)) - margin * radians;
      let code: number | null = null;
      if (narrowest > lens.maximumAngle) code = maskOutside;
      else if (widest < lens.maximumAngle && lowest > highest) code = maskSky;
      else if (widest < lens.maximumAngle && top < 0) code = maskGround;
      const [x0, y0] = [column * step, row * step];
      for (let y = y0; y < Math.min(height, y0 + step); y++)
        if (code !== null) mask.fill(code, y * width + x0, y * width + Math.min(width, x0 + step));
        else for (let x = x0; x < Math.min(width, x0 + step); x++) mask[y * width + x] = codeAt(x, y);
    }
}
