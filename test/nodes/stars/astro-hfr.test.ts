import sharp from 'sharp';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { Frame, Keyword } from '../../../lib/frame/frame.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import type { StarMeasurement } from '../../../lib/stars/measurement.ts';
import type { StarTable } from '../../../lib/stars/star-table.ts';
import registerHfr from '../../../nodes/stars/astro-hfr.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);

/** Sigma of the drawn stars, pixels: a Gaussian's HFR is sqrt(2 ln 2) sigma, its FWHM twice that. */
const sigma = 2;
const halfFluxRadius = Math.sqrt(2 * Math.log(2)) * sigma;

/** Thirty round stars, not all of one brightness, on a background of 1000 ADU with noise of 10. */
function starField(keywords: Record<string, number> = {}): Frame {
  const [width, height] = [240, 200];
  const list = Object.entries(keywords).map(([name, value]): Keyword => ({ name, value }));
  const frame = smallFrame(0, { width, height, value: 1000, keywords: list });
  const { pixels } = frame;
  let state = 12345;
  const random = () => {
    state = (state * 1103515245 + 12345) % 2 ** 31;
    return state / 2 ** 31;
  };
  for (let at = 0; at < pixels.length; at++) pixels[at]! += 10 * (random() + random() + random() - 1.5) * 2;
  for (let star = 0; star < 30; star++) {
    const [x, y] = [20 + 40 * (star % 6) + random(), 20 + 38 * Math.floor(star / 6) + random()];
    const peak = 3000 + 20_000 * random();
    for (let dy = -15; dy <= 15; dy++)
      for (let dx = -15; dx <= 15; dx++) {
        const [column, row] = [Math.round(x) + dx, Math.round(y) + dy];
        const squared = (column - x) ** 2 + (row - y) ** 2;
        const index = row * width + column;
        pixels[index] = Math.min(65535, pixels[index]! + peak * Math.exp(-squared / (2 * sigma * sigma)));
      }
  }
  return frame;
}

type Measured = Omit<StarMeasurement, 'stars'>;

it('loads with its defaults: the median HFR is the payload, the stars and the rest have their own properties', async () => {
  const flow = await startImageFlow(registerHfr, 'astro-hfr');
  const frame = starField();
  flow.send('n', { frame });
  const msg = await flow.sink('one').first();
  expect(msg.payload).toBeGreaterThan(0.97 * halfFluxRadius);
  expect(msg.payload).toBeLessThan(1.03 * halfFluxRadius);
  expect((msg.frame as Frame).data).toBe(frame.data);
  expect((msg.stars as StarTable).count).toBe(30);
  const measurement = msg.measurement as Measured;
  expect(measurement).toMatchObject({ count: 30, hfr: msg.payload, scaleArcseconds: null, hfrArcseconds: null });
  expect(measurement.tilt).toHaveLength(9);
  expect(measurement.reason).toBeNull();
  expect(msg.loupe).toBeUndefined();
  expect((await flow.status('n', 'green')).text).toMatch(/^2\.\d\d px · 30 stars$/);
});

describe('the scale', () => {
  it('comes from the header, and the figures are in arc seconds too', async () => {
    const flow = await startImageFlow(registerHfr, 'astro-hfr');
    flow.send('n', { frame: starField({ FOCALLEN: 600, XPIXSZ: 3.76 }) });
    const { measurement, payload } = await flow.sink('one').first();
    expect((measurement as Measured).scaleArcseconds).toBeCloseTo(1.2926, 4);
    expect((measurement as Measured).hfrArcseconds).toBeCloseTo(1.2926 * Number(payload), 3);
    expect((await flow.status('n', 'green')).text).toMatch(/^2\.\d\d px \([23]\.\d\d″\) · 30 stars$/);
  });

  it('is what the dialog says, and what the message says before that', async () => {
    const flow = await startImageFlow(registerHfr, 'astro-hfr', { focalLength: '1200', focalLengthType: 'num' });
    const frame = starField({ FOCALLEN: 600, XPIXSZ: 3.76 });
    flow.send('n', { frame });
    flow.send('n', { frame, scaleArcseconds: 2.5 });
    const scales = (await flow.sink('one').take(2)).map(({ measurement }) => (measurement as Measured).scaleArcseconds);
    expect(scales[0]).toBeCloseTo(0.6463, 4);
    expect(scales[1]).toBe(2.5);
  });
});

describe('a frame without stars', () => {
  it('has no HFR, and a reason', async () => {
    const flow = await startImageFlow(registerHfr, 'astro-hfr', { loupeAs: 'address' });
    flow.send('n', { frame: smallFrame(0, { width: 64, height: 64, value: 0 }) });
    const msg = await flow.sink('one').first();
    expect(msg.payload).toBeNull();
    expect((msg.stars as StarTable).count).toBe(0);
    const { reason } = msg.measurement as Measured;
    expect(reason!.text).toMatch(/^[A-Z].*\.$/);
    expect(msg.loupe).toEqual([]);
    expect((await flow.status('n', 'yellow')).text).toBe(reason!.text);
  });

  it('is an error when it is no frame at all', async () => {
    const flow = await startImageFlow(registerHfr, 'astro-hfr');
    flow.send('n', { payload: 'no frame' });
    expect((await flow.sink('failures').first()).error).toMatchObject({
      message: expect.stringContaining('The message has no frame.'),
    });
  });
});

describe('the loupe', () => {
  it('serves three pictures at addresses of their own, new ones for each frame, until the node is closed', async () => {
    const flow = await startImageFlow(registerHfr, 'astro-hfr', { loupeAs: 'address' });
    await flow.listen();
    flow.send('n', { frame: starField() });
    flow.send('n', { frame: starField() });
    const [first, second] = (await flow.sink('one').take(2)).map((msg) => msg.loupe as { star: string; url: string }[]);
    expect(first!.map(({ star }) => star)).toEqual(['sharpest', 'median', 'worst']);
    expect((await flow.status('n', 'yellow')).text).toMatch(
      / · loupe on this machine only: set httpNodeAuth or a token$/,
    );
    const urls = [...first!, ...second!].map(({ url }) => url);
    expect(new Set(urls).size).toBe(6);
    expect(urls.slice(0, 3).map((url) => url.split('?')[0])).toEqual(urls.slice(3).map((url) => url.split('?')[0]));
  });

  it('sends them as PNG when that is wanted', async () => {
    const flow = await startImageFlow(registerHfr, 'astro-hfr');
    flow.send('n', { frame: starField(), loupeAs: 'png' });
    const [picture] = (await flow.sink('one').first()).loupe as { png: Buffer; side: number; enlargement: number }[];
    const { format, width } = await sharp(picture!.png).metadata();
    expect([format, width]).toEqual(['png', picture!.side * picture!.enlargement]);
  });
});

it('measures the newest when frames come faster, and says how many it passed by', async () => {
  const flow = await startImageFlow(registerHfr, 'astro-hfr', { newest: true });
  const frames = [1, 2, 3, 4].map((number) => starField().with({ number }));
  for (const frame of frames) flow.send('n', { frame });
  const numbers = (await flow.sink('one').take(2)).map(({ frame }) => (frame as Frame).number);
  expect(numbers).toEqual([1, 4]);
  expect((await flow.status('n', 'green', 'skipped')).text).toMatch(/· 2 skipped$/);
});

it('takes what has been measured before, loupe and all', async () => {
  const flow = await startImageFlow(registerHfr, 'astro-hfr', { loupeAs: 'png' });
  flow.send('n', { frame: starField() });
  const once = await flow.sink('one').first();
  flow.send('n', { ...once });
  expect((await flow.sink('one').take(2))[1]!.payload).toBe(once.payload);
});

it('refuses a threshold that would find noise, and lets the end of a night through', async () => {
  const flow = await startImageFlow(registerHfr, 'astro-hfr');
  flow.send('n', { frame: starField(), thresholdSigma: 1 });
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('The threshold must be between 2 and 100 sigma'),
  });
  flow.send('n', { event: 'end' });
  expect((await flow.sink('one').first()).event).toBe('end');
});
