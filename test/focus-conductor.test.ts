/** What stands between the buttons of the page Focus, one camera and two jobs for it. */
import { describe, expect, it } from 'vitest';
import { conduct } from '../scripts/flows/focus-conductor.js';

interface Message {
  command?: string;
  exposureSeconds?: number;
  gain?: number;
}
// biome-ignore lint/suspicious/noExplicitAny: the page's state is plain JSON
type PageState = any;

/** The function node: its context outlives messages, the flow's outlives restarts. */
function conductor(kept: Record<string, unknown> = {}) {
  const memory: Record<string, unknown> = {};
  const context = {
    get: (name: string) => memory[name],
    set: (name: string, value: unknown) => (memory[name] = value),
  };
  const flow = { get: (name: string) => kept[name], set: (name: string, value: unknown) => (kept[name] = value) };
  // As the flow has it: from its text, so that nothing outside of the function can be used.
  const run = new Function('msg', 'context', 'flow', `${conduct}\nreturn conduct(msg, context, flow);`);
  return (topic: string, msg: Record<string, unknown> = {}) => {
    const [camera, autofocus, page] = run({ topic, ...msg }, context, flow) as [
      Message,
      Message,
      { payload: PageState },
    ];
    return { camera, autofocus, page: structuredClone(page.payload) };
  };
}
const settings = { exposureSeconds: 3, gain: null };
const press = (command: string) => ({ command, settings });

describe('the loop', () => {
  it('starts with what the page has set, and stops', () => {
    const tell = conductor();
    const started = tell('command', press('loop'));
    expect(started.camera).toEqual({ command: 'start', exposureSeconds: 3 });
    expect(started.page.mode).toBe('looping');
    expect(tell('command', press('loop')).camera).toBeNull();
    expect(tell('camera', { event: 'progress', payload: { frames: 7 } }).page.text).toBe('7 frames');
    const stopped = tell('command', press('stop'));
    expect([stopped.camera, stopped.page.mode]).toEqual([{ command: 'abort' }, 'stopping']);
    expect(tell('free', { job: 'camera' }).page.mode).toBe('idle');
  });

  it('takes a gain along, and keeps both over a restart', () => {
    const kept = {};
    conductor(kept)('command', { command: 'loop', settings: { exposureSeconds: 5, gain: 0 } });
    const restarted = conductor(kept);
    expect(restarted('begin').page.settings).toEqual({ exposureSeconds: 5, gain: 0 });
    expect(restarted('command', { command: 'loop' }).camera).toEqual({ command: 'start', exposureSeconds: 5, gain: 0 });
  });

  it('is ended when the capture goes on by itself after a restart', () => {
    const tell = conductor();
    expect(tell('camera', { event: 'started', payload: { goesOn: true } }).camera).toEqual({ command: 'abort' });
    expect(tell('camera', { event: 'started', payload: { goesOn: false } }).camera).toBeNull();
  });
});

describe('the autofocus', () => {
  it('waits until the loop has let go of the camera, and gives it back', () => {
    const tell = conductor();
    tell('command', press('loop'));
    const asked = tell('command', press('focus'));
    expect([asked.camera, asked.autofocus, asked.page.mode]).toEqual([{ command: 'abort' }, null, 'waiting']);
    const begun = tell('free', { job: 'camera' });
    expect([begun.camera, begun.page.mode]).toEqual([null, 'focusing']);
    expect(begun.autofocus).toEqual({ command: 'start', exposureSeconds: 3 });
    expect(tell('command', press('focus')).autofocus).toBeNull();
    const over = tell('free', { job: 'focus' });
    expect([over.camera?.command, over.page.mode]).toEqual(['start', 'looping']);
  });

  it('leaves the camera alone when nothing was looping', () => {
    const tell = conductor();
    expect(tell('command', press('focus')).autofocus?.command).toBe('start');
    const over = tell('free', { job: 'focus' });
    expect([over.camera, over.page.mode]).toEqual([null, 'idle']);
  });

  it('is aborted, before it began and after', () => {
    const tell = conductor();
    tell('command', press('loop'));
    tell('command', press('focus'));
    expect(tell('command', press('abort')).autofocus).toBeNull();
    expect(tell('free', { job: 'camera' }).page.mode).toBe('idle');
    tell('command', press('focus'));
    const aborted = tell('command', press('abort'));
    expect([aborted.autofocus, aborted.page.mode]).toEqual([{ command: 'abort' }, 'aborting']);
    const stopped = { event: 'stopped', payload: { returned: true, hfr: null }, focus: { outcome: 'failed' } };
    expect(tell('focus', stopped).page.text).toBe('Stopped; the focuser is back where it was.');
    expect(tell('free', { job: 'focus' }).page.mode).toBe('idle');
  });

  it('tells the page of its points, its curve and its end', () => {
    const tell = conductor();
    tell('command', press('focus'));
    const chart = { points: [{ position: 25_000, hfr: 3.2, stars: 50, used: true }], curve: [], best: null };
    const payload = { phase: 'measuring', n: 1, of: 9, position: 25_000, hfr: 3.2, stars: 50, text: 'HFR at 25000.' };
    const { page } = tell('focus', { event: 'progress', payload, focus: chart });
    expect(page.focus).toMatchObject({ running: true, n: 1, of: 9, chart });
    expect(page.text).toBe('HFR at 25000.');
    expect(page.stars).toEqual({ hfr: 3.2, count: 50 });
    const result = { hfr: 1.234, position: 24_550, positionError: 12.3, stars: 300 };
    const end = tell('focus', { payload: result, focus: { outcome: 'focused', chart } }).page;
    const verdict = 'Focused at 24550 ± 12: HFR 1.23 px.';
    expect(end.focus).toEqual({ running: false, verdict, chart, position: 24_550 });
    expect(end.stars).toEqual({ hfr: 1.234, count: 300 });
    const why = { ...result, hfr: null, text: 'No minimum.' };
    const failed = tell('focus', { event: 'failed', payload: why, focus: { outcome: 'failed', chart } }).page;
    expect([failed.text, failed.focus.verdict]).toEqual(['No minimum.', 'No minimum.']);
  });

  it('gives the camera back to the loop after a run that failed, too', () => {
    const tell = conductor();
    tell('command', press('loop'));
    tell('command', press('focus'));
    tell('free', { job: 'camera' });
    const failed = tell('error', { error: { source: { type: 'astro-autofocus' } } });
    expect([failed.camera?.command, failed.page.mode]).toEqual(['start', 'looping']);
  });
});

it('shows the stars of the last frame, and what the watch says', () => {
  const tell = conductor();
  const measurement = {
    hfr: 2.5,
    fwhm: 5,
    hfrArcseconds: null,
    fwhmArcseconds: null,
    count: 40,
    reason: null,
    tilt: [],
  };
  expect(tell('stars', { measurement }).page.stars).toMatchObject({ hfr: 2.5, count: 40 });
  const watch = { event: 'watch', payload: { state: 'due', text: 'The HFR rose by 12 %.' } };
  expect(tell('focus', watch).page.watch).toEqual({ due: true, text: 'The HFR rose by 12 %.' });
});

it('is ready again after an error of either job, and not after one of another node', () => {
  const tell = conductor();
  tell('command', press('focus'));
  expect(tell('error', { error: { source: { type: 'astro-preview' } } }).page.mode).toBe('focusing');
  expect(tell('error', { error: { source: { type: 'astro-autofocus' } } }).page.mode).toBe('idle');
});
