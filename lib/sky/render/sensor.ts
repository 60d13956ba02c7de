/** Light to numbers: photon noise, dark current, hot pixels, read noise, saturation, gain and the converter. */
import { allocatePixels } from '../../frame/frame.ts';
import type { Background } from './background.ts';
import { type Geometry, maskGround, maskOutside, maskSky } from './geometry.ts';
import { gaussianTable, gaussianTableBits, hash, uniforms } from './random.ts';
import { mosaicOf, type Scene, type SensorModel } from './scene.ts';

export interface Exposed {
  data: SharedArrayBuffer;
  blackLevel: number;
  whiteLevel: number;
}

/** What reaches the sensor besides its own noise; null in a dark or bias frame. */
export interface Light {
  background: Background;
  geometry: Geometry;
  /** Electrons of stars and everything else that is small, per pixel. */
  points: Float32Array;
}

const shareSteps = maskSky - maskGround;

export function exposeSensor(scene: Scene, light: Light | null): Exposed {
  const { sensor, gain } = scene;
  const { width, height } = sensor;
  const data = allocatePixels(width, height, 1, 'u16');
  const pixels = new Uint16Array(data);
  const whiteLevel = 2 ** sensor.bitsPerSample - 1;
  const blackLevel = Math.min(whiteLevel, sensor.blackLevel + scene.offset);
  const aduPerElectron = (gain * (whiteLevel - sensor.blackLevel)) / sensor.fullWellElectrons;
  const dark = darkRate(sensor, scene.temperatureCelsius) * scene.exposureSeconds;
  const noise = readNoise(sensor, gain);
  const readVariance = noise * noise;
  const full = sensor.fullWellElectrons;
  const table = gaussianTable;
  const shift = 32 - gaussianTableBits;
  const mosaic = mosaicOf(sensor.bayer);
  const floor = blackLevel + 0.5;
  let state = hash(scene.seed, scene.startMilliseconds, 31) | 1;

  const electrons = new Float32Array(width);
  for (let y = 0; y < height; y++) {
    const row = y * width;
    if (light) collectRow(light, y, width, mosaic, electrons);
    for (let x = 0; x < width; x++) {
      const mean = electrons[x]! + dark;
      state ^= state << 13;
      state ^= state >>> 17;
      state ^= state << 5;
      const collected = Math.min(full, mean + Math.sqrt(mean + readVariance) * table[state >>> shift]!);
      // The array rounds down; both ends are clamped before.
      pixels[row + x] = Math.max(0, Math.min(whiteLevel, floor + aduPerElectron * collected));
    }
  }
  heatPixels(scene, pixels, aduPerElectron, whiteLevel);
  return { data, blackLevel, whiteLevel };
}

/** Electrons a second in an ordinary pixel. */
export const darkRate = (sensor: SensorModel, temperatureCelsius: number): number =>
  sensor.darkElectronsPerSecond * 2 ** ((temperatureCelsius - 20) / sensor.darkDoublingCelsius);

/** Part of the read noise is made behind the amplifier, so gain makes it smaller (in electrons). */
export const readNoise = (sensor: SensorModel, gain: number): number => {
  const floor = sensor.readNoiseFloorElectrons;
  return Math.sqrt(floor ** 2 + (sensor.readNoiseElectrons ** 2 - floor ** 2) / gain ** 2);
};

export interface HotPixel {
  index: number;
  /** Electrons a second at 20 °C. */
  rate: number;
}

let knownHotPixels: { key: string; pixels: HotPixel[] } | null = null;

/** The hot pixels of a sensor: a seed is one specimen of it. */
export function hotPixelsOf(sensor: SensorModel, seed: number): HotPixel[] {
  const key = `${seed} ${sensor.width} ${sensor.height} ${sensor.hotPixelsPerMillion}`;
  if (knownHotPixels?.key !== key) {
    const random = uniforms(hash(seed, sensor.width, sensor.height, 41));
    const count = Math.round((sensor.width * sensor.height * sensor.hotPixelsPerMillion) / 1e6);
    const pixels = Array.from({ length: count }, () => ({
      index: Math.floor(random() * sensor.width * sensor.height),
      // Many warm ones, few that glow: rates spread over two decades.
      rate: 8 * 10 ** (2 * random() ** 2),
    }));
    knownHotPixels = { key, pixels };
  }
  return knownHotPixels.pixels;
}

function heatPixels(scene: Scene, pixels: Uint16Array, aduPerElectron: number, whiteLevel: number): void {
  const warmth = 2 ** ((scene.temperatureCelsius - 20) / scene.sensor.darkDoublingCelsius) * scene.exposureSeconds;
  const random = uniforms(hash(scene.seed, scene.startMilliseconds, 43));
  for (const { index, rate } of hotPixelsOf(scene.sensor, scene.seed)) {
    const electrons = rate * warmth;
    const noise = gaussianTable[Math.floor(random() * gaussianTable.length)]! * Math.sqrt(electrons);
    pixels[index] = Math.max(0, Math.min(whiteLevel, pixels[index]! + (electrons + noise) * aduPerElectron));
  }
}

/** The light of one row in electrons: sky between the nodes of the coarse grid and points, or the ground. */
function collectRow(
  { background, geometry, points }: Light,
  y: number,
  width: number,
  mosaic: readonly number[],
  out: Float32Array,
): void {
  const { step, columns, rows, mask } = geometry;
  const [first, second] = [mosaic[(y & 1) * 2]!, mosaic[(y & 1) * 2 + 1]!];
  const above = Math.min(rows - 1, Math.floor(y / step));
  const top = above * columns;
  const bottom = Math.min(rows - 1, above + 1) * columns;
  const down = (y - above * step) / step;
  for (let parity = 0; parity < 2; parity++) {
    const colour = parity ? second : first;
    const grid = background.colours[colour]!;
    const ground = background.ground[colour]!;
    let left = grid[top]! + down * (grid[bottom]! - grid[top]!);
    for (let column = 0, from = 0; from < width; column++, from += step) {
      const next = Math.min(columns - 1, column + 1);
      const right = grid[top + next]! + down * (grid[bottom + next]! - grid[top + next]!);
      const slope = (right - left) / step;
      const end = Math.min(width, from + step);
      for (let x = from + ((from ^ parity) & 1); x < end; x += 2) {
        const at = y * width + x;
        const sky = left + slope * (x - from) + points[at]!;
        const code = mask[at]!;
        if (code === maskSky) out[x] = sky;
        else if (code === maskOutside) out[x] = 0;
        else {
          const share = (code - maskGround) / shareSteps;
          out[x] = share * sky + (1 - share) * ground;
        }
      }
      left = right;
    }
  }
}
