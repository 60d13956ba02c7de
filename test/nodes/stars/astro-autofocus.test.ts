import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, beforeEach, describe, expect, it } from 'vitest';
import type { SimulatedCamera } from '../../../lib/camera/simulator.ts';
import { closeSharedPool } from '../../../lib/kernels/pool.ts';
import astroCapture from '../../../nodes/camera/astro-capture.ts';
import astroCamera from '../../../nodes/config/astro-camera.ts';
import astroSite from '../../../nodes/config/astro-site.ts';
import astroAutofocus from '../../../nodes/stars/astro-autofocus.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { type FlowNode, type RunningFlow, startFlow, stopFlow } from '../harness.ts';
import { useScriptedCamera } from '../scripted-camera.ts';

const modules = [astroSite, astroCamera, astroCapture, astroAutofocus];
const helper = (id: string): FlowNode => ({ id, type: 'helper', wires: [] });

/** A small telescope under the night of 14 March 2026, out of focus by 6 px = 300 steps. */
const flow = (focus: Record<string, unknown> = {}, camera: Record<string, unknown> = {}): FlowNode[] => [
  {
    ...{ id: 'site', type: 'astro-site', latitude: '40', longitude: '0', timeZone: 'UTC' },
    ...{ clock: 'rehearsal', clockStart: '2026-03-14T22:00:00Z', clockRate: 'max' },
  },
  {
    ...{ id: 'camera', type: 'astro-camera', name: 'Scope', site: 'site', backend: 'simulator', sensor: 'demo' },
    ...{ lens: 'rectilinear', fieldOfViewDegrees: '10', altitudeDegrees: '60', fNumber: '2.8', meteorsPerHour: '0' },
    ...{ landscape: false, defocusPixels: '6' },
    ...camera,
  },
  {
    ...{ id: 'focus', type: 'astro-autofocus', name: 'Focus', camera: 'camera', exposureSeconds: '6', stepSize: '100' },
    ...focus,
    wires: [['found'], ['events']],
  },
  {
    ...{ id: 'capture', type: 'astro-capture', name: 'Night', camera: 'camera', exposureSeconds: '10', keep: 'none' },
    ...{ freeGigabytes: '0', mode: 'until', wires: [[], []] },
  },
  ...['found', 'events', 'errors'].map(helper),
  { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
];
const start = (focus?: Record<string, unknown>, camera?: Record<string, unknown>) =>
  startFlow(modules, flow(focus, camera));
const event = (name: string) => (msg: AstroMessage) => msg.event === name;
const scope = (running: RunningFlow) => running.node('camera').ready() as Promise<SimulatedCamera>;
const position = async (running: RunningFlow) => (await (await scope(running)).focuser())!.position();

/** What an HFR node sends, a frame every two minutes. */
function stars(running: RunningFlow, n: number, hfr: number, more: Record<string, unknown> = {}) {
  const time = new Date(Date.parse('2026-03-14T22:30:00Z') + n * 120_000).toISOString();
  const frame = { data: new SharedArrayBuffer(1), width: 1, height: 1, pixelType: 'u8', middle: time };
  const measurement = { hfr, measured: 60 };
  running.send('focus', { payload: hfr, measurement, stars: { count: 60 }, frame, ...more } as never);
}

afterEach(stopFlow);
afterAll(() => closeSharedPool());

describe('astro-autofocus', () => {
  it('loads with the right defaults', async () => {
    const running = await startFlow(modules, [{ id: 'focus', type: 'astro-autofocus', wires: [[], []] }]);
    expect((await running.status('focus', 'grey')).text).toBe('ready');
  });

  it('focuses the camera and says where', async () => {
    const running = await start();
    running.send('focus', { payload: 1773525600000, topic: 'evening' });
    const found = await running.sink('found').first();
    expect(found).toMatchObject({
      topic: 'evening',
      payload: { startPosition: 25_000, temperatureCelsius: 5 },
      focus: { outcome: 'focused', chart: { verdict: 'found' } },
    });
    const payload = found.payload as { position: number; hfr: number; startHfr: number; positionError: number };
    expect(Math.abs(payload.position - 24_700)).toBeLessThan(20);
    expect(payload.hfr).toBeLessThan(payload.startHfr / 1.5);
    expect(await position(running)).toBe(payload.position);
    expect((await running.status('focus', 'green')).text).toMatch(/^at 24\d{3} ± \d+ · HFR \d\.\d\d px$/);
    expect(running.sink('errors').messages).toEqual([]);
  });

  it('tells its progress, with points and curve for a chart', async () => {
    const running = await start();
    running.send('focus', { command: 'start' });
    await running.sink('found').first();
    const events = running.sink('events').messages;
    expect(events.every(({ event }) => event === 'progress')).toBe(true);
    expect(events.find(({ payload }) => (payload as { phase: string }).phase === 'moving')!.payload).toMatchObject({
      ...{ sweep: 1, n: 1, of: 9, text: 'Goes to 25400.' },
    });
    const chart = events.at(-1)!.focus as {
      points: object[];
      curve: { position: number; hfr: number }[];
      best: number;
    };
    expect(chart.points.length).toBeGreaterThanOrEqual(9);
    expect(chart.curve).toHaveLength(61);
    const lowest = chart.curve.reduce((a, b) => (b.hfr < a.hfr ? b : a));
    expect(Math.abs(lowest.position - chart.best)).toBeLessThan(20);
    expect(JSON.parse(JSON.stringify(chart))).toEqual(chart);
    await running.status('focus', 'blue', 'sweep 1 · 5/9 · HFR');
  });

  it('takes settings from the message', async () => {
    const running = await start();
    running.send('focus', { command: 'start', stepSize: 0 });
    const { error } = await running.sink('errors').first();
    expect((error as { message: string }).message).toBe('The step must be between 1 and 1000000 steps, not "0".');
  });

  it('goes back and fails for Catch and on output 2 under a closed sky', async () => {
    const running = await start({}, { cloudCover: '1', zenithMagnitude: '17' });
    running.send('focus', { command: 'start' });
    const failed = await running.sink('events').first(event('failed'));
    expect(failed.payload).toMatchObject({ reason: 'no-stars', returned: true, position: 25_000 });
    const { error } = await running.sink('errors').first();
    expect((error as { message: string }).message).toContain('The focuser is back where it was.');
    expect((await running.status('focus', 'red')).text).toContain('Wait for a clear sky');
    expect(await position(running)).toBe(25_000);
  });

  it('stops on command, and the focuser goes back', async () => {
    const running = await start();
    running.send('focus', { command: 'start' });
    await running.sink('events').first(({ payload }) => (payload as { n: number }).n === 4);
    running.send('focus', { command: 'stop' });
    const stopped = await running.sink('events').first(event('stopped'));
    expect(stopped.payload).toMatchObject({ reason: 'aborted', returned: true, position: 25_000 });
    expect(stopped.payload).toMatchObject({ text: 'The focus run was stopped. The focuser is back where it was.' });
    expect((await running.status('focus', 'grey', 'stopped')).text).toBe('stopped, back at 25000');
    expect(running.sink('errors').messages).toEqual([]);
  });

  it('brings the focuser back when the flow is deployed', async () => {
    const running = await start();
    const camera = await scope(running);
    running.send('focus', { command: 'start' });
    await running.sink('events').first(({ payload }) => (payload as { n: number }).n === 4);
    const focuser = (await camera.focuser())!;
    const changed = flow({ stepSize: '120' });
    await running.deploy(changed);
    expect(await focuser.position()).toBe(25_000);
  });

  it('is busy while a sequence has the camera, and says what to do', async () => {
    const running = await start({}, {});
    const release = running.node('camera').reserve('Night');
    running.send('focus', { command: 'start' });
    const { error } = await running.sink('errors').first();
    expect((error as { message: string }).message).toBe(
      'The camera Scope is taken by Night. Stop the sequence there or wait for its end.',
    );
    await running.status('focus', 'red', 'Stop the sequence there');
    release();
    running.send('focus', { command: 'start' });
    running.send('focus', { command: 'start' });
    await running.sink('errors').first((msg) => String((msg.error as Error).message).includes('under way already'));
    await running.sink('found').first();
  });

  it('says that a camera has no focuser, and that a command is unknown', async () => {
    const running = await start({}, { focuserDrive: 'none' });
    running.send('focus', { command: 'start' });
    running.send('focus', { command: 'faster' });
    const [first, second] = await running.sink('errors').take(2);
    const messages = [first, second].map((msg) => (msg!.error as { message: string }).message).sort();
    expect(messages[0]).toMatch(/^Simulated Demo all-sky sensor has no focuser\. Choose a camera/);
    expect(messages[1]).toMatch(/^The command "faster" is unknown\. Send start, stop, abort, reset/);
  });
});

describe('the watch', () => {
  it('refuses stars when it is off', async () => {
    const running = await start();
    stars(running, 0, 2);
    const { error } = await running.sink('errors').first();
    expect((error as { message: string }).message).toMatch(
      /^Stars came in, but this node does not watch the focus\. Set Watch/,
    );
  });

  it('asks once for a correction when the HFR drifts, in words and as a command', async () => {
    const running = await start({ watch: 'ask' });
    expect((await running.status('focus', 'grey')).text).toBe('watches for drift');
    for (let n = 0; n < 60; n++) stars(running, n, 2 + 0.01 * n + 0.03 * Math.sin(n * 2.4));
    const asked = await running.sink('found').first();
    expect(asked).toMatchObject({ command: 'start', payload: { due: true, cause: 'drift' } });
    expect((asked.payload as { text: string }).text).toMatch(/^The HFR rose by \d+ % to \d\.\d\d px, frame by frame/);
    await running.sink('events').first((msg) => (msg.payload as { state: string }).state === 'due');
    expect(running.sink('found').messages).toHaveLength(1);
    expect((await running.status('focus', 'yellow', 'correction due')).text).toContain('frame by frame');
  });

  it('focuses on its own request when that is wired back to it, and begins anew', async () => {
    const looped = flow({ watch: 'ask' }).map((each) =>
      each.id === 'focus' ? { ...each, wires: [['found', 'focus'], ['events']] } : each,
    );
    const running = await startFlow(modules, looped);
    for (let n = 0; n < 60; n++) stars(running, n, 2 + 0.01 * n + 0.03 * Math.sin(n * 2.4));
    const found = await running.sink('found').first((msg) => msg.command === undefined);
    expect((found.focus as { outcome: string }).outcome).toBe('focused');
    stars(running, 61, 1.4);
    const learning = (msg: AstroMessage) => (msg.focusWatch as { text?: string } | undefined)?.text ?? '';
    await running.sink('events').first((msg) => learning(msg).startsWith('1 frame since the last focus'));
    expect(running.sink('errors').messages).toEqual([]);
  });

  it('does not count frames that clouds spoiled, and forgets on reset', async () => {
    const running = await start({ watch: 'ask' });
    for (let n = 0; n < 40; n++) stars(running, n, 2 + 0.03 * n, { reject: 'clouds' });
    stars(running, 40, 2.01);
    const watch = await running.sink('events').first(event('watch'));
    expect(watch.payload).toMatchObject({ state: 'learning', risePercent: 0 });
    expect(running.sink('events').messages).toHaveLength(1);
    running.send('focus', { command: 'reset' });
    stars(running, 41, 3);
    const [, second] = await running.sink('events').take(2);
    expect((second!.focusWatch as { text: string }).text).toContain('1 frame since the last focus');
  });

  it('runs by itself when it may, and remembers the run over a restart', async () => {
    const running = await start({ watch: 'run' });
    for (let n = 0; n < 60; n++) stars(running, n, 2 + 0.01 * n + 0.03 * Math.sin(n * 2.4));
    const found = await running.sink('found').first();
    expect((found.focus as { outcome: string }).outcome).toBe('focused');
    const file = join(running.userDir, 'archive', '.nightflow', 'work', 'focus', 'focus-runs.json');
    await expect.poll(() => readFile(file, 'utf8').catch(() => '')).toContain('"depthSteps"');
    const [record] = JSON.parse(await readFile(file, 'utf8'));
    expect(record).toMatchObject({ position: (found.payload as { position: number }).position, temperatureCelsius: 5 });
  });

  it('waits for a camera that is taken', async () => {
    const running = await start({ watch: 'run' });
    const release = running.node('camera').reserve('Night');
    for (let n = 0; n < 60; n++) stars(running, n, 2 + 0.01 * n + 0.03 * Math.sin(n * 2.4));
    const busy = await running.sink('events').first(event('busy'));
    expect((busy.payload as { text: string }).text).toBe('The camera Scope is taken by Night.');
    expect(running.sink('errors').messages).toEqual([]);
    release();
    stars(running, 60, 2.6);
    await running.sink('found').first();
  });
});

describe('a camera without a drive', () => {
  let scripted: ReturnType<typeof useScriptedCamera>;
  beforeEach(() => {
    scripted = useScriptedCamera();
  });
  afterEach(() => scripted.remove());

  it('is told so', async () => {
    const running = await start({}, { backend: 'scripted' });
    running.send('focus', { command: 'start' });
    expect((await running.status('focus', 'red')).text).toContain('Scripted has no focuser.');
  });
});
