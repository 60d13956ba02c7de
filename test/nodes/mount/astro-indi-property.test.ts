/** astro-indi-property on the simulated observatory: watch, get and set, and what it says when that can't be done. */
import { afterEach, describe, expect, it } from 'vitest';
import astroIndi from '../../../nodes/config/astro-indi.ts';
import astroIndiProperty from '../../../nodes/mount/astro-indi-property.ts';
import type { AstroMessage, IndiNode } from '../../../nodes/types.ts';
import { coreNode, startFlow, stopFlow } from '../harness.ts';

afterEach(stopFlow);

const start = async (...nodes: Record<string, unknown>[]) => {
  const running = await startFlow(
    [coreNode('common/25-catch'), astroIndi, astroIndiProperty],
    [
      { id: 'indi', type: 'astro-indi', mode: 'simulator' },
      ...nodes.map((each) => ({
        ...{ id: 'node', type: 'astro-indi-property', indi: 'indi' },
        ...each,
        wires: [['out'], ['trouble']],
      })),
      { id: 'catch', type: 'catch', scope: nodes.map(({ id = 'node' }) => String(id)), wires: [['caught']] },
      ...['out', 'trouble', 'caught'].map((id) => ({ id, type: 'helper', wires: [] })),
    ],
  );
  return { ...running, indi: running.node('indi') as IndiNode };
};
const caughtText = (msg: AstroMessage) => (msg.error as { message: string }).message;
const camera = { device: 'CCD Simulator' };
const dome = { device: 'Dome Simulator' };

describe('watch', () => {
  it('connects the device, sends what stands, and each change with its state', async () => {
    const running = await start(
      { ...dome, property: 'DOME_SHUTTER' },
      { id: 'set', command: 'set', ...dome, property: 'DOME_SHUTTER', value: 'SHUTTER_OPEN', valueType: 'str' },
    );
    const first = await running.sink('out').first();
    expect(first).toMatchObject({
      payload: { SHUTTER_OPEN: false, SHUTTER_CLOSE: true },
      indi: { ...dome, property: 'DOME_SHUTTER', type: 'switch', values: { SHUTTER_CLOSE: true } },
    });
    running.send('set');
    await running.sink('out').first(({ indi }) => (indi as { state: string }).state === 'Busy');
    const open = await running
      .sink('out')
      .first(
        ({ indi, payload }) =>
          (indi as { state: string }).state === 'Ok' && (payload as { SHUTTER_OPEN: boolean }).SHUTTER_OPEN,
      );
    expect((open.indi as { ageSeconds: number }).ageSeconds).toBeLessThan(60);
  }, 60_000);

  it('says when the driver ends, and goes on when it is back', async () => {
    const running = await start({ ...camera, property: 'CCD_GAIN', element: 'GAIN' });
    const first = await running.sink('out').first();
    expect(first.payload).toBe(0);
    await running.indi.observatory!.restartDriver('CCD Simulator');
    const lost = await running.sink('trouble').first();
    expect(lost).toMatchObject({ event: 'lost', payload: expect.stringContaining('CCD Simulator is gone') });
    expect((await running.sink('out').take(2))[1]!.payload).toBe(0);
  }, 60_000);

  it('says when nothing was heard for too long, and when the server is stopped', async () => {
    const running = await start({ ...camera, property: 'CCD_GAIN', element: 'GAIN', staleSeconds: '0.5' });
    const stale = await running.sink('trouble').first(({ event }) => event === 'stale');
    expect(stale).toMatchObject({
      payload: expect.stringContaining('CCD_GAIN was not updated for'),
      indi: { values: { GAIN: 0 } },
    });
    await running.indi.observatory!.stop();
    await running.sink('trouble').first(({ event }) => event === 'lost');
  }, 60_000);
});

describe('get', () => {
  it('answers a message with the value, and leaves the rest of it alone', async () => {
    const running = await start({ command: 'get', ...camera, property: 'CCD_INFO', element: 'CCD_MAX_X' });
    running.send('node', { topic: 'size', payload: 'x' });
    expect(await running.sink('out').first()).toMatchObject({ topic: 'size', payload: 1280 });
    running.send('node', { property: 'WEATHER_STATUS', device: 'Weather Simulator', element: '' });
    running.send('node', { property: 'WEATHER_STATUS', device: 'Weather Simulator', element: 'WEATHER_RAIN_HOUR' });
    const light = await running.sink('out').first(({ payload }) => payload === 'Ok');
    expect(light.indi).toMatchObject({ type: 'light', state: 'Ok' });
  }, 60_000);
});

describe('set', () => {
  it('sends a full vector and waits until it is done', async () => {
    const running = await start({ command: 'set', ...camera, property: 'CCD_GAIN', element: 'GAIN' });
    running.send('node', { payload: 42 });
    expect(await running.sink('out').first()).toMatchObject({ payload: 42, indi: { state: 'Ok' } });
    running.send('node', { payload: '43', element: '' });
    await running.sink('out').first(({ payload }) => (payload as { GAIN?: number }).GAIN === 43);
    running.send('node', { property: 'CCD_FRAME', value: { WIDTH: 640 }, element: '' });
    const frame = await running.sink('out').first(({ payload }) => (payload as { WIDTH?: number }).WIDTH === 640);
    expect(frame.payload).toEqual({ X: 0, Y: 0, WIDTH: 640, HEIGHT: 1024 });
  }, 60_000);

  it('refuses before it sends, and tells what the device refuses', async () => {
    const running = await start({ command: 'set', ...camera, property: 'CCD_GAIN', element: 'GAIN' });
    const wrong: [Partial<AstroMessage>, string][] = [
      [{ payload: 1e9 }, 'CCD_GAIN.GAIN is from'],
      [{ payload: 'much' }, 'needs a number'],
      [{ payload: [1] }, 'takes a number, not [1]'],
      [{ payload: 1, element: 'LOSS' }, 'has no element LOSS'],
      [{ payload: 1, property: 'CCD_FRAME', element: '' }, 'has 4 elements'],
      [{ payload: 1, property: 'CCD_INFO', element: 'CCD_MAX_X' }, 'can only be read'],
      [{ payload: { FRAME_DARK: 'perhaps' }, property: 'CCD_FRAME_TYPE' }, 'takes true or false'],
    ];
    for (const [msg] of wrong) running.send('node', msg);
    const caught = (await running.sink('caught').take(wrong.length)).map(caughtText).join('\n');
    for (const [, text] of wrong) expect(caught).toContain(text);
    expect(running.sink('out').messages).toEqual([]);
  }, 60_000);

  it('tells on output 2 what the device refuses', async () => {
    const parked = { command: 'set', device: 'Telescope Simulator', property: 'TELESCOPE_PARK', element: 'PARK' };
    const running = await start({ ...parked, value: 'true', valueType: 'bool' });
    running.send('node');
    await running.sink('out').first();
    running.send('node', { property: 'EQUATORIAL_EOD_COORD', value: { RA: 3, DEC: 80 }, element: '' });
    const refused = await running.sink('trouble').first();
    expect(refused).toMatchObject({ event: 'rejected', payload: expect.stringContaining('unpark') });
    expect(caughtText(await running.sink('caught').first())).toContain('unpark');
  }, 90_000);

  it('names a device and a property that are not there', async () => {
    const running = await start({ command: 'get', ...camera, property: 'CCD_COFFEE', connect: false });
    await running.indi.device('CCD Simulator');
    running.send('node');
    expect(caughtText(await running.sink('caught').first())).toContain('CCD Simulator has no property CCD_COFFEE.');
    running.send('node', { device: 'Kettle' });
    const second = (await running.sink('caught').take(2))[1]!;
    expect(caughtText(second)).toContain('The INDI server has no device Kettle. It has: ');
  }, 60_000);
});

it('loads with the right defaults: without names it says which are missing', async () => {
  const running = await start({});
  running.send('node');
  expect(caughtText(await running.sink('caught').first())).toContain('No device is chosen.');
});
