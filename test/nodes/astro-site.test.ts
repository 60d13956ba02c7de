import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import astroSite, { rehearsalClock } from '../../nodes/config/astro-site.ts';
import { clockOf, siteOf } from '../../nodes/types.ts';
import { startFlow, stopFlow } from './harness.ts';

afterEach(stopFlow);

const site = (changes: Record<string, unknown> = {}) => ({
  id: 'here',
  type: 'astro-site',
  name: 'Garden',
  latitude: '69:39:00 N',
  longitude: '18.9553',
  elevation: '10',
  ...changes,
});

it('loads with the right defaults: the real clock and the folder archive in the user directory', async () => {
  const running = await startFlow([astroSite], [site()]);
  const node = running.node('here');
  expect(node.clock).toBe(realClock);
  expect(node.archiveFolder).toBe(join(running.userDir, 'archive'));
  expect(node.site).toEqual({ name: 'Garden', latitude: 69.65, longitude: 18.9553, elevation: 10, timeZone: null });
  expect(node.problem).toBeNull();
});

it('is found by the nodes that name it', async () => {
  const running = await startFlow(
    [astroSite],
    [site({ clock: 'rehearsal', clockStart: '2026-03-14', clockRate: '50' })],
  );
  expect(siteOf(running.RED, 'here')).toBe(running.node('here'));
  expect(clockOf(running.RED, 'here').rate).toBe(50);
  expect(siteOf(running.RED, '')).toBeNull();
  expect(siteOf(running.RED, 'nobody')).toBeNull();
  expect(clockOf(running.RED, undefined)).toBe(realClock);
});

it('takes an absolute archive folder', async () => {
  const running = await startFlow([astroSite], [site({ archiveFolder: '/srv/night' })]);
  expect(running.node('here').archiveFolder).toBe('/srv/night');
});

it('with wrong settings says which, to everyone who asks for the place', async () => {
  const running = await startFlow([astroSite], [site({ latitude: '95' })]);
  const node = running.node('here');
  expect(node.problem).toMatchObject({ code: 'bad-input', message: 'The latitude 95 is outside -90° to 90°.' });
  expect(() => node.site).toThrow('The latitude 95 is outside');
});

describe('the rehearsal clock', () => {
  it('reads a date without a zone as UTC', () => {
    for (const start of ['2026-03-14T17:45:00Z', '2026-03-14T17:45:00', '2026-03-14T18:45:00+01:00'])
      expect(rehearsalClock(start, 'max').now()).toBe(Date.UTC(2026, 2, 14, 17, 45));
    expect(rehearsalClock('2026-03-14', 'max').now()).toBe(Date.UTC(2026, 2, 14));
  });

  it.each([
    ['soon', '20', 'The rehearsal\'s start "soon" is not a date.'],
    ['', '20', 'The rehearsal\'s start "" is not a date.'],
    ['2026-03-14', '0.5', 'The rehearsal\'s rate "0.5" is not between 1 and 1000, or max.'],
    ['2026-03-14', 'fast', 'The rehearsal\'s rate "fast" is not between 1 and 1000, or max.'],
    ['2026-03-14', '2000', 'The rehearsal\'s rate "2000" is not between 1 and 1000, or max.'],
  ])('refuses %j at %j', (start, rate, message) => {
    expect(() => rehearsalClock(start, rate)).toThrow(message);
  });
});
