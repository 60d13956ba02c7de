/** The worker's side of the loupe: cuts small squares out of a frame, and finds what is dark and what is bright in each. */
import { allocatePixels, bytesPerSample, Frame, type FrameFields, type Pixels } from '../frame/frame.ts';

export type LoupePicture = Pick<
  FrameFields,
  'data' | 'width' | 'height' | 'channels' | 'bayer' | 'pixelType' | 'whiteBalance'
>;

export interface LoupePlace {
  /** Top left corner of the square, within the frame; even, so that the mosaic's cells stay whole. */
  left: number;
  top: number;
  /** The star, pixels of the square. */
  x: number;
  y: number;
}

export interface LoupeInput extends LoupePicture {
  places: readonly LoupePlace[];
  side: number;
}

export interface LoupeSquare {
  /** Plane by plane as in the frame. */
  data: SharedArrayBuffer;
  /** ADU of the square's own background, and of the star's brightest sample in the balance of white. */
  low: number;
  high: number;
}

export function cut(input: LoupeInput): LoupeSquare[] {
  const { data, width, height, channels, pixelType, side } = input;
  const bytes = bytesPerSample[pixelType];
  const source = new Uint8Array(data);
  return input.places.map((place) => {
    const square = allocatePixels(side, side, channels, pixelType);
    const target = new Uint8Array(square);
    for (let plane = 0; plane < channels; plane++)
      for (let row = 0; row < side; row++) {
        const from = ((plane * height + place.top + row) * width + place.left) * bytes;
        target.set(source.subarray(from, from + side * bytes), (plane * side + row) * side * bytes);
      }
    const { pixels } = new Frame({ data: square, width: side, height: side, channels, pixelType });
    return { data: square, ...levelsOf(pixels, place, input) };
  });
}

function levelsOf(
  pixels: Pixels,
  place: LoupePlace,
  { side, channels, bayer, whiteBalance }: LoupeInput,
): Pick<LoupeSquare, 'low' | 'high'> {
  const rim: number[] = [];
  for (let plane = 0; plane < channels; plane++)
    for (let row = 0; row < side; row++)
      for (let column = 0; column < side; column++) {
        const value = pixels[(plane * side + row) * side + column]!;
        // Two wide, so that a mosaic's colours are all in it.
        const depth = Math.min(row, column, side - 1 - row, side - 1 - column);
        if (depth < 2 && !Number.isNaN(value)) rim.push(value);
      }
  rim.sort((a, b) => a - b);
  const low = rim[rim.length >> 1] ?? 0;
  let light = 0;
  const reach = side / 4;
  const first = (at: number) => Math.max(0, Math.round(at - reach));
  const last = (at: number) => Math.min(side - 1, Math.round(at + reach));
  for (let plane = 0; plane < channels; plane++)
    for (let row = first(place.y); row <= last(place.y); row++)
      for (let column = first(place.x); column <= last(place.x); column++) {
        const colour = bayer ? 'RGB'.indexOf(bayer[(row % 2) * 2 + (column % 2)]!) : plane;
        const balanced = (pixels[(plane * side + row) * side + column]! - low) * (whiteBalance?.[colour] ?? 1);
        if (balanced > light) light = balanced;
      }
  return { low, high: low + (light || 1) };
}
