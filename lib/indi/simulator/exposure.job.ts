/** Worker job: renders one exposure of the simulated CCD, reads out its window, and writes it as the BLOB that a driver would send. */
import { readFileSync, unlinkSync } from 'node:fs';
import { deflateSync } from 'node:zlib';
import { write } from '../../frame/fits/write.job.ts';
import { allocatePixels, Frame, type FrameFields } from '../../frame/frame.ts';
import { allocateShared } from '../../kernels/memory.ts';
import { renderScene } from '../../sky/render/render.job.ts';
import type { Rendering, Scene } from '../../sky/render/scene.ts';

export interface Window {
  x: number;
  y: number;
  width: number;
  height: number;
}

export interface Readout {
  scene: Scene;
  /** Unbinned pixels of the scene's sensor. */
  window: Window;
  binningX: number;
  binningY: number;
  /** 'native': the samples, little-endian; 'stream': 8 bit, as a video camera sends them. */
  format: 'fits' | 'native' | 'stream';
  /** zlib, '.z' in the format's name. */
  compressed: boolean;
  /** What the FITS header tells besides the samples. */
  fields: Partial<FrameFields>;
  /** A file that may be written and is removed again. */
  path: string;
}

export interface ReadBlob {
  bytes: SharedArrayBuffer;
  uncompressedBytes: number;
  width: number;
  height: number;
}

const deflateLevel = 1;
/** ADU of 16 bit to a step of the 8-bit stream: a video camera shows the lowest quarter of its range, and stars are faint. */
const streamStep = 64;
const streamBlack = 8;

export async function exposeCcd(request: Readout): Promise<ReadBlob> {
  const rendering = renderScene(request.scene);
  const { data, width, height } = readOut(request, rendering);
  let bytes: Uint8Array;
  if (request.format === 'stream') bytes = toEightBits(new Uint16Array(data), rendering.blackLevel);
  else if (request.format === 'native') bytes = new Uint8Array(data);
  else {
    const { fields, binningX, binningY, path } = request;
    const blackLevel = Math.min(65535, rendering.blackLevel * binningX * binningY);
    await write({ frame: new Frame({ ...fields, data, width, height, pixelType: 'u16', blackLevel }), path });
    bytes = readFileSync(path);
    unlinkSync(path);
  }
  const sent = request.compressed ? deflateSync(bytes, { level: deflateLevel }) : bytes;
  const shared = allocateShared(sent.byteLength);
  new Uint8Array(shared).set(sent);
  return { bytes: shared, uncompressedBytes: bytes.byteLength, width, height };
}

/** The charges of a binned pixel are added, as a CCD does, up to what the converter can tell. */
function readOut({ scene, window, binningX, binningY }: Readout, { data }: Rendering) {
  const { x, y } = window;
  const width = Math.max(1, Math.floor(window.width / binningX));
  const height = Math.max(1, Math.floor(window.height / binningY));
  const { width: stride, height: rows } = scene.sensor;
  if (width === stride && height === rows) return { data, width, height };
  const from = new Uint16Array(data);
  const out = allocatePixels(width, height, 1, 'u16');
  const pixels = new Uint16Array(out);
  for (let row = 0; row < height; row++)
    for (let column = 0; column < width; column++) {
      let sum = 0;
      for (let dy = 0; dy < binningY; dy++) {
        const at = (y + row * binningY + dy) * stride + x + column * binningX;
        for (let dx = 0; dx < binningX; dx++) sum += from[at + dx]!;
      }
      pixels[row * width + column] = Math.min(65535, sum);
    }
  return { data: out, width, height };
}

function toEightBits(pixels: Uint16Array, blackLevel: number): Uint8Array {
  const out = new Uint8Array(pixels.length);
  for (let at = 0; at < pixels.length; at++)
    out[at] = Math.max(0, Math.min(255, streamBlack + (pixels[at]! - blackLevel) / streamStep));
  return out;
}
