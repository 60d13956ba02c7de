/** What a person sees of a camera that is being brought back: the events and the status line of `astro-capture`, and of the nodes beside it. */
import { expect, it } from 'vitest';
import type { RecoveryState } from '../../lib/camera/camera.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import astroCameraSettings from '../../nodes/camera/astro-camera-settings.ts';
import astroStream from '../../nodes/camera/astro-stream.ts';
import { bench, captureFlow, captureNodes, event, slowly, useCaptureFlow } from './capture-flow.ts';
import { startFlow } from './harness.ts';
import { ScriptedCamera } from './scripted-camera.ts';

useCaptureFlow();

/** A ladder of two steps, whose second helps from the second time on. */
function withLadder(): void {
  const listeners = new Set<(state: RecoveryState | null) => void>();
  const tell = (state: Partial<RecoveryState> | null) => {
    const whole = { step: 1, of: 2, what: '', since: 0, attempt: 1, needsPerson: false, problem: null };
    for (const listener of [...listeners]) listener(state && { ...whole, ...state });
  };
  let times = 0;
  Object.assign(bench.made.script, { loseAt: [3] });
  const prototype = ScriptedCamera.prototype as unknown as Record<string, unknown>;
  const { recover } = ScriptedCamera.prototype;
  Object.assign(prototype, {
    onRecovery: (listener: (state: RecoveryState | null) => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    },
    recover: async () => {
      tell({ step: 1, what: 'the session is opened anew' });
      tell({ step: 2, what: 'the USB device is reset', problem: 'No answer.' });
      if (++times > 1) return tell(null);
      tell({ step: 2, what: 'Switch the camera on', needsPerson: true });
      throw new NightflowError('lost', 'No camera.', { remedy: 'Switch the camera on.' });
    },
  });
  const { remove } = bench.made;
  bench.made.remove = () => {
    prototype.recover = recover;
    delete prototype.onRecovery;
    remove();
  };
}

it('tells each step as it begins, who has to do what, and that the camera is back', async () => {
  withLadder();
  const beside = [
    { id: 'settings', type: 'astro-camera-settings', camera: 'camera', wires: [[]] },
    { id: 'stream', type: 'astro-stream', camera: 'camera', wires: [[], []] },
  ];
  const flow = [...captureFlow({ mode: 'count', count: '4' }, slowly), ...beside];
  const nodes = [...captureNodes, astroCameraSettings, astroStream];
  const running = await startFlow(nodes, flow, { userDir: bench.userDir });
  running.send('capture', { topic: 'tonight' });
  const events = running.sink('events');
  const recovered = await events.first(event('recovered'));
  expect(recovered).toMatchObject({ topic: 'tonight', payload: { message: 'the camera is back', frames: 2, lost: 1 } });
  expect((recovered.payload as { awaySeconds: number }).awaySeconds).toBeGreaterThan(0);
  const end = await events.first(event('end'));
  expect(end.payload).toMatchObject({ reason: 'count', frames: 4, lost: 1, failures: 1 });

  const steps = events.messages.filter(event('recovering')).map(({ payload }) => payload as Record<string, unknown>);
  expect(steps.map(({ attempt, step, of, needsPerson }) => [attempt, step, of, needsPerson])).toEqual([
    [1, 1, 2, false],
    [1, 2, 2, false],
    [1, 2, 2, true],
    [2, 1, 2, false],
    [2, 2, 2, false],
  ]);
  expect(steps[1]).toMatchObject({
    message: 'Recovery, step 2 of 2: the USB device is reset.',
    what: 'the USB device is reset',
    problem: 'No answer.',
    since: expect.stringMatching(/^2026-03-14T\d\d:\d\d:\d\d/),
  });
  expect(steps[2]!.message).toBe('Switch the camera on.');

  const texts = running.statuses('capture').map(({ text }) => text ?? '');
  expect(texts.some((text) => text.startsWith('camera lost since ') && text.includes('Switch the camera on.'))).toBe(
    true,
  );
  for (const id of ['settings', 'stream']) {
    await running.status(id, 'green', 'the camera is back');
    const told = running.statuses(id).map(({ text }) => text ?? '');
    expect(told.some((text) => text === 'recovering 2/2: the USB device is reset')).toBe(true);
  }
});
