/** A network that fails between our client and a real indiserver: exposures outlive it. */
import { afterEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiClient } from '../../lib/indi/client.ts';
import { IndiCamera } from '../../lib/indi/devices/camera.ts';
import { numberOf } from '../../lib/indi/property.ts';
import { devices, freePort, startWorld, type World } from './indi-world.ts';
import { startProxy } from './proxy.ts';

const camera = devices.camera.device;
let world: World | null = null;

afterEach(async () => {
  await world?.end();
  world = null;
});

const busy = (client: IndiClient, device: string, property: string) =>
  client.waitForProperty(device, property, { timeoutSeconds: 60, ready: ({ state }) => state === 'Busy' });

describe('the network', () => {
  it('that goes dead without a word is noticed by the heartbeat, and the exposure that ran on is taken over', async () => {
    world = await startWorld(['camera']);
    const proxy = await startProxy(world.port);
    const client = new IndiClient({ host: '127.0.0.1', port: proxy.port, clock: realClock, heartbeatSeconds: 1 });
    const reasons: string[] = [];
    client.on('disconnected', ({ message }) => reasons.push(message));
    try {
      await client.start();
      const ccd = new IndiCamera(client, camera);
      await ccd.open({});
      const running = ccd.expose(15);
      await busy(client, camera, 'CCD_EXPOSURE');
      proxy.cut();
      await expect.poll(() => reasons, { timeout: 60_000 }).toEqual([expect.stringContaining('no sign of life')]);
      proxy.mend();
      const picture = await running;
      expect(picture.byteLength).toBeGreaterThan(2 * 1280 * 1024);
      expect(numberOf(ccd.find('CCD_EXPOSURE'), 'CCD_EXPOSURE_VALUE')).toBe(0);
      await ccd.close();
    } finally {
      await client.close();
      proxy.close();
    }
  }, 90_000);

  it('that drops both connections loses no exposure, and a run of fast ones goes on', async () => {
    world = await startWorld(['camera']);
    const proxy = await startProxy(world.port);
    const backOff = { firstSeconds: 0.1, factor: 1, maximumSeconds: 0.1, jitter: 0 };
    const client = new IndiClient({ host: '127.0.0.1', port: proxy.port, clock: realClock, backOff });
    try {
      await client.start();
      const ccd = new IndiCamera(client, camera);
      await ccd.open({});
      const running = ccd.expose(8);
      await busy(client, camera, 'CCD_EXPOSURE');
      proxy.drop();
      expect((await running).byteLength).toBeGreaterThan(2 * 1280 * 1024);
      const told: string[] = [];
      let pictures = 0;
      for await (const { byteLength } of ccd.pictures(2, { fast: true, told: (text) => told.push(text) })) {
        expect(byteLength).toBeGreaterThan(2 * 1280 * 1024);
        if (++pictures === 2) proxy.drop();
        if (pictures === 4) break;
      }
      expect(told.filter((text) => text.includes('taken over'))).toHaveLength(1);
      await ccd.close();
    } finally {
      await client.close();
      proxy.close();
    }
  }, 90_000);

  it('without a server says so, and goes on trying', async () => {
    const port = await freePort();
    const client = new IndiClient({
      host: '127.0.0.1',
      port,
      clock: realClock,
      backOff: { firstSeconds: 0.1, factor: 1, maximumSeconds: 0.1, jitter: 0 },
    });
    let failures = 0;
    client.on('failure', () => failures++);
    await expect(client.start({ timeoutSeconds: 1 })).rejects.toMatchObject({
      code: 'lost',
      message: expect.stringContaining(`127.0.0.1:${port}`),
    });
    await client.close();
    expect(failures).toBeGreaterThan(2);
  });
});
