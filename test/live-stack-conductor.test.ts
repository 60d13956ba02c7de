/** The function node of the live-stack flow: what each button and each thing that happens does in each state. */
import { expect, it } from 'vitest';
import { conduct } from '../scripts/flows/live-stack-conductor.js';

type Message = Record<string, unknown>;

function conductor(settings: Message = {}) {
  const kept: Message = { liveStack: settings };
  const state: Message = {};
  const store = (values: Message) => ({
    get: (name: string) => values[name],
    set: (name: string, value: unknown) => {
      values[name] = structuredClone(value);
    },
  });
  // As the flow has it: from its text, so that nothing outside of the function can be used.
  const run = new Function('msg', 'context', 'flow', `${conduct}\nreturn conduct(msg, context, flow);`);
  const names = ['lights', 'darks', 'stack', 'master', 'page'];
  /** What goes out, by output; what is not sent is absent. */
  const tell = (msg: Message) =>
    Object.fromEntries(
      (run(msg, store(state), store(kept)) as (Message | null)[])
        .map((sent, at) => [names[at], sent] as const)
        .filter(([, sent]) => sent !== null),
    );
  const press = (command: string, more: Message = {}) => tell({ topic: 'command', command, ...more });
  const page = () => state.state as { mode: string; text: string; [name: string]: unknown };
  return { tell, press, page, kept };
}

const progress = (topic: string, frames: number, of: number) => ({ topic, event: 'progress', payload: { frames, of } });

it('starts the lights with exposure, gain and number of the page, and keeps them', () => {
  const { press, page, kept } = conductor();
  press('settings', { settings: { exposureSeconds: 8, gain: 2, frames: 100, darks: 20 } });
  expect(kept.liveStack).toMatchObject({ exposureSeconds: 8 });
  expect(press('start').lights).toEqual({ command: 'start', exposureSeconds: 8, gain: 2, count: 100 });
  expect(page().mode).toBe('imaging');
});

it('has one camera for two jobs: no darks while the lights run, no lights while the darks do', () => {
  const { tell, press, page } = conductor();
  press('start');
  expect(Object.keys(press('darks'))).toEqual(['page']);
  tell({ topic: 'lights', event: 'end', payload: { message: 'stopped' } });
  expect(page()).toMatchObject({ mode: 'idle', text: 'stopped' });
  expect(press('darks')).toMatchObject({ master: { command: 'reset' }, darks: { command: 'start' } });
  expect(Object.keys(press('start'))).toEqual(['page']);
  tell(progress('darks', 3, 30));
  expect(page().text).toBe('dark 3 of 30: cover the lens');
});

it('builds a master of darks that are complete, and none of those that were stopped', () => {
  const { tell, press, page } = conductor();
  press('darks');
  expect(tell({ topic: 'darks', event: 'end', payload: { reason: 'count' } }).master).toEqual({ command: 'finish' });
  tell({ topic: 'master', master: { frames: 30, defects: { hot: 41 } } });
  expect(page().text).toBe('Master dark of 30 frames, 41 hot pixels.');
  press('darks');
  expect(press('stop').darks).toEqual({ command: 'abort' });
  expect(tell({ topic: 'darks', event: 'end', payload: { reason: 'aborted' } }).master).toEqual({ command: 'reset' });
});

it('pauses, goes on and stops; what the camera still tells does not undo the stop', () => {
  const { tell, press, page } = conductor();
  press('start');
  expect(press('pause').lights).toEqual({ command: 'pause' });
  tell({ topic: 'lights', event: 'paused' });
  expect(page().mode).toBe('paused');
  expect(press('resume').lights).toEqual({ command: 'resume' });
  tell({ topic: 'lights', event: 'resumed', payload: { frames: 4, of: 10 } });
  expect(page()).toMatchObject({ mode: 'imaging', text: 'frame 4 of 10' });
  expect(press('stop').lights).toEqual({ command: 'stop' });
  tell(progress('lights', 5, 10));
  expect(page().mode).toBe('stopping');
});

it('knows after a restart that exposures go on, and finishes a stack whose exposures do not', () => {
  const { tell, press, page } = conductor();
  tell({ topic: 'begin' });
  tell({ topic: 'lights', event: 'started', payload: { frames: 12, of: 240, goesOn: true } });
  expect(page().mode).toBe('imaging');
  tell({ topic: 'begin' });
  expect(press('stop').stack).toEqual({ command: 'finish' });
});

it('shows how deep the stack is and what was left out and why; a reset empties stack and picture', () => {
  const { tell, press, page } = conductor();
  tell({ topic: 'stack', event: 'running', totalSeconds: 10, stack: { frames: 2, rejected: 0 } });
  const leftOut = { code: 'clouds', text: 'The stars give 5 % of their usual light: clouds, most likely.' };
  tell({ topic: 'stack', event: 'left-out', leftOut, stack: { frames: 2, rejected: 1, leftOut: { clouds: 1 } } });
  expect(page()).toMatchObject({
    leftOut,
    stack: { frames: 2, exposureSeconds: 10, rejected: 1, reasons: { clouds: 1 }, finished: false },
  });
  const sent = press('reset');
  expect(sent.stack).toEqual({ command: 'reset' });
  expect(sent.page!.event).toBe('reset');
  expect(page()).toMatchObject({ stack: null, leftOut: null });
});

it('says which dark is missing, before other masters', () => {
  const { tell, page } = conductor();
  const missing = [
    'There is no bias.',
    'Of 1 dark none fits: a.fits differs in GAIN (2, the frame 1).',
    'There is no flat.',
  ];
  tell({ topic: 'stars', measurement: { hfr: 1.1, fwhm: 2, count: 800 }, calibration: { dark: null, missing } });
  expect(page().dark).toEqual({ taken: false, text: missing[1] });
  tell({ topic: 'stars', measurement: {}, calibration: { dark: 'd.fits', missing: ['There is no flat.'] } });
  expect(page().dark).toEqual({ taken: true, text: 'taken out' });
});

it('is ready again when a sequence could not begin', () => {
  const { tell, press, page } = conductor();
  press('start');
  tell({ topic: 'error', error: { source: { type: 'astro-capture', name: 'Lights' }, message: 'No camera.' } });
  expect(page().mode).toBe('idle');
});
