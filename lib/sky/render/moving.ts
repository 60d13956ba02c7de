/** What moves through the picture: meteors, satellites, aeroplanes. Each minute of sky time rolls its own dice, whatever the frames. */
import { radians, type Vector } from '../coordinates.ts';
import type { Bodies } from './bodies.ts';
import { project } from './lens.ts';
import { channelResponse, electronsOfMagnitudeZero } from './photometry.ts';
import { addPoint, type LightPlane, type PointSpread, reachOf } from './psf.ts';
import { hash, poisson, uniforms } from './random.ts';
import type { Scene, SkyEvent, SkyEventKind } from './scene.ts';
import { airTable, type Transmission } from './stars.ts';

/** Something that moves on a straight line over the site; kilometres east, north, up of it. */
interface Mover {
  kind: SkyEventKind;
  id: number;
  startMilliseconds: number;
  durationSeconds: number;
  from: Vector;
  /** Kilometres a second. */
  velocity: Vector;
  /** V magnitude at its best, seen from 100 km (meteor), 500 km (satellite) or 12 km (aeroplane). */
  magnitude: number;
  /** Light in red, green, blue by the share of its life that is over and the seconds since its start. */
  light: (part: number, seconds: number) => readonly [number, number, number];
}

const slotMilliseconds = 60_000;
const longestSeconds: Record<SkyEventKind, number> = { meteor: 3, satellite: 900, aeroplane: 1200 };
const standardDistance: Record<SkyEventKind, number> = { meteor: 100, satellite: 500, aeroplane: 12 };
const kinds: readonly SkyEventKind[] = ['meteor', 'satellite', 'aeroplane'];
const earthRadius = 6371;

export function drawEvents(
  scene: Scene,
  bodies: Bodies,
  plane: LightPlane,
  spread: PointSpread,
  transmission: Transmission,
): SkyEvent[] {
  const events: SkyEvent[] = [];
  for (const kind of kinds)
    for (const mover of moversOf(scene, kind)) {
      const event = draw(scene, bodies, mover, plane, spread, transmission);
      if (event) events.push(event);
    }
  return events.sort((a, b) => a.fromMilliseconds - b.fromMilliseconds);
}

/** Everything of a kind that may be in the sky during the exposure. */
function moversOf(scene: Scene, kind: SkyEventKind): Mover[] {
  const { conditions, startMilliseconds, exposureSeconds, seed } = scene;
  const { meteorsPerHour, satellitesPerHour, aeroplanesPerHour } = conditions;
  const perHour = { meteor: meteorsPerHour, satellite: satellitesPerHour, aeroplane: aeroplanesPerHour }[kind];
  if (!(perHour > 0)) return [];
  const end = startMilliseconds + exposureSeconds * 1000;
  const firstSlot = Math.floor((startMilliseconds - longestSeconds[kind] * 1000) / slotMilliseconds);
  const movers: Mover[] = [];
  for (let slot = firstSlot; slot * slotMilliseconds < end; slot++) {
    const random = uniforms(hash(seed, slot, kinds.indexOf(kind) + 51));
    random();
    const count = poisson(perHour / 60, random);
    for (let each = 0; each < count; each++) {
      const begins = (slot + random()) * slotMilliseconds;
      const mover = { meteor, satellite, aeroplane }[kind](random, hash(seed, slot, each, kinds.indexOf(kind)), begins);
      if (begins < end && begins + mover.durationSeconds * 1000 > startMilliseconds) movers.push(mover);
    }
  }
  return movers;
}

type Random = () => number;

function meteor(random: Random, id: number, startMilliseconds: number): Mover {
  const [distance, bearing] = [Math.sqrt(random()) * 320, random() * 2 * Math.PI];
  const course = random() * 2 * Math.PI;
  const speed = 18 + 48 * random();
  const dive = 0.2 + 0.9 * random();
  const durationSeconds = 0.25 + 0.9 * random() ** 2;
  // Each magnitude fainter there are 2.5 times as many (a shower's population index); the faintest here is 3.
  const magnitude = Math.max(-6, 3 + Math.log(Math.max(1e-6, random())) / Math.log(2.5));
  return {
    kind: 'meteor',
    id,
    startMilliseconds,
    durationSeconds,
    from: [distance * Math.sin(bearing), distance * Math.cos(bearing), 112],
    velocity: [
      speed * Math.cos(dive) * Math.sin(course),
      speed * Math.cos(dive) * Math.cos(course),
      -speed * Math.sin(dive),
    ],
    magnitude,
    // Green at the beginning (oxygen, nickel), white where it flares at three quarters of its path.
    light: (part) => {
      const bright = (part / 0.75) ** 1.4 * (part < 0.75 ? 1 : Math.max(0, 1 - ((part - 0.75) / 0.25) ** 2));
      return [bright * (0.35 + 0.6 * part), bright, bright * (0.45 + 0.45 * part)];
    },
  };
}

function satellite(random: Random, id: number, startMilliseconds: number): Mover {
  const height = 420 + 800 * random() ** 2;
  const speed = 7.6 - height / 2000;
  const course = (random() < 0.7 ? 35 + 30 * random() : 95 + 10 * random()) * (random() < 0.5 ? 1 : -1) * radians;
  const closest = (random() - 0.5) * 2400;
  const half = 1500;
  const [sin, cos] = [Math.sin(course), Math.cos(course)];
  return {
    kind: 'satellite',
    id,
    startMilliseconds,
    durationSeconds: (2 * half) / speed,
    from: [closest * cos - half * sin, -closest * sin - half * cos, height],
    velocity: [speed * sin, speed * cos, 0],
    magnitude: 1.4 + 4 * random(),
    light: () => [1, 1, 0.95],
  };
}

function aeroplane(random: Random, id: number, startMilliseconds: number): Mover {
  const height = 7 + 4.5 * random();
  const speed = 0.2 + 0.06 * random();
  const course = random() * 2 * Math.PI;
  const closest = (random() - 0.5) * 110;
  const half = 100;
  const [sin, cos] = [Math.sin(course), Math.cos(course)];
  const beat = random();
  return {
    kind: 'aeroplane',
    id,
    startMilliseconds,
    durationSeconds: (2 * half) / speed,
    from: [closest * cos - half * sin, -closest * sin - half * cos, height],
    velocity: [speed * sin, speed * cos, 0],
    magnitude: 0.8 + random(),
    // Steady lights, a red beacon and white double strobes.
    light: (_, seconds) => {
      const phase = (seconds / 1.1 + beat) % 1;
      const strobe = phase < 0.05 || (phase > 0.12 && phase < 0.17) ? 14 : 0;
      const beacon = phase > 0.55 && phase < 0.65 ? 5 : 0;
      return [0.35 + strobe + beacon, 0.3 + strobe, 0.25 + strobe];
    },
  };
}

function draw(
  scene: Scene,
  bodies: Bodies,
  mover: Mover,
  plane: LightPlane,
  spread: PointSpread,
  transmission: Transmission,
): SkyEvent | null {
  const { lens, startMilliseconds, exposureSeconds } = scene;
  const begin = Math.max(0, (startMilliseconds - mover.startMilliseconds) / 1000);
  const end = Math.min(
    mover.durationSeconds,
    (startMilliseconds + exposureSeconds * 1000 - mover.startMilliseconds) / 1000,
  );
  const air = airTable();
  const zero = electronsOfMagnitudeZero(scene);
  const place = new Float64Array(2);
  const at = (seconds: number): { x: number; y: number; up: number; distance: number; position: Vector } | null => {
    const position = [0, 1, 2].map((axis) => mover.from[axis]! + mover.velocity[axis]! * seconds) as unknown as Vector;
    const [x, y, flatZ] = position;
    // The Earth falls away under what is far off.
    const z = flatZ - (x * x + y * y) / (2 * earthRadius);
    const distance = Math.hypot(x, y, z);
    if (z < 0 || project(lens, x / distance, y / distance, z / distance, place) < 0) return null;
    return { x: place[0]!, y: place[1]!, up: z / distance, distance, position: [x, y, z] };
  };
  let event: SkyEvent | null = null;
  let seconds = begin;
  for (let guard = 0; seconds < end && guard < 20_000; guard++) {
    const here = at(seconds);
    if (!here) {
      seconds += Math.max(0.02, mover.durationSeconds / 200);
      continue;
    }
    const next = at(seconds + 1e-3);
    const pixelsPerSecond = next ? Math.hypot(next.x - here.x, next.y - here.y) * 1000 : 1;
    const slowest = mover.kind === 'aeroplane' ? 0.02 : 0.25;
    const step = Math.min(slowest, 0.7 / Math.max(1e-6, pixelsPerSecond), end - seconds);
    const inside = here.x > -20 && here.y > -20 && here.x < plane.width + 20 && here.y < plane.height + 20;
    if (inside && here.up > 0 && !(mover.kind === 'satellite' && inShadow(here.position, bodies.sun.direction))) {
      const nearer = (standardDistance[mover.kind] / here.distance) ** 2;
      const flux = zero * step * 10 ** (-0.4 * mover.magnitude) * nearer;
      const passed = transmission(here.x, here.y);
      const through = Math.round(here.up * 1024) * 3;
      const colour = mover.light(seconds / mover.durationSeconds, seconds);
      const [red, green, blue] = [0, 1, 2].map(
        (index) => flux * passed * air[through + index]! * colour[index]! * channelResponse[index]!,
      ) as [number, number, number];
      addPoint(plane, spread, reachOf(spread, Math.max(red, green, blue)), here.x, here.y, red, green, blue);
      if (here.x >= 0 && here.y >= 0 && here.x <= plane.width - 1 && here.y <= plane.height - 1) {
        const milliseconds = mover.startMilliseconds + seconds * 1000;
        const magnitude = mover.magnitude - 2.5 * Math.log10(nearer * Math.max(1e-3, colour[1]!));
        event ??= {
          kind: mover.kind,
          id: mover.id,
          fromX: here.x,
          fromY: here.y,
          toX: here.x,
          toY: here.y,
          fromMilliseconds: milliseconds,
          toMilliseconds: milliseconds,
          magnitude,
        };
        event.toX = here.x;
        event.toY = here.y;
        event.toMilliseconds = milliseconds;
        event.magnitude = Math.min(event.magnitude, magnitude);
      }
    }
    seconds += step;
  }
  return event;
}

/** Whether the Earth hides the Sun from a place (kilometres east, north, up of the site): a cylinder of shadow. */
function inShadow([x, y, z]: Vector, sun: Vector): boolean {
  const fromCentre = [x, y, z + earthRadius] as const;
  const along = fromCentre[0] * sun[0] + fromCentre[1] * sun[1] + fromCentre[2] * sun[2];
  if (along > 0) return false;
  const squared = fromCentre[0] ** 2 + fromCentre[1] ** 2 + fromCentre[2] ** 2 - along ** 2;
  return squared < earthRadius ** 2;
}
