/** The time of a GPS device of a real indiserver, as a witness for a clock that nobody keeps. */
import { expect, it } from 'vitest';
import { connectDevice } from '../../lib/indi/device-care.ts';
import { askGps, gpsOffset } from '../../lib/indi/devices/stream-gps.ts';
import { startWorld } from './indi-world.ts';

it('agrees with the computer that simulates it, to what whole seconds allow', async () => {
  const world = await startWorld([]);
  try {
    expect(await askGps(world.client)).toBeNull();
    await world.server.startDriver({ executable: 'indi_simulator_gps' });
    await world.client.waitForProperty('GPS Simulator', 'CONNECTION', { timeoutSeconds: 20 });
    expect(await askGps(world.client)).toBeNull();
    await connectDevice(world.client, { device: 'GPS Simulator' });
    await world.client.waitForProperty('GPS Simulator', 'TIME_UTC', { timeoutSeconds: 20 });
    const told = (await askGps(world.client))!;
    expect(told.device).toBe('GPS Simulator');
    // One clock: true is zero, and the bounds hold it unless this computer stands still for a second.
    expect(Math.abs(told.offsetSeconds)).toBeLessThanOrEqual(told.uncertaintySeconds + 1);
    expect(told.uncertaintySeconds).toBeGreaterThanOrEqual(0.5);
    const stop = AbortSignal.abort();
    await expect(askGps(world.client, stop)).rejects.toMatchObject({ code: 'aborted' });
  } finally {
    await world.end();
  }
}, 90_000);

it('is bounded by the phases of whole seconds, and by the age of a fix', () => {
  // A clock 3 s fast; answers at six phases of the second.
  const { offsetSeconds, uncertaintySeconds } = gpsOffset([3.05, 3.22, 3.39, 3.56, 3.73, 3.9]);
  expect(offsetSeconds - uncertaintySeconds).toBeLessThanOrEqual(3);
  expect(offsetSeconds + uncertaintySeconds).toBeGreaterThanOrEqual(3);
  expect(uncertaintySeconds).toBeCloseTo((3.05 - (3.9 - 1 - 1)) / 2, 9);
});
