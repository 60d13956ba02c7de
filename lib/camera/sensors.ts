/**
 * The sensors that the simulated camera can be. Sizes and longest exposures are Raspberry Pi's documented ones for each camera module;
 * pixel sizes are the makers'; full well, read noise and dark current are typical of such sensors, not measured.
 */
import type { SensorModel } from '../sky/render/scene.ts';

export interface CameraSensor extends SensorModel {
  label: string;
  minimumExposureSeconds: number;
  maximumExposureSeconds: number;
  maximumGain: number;
  /** For a night of stars. */
  usualGain: number;
  /** A line's read-out at full size, and the lines between two exposures while the sensor streams (libcamera's frameIntegrationDiff). */
  lineSeconds: number;
  deadLines: number;
}

/** What the small sensors of the modules have in common; electrons a second at 20 °C. */
const backLit = {
  bayer: 'RGGB',
  bitsPerSample: 10,
  blackLevel: 64,
  readNoiseElectrons: 3.2,
  readNoiseFloorElectrons: 1.4,
  darkElectronsPerSecond: 0.12,
  darkDoublingCelsius: 6.3,
  hotPixelsPerMillion: 60,
  quantumEfficiency: 0.55,
  minimumExposureSeconds: 0.0001,
  maximumGain: 16,
  usualGain: 8,
} as const;

const starvis = {
  ...backLit,
  width: 1920,
  height: 1080,
  pixelSizeMicrometres: 2.9,
  bitsPerSample: 12,
  blackLevel: 240,
  fullWellElectrons: 12_000,
  readNoiseElectrons: 2.4,
  readNoiseFloorElectrons: 0.9,
  quantumEfficiency: 0.62,
  // Depends on the driver; 90 s has been seen.
  maximumExposureSeconds: 90,
  maximumGain: 31,
  lineSeconds: 29.6e-6,
  deadLines: 2,
} as const;

/** No real one: what a good all-sky camera's sensor is like. */
const allSky = {
  ...backLit,
  bitsPerSample: 14,
  blackLevel: 512,
  fullWellElectrons: 36_000,
  readNoiseElectrons: 2.4,
  readNoiseFloorElectrons: 1,
  quantumEfficiency: 0.6,
  maximumExposureSeconds: 600,
  maximumGain: 30,
  usualGain: 1,
  lineSeconds: 30e-6,
  deadLines: 4,
} as const;

export const sensors = {
  // Small enough that a Raspberry Pi 4 renders it 20 times faster than life.
  demo: { ...allSky, label: 'Demo all-sky sensor', width: 960, height: 720, pixelSizeMicrometres: 7.8 },
  'demo-large': { ...allSky, label: 'Large demo sensor', width: 1280, height: 960, pixelSizeMicrometres: 5.86 },
  ov5647: {
    ...backLit,
    label: 'OV5647 (Camera Module 1)',
    width: 2592,
    height: 1944,
    pixelSizeMicrometres: 1.4,
    bayer: 'GBRG',
    blackLevel: 16,
    fullWellElectrons: 4_300,
    quantumEfficiency: 0.42,
    maximumExposureSeconds: 3.28,
    maximumGain: 63,
    lineSeconds: 32e-6,
    deadLines: 4,
  },
  imx219: {
    ...backLit,
    label: 'IMX219 (Camera Module 2)',
    width: 3280,
    height: 2464,
    pixelSizeMicrometres: 1.12,
    bayer: 'BGGR',
    fullWellElectrons: 4_500,
    quantumEfficiency: 0.5,
    maximumExposureSeconds: 11.76,
    maximumGain: 10.66,
    lineSeconds: 18.9e-6,
    deadLines: 4,
  },
  imx477: {
    ...backLit,
    label: 'IMX477 (HQ Camera)',
    width: 4056,
    height: 3040,
    pixelSizeMicrometres: 1.55,
    bayer: 'BGGR',
    bitsPerSample: 12,
    blackLevel: 256,
    fullWellElectrons: 8_200,
    minimumExposureSeconds: 0.000114,
    maximumExposureSeconds: 670.74,
    maximumGain: 22.26,
    lineSeconds: 28.6e-6,
    deadLines: 22,
  },
  imx708: {
    ...backLit,
    label: 'IMX708 (Camera Module 3)',
    width: 4608,
    height: 2592,
    pixelSizeMicrometres: 1.4,
    bayer: 'BGGR',
    fullWellElectrons: 6_500,
    maximumExposureSeconds: 112,
    lineSeconds: 26e-6,
    deadLines: 48,
  },
  imx296: {
    ...backLit,
    label: 'IMX296 (Global Shutter)',
    width: 1456,
    height: 1088,
    pixelSizeMicrometres: 3.45,
    blackLevel: 60,
    fullWellElectrons: 10_000,
    readNoiseElectrons: 2.6,
    maximumExposureSeconds: 15.5,
    lineSeconds: 14.8e-6,
    deadLines: 4,
  },
  imx500: {
    ...backLit,
    label: 'IMX500 (AI Camera)',
    width: 4056,
    height: 3040,
    pixelSizeMicrometres: 1.55,
    fullWellElectrons: 8_200,
    maximumExposureSeconds: 112,
    maximumGain: 22,
    lineSeconds: 32e-6,
    deadLines: 22,
  },
  imx290: { ...starvis, label: 'IMX290' },
  imx327: { ...starvis, label: 'IMX327', fullWellElectrons: 14_600 },
  imx462: { ...starvis, label: 'IMX462', readNoiseFloorElectrons: 0.6, quantumEfficiency: 0.66 },
} as const satisfies Record<string, CameraSensor>;

export type SensorName = keyof typeof sensors;
export const sensorNames = Object.keys(sensors) as SensorName[];

/** Lines that a sensor can count while it exposes; for longer exposures the IMX477 doubles the time of a line, others stretch it. */
const longestFrameLines = 65_535;

/** Seconds between the end of an exposure and the start of the next while the sensor streams. */
export function deadSeconds(name: SensorName, exposureSeconds: number): number {
  const { lineSeconds, deadLines } = sensors[name];
  const stretch = exposureSeconds / (lineSeconds * longestFrameLines);
  const factor = stretch <= 1 ? 1 : name === 'imx477' ? 2 ** Math.ceil(Math.log2(stretch)) : stretch;
  return deadLines * lineSeconds * factor;
}
