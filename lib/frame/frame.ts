/** One picture: pixels in shared memory and what is known about them. It is never changed in place. */
import { inspect } from 'node:util';
import { allocateShared } from '../kernels/memory.ts';
import { NightflowError } from '../process/errors.ts';

export type PixelType = 'u8' | 'u16' | 'f32';
export type BayerPattern = 'RGGB' | 'BGGR' | 'GRBG' | 'GBRG';
export type FrameKind = 'light' | 'dark' | 'flat' | 'bias';
export type Pixels = Uint8Array | Uint16Array | Float32Array;

/** A FITS keyword as it came: logical, number or string value; null for a card without a value (COMMENT, HISTORY keep their text in `value`). */
export interface Keyword {
  name: string;
  value: string | number | boolean | null;
  comment?: string;
}

export interface FrameSite {
  name?: string;
  /** Degrees, north positive. */
  latitude: number;
  /** Degrees, east positive. */
  longitude: number;
  /** Metres above sea level. */
  elevation: number;
}

export interface FrameTarget {
  name: string;
  /** J2000 (ICRS) degrees. */
  raDegrees: number;
  decDegrees: number;
}

/** The file that the camera itself made of the exposure (ARW, CR3, NEF, DNG, JPEG …), untouched. */
export interface Original {
  /** All of its bytes and no more. */
  data: SharedArrayBuffer;
  /** With its dot, in small letters: '.arw'. */
  extension: string;
}

/** Everything of a Frame but its methods: what crosses a thread. Row 0 is the top; RGB is planar (R plane, G plane, B plane). */
export interface FrameFields {
  data: SharedArrayBuffer;
  width: number;
  height: number;
  channels: 1 | 3;
  /** The colour of the top left 2x2 pixels, or null for mono and RGB. */
  bayer: BayerPattern | null;
  pixelType: PixelType;
  /** `srgb` for pictures that already carry a display gamma (JPEG), `linear` for camera data. */
  transfer: 'linear' | 'srgb';
  /** ADU of no light. */
  blackLevel: number;
  /** ADU of saturation. */
  whiteLevel: number;
  /** Multipliers of R, G, B that make grey grey, G = 1; null when unknown. */
  whiteBalance: readonly [number, number, number] | null;
  /** 3x3 row-major XYZ (D65) to camera, as in DNG ColorMatrix; null when unknown. */
  colourMatrix: readonly number[] | null;
  kind: FrameKind;
  /** ISO 8601 UTC of the exposure; null when unknown. */
  start: string | null;
  middle: string | null;
  end: string | null;
  /** Where the times come from ('camera', 'host', 'file', 'simulator') and how far off they may be, seconds. */
  timeSource: string | null;
  timeUncertaintySeconds: number | null;
  exposureSeconds: number | null;
  gain: number | null;
  offset: number | null;
  /** Sensor, °C. */
  temperatureCelsius: number | null;
  /** Camera's name. */
  camera: string | null;
  site: FrameSite | null;
  target: FrameTarget | null;
  /** The night it belongs to, YYYY-MM-DD: the local date of the evening (local time minus 12 h). */
  night: string | null;
  /** Its number in the sequence, from 1. */
  number: number | null;
  /** How many exposures were folded into this one (1 for a single exposure). */
  combined: number;
  /** 64-bit samples were narrowed to 32-bit float. */
  precisionLost: boolean;
  /** The file it was read from, or null. */
  source: string | null;
  /** Where the camera made a file of its own, and the pixels are still those of it. As large as the pixels: who keeps a frame for long lets go of it. */
  original: Original | null;
  keywords: readonly Keyword[];
}

export type FrameInit = Pick<FrameFields, 'data' | 'width' | 'height' | 'pixelType'> & Partial<FrameFields>;

export const bytesPerSample = { u8: 1, u16: 2, f32: 4 } as const;

/** No sensor or mosaic that we serve is larger; a header that says so lies. */
export const maximumPixels = 1_000_000_000;

/** Memory for a picture's samples. @throws bad-input for a size that can't be. */
export function allocatePixels(
  width: number,
  height: number,
  channels: 1 | 3,
  pixelType: PixelType,
): SharedArrayBuffer {
  if (
    !Number.isInteger(width) ||
    !Number.isInteger(height) ||
    width < 1 ||
    height < 1 ||
    width * height * channels > maximumPixels
  )
    throw new NightflowError('bad-input', `A picture of ${width} x ${height} x ${channels} samples can't be.`);
  return allocateShared(width * height * channels * bytesPerSample[pixelType]);
}

export class Frame implements FrameFields {
  data!: SharedArrayBuffer;
  width!: number;
  height!: number;
  channels: 1 | 3 = 1;
  bayer: BayerPattern | null = null;
  pixelType!: PixelType;
  transfer: 'linear' | 'srgb' = 'linear';
  blackLevel = 0;
  whiteLevel = 65535;
  whiteBalance: readonly [number, number, number] | null = null;
  colourMatrix: readonly number[] | null = null;
  kind: FrameKind = 'light';
  start: string | null = null;
  middle: string | null = null;
  end: string | null = null;
  timeSource: string | null = null;
  timeUncertaintySeconds: number | null = null;
  exposureSeconds: number | null = null;
  gain: number | null = null;
  offset: number | null = null;
  temperatureCelsius: number | null = null;
  camera: string | null = null;
  site: FrameSite | null = null;
  target: FrameTarget | null = null;
  night: string | null = null;
  number: number | null = null;
  combined = 1;
  precisionLost = false;
  source: string | null = null;
  original: Original | null = null;
  keywords: readonly Keyword[] = [];

  /** @throws bad-input when the memory does not fit the size. Without a white level: 255, 65535 or 1 by pixel type. */
  constructor(init: FrameInit) {
    this.whiteLevel = init.pixelType === 'u8' ? 255 : init.pixelType === 'u16' ? 65535 : 1;
    for (const [name, value] of Object.entries(init))
      if (value !== undefined) (this as Record<string, unknown>)[name] = value;
    const bytes = this.width * this.height * this.channels * bytesPerSample[this.pixelType];
    if (!(this.data instanceof SharedArrayBuffer) || this.data.byteLength !== bytes)
      throw new NightflowError(
        'bad-input',
        `A frame of ${this.width} x ${this.height} x ${this.channels} ${this.pixelType} needs ${bytes} bytes of shared memory, not ${this.data?.byteLength}.`,
      );
    if (this.bayer && this.channels !== 1) throw new NightflowError('bad-input', 'A Bayer frame has one channel.');
    if (this.original && !isOriginal(this.original))
      throw new NightflowError('bad-input', "A frame's original is shared memory and an extension such as .arw.");
  }

  /** A view of all samples; made anew at each call, so that it never travels with the message. */
  get pixels(): Pixels {
    return this.pixelType === 'u8'
      ? new Uint8Array(this.data)
      : this.pixelType === 'u16'
        ? new Uint16Array(this.data)
        : new Float32Array(this.data);
  }

  /** A new frame with some fields changed; the pixels are shared unless `data` is among them. Other pixels are no longer those of the original. */
  with(changes: Partial<FrameFields>): Frame {
    const others = changes.data !== undefined && changes.data !== this.data;
    return new Frame({ ...(this as FrameFields), ...(others ? { original: null } : {}), ...changes });
  }

  /** The same without the camera's own file: for who keeps it, or sends it where only the pixels are looked at. */
  get withoutOriginal(): Frame {
    return this.original ? this.with({ original: null }) : this;
  }

  /** The value of a FITS keyword it came with (case-insensitive), or undefined. */
  keyword(name: string): Keyword['value'] | undefined {
    const wanted = name.toUpperCase();
    return this.keywords.find((keyword) => keyword.name === wanted)?.value;
  }

  toString(): string {
    const kind = this.bayer ?? (this.channels === 3 ? 'RGB' : 'mono');
    const exposure = this.exposureSeconds === null ? '' : ` ${this.exposureSeconds} s`;
    return `Frame ${this.width}x${this.height} ${kind} ${this.pixelType}${exposure}${this.start ? ` ${this.start}` : ''}${this.camera ? ` ${this.camera}` : ''}`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

const isOriginal = ({ data, extension }: Original): boolean =>
  data instanceof SharedArrayBuffer && /^\.[a-z0-9]{1,5}$/.test(extension);
