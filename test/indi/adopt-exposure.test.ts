/** The connection breaks while the shutter is open: the simulated camera exposes on, as real drivers do, and the frame is not lost. */
import { afterEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiCamera } from '../../lib/indi/devices/camera.ts';
import { IndiSimulator } from '../../lib/indi/simulator/simulator.ts';
import { names, type SimulatedWorld, simulatedWorld, site } from './simulator-world.ts';

const device = names.camera;
let world: SimulatedWorld | null = null;
afterEach(async () => {
  await world?.end();
  world = null;
});

async function camera(rate: number): Promise<IndiCamera> {
  world = await simulatedWorld(['camera'], { camera: { width: 64, height: 48 } }, rate);
  const camera = new IndiCamera(world.client, device);
  await camera.open({});
  return camera;
}
const exposing = (camera: IndiCamera) =>
  camera.client.waitForProperty(device, 'CCD_EXPOSURE', {
    timeoutSeconds: 60,
    ready: ({ state }) => state === 'Busy',
  });
const lost = (camera: IndiCamera) => new Promise((resolve) => camera.client.on('disconnected', resolve));

describe('an exposure whose connection breaks', () => {
  it('is taken over when the client is back, and its picture comes', async () => {
    const ccd = await camera(10);
    const running = ccd.expose(80);
    for (let times = 0; times < 2; times++) {
      await exposing(ccd);
      const gone = lost(ccd);
      world!.simulator.dropConnections();
      await gone;
    }
    const picture = await running;
    expect(picture.byteLength).toBeGreaterThan(64 * 48 * 2);
    expect((await ccd.expose(1)).byteLength).toBe(picture.byteLength);
  }, 120_000);

  it('stops when it is told to, though nothing is connected', async () => {
    const ccd = await camera(1);
    const stop = new AbortController();
    const running = ccd.expose(600, stop.signal);
    await exposing(ccd);
    await world!.simulator.close();
    await expect.poll(() => ccd.client.connected).toBe(false);
    stop.abort();
    await expect(running).rejects.toMatchObject({ code: 'aborted' });
  }, 60_000);

  it('ends with its client', async () => {
    const ccd = await camera(1);
    const running = ccd.expose(600);
    const ended = expect(running).rejects.toMatchObject({ code: 'lost' });
    await exposing(ccd);
    await ccd.client.close();
    await ended;
  }, 60_000);

  it('is lost when the driver was started anew', async () => {
    const ccd = await camera(1);
    const running = expect(ccd.expose(600)).rejects.toMatchObject({
      code: 'lost',
      message: expect.stringContaining('started anew'),
    });
    await exposing(ccd);
    const { simulator, port } = world!;
    await simulator.close();
    const second = new IndiSimulator({ devices: ['camera'] }, { clock: realClock, site });
    await second.listen(port);
    await running;
    await second.close();
  }, 60_000);

  it('is lost when nothing was sent at all', async () => {
    const ccd = await camera(1);
    await ccd.client.close();
    await expect(ccd.expose(600)).rejects.toMatchObject({ code: 'lost' });
  }, 60_000);
});

it('a run of fast exposures goes on after the connection was away', async () => {
  const ccd = await camera(4);
  const told: string[] = [];
  const stop = new AbortController();
  const pictures: number[] = [];
  const options = { fast: true, told: (sentence: string) => told.push(sentence), signal: stop.signal };
  for await (const { byteLength } of ccd.pictures(4, options)) {
    pictures.push(byteLength);
    if (pictures.length === 2) world!.simulator.dropConnections();
    if (pictures.length === 5) break;
  }
  stop.abort();
  expect(new Set(pictures).size).toBe(1);
  expect(told).toEqual([expect.stringContaining('went on, and are taken over')]);
}, 120_000);
