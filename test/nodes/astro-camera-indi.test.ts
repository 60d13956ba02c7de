/** astro-camera's backend `indi`, without a server: its settings, its lists, and what it says when nobody is there. */
import { afterEach, describe, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { indiOptions } from '../../nodes/config/indi-options.ts';
import type { CameraNode } from '../../nodes/types.ts';
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
