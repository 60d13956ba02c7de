/** astro-indi: its settings, the simulated observatory, and what it says without a server. */
import { afterEach, describe, expect, it } from 'vitest';
import { numberOf, textOf } from '../../lib/indi/property.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroIndi from '../../nodes/config/astro-indi.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { readServer } from '../../nodes/config/indi-server-options.ts';
import type { IndiNode } from '../../nodes/types.ts';
import { startFlow, stopFlow } from './harness.ts';

afterEach(async () => {
  await stopFlow();
  await closeSharedPool();
});

const site = {
  id: 'site',
  type: 'astro-site',
  latitude: '69.65',
  longitude: '-18.95',
  elevation: '100',
  timeZone: 'Asia/Kolkata',
};
const start = async (settings: Record<string, unknown>) => {
  const running = await startFlow([astroSite, astroIndi], [site, { id: 'indi', type: 'astro-indi', ...settings }]);
  return { ...running, indi: running.node('indi') as IndiNode };
};

describe('the simulated observatory', () => {
  it('answers, and a mount is told its place and the time with the offset', async () => {
    const { indi } = await start({ mode: 'simulator', site: 'site' });
    const client = await indi.device('Telescope Simulator');
    const place = client.store.property('Telescope Simulator', 'GEOGRAPHIC_COORD');
    expect([numberOf(place, 'LAT'), numberOf(place, 'LONG'), numberOf(place, 'ELEV')]).toEqual([69.65, 341.05, 100]);
    const time = client.store.property('Telescope Simulator', 'TIME_UTC');
    expect(textOf(time, 'OFFSET')).toBe('5.50');
    expect(Math.abs(Date.parse(`${textOf(time, 'UTC')}Z`) - Date.now())).toBeLessThan(60_000);
  }, 30_000);
});

describe('the settings', () => {
  it('are those of the usual server where nothing is given', () => {
    expect(readServer({})).toMatchObject({ server: { kind: 'connect', host: 'localhost', port: 7624 }, connect: [] });
  });
});
