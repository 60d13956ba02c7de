/** Cosmetic correction of one frame: pixels that stand alone above or below their neighbours. Runs in workers. */
import { frameNoise, kernelSuffix } from '../kernels/fold-hot.ts';
import type { Mosaic } from '../kernels/mend.ts';
import { type Scratch, scratch } from '../kernels/wasm.ts';
import { bytesPerSample } from './frame.ts';

export interface OwnDefects {
  hot: number;
  cold: number;
  /** So many stood alone that they can't be defects: nothing was corrected. */
  tooMany: boolean;
}

/** Excess over the neighbours, in sigma of the frame's noise, that can't be chance in millions of pixels. */
const thresholdSigma = 6;
/** More than this part of a frame is no defect but noise of another kind. */
const mostOfFrame = 0.01;
const blockBytes = 128 * 1024;
/** Of the kernel's list: pointer, value, index. */
const entryBytes = 12;

/**
 * Replaces hot and cold pixels by the median of their neighbours of the same colour. Stars stay: their light spreads on the
 * pixels beside them (the test of lib/kernels/assembly/hot.ts). Cold ones are found by the same test in the negative.
 */
export function correctOwnDefects(target: SharedArrayBuffer, type: 'u16' | 'f32', mosaic: Mosaic): OwnDefects {
  const none = { hot: 0, cold: 0, tooMany: false };
  if (mosaic.width < 5 || mosaic.height < 5) return none;
  const work = scratch();
  const picture = Buffer.from(target as unknown as ArrayBuffer);
  const limit = mostOfFrame * mosaic.width * mosaic.height * mosaic.planes;
  const hot = find(work, picture, type, mosaic, false, limit);
  const cold = find(work, picture, type, mosaic, true, limit);
  if (!hot || !cold) return { ...none, tooMany: true };
  const samples = type === 'u16' ? new Uint16Array(target) : new Float32Array(target);
  for (const [index, value] of [...hot, ...cold]) samples[index] = value;
  return { hot: hot.length, cold: cold.length, tooMany: false };
}

/** Indices and new values; null for more than `limit`. */
function find(
  work: Scratch,
  picture: Buffer,
  type: 'u16' | 'f32',
  { width, height, planes }: Mosaic,
  negative: boolean,
  limit: number,
): [number, number][] | null {
  work.reset();
  const { kernels, bytes } = work;
  const size = bytesPerSample[type];
  const rowBytes = width * size;
  const rows = Math.max(1, Math.min(height, Math.floor(blockBytes / rowBytes)));
  const block = work.take((rows + 4) * rowBytes) + 2 * rowBytes;
  const list = work.take(rows * width * entryBytes);
  const { noise, sky } = frameNoise(kernels, picture, bytes, block, width, height * planes, type);
  const threshold = type === 'u16' ? Math.min(65535, Math.ceil(thresholdSigma * noise)) : thresholdSigma * noise;
  const level = type === 'u16' ? (negative ? 65535 - Math.round(sky) : Math.round(sky)) : negative ? -sky : sky;
  const kernel = kernels[`findHot${kernelSuffix[type]}`]!;
  const found: [number, number][] = [];
  const copyRow = (to: number, row: number) => picture.copy(bytes, to, row * rowBytes, (row + 1) * rowBytes);
  for (let plane = 0; plane < planes * height; plane += height)
    for (let y = 0; y < height; y += rows) {
      const here = Math.min(rows, height - y);
      // Beyond the edges stand the nearest rows of the same colours that are not a tested row itself.
      const inside = (row: number) => (row < 0 ? row + 4 : row >= height ? row - 4 : row);
      for (let row = -2; row < here + 2; row++) copyRow(block + row * rowBytes, plane + inside(y + row));
      if (negative) {
        if (type === 'u16') kernels.invertInts!(block - 2 * rowBytes, (here + 4) * rowBytes);
        else kernels.negateF32!(block - 2 * rowBytes, (here + 4) * width);
      }
      const count = kernel(block, width, here, threshold, level, list, (plane + y) * width);
      if (found.length + count > limit) return null;
      const entries = new DataView(work.memory.buffer, list, count * entryBytes);
      for (let i = 0; i < count; i++) {
        const value =
          type === 'u16' ? entries.getUint32(i * entryBytes + 4, true) : entries.getFloat32(i * entryBytes + 4, true);
        const own = negative ? (type === 'u16' ? 65535 - value : -value) : value;
        found.push([entries.getUint32(i * entryBytes + 8, true), own]);
      }
    }
  return found;
}
