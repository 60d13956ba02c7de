/** What `rpicam-hello --list-cameras -v 2` prints: cameras, their modes and the ranges of their controls. */
import type { SensorInfo } from './camera.ts';
import { rawFormat } from './rpicam-format.ts';
import { sensors } from './sensors.ts';

export interface RpicamMode {
  /** libcamera's name of the raw format. */
  format: string;
  width: number;
  height: number;
  bits: number;
  framesPerSecond: number | null;
  /** Pixels of the sensor that one of the mode's reaches across; 2 where it is binned. */
  binning: number;
}

export interface RpicamCamera {
  /** Its place in the list, which other cameras may change. */
  index: number;
  /** libcamera's path of it: the same as long as it stays in its socket. */
  id: string;
  /** 'imx477' */
  model: string;
  width: number;
  height: number;
  modes: readonly RpicamMode[];
  /** By libcamera's names. Empty before rpicam-apps 1.4, which doesn't tell. */
  controls: ReadonlyMap<string, { minimum: number; maximum: number }>;
}

/** Lines that are not understood are passed over: each release prints a little more. */
export function parseCameraList(text: string): RpicamCamera[] {
  const cameras: (RpicamCamera & {
    modes: RpicamMode[];
    controls: Map<string, { minimum: number; maximum: number }>;
  })[] = [];
  let format = '';
  for (const line of text.split('\n')) {
    const head = /^\s*(\d+) : (\S+) \[(\d+)x(\d+)[^\]]*\] \((.+)\)\s*$/.exec(line);
    if (head) {
      const [, index, model, width, height, id] = head as unknown as [string, string, string, string, string, string];
      cameras.push({ index: +index, id, model, width: +width, height: +height, modes: [], controls: new Map() });
      continue;
    }
    const camera = cameras.at(-1);
    if (!camera) continue;
    format = /'([A-Za-z0-9_]+)' :/.exec(line)?.[1] ?? format;
    const mode = /\b(\d+)x(\d+) \[([\d.]+) fps - \((\d+), (\d+)\)\/(\d+)x(\d+) crop\]/.exec(line);
    if (mode) {
      const [width, height, fps, , , across] = mode.slice(1).map(Number) as [
        number,
        number,
        number,
        number,
        number,
        number,
      ];
      const bits = bitsOf(format);
      if (bits !== null)
        camera.modes.push({
          format,
          width,
          height,
          bits,
          framesPerSecond: fps > 0 ? fps : null,
          binning: Math.max(1, Math.round(across / width)),
        });
      continue;
    }
    const control = /^\s+(\w+) : \[(-?[\d.]+)\.\.(-?[\d.]+)\]\s*$/.exec(line);
    if (control) camera.controls.set(control[1]!, { minimum: Number(control[2]), maximum: Number(control[3]) });
  }
  return cameras;
}

function bitsOf(format: string): number | null {
  try {
    return rawFormat(format).bits;
  } catch {
    return null;
  }
}

/** The mode as a user chooses it. */
export const modeName = ({ width, height, bits }: RpicamMode): string => `${width}x${height} ${bits}-bit`;

/** The largest picture, with the most bits. */
export const bestMode = (camera: RpicamCamera): RpicamMode | null =>
  [...camera.modes].sort((a, b) => b.width * b.height - a.width * a.height || b.bits - a.bits)[0] ?? null;

/** Ranges are those that the program told, for its largest mode; the pixel size is the maker's, where the sensor is known. */
export function sensorOf(camera: RpicamCamera, mode: RpicamMode | null = bestMode(camera)): SensorInfo {
  const exposure = camera.controls.get('ExposureTime');
  const known = Object.entries(sensors).find(([name]) => name === camera.model)?.[1];
  return {
    width: mode?.width ?? camera.width,
    height: mode?.height ?? camera.height,
    pixelSizeMicrometres: known ? known.pixelSizeMicrometres * (mode?.binning ?? 1) : null,
    bayer: mode ? rawFormat(mode.format).bayer : null,
    bitsPerSample: mode?.bits ?? 16,
    minimumExposureSeconds: exposure ? exposure.minimum / 1e6 : null,
    maximumExposureSeconds: exposure ? exposure.maximum / 1e6 : null,
  };
}
