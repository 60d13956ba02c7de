/** The sky over a site at a moment, as it is seen: aberration and refraction included. J2000 places to directions (east, north, up) and back. */
import {
  apply,
  earthVelocity,
  icrsToHorizon,
  type Matrix,
  radians,
  refractionDegrees,
  transpose,
  type Vector,
} from '../sky/coordinates.ts';
import type { Direction } from './all-sky-camera.ts';

export interface GeographicPlace {
  /** Degrees, north and east positive. */
  latitude: number;
  longitude: number;
  /** Metres. */
  elevation: number;
}

export class Overhead {
  private readonly toHorizon: Matrix;
  private readonly toSky: Matrix;
  private readonly velocity: Vector;

  /** @param milliseconds UTC since 1970. */
  constructor(site: GeographicPlace, milliseconds: number) {
    this.toHorizon = icrsToHorizon(site, milliseconds);
    this.toSky = transpose(this.toHorizon);
    this.velocity = earthVelocity(milliseconds);
  }

  /** Where a star (unit vector, J2000) is seen. */
  seen([x, y, z]: Vector): Direction {
    const [vx, vy, vz] = this.velocity;
    return raised(unit(apply(this.toHorizon, [x + vx, y + vy, z + vz])));
  }

  /** What is seen in a direction (J2000). Exact to a second of arc above the horizon. */
  behind(direction: Direction): Vector {
    let place = direction;
    // Refraction depends on the true altitude: three rounds leave less than a second of arc at the horizon.
    for (let round = 0; round < 4; round++) {
      const again = raised(place);
      place = unit([0, 1, 2].map((axis) => place[axis]! + direction[axis]! - again[axis]!) as unknown as Vector);
    }
    const [x, y, z] = apply(this.toSky, place);
    const [vx, vy, vz] = this.velocity;
    return unit([x - vx, y - vy, z - vz]);
  }
}

/** A direction lifted by the refraction of its true altitude. */
function raised([east, north, up]: Vector): Vector {
  const level = Math.hypot(east, north);
  const altitude = Math.atan2(up, level) / radians;
  const lifted = (altitude + refractionDegrees(altitude)) * radians;
  const stretch = level < 1e-12 ? 0 : Math.cos(lifted) / level;
  return [east * stretch, north * stretch, level < 1e-12 ? up : Math.sin(lifted)];
}

function unit([x, y, z]: Vector): Vector {
  const length = Math.hypot(x, y, z);
  return [x / length, y / length, z / length];
}
