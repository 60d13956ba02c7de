import { expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { type TwilightEvent, watchTwilight } from '../../lib/sky/twilight-watch.ts';

const tromso = { latitude: 69.65, longitude: 18.95, elevation: 50 };

async function events(start: string, sunAltitude: number, count: number): Promise<TwilightEvent[]> {
  const stop = new AbortController();
  const found: TwilightEvent[] = [];
  const clock = new RehearsalClock(Date.parse(start), Infinity);
  try {
    for await (const event of watchTwilight(tromso, clock, sunAltitude, stop.signal)) {
      found.push(event);
      if (found.length === count) stop.abort();
    }
  } catch (error) {
    expect((error as Error).name).toBe('AbortError');
  }
  return found;
}

it('says dusk and dawn in turn, night after night', async () => {
  const found = await events('2026-03-20T12:00:00Z', -6, 4);
  expect(found.map(({ event }) => event)).toEqual(['dusk', 'dawn', 'dusk', 'dawn']);
  // As in sun.test.ts: bisection of astropy 5.2.1's altitude.
  expect(Math.abs(found[0]!.at - Date.parse('2026-03-20T18:02:06.774Z'))).toBeLessThan(3000);
  expect(Math.abs(found[1]!.at - Date.parse('2026-03-21T03:39:05.826Z'))).toBeLessThan(3000);
});

it('waits through the polar night for the first sunrise', async () => {
  const [dawn, dusk] = await events('2026-12-31T12:00:00Z', -0.833, 2);
  // In Tromsø the Sun comes back in mid-January, for some minutes around noon.
  expect(new Date(dawn!.at).toISOString()).toMatch(/^2027-01-1[3-7]T1[01]:/);
  expect(dawn!.event).toBe('dawn');
  expect(dusk!.at - dawn!.at).toBeLessThan(3 * 3_600_000);
});
