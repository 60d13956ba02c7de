import { afterEach, expect, it } from 'vitest';
import type { Visibility } from '../../../lib/sky/visibility-report.ts';
import astroVisible from '../../../nodes/night/astro-visible.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

afterEach(stopImageFlow);

const vega = { name: 'Vega', ra: '18h36m56.3s', dec: '+38d47m01s' };
/** Over 60° N 10° E Vega stands high in the west then, in the dark. */
const time = '2026-11-21T18:00:00Z';
const failure = (msg: AstroMessage) => (msg.error as { message: string }).message;

it('loads with its defaults: a target above 20° leaves by the first output with all figures', async () => {
  const flow = await startImageFlow(astroVisible, 'astro-visible');
  flow.send('n', { target: vega, time, topic: 't' });
  const msg = await flow.sink('one').first();
  // astropy 5.2.1, offline: AltAz without pressure, and the separation from get_body('moon').
  const seen = msg.visibility as Visibility;
  expect(seen).toMatchObject({
    visible: true,
    reason: null,
    time: '2026-11-21T18:00:00.000Z',
    horizonDegrees: 0,
    dark: null,
  });
  expect(seen.altitudeDegrees).toBeCloseTo(46.87705, 3);
  expect(seen.azimuthDegrees).toBeCloseTo(269.0989, 3);
  expect(seen.moonDistanceDegrees).toBeCloseTo(89.326, 2);
  expect(msg.payload).toBe(seen.apparentAltitudeDegrees);
  expect(msg.topic).toBe('t');
  expect(msg.target).toMatchObject({ name: 'Vega', raDegrees: expect.closeTo(279.234583, 5) });
  expect(seen.apparentAltitudeDegrees - seen.altitudeDegrees).toBeCloseTo(0.016, 2);
  expect((await flow.status('n', 'green')).text).toMatch(/^Vega · \d\d° in the west$/);
});

it('sends a target that is too low by the second output, and says why', async () => {
  const flow = await startImageFlow(astroVisible, 'astro-visible', {
    horizon: '0 5\n180 5\n260 60\n280 60',
    maximumAirmass: '1.1',
  });
  flow.send('n', { target: vega, time });
  const msg = await flow.sink('two').first();
  expect(msg.event).toBe('not-visible');
  expect(msg.reason).toMatch(
    /^Vega can't be seen: it stands at \d\d\.\d°, below the horizon of 60\.0° in the west; its airmass is 1\.\d\d, above 1\.1\.$/,
  );
  expect((msg.visibility as Visibility).refusals.map(({ limit }) => limit)).toEqual(['horizon', 'airmass']);
  expect((await flow.status('n', 'yellow')).text).toBe(msg.reason);
});

it('asks for the whole night when told to, with the hours that are left', async () => {
  const settings = { visibleWhen: 'tonight', maximumSunDegrees: '-12', minimumMinutes: '60' };
  const flow = await startImageFlow(astroVisible, 'astro-visible', settings);
  flow.send('n', {
    target: { name: 'Sirius', ra: 101.287, dec: -16.716 },
    time: '2026-11-21T13:00:00Z',
    minimumAltitudeDegrees: 10,
  });
  const found = (await flow.sink('one').first()).visibility as Visibility;
  expect(found.windows).toHaveLength(1);
  expect(found.windows[0]!.start > '2026-11-21T23').toBe(true);
  expect(found.dark).not.toBeNull();
  flow.send('n', {
    target: { name: 'Sirius', ra: 101.287, dec: -16.716 },
    time: '2026-11-21T13:00:00Z',
    minimumAltitudeDegrees: 30,
  });
  const never = await flow.sink('two').first();
  expect(never.reason).toEqual(expect.stringMatching(/^Sirius never gets above 30\.0° here: at most 13\.\d°\.$/));
});

it.each([
  [{}, 'The message has no target.'],
  [{ target: { name: 'q', ra: 400, dec: 1 } }, 'The right ascension "400" is outside 0° to 360°.'],
  [{ target: vega, time: 'soon' }, 'msg.time "soon" is no time.'],
  [{ target: vega, horizon: '10 20\na wall' }, 'Line 2 of the horizon, "a wall", is no azimuth with an altitude.'],
])('says what is wrong with %j', async (msg, sentence) => {
  const flow = await startImageFlow(astroVisible, 'astro-visible');
  flow.send('n', msg);
  flow.send('n', { target: vega, time });
  await flow.sink('one').first();
  expect(flow.sink('failures').messages.map(failure)).toEqual([expect.stringContaining(sentence)]);
});
