/** Worker job: renders one exposure of the simulated camera. */
import { performance } from 'node:perf_hooks';
import { type Background, renderBackground } from './background.ts';
import { bodiesOver } from './bodies.ts';
import { skyLight } from './brightness.ts';
import { drawDiscs } from './discs.ts';
import { type Geometry, geometryOf } from './geometry.ts';
import { drawEvents } from './moving.ts';
import { type LightPlane, makePointSpread } from './psf.ts';
import { mosaicOf, type Rendering, type Scene, type SkyEvent } from './scene.ts';
import { exposeSensor, type Light } from './sensor.ts';
import { drawStars } from './stars.ts';

/** Sharpness of a small lens, pixels at half height. */
const lensBlurPixels = 1.5;

export function renderScene(scene: Scene): Rendering {
  const started = performance.now();
  const { sensor, lens, conditions } = scene;
  const bodies = bodiesOver(scene.site, scene.startMilliseconds + scene.exposureSeconds * 500);
  const events: SkyEvent[] = [];
  let light: Light | null = null;
  if (scene.kind === 'light') {
    const geometry = geometryOf(lens, sensor.width, sensor.height, conditions.landscape, scene.seed);
    const background = renderBackground(scene, geometry, skyLight(bodies, conditions.zenithMagnitude));
    const plane: LightPlane = {
      light: emptyPoints(sensor.width * sensor.height),
      width: sensor.width,
      height: sensor.height,
      mosaic: mosaicOf(sensor.bayer),
    };
    const seeingPixels = (conditions.seeingArcseconds / 206265) * lens.focalLength;
    const spread = makePointSpread(Math.hypot(lensBlurPixels, seeingPixels), conditions.defocusPixels);
    const transmission = transmissionOf(geometry, background.transmission);
    drawStars(scene, plane, spread, transmission, darkestSky(background));
    drawDiscs(scene, bodies, plane, spread, transmission);
    events.push(...drawEvents(scene, bodies, plane, spread, transmission));
    light = { background, geometry, points: plane.light };
  } else if (scene.kind === 'flat') light = evenLight(scene);
  return {
    ...exposeSensor(scene, light),
    events,
    sunAltitudeDegrees: bodies.sun.altitudeDegrees,
    moonAltitudeDegrees: bodies.moon.altitudeDegrees,
    cpuMilliseconds: performance.now() - started,
  };
}

/** Electrons of green light in a dark node of the sky: about one in ten is darker. */
function darkestSky({ colours: [, green] }: Background): number {
  const step = Math.max(1, Math.floor(green.length / 1000));
  const lit = green.filter((electrons, node) => node % step === 0 && electrons > 0).sort();
  return lit[Math.floor(lit.length / 10)] ?? 0;
}

/** What clouds let through towards a pixel, between the nodes of the grid. */
function transmissionOf({ step, columns, rows }: Geometry, grid: Float32Array): (x: number, y: number) => number {
  return (x, y) => {
    const column = Math.max(0, Math.min(columns - 1.001, x / step));
    const row = Math.max(0, Math.min(rows - 1.001, y / step));
    const [c, r] = [column | 0, row | 0];
    const [fc, fr] = [column - c, row - r];
    const at = r * columns + c;
    return (
      (grid[at]! * (1 - fc) + grid[at + 1]! * fc) * (1 - fr) +
      (grid[at + columns]! * (1 - fc) + grid[at + columns + 1]! * fc) * fr
    );
  };
}

/** A flat field: half the full well in green at gain 1 whatever the exposure, with the lens' own falling off. */
function evenLight(scene: Scene): Light {
  const { sensor, lens } = scene;
  const geometry = geometryOf(lens, sensor.width, sensor.height, false, scene.seed);
  let brightest = 0;
  for (const each of geometry.light) brightest = Math.max(brightest, each);
  const grid = (share: number) =>
    Float32Array.from(geometry.light, (each) => ((each / brightest) * share * sensor.fullWellElectrons) / scene.gain);
  const colours = [grid(0.35), grid(0.5), grid(0.38)] as const;
  const middle = [0.35, 0.5, 0.38].map((share) => (share * sensor.fullWellElectrons) / scene.gain);
  return {
    geometry,
    background: {
      colours,
      transmission: new Float32Array(geometry.light.length).fill(1),
      ground: middle as unknown as [number, number, number],
    },
    points: emptyPoints(sensor.width * sensor.height),
  };
}

let points = new Float32Array(0);

/** The plane of the last frame, emptied: fresh memory for each would cost more than drawing the stars. */
function emptyPoints(length: number): Float32Array {
  if (points.length === length) points.fill(0);
  else points = new Float32Array(length);
  return points;
}
