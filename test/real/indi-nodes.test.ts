/** astro-camera and astro-capture in Node-RED over the CCD simulator of a real indiserver. */
import { afterAll, beforeAll, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { startFlow, stopFlow } from '../nodes/harness.ts';
import { devices, startWorld, type World } from './indi-world.ts';

let world: World;

beforeAll(async () => {
  world = await startWorld(['camera', 'focuser']);
});
afterAll(async () => {
  await stopFlow();
  await closeSharedPool();
  await world?.end();
});

const ended = (msg: AstroMessage) => msg.event === 'end';

it('captures a run, and fills the lists of the editor from the server', async () => {
  const address = { indiHost: '127.0.0.1', indiPort: String(world.port) };
  const running = await startFlow(
    [astroSite, astroCamera, astroCapture],
    [
      { id: 'place', type: 'astro-site', latitude: '51', longitude: '7' },
      {
        id: 'scope',
        type: 'astro-camera',
        site: 'place',
        backend: 'indi',
        ...address,
        indiDevice: devices.camera.device,
        indiFocuser: devices.focuser.device,
      },
      {
        id: 'capture',
        type: 'astro-capture',
        camera: 'scope',
        mode: 'count',
        count: '3',
        exposureSeconds: '0.3',
        keep: 'none',
        freeGigabytes: '0',
        wires: [['frames'], ['events']],
      },
      ...['frames', 'events'].map((id) => ({ id, type: 'helper', wires: [] })),
    ],
  );
  running.send('capture', {});
  const end = await running.sink('events').first(ended);
  expect(end.payload).toMatchObject({ frames: 3, lost: 0 });
  const [first] = running.sink('frames').messages;
  expect(first!.frame).toMatchObject({ width: 1280, height: 1024, exposureSeconds: 0.3, number: 1 });
  expect(first!.frame).toMatchObject({ camera: devices.camera.device, site: { latitude: 51 } });

  await running.listen();
  const get = async (path: string) => (await running.admin().get(`/nightflow/${path}`)).body;
  const there = await get(`indi-devices?${new URLSearchParams(address)}`);
  expect(there).toEqual(
    expect.arrayContaining([
      { name: devices.camera.device, connected: true, roles: expect.arrayContaining(['camera']) },
      { name: devices.focuser.device, connected: true, roles: ['focuser'] },
    ]),
  );
  const { info, settings } = await get('cameras/scope/settings');
  expect(info).toMatchObject({ backend: 'indi', sensor: { width: 1280 } });
  expect(settings.find(({ name }: { name: string }) => name === 'gain')).toMatchObject({ value: 90, maximum: 100 });
}, 60_000);
