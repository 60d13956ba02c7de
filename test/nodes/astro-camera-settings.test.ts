/** astro-camera-settings in a running flow: by the dialog, by message, by profile; on the simulator, an INDI camera and one that snaps. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { Camera, SettingValue } from '../../lib/camera/camera.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import astroCameraSettings from '../../nodes/camera/astro-camera-settings.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroIndi from '../../nodes/config/astro-indi.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { registerCameraBackend } from '../../nodes/config/camera-backends.ts';
import type { AstroMessage, CameraNode, IndiNode } from '../../nodes/types.ts';
import { makeGphoto2StandIn } from '../camera/stand-in/gphoto2-bin.ts';
import { makeRpicamStandIn } from '../camera/stand-in/rpicam-bin.ts';
import { type FlowNode, type RunningFlow, startFlow, stopFlow } from './harness.ts';

const ends: (() => void | Promise<void>)[] = [];
let running: RunningFlow;
afterEach(async () => {
  await stopFlow();
  for (const end of ends.splice(0)) await end();
  await closeSharedPool();
});

const profiles = [
  {
    name: 'night',
    settings: [
      { name: 'gain', value: '16' },
      { name: 'cloudCover', value: '0.5' },
    ],
  },
  { name: 'twilight', settings: [{ name: 'gain', value: '2' }] },
  {
    name: 'wrong',
    settings: [
      { name: 'cloudCover', value: '0.1' },
      { name: 'gain', value: '1000' },
    ],
  },
];

async function start(
  camera: Record<string, unknown> = {},
  settings: Record<string, unknown> = {},
  more: FlowNode[] = [],
): Promise<void> {
  running = await startFlow(
    [astroSite, astroIndi, astroCamera, astroCapture, astroCameraSettings],
    [
      { id: 'roof', type: 'astro-camera', name: 'Roof', backend: 'simulator', sensor: 'demo', profiles, ...camera },
      { id: 'n', type: 'astro-camera-settings', camera: 'roof', command: 'set', ...settings, wires: [['out']] },
      { id: 'catch', type: 'catch', scope: ['n'], wires: [['failures']] },
      ...['out', 'failures', 'frames', 'events'].map((id) => ({ id, type: 'helper', wires: [] })),
      ...more,
    ],
  );
}

/** What comes of one message. */
async function answer(msg: Partial<AstroMessage>): Promise<AstroMessage> {
  const before = running.sink('out').messages.length;
  running.send('n', msg);
  return (await running.sink('out').take(before + 1))[before]!;
}
async function failure(msg: Partial<AstroMessage>): Promise<string> {
  const before = running.sink('failures').messages.length;
  running.send('n', msg);
  const { error } = (await running.sink('failures').take(before + 1))[before]!;
  return (error as { message: string }).message;
}
const camera = () => (running.node('roof') as CameraNode).camera!;

describe('by message', () => {
  beforeEach(() => start());

  it('sets what msg.settings holds and answers what is in force, with what came in', async () => {
    const done = await answer({ settings: { gain: 8, cloudCover: '0.3', milkyWay: false }, topic: 'dusk' });
    expect(done).toMatchObject({ payload: { gain: 8, cloudCover: 0.3, milkyWay: false }, topic: 'dusk' });
    expect(await camera().get('cloudCover')).toBe(0.3);
  });

  it('sets and reads one setting by its name', async () => {
    expect((await answer({ setting: 'gain', value: '12' })).payload).toBe(12);
    expect((await answer({ setting: 'gain' })).payload).toBe(12);
    expect((await answer({ command: 'get', setting: ['gain', 'lens'] })).payload).toEqual({
      gain: 12,
      lens: 'fisheye',
    });
    await running.status('n', 'green', 'gain 12');
  });

  it('reads all, and lists all with range and value and the profiles there are', async () => {
    const all = (await answer({ command: 'get' })).payload as Record<string, unknown>;
    expect(all).toMatchObject({ offset: 0, lens: 'fisheye', landscape: true });
    const { payload, profiles: names } = await answer({ command: 'list' });
    expect(payload).toContainEqual(
      expect.objectContaining({ name: 'cloudCover', type: 'number', minimum: 0, maximum: 1, value: 0 }),
    );
    expect(payload).toHaveLength(Object.keys(all).length);
    expect(names).toEqual(['night', 'twilight', 'wrong']);
  });

  it('applies a profile', async () => {
    expect((await answer({ profile: 'night' })).payload).toEqual({ gain: 16, cloudCover: 0.5 });
    expect((await answer({ command: 'profile', profile: 'twilight' })).payload).toEqual({ gain: 2 });
    expect((await answer({ command: 'get', setting: ['gain', 'cloudCover'] })).payload).toEqual({
      gain: 2,
      cloudCover: 0.5,
    });
  });

  it('says which profiles there are, and what of one was set before it failed', async () => {
    expect(await failure({ profile: 'day' })).toContain('has no profile "day".');
    await running.status('n', 'red', 'It has: night, twilight, wrong.');
    expect(await failure({ profile: 'wrong' })).toMatch(/The setting gain of .* was not set to 1000:/);
    await running.status('n', 'red', 'Set before it: cloudCover = 0.1.');
  });

  it.each([
    [{ command: 'melt' }, 'The command "melt" is unknown.'],
    [{}, 'There is nothing to set.'],
    [{ settings: {} }, 'There is nothing to set.'],
    [{ settings: 'gain=8' }, 'msg.settings is no list of settings.'],
    [{ command: 'set', setting: 'gain' }, 'msg.value is missing for the setting "gain".'],
    [{ setting: 5 }, 'msg.setting is neither the name of a setting nor a list of names.'],
    [{ setting: 'Gain', value: 3 }, 'has no setting "Gain".'],
    [{ setting: 'gain', value: 'much' }, 'must be a number, not much.'],
    [{ command: 'profile' }, 'has no profile "".'],
  ])('refuses %j', async (msg, message) => {
    expect(await failure(msg)).toContain(message);
  });

  it('does one message after the other, and goes on after a wrong one', async () => {
    running.send('n', { setting: 'gain', value: 3 });
    running.send('n', { setting: 'gain', value: 'much' });
    running.send('n', { setting: 'gain', value: 5 });
    const answers = await running.sink('out').take(2);
    expect(answers.map(({ payload }) => payload)).toEqual([3, 5]);
  });
});

describe('by the dialog', () => {
  it('sets its rows, which may take their values from the message', async () => {
    await start(
      {},
      {
        settings: [
          { name: 'gain', value: 'payload', valueType: 'msg' },
          { name: 'lens', value: 'rectilinear', valueType: 'choice' },
          { name: 'milkyWay', value: 'false', valueType: 'bool' },
        ],
      },
    );
    expect((await answer({ payload: 7 })).payload).toEqual({ gain: 7, lens: 'rectilinear', milkyWay: false });
    expect(await failure({ payload: undefined })).toContain('must be a number, not ""');
  });

  it('reads the settings of its rows', async () => {
    await start({ gain: '4' }, { command: 'get', settings: [{ name: 'gain' }] });
    expect((await answer({})).payload).toEqual({ gain: 4 });
  });

  it('applies its profile', async () => {
    await start({}, { command: 'profile', profile: 'twilight' });
    expect(await answer({})).toMatchObject({ payload: { gain: 2 }, profile: 'twilight' });
    await running.status('n', 'green', 'twilight: gain 2');
  });

  it('says what is wrong with the profiles, and that no camera is chosen', async () => {
    await start(
      {
        profiles: [
          { name: 'a', settings: [] },
          { name: 'a', settings: [] },
        ],
      },
      { command: 'profile' },
    );
    expect(await failure({ profile: 'a' })).toContain('Two profiles have the name "a".');
    await start({}, { camera: '' });
    expect(await failure({ command: 'list' })).toContain('No camera is chosen.');
  });
});

describe('a camera that takes other values', () => {
  it('is an error with asked, got, range and what was set before', async () => {
    const values: Record<string, SettingValue> = { iso: 100, aperture: 4 };
    const snapping = {
      info: { id: 's', name: 'Snapper', backend: 'snapping', sensor: null },
      ...{ open: async () => {}, close: async () => {}, get: async (name: string) => values[name] },
      settings: async () => Object.keys(values).map((name) => ({ name, label: name, type: 'number', maximum: 6400 })),
      set: async (name: string, value: number) => {
        if (value > 6400) throw new NightflowError('busy', 'The camera writes its card.');
        values[name] = Math.round(value / 50) * 50;
        return values[name];
      },
    };
    ends.push(
      registerCameraBackend({
        ...{ name: 'snapping', label: 'Snapping', options: () => ({}) },
        load: async () => ({
          ...{ name: 'snapping', list: async () => [], create: () => snapping as unknown as Camera },
        }),
      }),
    );
    await start({ backend: 'snapping' });
    expect(await failure({ settings: { iso: 800, aperture: 60 } })).toBe(
      'The setting aperture of Snapper was asked to be 60, and the camera took another value. It is 50 now. It takes up to 6400. Set before it: iso = 800.',
    );
    expect(await failure({ setting: 'iso', value: 9999 })).toContain('The camera writes its card. It is 800 now.');
  });
});

describe('a capture with a profile', { timeout: 60_000 }, () => {
  const capture = (more: Record<string, unknown>) => ({
    ...{ id: 'capture', type: 'astro-capture', camera: 'roof', keep: 'none', freeGigabytes: '0' },
    ...{ mode: 'one', exposureSeconds: '0.01', wires: [['frames'], ['events']], ...more },
  });

  it('sets it before the first exposure', async () => {
    await start({ gain: '4' }, {}, [capture({ profile: 'night' })]);
    running.send('capture', {});
    expect((await running.sink('frames').first()).frame!.gain).toBe(16);
    expect(await camera().get('cloudCover')).toBe(0.5);
  });

  it('refuses one that there is not, and begins nothing', async () => {
    await start({}, {}, [capture({ profile: 'day' })]);
    running.send('capture', {});
    await running.status('capture', 'red', 'has no profile "day". It has: night, twilight, wrong.');
    expect(running.sink('events').messages).toEqual([]);
    running.send('capture', { profile: 'twilight' });
    expect((await running.sink('frames').first()).frame!.gain).toBe(2);
  });
});

describe('while a sequence runs', { timeout: 60_000 }, () => {
  const capture = {
    ...{ id: 'capture', type: 'astro-capture', camera: 'roof', keep: 'none', freeGigabytes: '0' },
    ...{ mode: 'until', exposureSeconds: '0.5', wires: [['frames'], ['events']] },
  };

  it('a camera of a Raspberry Pi takes the new gain after an orderly restart', async () => {
    const { programFolder, remove } = await makeRpicamStandIn();
    ends.push(remove);
    const rpicam = { backend: 'rpicam', rpicamFolder: programFolder, rpicamMode: '1640x1232 10-bit', rpicamGain: '4' };
    await start(rpicam, {}, [capture]);
    running.send('capture', {});
    expect((await running.sink('frames').take(2))[1]!.frame!.gain).toBe(4);
    expect((await answer({ setting: 'gain', value: 10 })).payload).toBe(10);
    await running.sink('frames').first(({ frame }) => frame?.gain === 10);
    running.send('capture', { command: 'abort' });
    const end = await running.sink('events').first(({ event }) => event === 'end');
    expect(end.payload).toMatchObject({ reason: 'aborted', lost: 0 });
  });

  it('a body whose shutter is held says that it is busy, and takes the value afterwards', async () => {
    const { program, remove } = await makeGphoto2StandIn();
    ends.push(remove);
    await start({ backend: 'gphoto2', gphoto2Program: program }, {}, [{ ...capture, exposureSeconds: '1.7' }]);
    expect((await answer({ setting: 'iso', value: 3200 })).payload).toBe('3200');
    running.send('capture', {});
    await running.sink('frames').take(1);
    expect(await failure({ setting: 'iso', value: 800 })).toContain('shutter is held');
    running.send('capture', { command: 'abort' });
    await running.sink('events').first(({ event }) => event === 'end');
    const again = () =>
      camera()
        .set('iso', '400')
        .catch(({ code }: NightflowError) => code);
    await expect.poll(again, { timeout: 30_000 }).toBe('400');
    expect((await answer({ setting: 'iso', value: 800 })).payload).toBe('800');
  });

  it('an INDI camera takes a gain, and says that its binning has to wait', async () => {
    const indi = { id: 'indi', type: 'astro-indi', mode: 'simulator' };
    const chip = { backend: 'indi', indi: 'indi', indiDevice: 'CCD Simulator', indiFastExposure: false };
    await start(chip, {}, [indi, { ...capture, exposureSeconds: '20' }]);
    const listed = (await answer({ command: 'list' })).payload as { name: string; maximum?: number }[];
    expect(listed.map(({ name }) => name)).toEqual(expect.arrayContaining(['gain', 'binning', 'frameType']));
    expect((await answer({ settings: { binning: 2 } })).payload).toEqual({ binning: 2 });
    running.send('capture', {});
    const { store } = await (running.node('indi') as IndiNode).ready();
    await expect.poll(() => store.property('CCD Simulator', 'CCD_EXPOSURE')?.state, { timeout: 30_000 }).toBe('Busy');
    expect((await answer({ setting: 'gain', value: 20 })).payload).toBe(20);
    expect(await failure({ setting: 'binning', value: 1 })).toContain(
      "can't be changed while it exposes. It is 2 now.",
    );
    running.send('capture', { command: 'abort' });
    await running.sink('events').first(({ event }) => event === 'end');
  });
});
