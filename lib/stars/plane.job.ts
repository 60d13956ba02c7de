/** The worker's side of the plane: rows of the frame through the mixing kernels. */
import { bytesPerSample } from '../frame/frame.ts';
import { scratch } from '../kernels/wasm.ts';
import { describePlane, type PlaneSource, planeScale, samplesOf } from './plane.ts';

export interface PlaneInput {
  frame: PlaneSource;
  target: SharedArrayBuffer;
  /** Rows of the plane that this job makes. */
  from: number;
  to: number;
}

export function makePlane({ frame, target, from, to }: PlaneInput): void {
  const work = scratch();
  const { width, height, channels, bayer, pixelType } = frame;
  const plane = describePlane(frame);
  const samples = samplesOf(frame);
  const bytes = bytesPerSample[pixelType];
  const rowBytes = width * bytes;
  const source = Buffer.from(frame.data as unknown as ArrayBuffer);
  const result = Buffer.from(target as unknown as ArrayBuffer);
  const outBytes = plane.width * (plane.type === 'u16' ? 2 : 4);
  const rows = [0, 1, 2].map(() => work.take(rowBytes + bytes));
  const out = work.take(outBytes);
  const scale = planeScale(frame);
  const table = work.take(256 * 4);
  if (pixelType === 'u8') work.f32(table, 256).set(lightTable(frame, scale));
  const white = pixelType === 'u8' ? Math.min(255, Math.round(frame.whiteLevel)) : frame.whiteLevel;
  const kernel = work.kernels[`starsPlane${{ u8: 'U8', u16: 'U16', f32: 'F32' }[pixelType]}`]!;
  const factor = { u8: table, u16: scale, f32: 1 / samples }[pixelType];
  for (let y = from; y < to; y++) {
    for (let i = 0; i < (bayer ? 2 : channels); i++) {
      const at = (bayer ? y + i : i * height + y) * rowBytes;
      source.copy(work.bytes, rows[i], at, at + rowBytes);
    }
    const [a, b, c] = rows as [number, number, number];
    if (bayer) kernel(a, a + bytes, b, b + bytes, 4, out, plane.width, factor, white);
    else kernel(a, b, c, c, samples, out, plane.width, factor, white);
    work.bytes.copy(result, y * outBytes, out, out + outBytes);
  }
}

/** Plane units of a byte: pictures with a display gamma become linear light again (IEC 61966-2-1). */
function lightTable({ transfer }: PlaneSource, scale: number): Float32Array {
  return Float32Array.from({ length: 256 }, (_, value) => {
    if (transfer === 'linear') return value * scale;
    const v = value / 255;
    return 255 * scale * (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  });
}
