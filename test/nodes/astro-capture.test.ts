import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Frame } from '../../lib/frame/frame.ts';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { type FlowNode, startFlow, stopFlow } from './harness.ts';
import { type ScriptedCameras, useScriptedCamera } from './scripted-camera.ts';

const nodes = [astroSite, astroCamera, astroCapture];
/** An evening in Tromsø: the Sun sinks below -6° at 18:01 UTC (astropy 6, see test/sky/sun.test.ts for the method). */
const site = {
  id: 'site',
  type: 'astro-site',
  latitude: '69.6492',
  longitude: '18.9553',
  timeZone: 'Europe/Oslo',
  clock: 'rehearsal',
  clockStart: '2026-03-14T16:00:00Z',
  clockRate: 'max',
};

const flow = (capture: Record<string, unknown> = {}, siteChanges: Record<string, unknown> = {}): FlowNode[] => [
  { ...site, ...siteChanges },
  { id: 'camera', type: 'astro-camera', backend: 'scripted', site: 'site' },
  {
    id: 'capture',
    type: 'astro-capture',
    name: 'Night',
    camera: 'camera',
    exposureSeconds: '10',
    keep: 'none',
    freeGigabytes: '0',
    ...capture,
    wires: [['frames'], ['events']],
  },
  { id: 'frames', type: 'helper', wires: [] },
  { id: 'events', type: 'helper', wires: [] },
  { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
  { id: 'errors', type: 'helper', wires: [] },
];

let made: ScriptedCameras;
beforeEach(() => {
  made = useScriptedCamera();
});
afterEach(async () => {
  await stopFlow();
  made.remove();
});

const ended = (msg: AstroMessage) => msg.event === 'end';
const payloadOf = (msg: AstroMessage) => msg.payload as Record<string, unknown>;

it('loads with the right defaults', async () => {
  const running = await startFlow(nodes, [{ id: 'capture', type: 'astro-capture', wires: [[], []] }]);
  expect(running.node('capture').type).toBe('astro-capture');
  expect(running.statuses('capture')).toEqual([{ fill: 'grey', shape: 'ring', text: 'ready' }]);
});

describe('frames', () => {
  it('takes the number that is asked for, numbered, timed and dated to the night', async () => {
    const running = await startFlow(nodes, flow({ mode: 'count', count: '3', gain: '5' }));
    running.send('capture', { payload: 'start' });
    const frames = await running.sink('frames').take(3);
    expect(frames.map((msg) => msg.payload)).toMatchObject([{ n: 1 }, { n: 2 }, { n: 3 }]);
    expect(frames[0]!.payload).toEqual({
      n: 1,
      exposureSeconds: 10,
      start: '2026-03-14T16:00:00.000Z',
      gapSeconds: null,
    });
    expect(frames[1]!.frame).toBeInstanceOf(Frame);
    expect(frames[1]!.frame).toMatchObject({ number: 2, night: '2026-03-14', gain: 5, site: { latitude: 69.6492 } });
    expect(frames[2]!.exposure).toMatchObject({ n: 3, gapSeconds: 0, camera: 'Scripted', night: '2026-03-14' });
    const end = await running.sink('events').first(ended);
    expect(end.payload).toMatchObject({ reason: 'count', frames: 3, lost: 0, night: '2026-03-14', error: null });
    expect(running.sink('frames').messages).toHaveLength(3);
    expect((await running.status('capture', 'green')).text).toBe('3 frames · gap 0.0 ms');
  });

  it('takes one', async () => {
    const running = await startFlow(nodes, flow({ mode: 'one' }));
    running.send('capture', {});
    expect((await running.sink('events').first(ended)).payload).toMatchObject({ reason: 'count', frames: 1 });
  });

  it('lets the message override settings', async () => {
    const running = await startFlow(nodes, flow({ mode: 'count', count: '1' }));
    running.send('capture', { command: 'start', exposureSeconds: 2.5, count: 2, topic: 'M31' });
    const [first] = await running.sink('frames').take(2);
    expect(made.cameras[0]!.requests[0]).toMatchObject({ exposureSeconds: 2.5 });
    expect(first!.topic).toBe('M31');
  });
});
