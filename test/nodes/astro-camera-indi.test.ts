/** astro-camera's backend `indi`, without a server: its settings, its lists, and what it says when nobody is there. */
import { afterEach, describe, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroIndi from '../../nodes/config/astro-indi.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { indiOptions } from '../../nodes/config/indi-options.ts';
import type { CameraNode, IndiNode } from '../../nodes/types.ts';
import { startFlow, stopFlow } from './harness.ts';

afterEach(async () => {
  await stopFlow();
  await closeSharedPool();
});

const start = (settings: Record<string, unknown>) =>
  startFlow(
    [astroSite, astroCamera],
    [{ id: 'roof', type: 'astro-camera', name: 'Roof', backend: 'indi', ...settings }],
  );
/** Nobody serves INDI on the port of tcpmux. */
const nobody = { indiHost: '127.0.0.1', indiPort: '1' };

describe('the settings', () => {
  it('are those of the usual server where nothing is given', () => {
    expect(indiOptions({ indiDevice: ' ZWO CCD ' })).toEqual({
      host: 'localhost',
      port: 7624,
      device: 'ZWO CCD',
      focuser: null,
      loadConfiguration: false,
      fastExposure: true,
    });
  });

  it.each(['0', '70000', '76.24', 'indi'])('refuse the port %s', (indiPort) => {
    expect(() => indiOptions({ indiPort })).toThrow('The port must be');
  });
});

describe('without a server', () => {
  it('the camera says which, and how to start one', async () => {
    const running = await start({ ...nobody, indiDevice: 'CCD Simulator' });
    const ready = (running.node('roof') as CameraNode).ready();
    await expect(ready).rejects.toMatchObject({
      code: 'lost',
      message: expect.stringContaining('No INDI server answers at 127.0.0.1:1'),
      remedy: expect.stringContaining('indiserver indi_simulator_ccd'),
    });
  }, 30_000);

  it('a camera without a device says what is missing', async () => {
    const running = await start(nobody);
    const ready = (running.node('roof') as CameraNode).ready();
    await expect(ready).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('No INDI camera'),
    });
  });

  it('the list of its devices answers so, and refuses what can be no port', async () => {
    const running = await start(nobody);
    await running.listen();
    const absent = await running.admin().get('/nightflow/indi-devices?indiHost=127.0.0.1&indiPort=1');
    expect([absent.status, typeof absent.body.error.message]).toEqual([503, 'string']);
    const wrong = await running.admin().get('/nightflow/indi-devices?indiPort=x');
    expect([wrong.status, wrong.body.error.code]).toEqual([400, 'bad-input']);
  }, 30_000);
});

describe('with the server of an astro-indi', () => {
  const observatory = { id: 'server', type: 'astro-indi', mode: 'simulator', sensorWidth: 320, sensorHeight: 240 };
  const camera = { id: 'roof', type: 'astro-camera', backend: 'indi', indiDevice: 'CCD Simulator' };

  it('shares its connection and the settings that are kept there, and leaves it open', async () => {
    const devices = [{ device: 'CCD Simulator', settings: 'CCD_GAIN.GAIN=33' }];
    const running = await startFlow(
      [astroSite, astroIndi, astroCamera],
      [
        { ...observatory, devices },
        { ...camera, indi: 'server', indiFocuser: 'Focuser Simulator' },
      ],
    );
    const opened = await (running.node('roof') as CameraNode).ready();
    expect(await opened.get('gain')).toBe(33);
    expect(await opened.focuser?.()).not.toBeNull();
    const frame = await opened.expose({ exposureSeconds: 0.5 });
    expect([frame.width, frame.height, frame.camera]).toEqual([320, 240, 'CCD Simulator']);
    const client = await (running.node('server') as IndiNode).ready();
    await opened.close();
    expect(client.connected).toBe(true);
  }, 60_000);

  it('goes on after the server was stopped and started', async () => {
    const running = await startFlow([astroSite, astroIndi, astroCamera], [observatory, { ...camera, indi: 'server' }]);
    const opened = await (running.node('roof') as CameraNode).ready();
    const { observatory: server } = running.node('server') as IndiNode;
    await server!.stop();
    await expect(opened.recover(new AbortController().signal)).rejects.toMatchObject({ code: 'lost' });
    await server!.start();
    await opened.recover();
    expect((await opened.expose({ exposureSeconds: 0.5 })).width).toBe(320);
  }, 60_000);

  it('one that is not deployed is named', async () => {
    const running = await startFlow([astroSite, astroIndi, astroCamera], [{ ...camera, indi: 'gone' }]);
    await expect((running.node('roof') as CameraNode).ready()).rejects.toMatchObject({
      code: 'bad-input',
      message: expect.stringContaining('is not deployed'),
    });
  });
});
