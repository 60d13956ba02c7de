/** The stars of one frame: a struct of arrays in shared memory, so that wires and workers pass it on without a copy. */
import { inspect } from 'node:util';
import { allocateShared } from '../kernels/memory.ts';
import { NightflowError } from '../process/errors.ts';

/** The columns, in the order in which they lie in memory. */
export const starColumns = [
  'x',
  'y',
  'flux',
  'peak',
  'hfr',
  'fwhm',
  'eccentricity',
  'angleDegrees',
  'snr',
  'flags',
] as const;
export type StarColumn = (typeof starColumns)[number];

/** Bits of `flags`. */
export const starFlag = {
  /** A pixel is at the frame's saturation: flux and peak are lower limits, the HFR is too wide. */
  saturated: 1,
  /** Cut off by the edge of the picture or by pixels without a value. */
  edge: 2,
  /** Separated from a neighbour whose light overlaps with its own. */
  blended: 4,
  /** Far longer than wide: a trail of a satellite, an aeroplane or a meteor, or a star of a frame that trailed. */
  elongated: 8,
} as const;

/** A table without stars is a table of count 0. Brightest (largest flux) first. */
export class StarTable {
  /** `starColumns.length` columns of `count` 32-bit floats, one after the other. */
  data!: SharedArrayBuffer;
  count!: number;

  /** @throws bad-input when the memory does not fit the count. */
  constructor({ data, count }: { data: SharedArrayBuffer; count: number }) {
    if (!(data instanceof SharedArrayBuffer) || data.byteLength < bytesFor(count))
      throw new NightflowError('bad-input', `A table of ${count} stars does not fit ${data?.byteLength} bytes.`);
    this.data = data;
    this.count = count;
  }

  /** An empty table of `count` rows to fill in through `column`. */
  static of(count: number): StarTable {
    return new StarTable({ data: allocateShared(Math.max(4, bytesFor(count))), count });
  }

  /** A view of one column; made anew at each call. */
  column(name: StarColumn): Float32Array {
    return new Float32Array(this.data, starColumns.indexOf(name) * this.count * 4, this.count);
  }

  /** Pixel centres, 0-based from the top left of the frame as it is stored (a mosaic's own pixels). */
  get x(): Float32Array {
    return this.column('x');
  }
  get y(): Float32Array {
    return this.column('y');
  }
  /** ADU above the background, summed over the star. */
  get flux(): Float32Array {
    return this.column('flux');
  }
  /** ADU above the background in the brightest pixel. */
  get peak(): Float32Array {
    return this.column('peak');
  }
  /** Pixels: the radius around the centroid that holds half of the flux, SEP's flux_radius(data, x, y, 6 a, 0.5). */
  get hfr(): Float32Array {
    return this.column('hfr');
  }
  /** Pixels. */
  get fwhm(): Float32Array {
    return this.column('fwhm');
  }
  /** 0 round … 1 a line: sqrt(1 − (minor / major)²). */
  get eccentricity(): Float32Array {
    return this.column('eccentricity');
  }
  /** Direction of the major axis, degrees from +x towards +y (down), −90 … 90. */
  get angleDegrees(): Float32Array {
    return this.column('angleDegrees');
  }
  /** Flux over its standard deviation (sky noise, and photon noise where the gain is known). */
  get snr(): Float32Array {
    return this.column('snr');
  }
  /** Whole numbers, bits as in `starFlag`. */
  get flags(): Float32Array {
    return this.column('flags');
  }

  /** One star as a plain object, for people and for tests. */
  row(index: number): Record<StarColumn, number> {
    return Object.fromEntries(starColumns.map((name) => [name, this.column(name)[index]!])) as Record<
      StarColumn,
      number
    >;
  }

  toString(): string {
    return `StarTable of ${this.count} stars`;
  }

  toJSON(): string {
    return this.toString();
  }

  [inspect.custom](): string {
    return this.toString();
  }
}

const bytesFor = (count: number): number => starColumns.length * count * 4;
