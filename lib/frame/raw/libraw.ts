/**
 * RAW files that we don't decode ourselves, through LibRaw compiled to WebAssembly: the mosaic as the sensor gave it.
 *
 * `rawImageData()` gives the samples before any processing, the margins included. LibRaw's own `black` reads 0, so the
 * black level is measured: LibRaw also processes a corner of 64 x 64 pixels without interpolation, scaling, matrix or
 * curve, which leaves "sample minus black"; the difference is the black that LibRaw knows from the maker's tags or its own
 * tables. On the DNGs whose tags say 256, 4096, 16 and nothing it gave 256, 4096, 16 and 0. `imageData()` must come
 * first: the module unpacks only once, and processes only what it unpacked itself.
 */
import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import load, { type LibRawImage, type LibRawMetadata, type LibRawMosaic } from 'libraw-wasm/dist/libraw.js';
import { NightflowError } from '../../process/errors.ts';
import { damagedRemedy } from '../damaged.ts';
import { cameraName, exposureTimes } from '../exif.ts';
import { allocatePixels, type BayerPattern, type FrameInit, maximumPixels } from '../frame.ts';
import type { Area } from '../tiff/samples.ts';
import { blackFrom } from './dng.ts';

/** No camera writes larger files; the module's memory ends at 2 GB. */
const maximumFileBytes = 600e6;
const cornerPixels = 64;

/** Six values of gamma, or the module ignores them. `userFlip` 0: row 0 is where the sensor has it. */
const untouched = {
  outputBps: 16,
  outputColor: 0,
  gamm: [1, 1, 0, 0, 0, 0],
  noAutoBright: true,
  noAutoScale: true,
  noInterpolation: true,
  useCameraMatrix: 0,
  userFlip: 0,
};

/** What LibRaw prints while it works on a file: it throws a bare `{ excPtr }`, and goes on after "data corrupted at …". */
const complaints: string[] = [];
let loading: ReturnType<typeof load> | null = null;

/** One module for the worker's life: what a file took is used again for the next. A module for each file is never given back. */
function libraw(): ReturnType<typeof load> {
  const wasm = createRequire(import.meta.url).resolve('libraw-wasm/dist/libraw.wasm');
  const listen = (line: string) => complaints.push(line);
  loading ??= load({ wasmBinary: readFileSync(wasm), print: listen, printErr: listen });
  return loading;
}

/**
 * Decodes a file in memory. Whatever it throws, the worker must be replaced.
 * @param area The pixels to keep, when the file's tags say; LibRaw's own choice otherwise (it makes odd margins even).
 * @throws unsupported for what LibRaw doesn't know and for other patterns than Bayer's, bad-input for damage.
 */
export async function decodeWithLibRaw(name: string, bytes: Uint8Array, area: Area | null = null): Promise<FrameInit> {
  if (bytes.length > maximumFileBytes)
    throw new NightflowError('unsupported', `${name} is too large for a RAW file (${bytes.length} bytes).`);
  const { LibRaw } = await libraw();
  complaints.length = 0;
  const file = new LibRaw();
  const told = attempt(name, 'is of a kind that LibRaw does not know, or damaged', 'unsupported', () => {
    file.open(bytes, { ...untouched, cropbox: [0, 0, cornerPixels, cornerPixels] });
    return file.metadata(true);
  });
  const decode = () =>
    attempt(name, 'has picture data that LibRaw can not decode', 'bad-input', () => file.imageData());
  const corner = decode();
  const mosaic = file.rawImageData();
  let frame: FrameInit;
  if (mosaic) frame = mosaicFrame(name, told, mosaic, blackOf(told, mosaic, corner), area);
  else {
    file.open(bytes, { ...untouched, cropbox: [0, 0, 0xffffffff, 0xffffffff] });
    frame = colourFrame(name, told, decode());
  }
  refuseDamage(name);
  file.delete();
  return { ...frame, source: name };
}

function attempt<Value>(name: string, what: string, code: 'bad-input' | 'unsupported', run: () => Value): Value {
  try {
    return run();
  } catch (cause) {
    const why = complaints.length ? ` (${complaints.at(-1)})` : '';
    throw new NightflowError(code, `${name} ${what}${why}.`, {
      remedy: 'Convert it to DNG, or copy it again from the camera.',
      cause,
    });
  }
}

function refuseDamage(name: string): void {
  const damage = complaints.find((line) => /corrupt|unexpected end|error/i.test(line));
  if (damage)
    throw new NightflowError('bad-input', `${name} is damaged: LibRaw says "${damage.trim()}".`, {
      remedy: damagedRemedy,
    });
}

function mosaicFrame(
  name: string,
  told: LibRawMetadata,
  mosaic: LibRawMosaic,
  black: number,
  wanted: Area | null,
): FrameInit {
  const { left, top, width, height } = wanted ?? visibleArea(told);
  if (width * height > maximumPixels || left + width > mosaic.raw_width || top + height > mosaic.raw_height)
    throw new NightflowError('bad-input', `${name} claims an area outside of its sensor.`, { remedy: damagedRemedy });
  const data = allocatePixels(width, height, 1, 'u16');
  const pixels = new Uint16Array(data);
  for (let y = 0; y < height; y++) {
    const from = (y + top) * mosaic.raw_width + left;
    pixels.set(mosaic.data.subarray(from, from + width), y * width);
  }
  return {
    ...facts(told),
    data,
    width,
    height,
    pixelType: 'u16',
    bayer: bayerOf(name, told),
    blackLevel: black,
    whiteLevel: told.color_data.maximum || 2 ** (told.color_data.raw_bps || 16) - 1,
    keywords: [blackFrom(black > 0 ? 'LibRaw' : 'unknown')],
  };
}

/** Full-colour samples (some Kodaks, compressed linear DNG): as they come, black taken off by LibRaw. */
function colourFrame(name: string, told: LibRawMetadata, image: LibRawImage): FrameInit {
  const { width, height, colors, data: samples } = image;
  if (image.bits !== 16 || (colors !== 1 && colors !== 3))
    throw new NightflowError('unsupported', `${name} has ${colors} colours a pixel, which can't be read.`);
  const data = allocatePixels(width, height, colors, 'u16');
  const pixels = new Uint16Array(data);
  for (let channel = 0; channel < colors; channel++)
    for (let i = 0, at = channel, to = channel * width * height; i < width * height; i++, at += colors)
      pixels[to + i] = samples[at]!;
  const levels = { blackLevel: 0, whiteLevel: told.color_data.maximum || 65535, keywords: [blackFrom('unknown')] };
  return { ...facts(told), ...levels, data, width, height, channels: colors, pixelType: 'u16', bayer: null };
}

function visibleArea({ flip, width, height, left_margin: left, top_margin: top }: LibRawMetadata): Area {
  const turned = flip === 5 || flip === 6 || flip === 7;
  return { left, top, width: turned ? height : width, height: turned ? width : height };
}

/** The largest difference of a sample and what is left of it: samples below black are cut to 0 and differ less. */
function blackOf(
  told: LibRawMetadata,
  mosaic: LibRawMosaic,
  { data: left, width, height, colors }: LibRawImage,
): number {
  const sites = [0, 0, 0, 0];
  for (let y = 0; y < height; y++)
    for (let x = 0; x < width; x++) {
      const sample = mosaic.data[(y + told.top_margin) * mosaic.raw_width + x + told.left_margin]!;
      let rest = 0;
      for (let c = 0; c < colors; c++) rest += left[(y * width + x) * colors + c]!;
      const site = (y & 1) * 2 + (x & 1);
      if (rest > 0) sites[site] = Math.max(sites[site]!, sample - rest);
    }
  return sites.reduce((sum, value) => sum + value, 0) / 4;
}

/** LibRaw's `filters`: two bits a cell, eight rows of two, from the top left of the visible area. */
function bayerOf(name: string, { filters, cdesc }: LibRawMetadata): BayerPattern | null {
  if (filters === 0) return null;
  const cell = (row: number, column: number) =>
    cdesc[(filters >>> ((((row << 1) & 14) | (column & 1)) << 1)) & 3] ?? '?';
  const at = (row: number) => cell(row, 0) + cell(row, 1);
  const pattern = at(0) + at(1);
  const repeats = [2, 4, 6].every((row) => at(row) + at(row + 1) === pattern);
  if (filters < 1000 || !repeats || !/^(RGGB|BGGR|GRBG|GBRG)$/.test(pattern))
    throw new NightflowError(
      'unsupported',
      `${name} has a colour pattern that is not the 2 x 2 of red, green and blue (X-Trans, perhaps).`,
      { remedy: 'Convert it to a linear DNG or a TIFF with the program of its maker.' },
    );
  return pattern as BayerPattern;
}

function facts(told: LibRawMetadata): Partial<FrameInit> {
  const { cam_mul: multipliers, cam_xyz: matrix } = told.color_data;
  const [red, green, blue] = multipliers as [number, number, number];
  const rows = matrix.slice(0, 3).flat();
  const exposureSeconds = told.shutter > 0 ? told.shutter : null;
  return {
    ...exposureTimes(told.timestamp > 0 ? told.timestamp * 1000 : null, exposureSeconds, false),
    exposureSeconds,
    gain: told.iso_speed > 0 ? told.iso_speed : null,
    camera: cameraName(told.camera_make || null, told.camera_model || null),
    whiteBalance: red > 0 && green > 0 && blue > 0 ? [red / green, 1, blue / green] : null,
    colourMatrix: rows.length === 9 && rows.some((value) => value !== 0) ? rows : null,
  };
}
