/** astro-camera's backends `rpicam` and `gphoto2` in a running flow, with the stand-in programs; their settings and lists. */
import type { IncomingMessage } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import { gphoto2Options } from '../../nodes/config/gphoto2-options.ts';
import { rpicamOptions } from '../../nodes/config/rpicam-options.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { makeGphoto2StandIn } from '../camera/stand-in/gphoto2-bin.ts';
import { makeRpicamStandIn } from '../camera/stand-in/rpicam-bin.ts';
import { startFlow, stopFlow } from './harness.ts';

const ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  await stopFlow();
  for (const end of ends.splice(0)) await end();
  await closeSharedPool();
});

const start = (camera: Record<string, unknown>) =>
  startFlow(
    [astroSite, astroCamera, astroCapture],
    [
      { id: 'roof', type: 'astro-camera', name: 'Roof', ...camera },
      {
        ...{ id: 'capture', type: 'astro-capture', camera: 'roof', keep: 'none', freeGigabytes: '0' },
        ...{ mode: 'count', count: '3', exposureSeconds: '1', wires: [['frames'], ['events']] },
      },
      { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
      ...['frames', 'events', 'errors'].map((id) => ({ id, type: 'helper', wires: [] })),
    ],
  );
const ended = (msg: AstroMessage) => msg.event === 'end';

describe('a Raspberry Pi’s camera', { timeout: 60_000 }, () => {
  it('takes a sequence, and its settings are served to the dialog', async () => {
    const { programFolder, remove } = await makeRpicamStandIn();
    ends.push(remove);
    const settings = {
      rpicamFolder: programFolder,
      rpicamMode: '1640x1232 10-bit',
      rpicamPacking: 'packed',
      rpicamGain: '4',
    };
    const running = await start({ backend: 'rpicam', ...settings });
    running.send('capture', {});
    const frames = await running.sink('frames').take(3);
    expect(frames[2]!.frame).toMatchObject({
      width: 1640,
      height: 1232,
      gain: 4,
      camera: 'imx477',
      timeSource: 'camera',
    });
    const gaps = frames.slice(1).map(({ payload }) => (payload as { gapSeconds: number }).gapSeconds);
    for (const gap of gaps) expect(gap).toBeLessThan(0.002);
    const end = await running.sink('events').first(ended);
    expect(end.payload).toMatchObject({ frames: 3, lost: 0 });
    await running.listen();
    const { body } = await running
      .admin()
      .get('/nightflow/camera-settings')
      .query({ backend: 'rpicam', ...settings });
    expect(body.find(({ name }: { name: string }) => name === 'mode').choices).toContain('4056x3040 12-bit');
  });

  it('has settings that are checked, and empty ones stay as they are', () => {
    expect(rpicamOptions({})).toEqual({ packing: 'unpacked' });
    expect(rpicamOptions({ rpicamGain: '4', rpicamCamera: ' /base/cam ', rpicamLensPosition: 0 })).toMatchObject({
      ...{ gain: 4, camera: '/base/cam', lensPosition: 0 },
    });
    expect(() => rpicamOptions({ rpicamGain: 'much' })).toThrow('gain');
    expect(() => rpicamOptions({ rpicamPacking: 'zip' })).toThrow('packing');
    expect(() => rpicamOptions({ rpicamFolder: 'bin' })).toThrow('absolute path');
  });
});

describe('a body on USB', { timeout: 60_000 }, () => {
  it('takes a sequence, and its settings are served to the dialog', async () => {
    const { program, remove } = await makeGphoto2StandIn();
    ends.push(remove);
    const settings = { gphoto2Program: program, gphoto2Settings: '# the night\niso = 3200\nf-number = 1.8' };
    const running = await start({ backend: 'gphoto2', ...settings });
    running.send('capture', {});
    const frames = await running.sink('frames').take(3);
    expect(frames[2]!.frame).toMatchObject({
      width: 64,
      height: 48,
      camera: 'Sony Alpha-A7 IV (Control)',
      timeSource: 'host',
    });
    expect((await running.sink('events').first(ended)).payload).toMatchObject({ frames: 3, lost: 0 });
    await running.listen();
    const { body } = await running.admin().get('/nightflow/cameras/roof/settings');
    const value = (name: string) => body.settings.find((each: { name: string }) => each.name === name).value;
    expect([value('iso'), value('f-number'), value('capturetarget')]).toEqual(['3200', '1.8', 'sdram']);
  });

  it('has settings that are checked', () => {
    expect(gphoto2Options({ gphoto2Settings: 'iso = 1600\n\n# no\nowner=A = B' })).toEqual({
      camera: '',
      settings: [
        { name: 'iso', value: '1600' },
        { name: 'owner', value: 'A = B' },
      ],
      holdShutter: true,
    });
    expect(gphoto2Options({ gphoto2Hold: false, gphoto2Hub: '1-1.4' })).toMatchObject({
      holdShutter: false,
      hub: '1-1.4',
    });
    expect(() => gphoto2Options({ gphoto2Settings: 'iso 1600' })).toThrow('name = value');
    expect(() => gphoto2Options({ gphoto2Hub: 'all of them' })).toThrow('1-1');
    expect(() => gphoto2Options({ gphoto2Program: 'gphoto2' })).toThrow('absolute path');
  });
});

describe('live pictures', { timeout: 60_000 }, () => {
  it('are served one after the other, for an image of a page', async () => {
    const { programFolder, remove } = await makeRpicamStandIn();
    ends.push(remove);
    const running = await start({ backend: 'rpicam', rpicamFolder: programFolder });
    await running.listen();
    // A page leaves after four pictures.
    const { type, text } = await new Promise<{ type: string; text: string }>((resolve, reject) => {
      const request = running.admin().get('/nightflow/cameras/roof/live');
      let text = '';
      request.buffer(true).parse((response: IncomingMessage) => {
        response.on('data', (chunk: Buffer) => {
          text += chunk.toString('latin1');
          if (text.split('--nightflow-picture').length <= 5) return;
          resolve({ type: String(response.headers['content-type']), text });
          request.abort();
        });
      });
      request.end((error: Error | null) => error && reject(error));
    });
    expect(type).toBe('multipart/x-mixed-replace; boundary=nightflow-picture');
    const [, head, jpeg] = /--nightflow-picture\r\n([\s\S]*?)\r\n\r\n([\s\S]*?)\r\n--/.exec(text)!;
    expect(head).toBe(`Content-Type: image/jpeg\r\nContent-Length: ${jpeg!.length}`);
    expect([jpeg!.slice(0, 2), jpeg!.slice(-2)]).toEqual(['\xff\xd8', '\xff\xd9']);
  });

  it('say why there are none', async () => {
    const running = await start({ backend: 'simulator' });
    await running.listen();
    const none = await running.admin().get('/nightflow/cameras/roof/live');
    expect([none.status, none.body.error.code]).toEqual([400, 'unsupported']);
    const nobody = await running.admin().get('/nightflow/cameras/nobody/live');
    expect(nobody.body.error.message).toBe('This camera is not deployed yet.');
  });
});
