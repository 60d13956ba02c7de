/** Every fault of the simulator, seen by our client: each ends as one of the results that a command can have. */
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { IndiClient } from '../../lib/indi/client.ts';
import { exposed, filterSelected, pictureIn } from '../../lib/indi/completion-devices.ts';
import { connectDevice } from '../../lib/indi/device-care.ts';
import { numberOf } from '../../lib/indi/property.ts';
import { names, type SimulatedWorld, simulatedWorld } from './simulator-world.ts';

let world: SimulatedWorld;
beforeAll(async () => {
  world = await simulatedWorld(['wheel', 'camera'], { camera: { width: 64, height: 48 } }, 5);
  await world.client.enableBlobs(names.camera, 'CCD1');
});
afterAll(() => world?.end());

const select = (slot: number, timeoutSeconds = 60) =>
  world.client.command({
    device: names.wheel,
    property: 'FILTER_SLOT',
    values: { FILTER_SLOT_VALUE: slot },
    judge: filterSelected(slot),
    timeoutSeconds,
  });
const expose = (timeoutSeconds = 100) =>
  world.client.command({
    device: names.camera,
    property: 'CCD_EXPOSURE',
    values: { CCD_EXPOSURE_VALUE: 1 },
    judge: exposed(),
    timeoutSeconds,
  });

describe('a fault', () => {
  it('of delay is waited for', async () => {
    world.simulator.faults.add({ kind: 'delay', device: names.wheel, seconds: 1 });
    const before = world.clock.now();
    expect((await select(3)).status).toBe('ok');
    expect(world.clock.now() - before).toBeGreaterThan(1000);
  });

  it('of no reply ends as no-ack, and the next command works', async () => {
    world.simulator.faults.add({ kind: 'no-reply', device: names.wheel, property: 'FILTER_SLOT' });
    expect((await select(4)).status).toBe('no-ack');
    expect((await select(4)).status).toBe('ok');
  });

  it('of an Alert that is gone at once is a rejection all the same', async () => {
    world.simulator.faults.add({ kind: 'alert-then-ok', device: names.wheel });
    expect((await select(5)).status).toBe('rejected');
    expect(world.simulator.observatory.filterSlot).toBe(4);
  });

  it('of an early Ok does not count before the position is there', async () => {
    world.simulator.faults.add({ kind: 'ok-early', device: names.wheel });
    expect((await select(6)).status).toBe('ok');
    expect(world.simulator.observatory.filterSlot).toBe(6);
  });

  it('of Busy for ever ends as timeout', async () => {
    world.simulator.faults.add({ kind: 'busy-forever', device: names.wheel });
    expect((await select(7, 3)).status).toBe('timeout');
    expect((await select(7)).status).toBe('ok');
  });

  it('of Busy for ever in an exposure is healed by an abort', async () => {
    world.simulator.faults.add({ kind: 'busy-forever', device: names.camera, property: 'CCD_EXPOSURE' });
    expect((await expose(3)).status).toBe('timeout');
    await world.client.command({ device: names.camera, property: 'CCD_ABORT_EXPOSURE', values: { ABORT: true } });
    const property = await world.client.waitForProperty(names.camera, 'CCD_EXPOSURE', {
      timeoutSeconds: 20,
      ready: ({ state }) => state === 'Idle',
    });
    expect(numberOf(property, 'CCD_EXPOSURE_VALUE')).toBe(0);
    expect((await expose()).status).toBe('ok');
  });

  it('of garbage before an answer costs a fault, not the answer', async () => {
    const faults: string[] = [];
    const off = world.client.on('fault', (fault) => faults.push(fault));
    world.simulator.faults.add({ kind: 'garbage', device: names.wheel, property: 'FILTER_SLOT' });
    expect((await select(8)).status).toBe('ok');
    off();
    expect(faults.length).toBeGreaterThan(0);
  });

  it('of a BLOB that lies about its size still gives the picture', async () => {
    world.simulator.faults.add({ kind: 'lying-blob', device: names.camera });
    const result = await expose();
    expect(result.status).toBe('ok');
    const picture = pictureIn(result.history, 'CCD1');
    expect(picture?.declaredBytes).toBe(picture!.byteLength * 10);
  });

  it('of a connection cut in the BLOB does not pass for a picture, and the next exposure has one', async () => {
    world.simulator.faults.add({ kind: 'drop-in-blob', device: names.camera });
    const cut = await expose(3);
    expect(pictureIn(cut.history, 'CCD1')?.data ?? null).toBeNull();
    const next = await world.client.waitForProperty(names.camera, 'CCD_EXPOSURE', { timeoutSeconds: 20 });
    expect(next.name).toBe('CCD_EXPOSURE');
    await expect.poll(async () => (await expose(15)).status, { timeout: 60_000 }).toBe('ok');
  });

  it('of a driver that crashes ends the command as lost, and the driver comes back', async () => {
    world.simulator.faults.add({ kind: 'crash', device: names.wheel, property: 'FILTER_SLOT' });
    expect((await select(2)).status).toBe('device-lost');
    await world.client.waitForProperty(names.wheel, 'CONNECTION', { timeoutSeconds: 20 });
    await connectDevice(world.client, { device: names.wheel });
    expect((await select(2)).status).toBe('ok');
  });

  it('of a server that is killed is noticed at once, and the client comes back', async () => {
    const gone = new Promise((resolve) => world.client.on('disconnected', resolve));
    world.simulator.dropConnections();
    await gone;
    await world.client.waitForProperty(names.wheel, 'FILTER_SLOT', { timeoutSeconds: 20 });
    expect((await select(1)).status).toBe('ok');
  });

  it('of a half-open connection is noticed by the heartbeat', async () => {
    const client = new IndiClient({ host: '127.0.0.1', port: world.port, clock: world.clock, heartbeatSeconds: 0.3 });
    await client.start();
    const gone = new Promise((resolve) => client.on('disconnected', resolve));
    world.simulator.muteConnections();
    await gone;
    await client.close();
  });
});
