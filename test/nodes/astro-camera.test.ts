import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { folderOptions } from '../../nodes/config/folder-options.ts';
import { simulatorOptions } from '../../nodes/config/simulator-options.ts';
import type { CameraNode } from '../../nodes/types.ts';
import { startFlow, stopFlow } from './harness.ts';
import { type ScriptedCameras, useScriptedCamera } from './scripted-camera.ts';

let made: ScriptedCameras;
beforeEach(() => {
  made = useScriptedCamera();
});
afterEach(async () => {
  await stopFlow();
  made.remove();
});

const flow = (changes: Record<string, unknown> = {}) => [
  { id: 'place', type: 'astro-site', latitude: '60', longitude: '10' },
  { id: 'roof', type: 'astro-camera', name: 'Roof', backend: 'scripted', site: 'place', ...changes },
];
const start = async (changes?: Record<string, unknown>) => {
  const running = await startFlow([astroSite, astroCamera], flow(changes));
  return { running, node: running.node('roof') as CameraNode };
};

it('loads without touching the camera', async () => {
  const { node } = await start();
  expect(node.camera).toBeNull();
  expect(node.siteNode?.site.latitude).toBe(60);
  expect(made.cameras).toEqual([]);
});

it('opens once, however many ask', async () => {
  const { node } = await start();
  const [one, two] = await Promise.all([node.ready(), node.ready()]);
  expect(one).toBe(two);
  expect(node.camera).toBe(one);
  expect(made.cameras[0]!.calls).toEqual(['open']);
});

it('opens again after a failure', async () => {
  const { node } = await start();
  made.script = { openFails: 'Not plugged in.' };
  await expect(node.ready()).rejects.toThrow('Not plugged in.');
  made.script = {};
  expect((await node.ready()).info.name).toBe('Scripted');
});

it('does not wait for an open that its caller gave up', async () => {
  const { node } = await start();
  const stop = new AbortController();
  stop.abort();
  await expect(node.ready(stop.signal)).rejects.toMatchObject({ code: 'aborted' });
  expect((await node.ready()).info.name).toBe('Scripted');
});

it('is reserved by one at a time', async () => {
  const { node } = await start();
  const release = node.reserve('Night');
  expect(() => node.reserve('Flats')).toThrow('The camera Roof is taken by Night.');
  release();
  release();
  node.reserve('Flats')();
});

it('is closed with the flow', async () => {
  const { node } = await start();
  await node.ready();
  await stopFlow();
  expect(made.cameras[0]!.calls).toEqual(['open', 'close']);
});

it('refuses a backend that there is not, and a wrong site', async () => {
  const { node } = await start({ backend: 'crystal ball' });
  await expect(node.ready()).rejects.toMatchObject({
    message: 'There is no camera backend "crystal ball".',
    remedy: expect.stringContaining('simulator or folder'),
  });
  const running = await startFlow(
    [astroSite, astroCamera],
    [
      { id: 'place', type: 'astro-site', latitude: 'north', longitude: '10' },
      { id: 'roof', type: 'astro-camera', backend: 'scripted', site: 'place' },
    ],
  );
  await expect((running.node('roof') as CameraNode).ready()).rejects.toThrow('latitude');
});

describe("the editor's lists", () => {
  it('name the backends, the cameras of one, and the settings of a deployed camera', async () => {
    const { running } = await start();
    await running.listen();
    const get = async (path: string) => (await running.admin().get(`/nightflow/${path}`)).body;
    expect(await get('camera-backends')).toEqual(
      expect.arrayContaining([
        { name: 'simulator', label: expect.any(String) },
        { name: 'folder', label: expect.any(String) },
      ]),
    );
    const simulated = await get('cameras?backend=simulator');
    expect(simulated.map(({ id }: { id: string }) => id)).toEqual(expect.arrayContaining(['demo', 'imx477']));
    expect(await get('cameras/roof/settings')).toMatchObject({
      info: { name: 'Scripted' },
      settings: [{ name: 'gain', value: 4, maximum: 100 }],
    });
  });

  it('answer what is wrong', async () => {
    const { running } = await start();
    await running.listen();
    const unknown = await running.admin().get('/nightflow/cameras?backend=none');
    expect([unknown.status, unknown.body.error.code]).toEqual([400, 'bad-input']);
    const absent = await running.admin().get('/nightflow/cameras/nobody/settings');
    expect(absent.body.error.message).toBe('This camera is not deployed yet.');
    made.script = { openFails: 'Not plugged in.' };
    const broken = await running.admin().get('/nightflow/cameras/roof/settings');
    expect([broken.status, broken.body.error.message]).toEqual([503, 'Not plugged in.']);
  });
});

describe('the options of the backends', () => {
  it('leave to the simulator what is left empty', () => {
    expect(
      simulatorOptions({ sensor: 'imx477', cloudCover: '0.4', gain: '', milkyWay: false, lens: 'fisheye' }),
    ).toEqual({
      sensor: 'imx477',
      seed: 1,
      cloudCover: 0.4,
      milkyWay: false,
      lens: 'fisheye',
    });
  });

  it('refuse what the simulated sensor can not be', () => {
    expect(() => simulatorOptions({ sensor: 'retina' })).toThrow('The sensor must be one of demo');
    expect(() => simulatorOptions({ cloudCover: '3' })).toThrow('must be between 0 and 1, not "3"');
  });

  it('start a relative folder in the user directory', () => {
    const context = { userDir: '/home/pi/.node-red', indiServer: () => null };
    expect(folderOptions({ path: 'night', pace: 'fixed', intervalSeconds: 5, files: 'watch' }, context)).toEqual({
      path: '/home/pi/.node-red/night',
      pace: 'fixed',
      intervalSeconds: 5,
      watch: true,
      repeat: false,
    });
  });
});
