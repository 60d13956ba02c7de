import { describe, expect, it } from 'vitest';
import {
  bench,
  captureFlow,
  captureNodes,
  errorOf,
  event,
  numbers,
  slowly,
  startCapture,
  useCaptureFlow,
} from './capture-flow.ts';
import { startFlow } from './harness.ts';

useCaptureFlow();

describe('commands', () => {
  it('pauses after the exposure, resumes and stops', async () => {
    const running = await startCapture({}, slowly);
    running.send('capture', { payload: 'start' });
    await running.sink('frames').take(2);
    running.send('capture', { payload: 'pause' });
    await running.sink('events').first(event('paused'));
    expect((await running.status('capture', 'yellow')).text).toMatch(/^\d+ · paused$/);
    const before = running.sink('frames').messages.length;
    running.send('capture', { command: 'resume' });
    await running.sink('events').first(event('resumed'));
    await running.sink('frames').take(before + 1);
    running.send('capture', { payload: false });
    const end = await running.sink('events').first(event('end'));
    expect(end.payload).toMatchObject({ reason: 'stopped', frames: running.sink('frames').messages.length });
    expect(numbers(running.sink('frames').messages)).toEqual(running.sink('frames').messages.map((_, i) => i + 1));
  });

  it('aborts in the middle of an exposure', async () => {
    const running = await startCapture({ exposureSeconds: '3600' }, { clockRate: '1' });
    running.send('capture', { command: 'start' });
    await running.sink('events').first(event('progress'));
    running.send('capture', { command: 'abort' });
    const end = await running.sink('events').first(event('end'));
    expect(end.payload).toMatchObject({ reason: 'aborted', frames: 0 });
  });

  it('aborts while the camera is still being opened, and starts again', async () => {
    const running = await startCapture({ mode: 'count', count: '2' });
    running.send('capture', { command: 'start', topic: 'first' });
    running.send('capture', { command: 'abort' });
    // Ready after the deploy, at the abort, and once what it ended is over.
    const ready = () => running.statuses('capture').filter(({ text }) => text === 'ready').length;
    await expect.poll(ready, { timeout: 20_000 }).toBe(3);
    expect(running.sink('events').messages.filter(event('started'))).toEqual([]);
    running.send('capture', { command: 'start', topic: 'second' });
    await running.sink('events').first(event('end'));
    expect(running.sink('frames').messages.map(({ topic }) => topic)).not.toContain('first');
    expect(running.sink('frames').messages.length).toBeGreaterThan(0);
  });

  it('answers a second start with busy, and goes on', async () => {
    const running = await startCapture({}, slowly);
    running.send('capture', { command: 'start' });
    await running.sink('frames').take(1);
    running.send('capture', { command: 'start' });
    expect((await errorOf(running)).message).toBe('A sequence is running already. Send stop or abort first.');
    await running.sink('frames').take(3);
    expect(running.statuses('capture').at(-1)!.fill).toBe('blue');
  });

  it('answers an unknown command, and a pause of nothing, with an error', async () => {
    const running = await startCapture();
    running.send('capture', { payload: 'exposé' });
    expect((await errorOf(running)).message).toContain('The command "exposé" is unknown. Send start, pause');
    running.send('capture', { payload: 'pause' });
    const second = await running.sink('errors').first((msg) => msg.payload === 'pause');
    expect((second.error as { message: string }).message).toContain('nothing to pause');
  });

  it('tells a second node who has the camera', async () => {
    const two = [
      ...captureFlow({}, slowly),
      { id: 'second', type: 'astro-capture', camera: 'camera', keep: 'none', wires: [[], []] },
    ];
    const running = await startFlow(captureNodes, two, { userDir: bench.userDir });
    running.send('capture', {});
    await running.sink('frames').take(1);
    running.send('second', {});
    expect((await errorOf(running)).message).toContain('The camera Roof is taken by Night.');
    expect((await running.status('second', 'red')).text).toContain('Stop the sequence there');
  });
});

describe('wrong settings', () => {
  it.each([
    [{ exposureSeconds: 'long' }, 'The exposure must be a number, not "long".'],
    [{ camera: '' }, 'No camera is chosen.'],
    [{ intervalSeconds: '5' }, 'The interval of 5 s is shorter than the exposure of 10 s.'],
    [{ keep: 'all', folder: '../out' }, 'leads out of the folder'],
    [{ stopAt: 'time', stopTime: 'dawn' }, 'is neither a time of day nor an ISO date'],
  ])('%j reaches Catch', async (settings, message) => {
    const running = await startCapture(settings);
    running.send('capture', {});
    expect((await errorOf(running)).message).toContain(message);
    await running.status('capture', 'red', message);
    expect(running.sink('frames').messages).toEqual([]);
  });

  it('names the wrong site', async () => {
    const running = await startCapture({}, { latitude: '169' });
    running.send('capture', {});
    expect((await errorOf(running)).message).toContain('latitude');
  });
});
