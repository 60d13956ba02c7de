/** A 12 Mpx Bayer frame to a stretched 1600 px JPEG, against numpy and PIL doing the same. */

import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import sharp from 'sharp';
import { Frame } from '../lib/frame/frame.ts';
import { renderPreview } from '../lib/frame/preview.ts';
import { allocateShared } from '../lib/kernels/memory.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { type BenchLine, cpu, pairedBench, python3Peer } from './harness.ts';

const [width, height] = [4056, 3040];
const [blackLevel, whiteLevel] = [256, 4095];
const previewWidth = 1600;
const quality = 85;
const leastPsnr = 35;

/** A sky with a gradient and a colour cast, noise, and 3,000 stars. */
function skyFrame(): Frame {
  let state = 42;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  const light = new Float32Array(width * height);
  for (let star = 0; star < 3000; star++) {
    const [cx, cy, flux] = [next() * width, next() * height, 10 ** (1.5 + 2.2 * next())];
    for (let y = Math.max(0, Math.round(cy) - 5); y <= Math.min(height - 1, Math.round(cy) + 5); y++)
      for (let x = Math.max(0, Math.round(cx) - 5); x <= Math.min(width - 1, Math.round(cx) + 5); x++)
        light[y * width + x]! += flux * Math.exp(-((x - cx) ** 2 + (y - cy) ** 2) / 3);
  }
  const data = allocateShared(width * height * 2);
  const samples = new Uint16Array(data);
  const cast = [0.6, 1, 1, 0.8];
  for (let i = 0; i < samples.length; i++) {
    const [x, y] = [i % width, Math.floor(i / width)];
    const sky = (120 + (60 * x) / width + (40 * y) / height) * cast[2 * (y % 2) + (x % 2)]!;
    const noise = (next() + next() + next() - 1.5) * 14;
    samples[i] = Math.max(0, Math.min(whiteLevel, blackLevel + sky + light[i]! + noise));
  }
  return new Frame({ data, width, height, pixelType: 'u16', bayer: 'RGGB', blackLevel, whiteLevel });
}

/**
 * The same steps: superpixels, median and MAD of each colour, the midtones transfer by a table, reduced in size, JPEG. The peer
 * takes its statistics from a tenth of the rows, as ours does from some of them.
 */
const peerScript = (raw: string) => `
import io, base64
import numpy as np
from PIL import Image
raw = np.fromfile(${JSON.stringify(raw)}, dtype=np.uint16).reshape(${height}, ${width})
ramp = (np.arange(65536, dtype=np.float64) - ${blackLevel}) / ${whiteLevel - blackLevel}
def mtf(m, x): return (m - 1) * x / ((2 * m - 1) * x - m)
def table(plane):
    sample = plane[::10].astype(np.float32)
    median = np.median(sample)
    sigma = 1.4826 * np.median(np.abs(sample - median)) / ${whiteLevel - blackLevel}
    median = (median - ${blackLevel}) / ${whiteLevel - blackLevel}
    shadows = max(0, median - 2.8 * sigma)
    midtones = mtf(0.25, (median - shadows) / (1 - shadows))
    x = np.clip((np.clip(ramp, 0, 1) - shadows) / (1 - shadows), 0, 1)
    return np.round(255 * mtf(midtones, x)).astype(np.uint8)
def run(argument):
    red, blue = raw[0::2, 0::2], raw[1::2, 1::2]
    green = (raw[0::2, 1::2] >> 1) + (raw[1::2, 0::2] >> 1)
    small = []
    for plane in (red, green, blue):
        stretched = table(plane)[plane]
        small.append(Image.fromarray(stretched).resize((${previewWidth}, ${Math.round((height * previewWidth) / width)}), Image.BOX))
    jpeg = io.BytesIO()
    Image.merge('RGB', small).save(jpeg, 'JPEG', quality=${quality})
    return base64.b64encode(jpeg.getvalue()).decode() if argument else None
`;

/** Peak signal-to-noise ratio of two JPEGs, dB; or what else differs. */
async function compare(ours: Buffer, peer: Buffer): Promise<true | string> {
  const [a, b] = await Promise.all([ours, peer].map((jpeg) => sharp(jpeg).raw().toBuffer({ resolveWithObject: true })));
  if (a!.info.width !== b!.info.width || a!.info.height !== b!.info.height)
    return `sizes differ: ${a!.info.width} x ${a!.info.height}, ${b!.info.width} x ${b!.info.height}`;
  let squares = 0;
  for (let i = 0; i < a!.data.length; i++) squares += (a!.data[i]! - b!.data[i]!) ** 2;
  const psnr = 10 * Math.log10(255 ** 2 / (squares / a!.data.length));
  console.log(`preview: PSNR of ours to the peer's ${psnr.toFixed(1)} dB, ${ours.length} and ${peer.length} bytes`);
  return psnr > leastPsnr || `PSNR ${psnr.toFixed(1)} dB is not above ${leastPsnr}`;
}

export default async function preview(): Promise<BenchLine> {
  const frame = skyFrame();
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-bench-'));
  const raw = join(folder, 'raw.u16');
  await writeFile(raw, new Uint8Array(frame.data));
  const python = python3Peer(peerScript(raw));
  const options = { width: previewWidth, stretch: 'auto', drc: 'off', quality } as const;
  // A night renders thousands: V8's optimising compilers work in the background through the first dozens, and that counts as CPU.
  for (let i = 0; i < 40; i++) await renderPreview(frame, options);
  try {
    return await pairedBench({
      bench: 'preview',
      goal: 0.25,
      pairs: 21,
      ours: () => cpu(() => renderPreview(frame, options), { repeat: 3 }),
      peer: () => python.run(false),
      agree: async () => {
        const { jpeg } = await renderPreview(frame, options);
        const { result } = await python.run(true);
        return compare(jpeg, Buffer.from(result as string, 'base64'));
      },
    });
  } finally {
    await python.close();
    await closeSharedPool();
    await rm(folder, { recursive: true });
  }
}
