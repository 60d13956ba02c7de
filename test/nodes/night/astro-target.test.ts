import { afterEach, expect, it } from 'vitest';
import astroTarget from '../../../nodes/night/astro-target.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

afterEach(stopImageFlow);

const failure = (msg: AstroMessage) => (msg.error as { message: string }).message;

it('loads with its defaults, and says what is missing', async () => {
  const flow = await startImageFlow(astroTarget, 'astro-target');
  flow.send('n', { payload: 1 });
  expect(failure(await flow.sink('failures').first())).toBe(
    'The node has no coordinates. Type them in the node, or send them as msg.coordinates.',
  );
});

it('sends the typed target, degrees in the message, on whatever message comes', async () => {
  const settings = { targetName: 'M 42', coordinates: '5h35m17.3s −5°23′28″' };
  const flow = await startImageFlow(astroTarget, 'astro-target', settings);
  flow.send('n', { payload: 123, topic: 'go' });
  const msg = await flow.sink('one').first();
  expect(msg.target).toEqual({
    name: 'M 42',
    raDegrees: expect.closeTo(83.822083, 6),
    decDegrees: expect.closeTo(-5.391111, 6),
  });
  expect(msg.payload).toEqual(msg.target);
  expect(msg.topic).toBe('go');
  expect((await flow.status('n', 'green')).text).toBe('M 42 · 05h35m17s -05°23\'28"');
});

it('takes coordinates of the message, and shows a reading that was in doubt', async () => {
  const flow = await startImageFlow(astroTarget, 'astro-target');
  flow.send('n', { coordinates: '12.5 -30:10:00', targetName: 'X' });
  expect((await flow.sink('one').first()).target).toMatchObject({ name: 'X', raDegrees: 12.5 });
  expect((await flow.status('n', 'yellow')).text).toContain('was read as degrees; for hours write 12.5h');
});

it('makes one message of each line of a list, and one for each broken line with number and reason', async () => {
  const flow = await startImageFlow(astroTarget, 'astro-target', { targetsFrom: 'payload' });
  const payload =
    'name;RA;Dec;start;duration\nAnna;5:35:17;-5:23:28;2026-11-21T22:15:00Z;30\nBad;5:35;95\n\nBea;10,5;41,2;;';
  flow.send('n', { payload, topic: 'list' });
  const [anna, bea] = await flow.sink('one').take(2);
  expect(anna).toMatchObject({
    topic: 'list',
    target: { name: 'Anna', start: '2026-11-21T22:15:00.000Z', durationSeconds: 30, line: 2 },
    parts: { type: 'array', index: 0, count: 2 },
  });
  expect(bea).toMatchObject({
    target: { name: 'Bea', raDegrees: 10.5, decDegrees: 41.2, line: 5 },
    parts: { index: 1 },
  });
  expect(bea!.target).not.toHaveProperty('start');
  const broken = await flow.sink('two').first();
  expect(broken).toMatchObject({ event: 'rejected', payload: { line: 3, text: 'Bad;5:35;95' } });
  expect(broken.reason).toContain('outside -90° to 90°; right ascension and declination may be swapped');
  expect((await flow.status('n', 'yellow')).text).toBe('2 targets · 1 broken, first in line 3');
});

it('takes a start without a date for the night of its site', async () => {
  const settings = { targetsFrom: 'payload' };
  const night = { clock: 'rehearsal', clockStart: '2026-11-21T23:00:00Z', clockRate: '1' };
  const flow = await startImageFlow(astroTarget, 'astro-target', settings, {}, night);
  flow.send('n', { payload: 'a,5h,5,22:15:00\nb,5h,5,03:15:00' });
  const starts = (await flow.sink('one').take(2)).map(({ target }) => (target as { start: string }).start);
  expect(starts).toEqual(['2026-11-21T22:15:00.000Z', '2026-11-22T03:15:00.000Z']);
});

it('warns of a list whose right ascensions could all be hours', async () => {
  const flow = await startImageFlow(astroTarget, 'astro-target', { targetsFrom: 'payload' });
  flow.send('n', { payload: 'name,RA,Dec\na,5.5,-5\nb,12.1,41' });
  await flow.sink('one').take(2);
  expect((await flow.status('n', 'yellow')).text).toContain('"5.5" was read as degrees; for hours write 5.5h.');
});

it('refuses a payload that is no list', async () => {
  const flow = await startImageFlow(astroTarget, 'astro-target', { targetsFrom: 'payload' });
  flow.send('n', { payload: 7 });
  expect(failure(await flow.sink('failures').first())).toContain('msg.payload is no list of targets.');
});
