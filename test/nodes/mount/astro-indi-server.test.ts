/** astro-indi-server on the simulated observatory: its commands, its events, and what they say when nothing can be done. */
import { afterEach, describe, expect, it } from 'vitest';
import astroIndi from '../../../nodes/config/astro-indi.ts';
import astroIndiServer from '../../../nodes/mount/astro-indi-server.ts';
import type { IndiNode } from '../../../nodes/types.ts';
import { coreNode, startFlow, stopFlow } from '../harness.ts';

afterEach(stopFlow);

const start = async (settings: Record<string, unknown> = {}, server: Record<string, unknown> = {}) => {
  const running = await startFlow(
    [coreNode('common/25-catch'), astroIndi, astroIndiServer],
    [
      { id: 'indi', type: 'astro-indi', mode: 'simulator', ...server },
      { id: 'node', type: 'astro-indi-server', indi: 'indi', ...settings, wires: [['out'], ['events']] },
      { id: 'catch', type: 'catch', scope: ['node'], wires: [['caught']] },
      ...['out', 'events', 'caught'].map((id) => ({ id, type: 'helper', wires: [] })),
    ],
  );
  return { ...running, indi: running.node('indi') as IndiNode };
};
type Device = { name: string; connected: boolean };
const connected = (devices: readonly Device[]) => devices.filter((each) => each.connected).map(({ name }) => name);

describe('astro-indi-server', () => {
  it('loads with the right defaults: it starts, and says when', async () => {
    const running = await start();
    expect(await running.status('node', 'grey', 'not started yet')).toBeTruthy();
    running.send('node', { topic: 'dusk' });
    const msg = await running.sink('out').first();
    expect(msg).toMatchObject({ payload: 'running', topic: 'dusk', indi: { state: 'running' } });
    await running.status('node', 'green', 'running');
    await running.sink('events').first(({ event }) => event === 'connected');
  }, 30_000);

  it('connects and disconnects all devices, and stops: then nobody gets the server until it is started', async () => {
    const running = await start();
    running.send('node', { command: 'connect-all' });
    const [msg] = await running.sink('out').take(1);
    expect(connected((msg!.indi as { devices: Device[] }).devices).sort()).toEqual([
      'CCD Simulator',
      'Dome Simulator',
      'Filter Simulator',
      'Focuser Simulator',
      'Telescope Simulator',
      'Weather Simulator',
    ]);
    running.send('node', { command: 'disconnect-all' });
    const [, second] = await running.sink('out').take(2);
    expect(connected((second!.indi as { devices: Device[] }).devices)).toEqual([]);
    running.send('node', { command: 'stop' });
    const [, , third] = await running.sink('out').take(3);
    expect(third).toMatchObject({ payload: 'stopped', indi: { address: null, devices: [] } });
    await expect(running.indi.ready()).rejects.toMatchObject({ code: 'lost', message: 'The INDI server was stopped.' });
    running.send('node', { command: 'start' });
    expect((await running.sink('out').take(4))[3]).toMatchObject({ payload: 'running' });
    await running.indi.device('Dome Simulator');
  }, 60_000);

  it('restarts a driver, whose device is connected again with its settings', async () => {
    const settings = 'CCD_GAIN.GAIN=37';
    const running = await start(
      { command: 'restart-driver', driver: 'CCD Simulator' },
      { devices: [{ device: 'CCD Simulator', settings }] },
    );
    const client = await running.indi.device('CCD Simulator');
    const gain = () => client.store.property('CCD Simulator', 'CCD_GAIN')?.elements.get('GAIN')?.value;
    expect(gain()).toBe(37);
    running.send('node');
    await running.sink('events').first(({ event, device }) => event === 'device-lost' && device === 'CCD Simulator');
    await expect.poll(gain, { timeout: 30_000 }).toBe(37);
    const told = () =>
      running
        .sink('events')
        .messages.filter((each) => each.event === 'device-connected' && each.device === 'CCD Simulator');
    await expect.poll(() => told().length, { timeout: 30_000 }).toBe(2);
  }, 60_000);

  it('says what it does not know: a driver that nobody named, a device that is not there', async () => {
    const running = await start();
    await running.indi.ready();
    running.send('node', { command: 'restart-driver' });
    running.send('node', { command: 'restart-driver', driver: 'Coffee' });
    running.send('node', { command: 'explode' });
    const caught = await running.sink('caught').take(3);
    const texts = caught.map(({ error }) => (error as { message: string }).message).join('\n');
    expect(texts).toContain('Which driver? Give its device or its program as msg.driver.');
    expect(texts).toContain('no device "Coffee"');
    expect(texts).toContain('The command must be one of start, stop');
  }, 30_000);

  it('connects all devices again at dusk that were disconnected at dawn, where they are to be connected', async () => {
    const running = await start({}, { autoStart: true });
    const all = () => connected(running.indi.observatory!.report().devices).length;
    await expect.poll(all, { timeout: 30_000 }).toBe(6);
    for (const command of ['disconnect-all', 'stop', 'start']) {
      running.send('node', { command });
      await running.sink('out').first(({ payload }) => payload === (command === 'stop' ? 'stopped' : 'running'));
    }
    await expect.poll(all, { timeout: 30_000 }).toBe(6);
  }, 60_000);

  it('says which setting of the server is wrong', async () => {
    const running = await start({}, { port: '70000', mode: 'connect' });
    await running.status('node', 'red', 'The port must be');
  });

  it('without a server says so', async () => {
    const running = await start({ indi: '' });
    await running.status('node', 'yellow', 'choose an INDI server');
    running.send('node');
    expect((await running.sink('caught').first()).error).toMatchObject({
      message: expect.stringContaining('No INDI server is chosen.'),
    });
  });
});
