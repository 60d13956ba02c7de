/** Run as a program of its own: makes 200 frames of 48 MB (or 60 with their camera's file of 48 MB), keeps none, and prints the peak of the resident memory in MB. */
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { Fold } from '../../lib/kernels/fold.ts';
import { allocateShared } from '../../lib/kernels/memory.ts';
import { closeSharedPool, job, sharedPool } from '../../lib/kernels/pool.ts';

const where = process.argv[2];
const [width, height] = [6000, 4000];
let peak = 0;

const touch = job<{ frame: object }, number>(new URL('./touch.job.ts', import.meta.url), 'touch');

for (let i = 0; i < (where === 'original' ? 60 : 200); i++) {
  const data = allocatePixels(width, height, 1, 'u16');
  const original = where === 'original' ? { data: allocateShared(data.byteLength), extension: '.arw' } : null;
  if (original) Buffer.from(original.data as unknown as ArrayBuffer).fill(i);
  const frame = new Frame({ data, width, height, pixelType: 'u16', original });
  if (where === 'worker' || where === 'original') await sharedPool().run(touch, { frame: { ...frame } });
  else Buffer.from(data as unknown as ArrayBuffer).fill(i);
  if (where === 'fold' && i % 4 === 0) {
    // A new fold each time, closed or merely forgotten.
    const fold = new Fold({
      mode: 'max',
      sampleType: 'u16',
      width,
      height,
      planes: 1,
      colourStep: 1,
      blackLevel: 0,
    });
    await fold.add(data);
    await fold.snapshot();
    if (i % 8 === 0) fold.close();
  }
  await new Promise((resolve) => setImmediate(resolve));
  peak = Math.max(peak, process.memoryUsage.rss());
}
await closeSharedPool();
console.log(Math.round(peak / 1e6));
