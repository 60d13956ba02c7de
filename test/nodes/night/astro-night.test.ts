import { afterEach, expect, it } from 'vitest';
import astroNight from '../../../nodes/night/astro-night.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

afterEach(stopImageFlow);

const rehearsal = { clock: 'rehearsal', clockStart: '2026-03-20T12:00:00Z', clockRate: 'max' };
const tromso = { latitude: '69.65', longitude: '18.95', elevation: '50' };
const seconds = (iso: unknown, other: string) => Math.abs(Date.parse(String(iso)) - Date.parse(other)) / 1000;

it("sends at dusk and at dawn of the site's clock", async () => {
  const flow = await startImageFlow(
    astroNight,
    'astro-night',
    { sunAltitudeDegrees: '-6' },
    {},
    { ...rehearsal, ...tromso },
  );
  const dusk = await flow.sink('one').first();
  const dawn = await flow.sink('two').first();
  // Bisection of astropy 5.2.1's altitude of the Sun, without refraction.
  expect(dusk).toMatchObject({ payload: true, event: 'dusk', night: { isNight: true } });
  expect(seconds((dusk.night as { time: string }).time, '2026-03-20T18:02:06.774Z')).toBeLessThan(3);
  expect(dawn).toMatchObject({ payload: false, event: 'dawn', night: { isNight: false } });
  expect(seconds((dawn.night as { time: string }).time, '2026-03-21T03:39:05.826Z')).toBeLessThan(3);
});

it('tells a message whether it is night, and lets it out by the door of night or day', async () => {
  const flow = await startImageFlow(astroNight, 'astro-night', {}, {}, tromso);
  flow.send('n', { time: '2026-12-21T20:00:00Z', topic: 'a' });
  expect(await flow.sink('one').first()).toMatchObject({ payload: true, event: 'night', topic: 'a' });
  flow.send('n', { time: '2026-06-21T20:00:00Z' });
  const day = await flow.sink('two').first();
  expect(day).toMatchObject({
    payload: false,
    event: 'day',
    night: { nextEvent: null, twilights: { sunset: { dark: 'never', dusk: null, dawn: null } } },
  });
});

it('tells where it stands at the start when asked to', async () => {
  const slow = { clock: 'rehearsal', clockStart: '2026-12-21T22:00:00Z', clockRate: '1' };
  const flow = await startImageFlow(astroNight, 'astro-night', { sendAtStart: true }, {}, { ...tromso, ...slow });
  expect(await flow.sink('one').first()).toMatchObject({
    payload: true,
    event: 'night',
    night: { moon: { waxing: true } },
  });
  expect((await flow.status('n', 'green')).text).toMatch(/^night until \d\d:\d\d UTC$/);
});

it('says that it needs a site', async () => {
  const flow = await startImageFlow(astroNight, 'astro-night', { site: 'gone' });
  expect((await flow.status('n', 'red')).text).toBe(
    'No site is chosen, so the sky over it is not known. Choose a site in the node.',
  );
});
