/** FITS that came over the network, in memory: the same Frame as from the file with these bytes, and the same refusals. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFits, readFitsBytes } from '../../../lib/frame/fits/read.ts';
import { allocatePixels, Frame } from '../../../lib/frame/frame.ts';
import { writeFrame } from '../../../lib/frame/write.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import { temporaryFolder } from './python.ts';

let path: string;
let bytes: Buffer;

beforeAll(async () => {
  path = join(await temporaryFolder(), 'sent.fits');
  const frame = new Frame({
    data: allocatePixels(300, 200, 1, 'u16'),
    width: 300,
    height: 200,
    pixelType: 'u16',
    start: '2026-03-14T21:00:00.250Z',
    exposureSeconds: 2,
  });
  const { pixels } = frame;
  for (let i = 0; i < pixels.length; i++) pixels[i] = (i * 31) % 65_536;
  await writeFrame(frame, path, { format: 'fits' });
  bytes = await readFile(path);
});
afterAll(closeSharedPool);

/** In a buffer that is larger than the file, as BLOBs are. */
const sent = (content: Buffer, behind = 100) => {
  const data = new SharedArrayBuffer(content.length + behind);
  new Uint8Array(data).set(content);
  return { name: 'the picture of CCD', data, byteLength: content.length };
};

describe('FITS in memory', () => {
  it('is the frame of the file', async () => {
    const [fromFile, frame] = await Promise.all([readFits(path), readFitsBytes(sent(bytes))]);
    expect(frame.pixels).toEqual(fromFile.pixels);
    expect(frame).toMatchObject({ width: 300, height: 200, start: fromFile.start, exposureSeconds: 2, source: null });
    expect(frame.keywords).toEqual(fromFile.keywords);
  });

  it.each([
    ['nothing', () => sent(Buffer.alloc(0)), 'is empty'],
    ['a file cut off in its data', () => sent(bytes.subarray(0, bytes.length - 50_000)), 'the picture of CCD'],
    ['a file cut off in its header', () => sent(bytes.subarray(0, 1000)), 'the picture of CCD'],
    ['what is no FITS', () => sent(Buffer.from('<html>no camera here</html>'.repeat(300))), 'the picture of CCD'],
    ['more bytes than there are', () => ({ ...sent(bytes), byteLength: 1e9 }), 'not 1000000000'],
    ['less than none', () => ({ ...sent(bytes), byteLength: -1 }), 'not -1'],
  ])('%s is refused', async (_what, input, sentence) => {
    const refused = expect(readFitsBytes(input())).rejects;
    await refused.toMatchObject({ code: 'bad-input', message: expect.stringContaining(sentence) });
  });
});
