import sharp from 'sharp';
import { afterAll, afterEach, expect, it } from 'vitest';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerPreview from '../../../nodes/image/astro-preview.ts';
import { LatestOnly } from '../../../nodes/image/latest-only.ts';
import { smallFrame } from '../../night/small-frames.ts';
import { startImageFlow, stopImageFlow } from './image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);
const start = (settings = {}, nodeRed = {}) => startImageFlow(registerPreview, 'astro-preview', settings, nodeRed);

it('loads with its defaults and sends the address of a JPEG', async () => {
  const flow = await start({}, { uiHost: '127.0.0.1' });
  const frame = smallFrame(0, { star: 5 });
  flow.send('n', { frame, topic: 'camera' });
  const msg = await flow.sink('one').first();
  expect(msg.payload).toMatch(/^\/nightflow\/pictures\/n\?v=/);
  expect(msg).toMatchObject({ topic: 'camera', preview: { url: msg.payload, width: 32, height: 24 } });
  expect(msg.frame!.data).toBe(frame.data);
  expect((await flow.status('n', 'green')).text).toMatch(/^32x24 · \d+ kB$/);
});

it('sends the JPEG itself when told, as wide as told', async () => {
  const flow = await start({ previewAs: 'jpeg', width: '16' });
  flow.send('n', { frame: smallFrame(0) });
  const { payload } = await flow.sink('one').first();
  expect(await sharp(payload as Buffer).metadata()).toMatchObject({ format: 'jpeg', width: 16, height: 12 });
});

it('says in its status that others are kept out where they could ask', async () => {
  const flow = await start();
  flow.send('n', { frame: smallFrame(0) });
  expect((await flow.status('n', 'yellow')).text).toContain('on this machine only: set httpNodeAuth or a token');
});

it('tells that there is no address where Node-RED serves no pages', async () => {
  const flow = await start({}, { httpNodeRoot: false });
  flow.send('n', { frame: smallFrame(0) });
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('serves none'),
  });
  flow.send('n', { frame: smallFrame(0), previewAs: 'jpeg' });
  expect(Buffer.isBuffer((await flow.sink('one').first()).payload)).toBe(true);
});

it('hands the end of the night on, and shows every frame unless told to skip', async () => {
  const flow = await start();
  for (let index = 0; index < 8; index++) flow.send('n', { frame: smallFrame(index), topic: `${index}` });
  flow.send('n', { event: 'end' });
  const messages = await flow.sink('one').take(9);
  expect(messages.map(({ topic, event }) => topic ?? event)).toEqual(['0', '1', '2', '3', '4', '5', '6', '7', 'end']);
});

it('skips to the newest when told and slow', async () => {
  const flow = await start({ newest: true });
  for (let index = 0; index < 8; index++) flow.send('n', { frame: smallFrame(index), topic: `${index}` });
  await flow.sink('one').first(({ topic }) => topic === '7');
  expect(flow.sink('one').messages.map(({ topic }) => topic)).toEqual(['0', '7']);
  expect((await flow.status('n', 'yellow', 'skipped')).text).toContain('6 skipped');
});

it('lets the newest of those that wait through', async () => {
  const gate = new LatestOnly();
  expect(await gate.enter()).toBe(true);
  const [second, third] = [gate.enter(), gate.enter()];
  expect(await second).toBe(false);
  gate.leave();
  expect(await third).toBe(true);
  gate.leave();
  expect(await gate.enter()).toBe(true);
});
