import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { afterAll, afterEach, expect, it } from 'vitest';
import { Frame, type FrameFields } from '../../../lib/frame/frame.ts';
import { allocateShared } from '../../../lib/kernels/memory.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import registerClouds from '../../../nodes/watch/astro-clouds.ts';
import { type ImageFlow, startImageFlow, stopImageFlow } from '../image/image-flow.ts';

afterEach(stopImageFlow);
afterAll(closeSharedPool);

const [width, height] = [320, 240];
const start = Date.parse('2026-01-12T20:00:00Z');

/** Winter night over 60° N, half a minute each: 120 stars that move on, or what clouds leave of them. */
function frame(number: number, { through = 1, ...changes }: { through?: number } & Partial<FrameFields> = {}): Frame {
  const data = allocateShared(width * height * 2);
  const samples = new Uint16Array(data);
  let state = number + 1;
  const next = () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
  for (let i = 0; i < samples.length; i++) samples[i] = 1000 + (next() + next() + next() - 1.5) * 20;
  let places = 7;
  const place = (size: number) => {
    places = (Math.imul(places, 1664525) + 1013904223) >>> 0;
    return 4 + Math.floor((places / 2 ** 32) * (size - 8));
  };
  for (let star = 0; star < 120; star++) {
    const x = 4 + ((place(width) + number * 2) % (width - 8));
    const y = place(height);
    const light = (400 + 40 * star) * through;
    for (let dy = -3; dy <= 3; dy++)
      for (let dx = -3; dx <= 3; dx++)
        samples[(y + dy) * width + x + dx]! += light * Math.exp(-(dx * dx + dy * dy) / 2.5);
  }
  const at = (seconds: number) => new Date(start + number * 30_000 + seconds * 1000).toISOString();
  const times = { start: at(0), middle: at(15), end: at(30), exposureSeconds: 30, camera: 'Test', number };
  return new Frame({ data, width, height, pixelType: 'u16', ...times, ...changes });
}

async function sendNight(flow: ImageFlow, frames: Frame[]) {
  for (const each of frames) flow.send('n', { frame: each });
  await flow.sink('one').take(frames.length);
}
const clear = (from: number, count: number) => Array.from({ length: count }, (_, i) => frame(from + i));
const cloudy = (from: number, count: number) =>
  Array.from({ length: count }, (_, i) => frame(from + i, { through: 0.01 }));

it('loads with its defaults: passes every frame on, marks the cloudy ones and says so on the second output', async () => {
  const flow = await startImageFlow(registerClouds, 'astro-clouds');
  await sendNight(flow, [...clear(0, 8), ...cloudy(8, 2)]);
  const messages = flow.sink('one').messages;
  expect(messages.map((msg) => (msg.frame as Frame).number)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9]);
  expect(messages.map(({ clouds }) => (clouds as { state: string }).state)).toEqual([
    ...new Array(5).fill('unknown'),
    ...new Array(3).fill('clear'),
    'cloudy',
    'cloudy',
  ]);
  expect(messages[7]).toMatchObject({ payload: 0, clouds: { frames: 8, keptOut: 0, night: '2026-01-12' } });
  expect(messages[7]!.reject).toBeUndefined();
  expect(messages[8]).toMatchObject({ payload: 1, reject: expect.stringMatching(/^Overcast/), clouds: { keptOut: 1 } });
  expect(messages[8]!.event).toBeUndefined();
  const [rejected] = await flow.sink('two').take(2);
  expect(rejected).toMatchObject({ event: 'rejected', payload: 1, reject: messages[8]!.reject });
  expect((await flow.status('n', 'green')).text).toMatch(/^clear · \d+ % of the light$/);
  expect((await flow.status('n', 'yellow', '2 kept out')).text).toBe('clouds 100 % · 2 kept out');
});

it('diverts cloudy frames, or passes them like the others', async () => {
  const flow = await startImageFlow(registerClouds, 'astro-clouds', { cloudyFrames: 'divert' });
  await sendNight(flow, clear(0, 8));
  flow.send('n', { frame: cloudy(8, 1)[0]! });
  await flow.sink('two').first();
  flow.send('n', { frame: cloudy(9, 1)[0]!, cloudyFrames: 'pass' });
  const passed = (await flow.sink('one').take(9)).at(-1)!;
  expect(passed).toMatchObject({ frame: { number: 9 }, clouds: { state: 'cloudy', keptOut: 1 } });
  expect(passed.reject).toBeUndefined();
});

it('keeps the end behind the last frame, even where that is diverted', async () => {
  const flow = await startImageFlow(registerClouds, 'astro-clouds', { cloudyFrames: 'divert' });
  for (const each of clear(0, 8)) flow.send('n', { frame: each });
  flow.send('n', { event: 'progress' });
  flow.send('n', { event: 'end', payload: { frames: 8 } });
  flow.send('n', { frame: cloudy(8, 1)[0]!, event: 'end' });
  const messages = await flow.sink('one').take(10);
  expect(messages.map(({ event }) => event)).toEqual([...new Array(8).fill(undefined), 'end', 'end']);
  expect(messages.at(-1)!.frame).toBeUndefined();
});

it('leaves darks alone and keeps the reason that a frame came with', async () => {
  const flow = await startImageFlow(registerClouds, 'astro-clouds', { minimumStars: '500' });
  flow.send('n', { frame: frame(0, { kind: 'dark' }) });
  flow.send('n', { frame: frame(1), reject: 'an aeroplane' });
  const [dark, light] = await flow.sink('one').take(2);
  expect(dark!.clouds).toBeUndefined();
  expect(light).toMatchObject({ reject: 'an aeroplane', clouds: { state: 'cloudy' } });
});

it('remembers the clear sky over a restart, and forgets it on command', async () => {
  const first = await startImageFlow(registerClouds, 'astro-clouds');
  await sendNight(first, clear(0, 10));
  const file = join(first.archiveFolder, '.nightflow', 'work', 'n', 'clear-sky.json');
  const again = await startImageFlow(registerClouds, 'astro-clouds');
  expect(existsSync(file)).toBe(true);
  await sendNight(again, cloudy(10, 1));
  expect(again.sink('one').messages[0]!.clouds).toMatchObject({ state: 'cloudy' });
  again.send('n', { command: 'reset' });
  again.send('n', { frame: cloudy(11, 1)[0]! });
  expect((await again.sink('one').take(2))[1]!.clouds).toMatchObject({ state: 'unknown' });
});

it('begins anew where the record of the clear sky is damaged, and says so', async () => {
  const first = await startImageFlow(registerClouds, 'astro-clouds');
  await sendNight(first, clear(0, 1));
  const file = join(first.archiveFolder, '.nightflow', 'work', 'n', 'clear-sky.json');
  await first.deploy([]);
  expect(JSON.parse(await readFile(file, 'utf8'))).toMatchObject({ version: 1 });
  expect(dirname(file)).toContain('.nightflow');
  await writeFile(file, '{"version":1,"refer');
  const again = await startImageFlow(registerClouds, 'astro-clouds');
  await sendNight(again, clear(1, 6));
  expect(again.sink('one').messages.at(-1)!.clouds).toMatchObject({ state: 'clear' });
});

it('passes on a frame that it can’t judge, and tells Catch', async () => {
  const flow = await startImageFlow(registerClouds, 'astro-clouds');
  const tiny = new Frame({ data: allocateShared(4 * 4 * 2), width: 4, height: 4, pixelType: 'u16' });
  flow.send('n', { frame: tiny });
  expect((await flow.sink('one').first()).reject).toBeUndefined();
  expect((await flow.sink('failures').first()).error).toMatchObject({ message: expect.stringContaining('too small') });
});

it('tells Catch about a message without a frame', async () => {
  const flow = await startImageFlow(registerClouds, 'astro-clouds');
  flow.send('n', { payload: 'no frame' });
  expect((await flow.sink('failures').first()).error).toMatchObject({
    message: expect.stringContaining('The message has no frame.'),
  });
});

it('lets a verdict hold for a while, and looks at each frame again until there is one', async () => {
  const flow = await startImageFlow(registerClouds, 'astro-clouds', { holdSeconds: '60', holdSecondsType: 'num' });
  await sendNight(flow, [...clear(0, 8), ...cloudy(8, 4)]);
  const messages = flow.sink('one').messages;
  expect(messages.map(({ stars }) => stars !== undefined)).toEqual([
    ...new Array(6).fill(true), // five without a verdict, and the first with one
    false,
    true,
    false,
    true,
    false,
    true,
  ]);
  expect(messages.map(({ clouds }) => (clouds as { state: string }).state).slice(5)).toEqual([
    ...['clear', 'clear', 'clear', 'clear'],
    ...['cloudy', 'cloudy', 'cloudy'],
  ]);
});
