/** The order of the steps of an occultation night: what is done, and what happens when a step fails, is late or is called off. */
import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import { inPackage } from './house/node-red.ts';

interface Order {
  command?: string;
  job: { n: number; step: string; id: string | null };
  [property: string]: unknown;
}
type Orders = Record<string, Order[]>;
// biome-ignore lint/suspicious/noExplicitAny: the page's state is plain JSON
type PageState = any;

const t0 = Date.parse('2026-11-21T20:00:00Z');
const iso = (seconds: number) => new Date(t0 + seconds * 1000).toISOString();

/** As the flow has it: from the text of its function node, so that nothing outside of it can be used. */
const node = (
  JSON.parse(readFileSync(inPackage('flows/occultation-night.json'), 'utf8')) as Record<string, string>[]
).find(({ name }) => name === 'Conductor')!;
const text = node.func!.slice(0, node.func!.indexOf('const kept = '));
const conduct = new Function('msg', 'before', 'now', `${text}\nreturn conduct(msg, before, now);`) as (
  msg: object,
  before: PageState,
  now: number,
) => { state: PageState; orders: Orders; log: { level: string; text: string }[] };

const row = (name: string, start: number, state = 'planned') => ({
  ...{
    id: name,
    name,
    state,
    reason: null,
    notes: [],
    start: iso(start),
    end: iso(start + 10),
    prepare: iso(start - 180),
  },
  ...{ durationSeconds: 10, exposureSeconds: 0.1, altitudeDegrees: 50, azimuthDegrees: 90 },
});
const list = (...events: ReturnType<typeof row>[]) => ({ running: true, events, refused: [], broken: [], next: null });

function conductor() {
  let state: PageState;
  let seconds = 0;
  const said: string[] = [];
  let orders: Orders = {};
  const tell = (topic: string, msg: object = {}) => {
    const answer = conduct({ topic, ...msg }, state, t0 + seconds * 1000);
    state = structuredClone(answer.state);
    orders = answer.orders;
    said.push(...answer.log.map((line) => line.text));
    return orders;
  };
  const shown = () =>
    Object.entries(orders).flatMap(([to, all]) => all.map(({ command, job }) => `${to}: ${command ?? job.step}`));
  return {
    tell,
    said,
    shown,
    state: () => state as PageState,
    at: (now: number) => {
      seconds = now;
    },
    schedule: (event: string, name: string, more: object = {}) => {
      const payload = { ...row(name, 200), secondsLeft: 180, reason: null };
      const target = { name, raDegrees: 10, decDegrees: 20 };
      return tell('schedule', {
        event,
        id: name,
        target,
        start: iso(200),
        end: iso(210),
        payload,
        durationSeconds: 10,
        exposureSeconds: 0.1,
        ...more,
      });
    },
    /** The answer of a node to the newest order that it got. */
    answer: (topic: string, more: object = {}) => {
      const to = { recording: 'stream', ended: '', error: '' }[topic] ?? topic;
      const all = to ? orders[to]! : Object.values(orders).flat();
      return tell(topic, { job: all.at(-1)!.job, ...more });
    },
  };
}

/** Up to the wait for the start. */
function ready(night = conductor()) {
  night.schedule('prepare', 'A', { schedule: list(row('A', 200, 'preparing'), row('B', 900)) });
  night.answer('visible');
  night.answer('mount');
  night.answer('mount');
  night.answer('mount', { payload: { outcome: 'centred', errorArcsec: 12 } });
  night.answer('ended');
  return night;
}
const film = {
  path: '/archive/2026-11-21/A.ser',
  frames: 100,
  lost: 0,
  clock: { source: 'gps', synchronised: true, uncertaintySeconds: 2e-5 },
};

describe('one target', () => {
  it('is looked at, unparked, slewed to, centred, photographed, shown, recorded, and the telescope parked', () => {
    const night = conductor();
    night.schedule('prepare', 'A', { schedule: list(row('A', 200, 'preparing'), row('B', 900)) });
    expect(night.shown()).toEqual(['visible: visible']);
    night.answer('visible', { payload: 50 });
    expect(night.shown()).toEqual(['mount: unpark']);
    night.answer('mount', { payload: { raDegrees: 1 } });
    expect(night.shown()).toEqual(['mount: slew']);
    const slew = night.answer('mount', { payload: { raDegrees: 10 } });
    expect(slew.mount![0]).toMatchObject({ command: 'centre', target: { name: 'A' } });
    night.answer('mount', { payload: { outcome: 'centred', errorArcsec: 12.3 } });
    expect(night.shown()).toEqual(['picture: start']);
    const live = night.answer('ended');
    expect(night.shown()).toEqual(['stream: preview']);
    expect(live.stream![0]!.exposureSeconds).toBe(0.1);
    expect(night.state().target).toMatchObject({ step: 'ready', note: 'centred to 12″' });
    const recording = night.schedule('begin', 'A');
    expect(recording.stream![0]).toMatchObject({
      command: 'start',
      start: iso(200),
      durationSeconds: 10,
      exposureSeconds: 0.1,
    });
    night.tell('stream', { event: 'progress', payload: { elapsedSeconds: 3.5, frames: 35 } });
    expect(night.state().recording).toMatchObject({ phase: 'recording', elapsedSeconds: 3.5, frames: 35 });
    night.tell('recording', { job: recording.stream![0]!.job, payload: film });
    expect(night.shown()).toEqual(['schedule: done', 'mount: untrack']);
    expect(night.said.at(-1)).toBe('A: 100 frames, 2026-11-21/A.ser, clock gps ± 0.02 ms.');
    night.answer('mount');
    expect(night.shown()).toEqual(['mount: park']);
    night.answer('mount');
    expect(night.state().target).toBeNull();
  });

  it('rests without parking when the next must be prepared soon', () => {
    const night = ready();
    const { stream } = night.schedule('begin', 'A', { schedule: list(row('A', 200, 'running'), row('B', 400)) });
    night.at(200);
    night.tell('recording', { job: stream![0]!.job, payload: film });
    night.answer('mount');
    expect(night.shown()).toEqual([]);
    expect(night.state().target).toBeNull();
  });

  it('that can no longer be seen has failed before anything moved', () => {
    const night = conductor();
    night.schedule('prepare', 'A');
    night.answer('visible', { event: 'not-visible', reason: 'A stands behind the house.' });
    expect(night.shown()).toEqual(['schedule: failed']);
    expect(night.state().target).toBeNull();
  });

  it('whose stars are not recognised is recorded without calibration, and so is one whose solver is missing', () => {
    for (const [topic, more] of [
      ['mount', { payload: { outcome: 'uncalibrated', reason: 'no stars' } }],
      ['error', { error: { message: 'solve-field is not installed.' } }],
    ] as const) {
      const night = conductor();
      night.schedule('prepare', 'A');
      night.answer('visible');
      night.answer('mount');
      night.answer('mount');
      night.answer(topic, more);
      expect(night.shown()).toEqual(['picture: start']);
      expect(night.state().target.note).toContain('not calibrated');
    }
  });

  it('goes on after an unpark that is refused, and has failed when the slew is', () => {
    const night = conductor();
    night.schedule('prepare', 'A');
    night.answer('visible');
    night.answer('error', { error: { message: 'It is not parked.' } });
    expect(night.shown()).toEqual(['mount: slew']);
    const failed = night.answer('error', { error: { message: 'The mount is gone.' } });
    expect(failed.schedule![0]).toMatchObject({ command: 'failed', id: 'A', reason: 'The mount is gone.' });
    expect(night.shown()).toEqual(['schedule: failed', 'mount: untrack']);
    night.answer('error', { error: { message: 'The mount is gone.' } });
    night.answer('error', { error: { message: 'The mount is gone.' } });
    expect(night.state().target).toBeNull();
    night.schedule('prepare', 'B');
    expect(night.shown()).toEqual(['visible: visible']);
  });

  it('whose recording fails is said, put away, and not reported twice', () => {
    const night = ready();
    night.schedule('begin', 'A');
    night.answer('error', { error: { message: 'The disk is full.' } });
    expect(night.shown()).toEqual(['schedule: failed', 'mount: untrack']);
    const lines = night.said.length;
    night.schedule('failed', 'A', { reason: 'The disk is full.' });
    expect(night.said).toHaveLength(lines);
  });
});

describe('a start that comes too early', () => {
  it('calls off the centring, waits until the camera is free, tracks and records', () => {
    const night = conductor();
    night.schedule('prepare', 'A');
    night.answer('visible');
    night.answer('mount');
    const centring = night.answer('mount').mount![0]!.job;
    night.schedule('begin', 'A');
    expect(night.shown()).toEqual(['mount: abort']);
    night.tell('ended', { job: centring });
    expect(night.shown()).toEqual(['mount: track', 'stream: start']);
    night.tell('mount', { job: centring, payload: { outcome: 'centred', errorArcsec: 1 } });
    expect(night.shown()).toEqual([]);
  });

  it('does not wait for a camera that never lets go', () => {
    const night = conductor();
    night.schedule('prepare', 'A');
    night.answer('visible');
    night.answer('mount');
    night.answer('mount');
    night.answer('mount', { payload: { outcome: 'centred', errorArcsec: 5 } });
    night.schedule('begin', 'A');
    expect(night.shown()).toEqual(['picture: abort']);
    night.at(5);
    night.tell('tick');
    expect(night.shown()).toEqual([]);
    night.at(10);
    night.tell('tick');
    expect(night.shown()).toEqual(['stream: start']);
  });

  it('records while the telescope still slews, and fails what was not even begun', () => {
    const night = conductor();
    night.schedule('prepare', 'A');
    night.answer('visible');
    night.answer('mount');
    night.schedule('begin', 'A');
    expect(night.shown()).toEqual(['stream: start']);
    const other = conductor();
    other.schedule('prepare', 'A');
    other.schedule('begin', 'A');
    expect(other.shown()).toEqual(['schedule: failed']);
    other.schedule('begin', 'C');
    expect(other.shown()).toEqual(['schedule: failed']);
  });
});

describe('calling off', () => {
  it('lets go of what is under way when its target is skipped, and goes on with the next', () => {
    const night = ready();
    night.schedule('skipped', 'A', { reason: 'skipped by hand' });
    expect(night.shown()).toEqual(['stream: abort', 'mount: untrack']);
    expect(night.said.at(-1)).toBe('A is skipped.');
    night.schedule('prepare', 'B');
    expect(night.shown()).toEqual(['visible: visible']);
  });

  it('gives way when the next target must be prepared and the last is still recorded', () => {
    const night = ready();
    night.schedule('begin', 'A');
    night.schedule('prepare', 'B');
    expect(night.shown()).toEqual(['stream: abort', 'visible: visible']);
    expect(night.state().target.name).toBe('B');
  });

  it('stops everything at once and parks nothing when a person aborts; then puts away on request', () => {
    const night = ready();
    night.state().phase = 'night';
    night.tell('command', { command: 'abort' });
    expect(night.shown().sort()).toEqual(['mount: abort', 'picture: abort', 'schedule: stop', 'stream: abort']);
    expect(night.state()).toMatchObject({ phase: 'stopped', target: null });
    night.tell('command', { command: 'away' });
    expect(night.shown()).toEqual(['mount: park']);
  });

  it('has failed when a recording ends without a film', () => {
    const night = ready();
    night.schedule('begin', 'A');
    night.answer('ended');
    night.at(3);
    night.tell('tick');
    expect(night.shown()).toEqual([]);
    night.at(6);
    night.tell('tick');
    expect(night.shown()).toEqual(['schedule: failed', 'mount: untrack']);
  });
});

describe('the night', () => {
  const plan = {
    event: 'plan',
    payload: {
      accepted: [row('A', 200)],
      refused: [{ reason: 'B is too low.' }],
      broken: [{ line: 4, reason: 'no start' }],
    },
  };

  it('begins with the list, the server, its devices and the cooler, which nobody waits for', () => {
    const night = conductor();
    const settings = {
      list: 'A, 1, 2, 22:00',
      magnitude: 9,
      exposureSeconds: 0.2,
      cool: true,
      celsius: -15,
      live: true,
    };
    const { schedule } = night.tell('command', { command: 'start', settings });
    expect(schedule![0]).toMatchObject({
      command: 'start',
      list: settings.list,
      calibrationMagnitude: 9,
      calibrationExposureSeconds: 0.2,
    });
    night.tell('schedule', plan);
    expect(night.shown()).toEqual(['server: start']);
    expect(night.said).toContain('Refused: B is too low.');
    expect(night.said).toContain('Line 4: no start');
    night.answer('server');
    expect(night.shown()).toEqual(['server: connect-all']);
    const cooling = night.answer('error', { error: { message: 'Not connected: Dome.' } });
    expect(cooling.cooler![0]).toMatchObject({ command: 'cool', targetCelsius: -15 });
    expect(night.state()).toMatchObject({ phase: 'night', text: '' });
  });

  it('does not begin without a list', () => {
    const night = conductor();
    night.tell('command', { command: 'start' });
    night.answer('error', { error: { message: 'No event of the list can be observed. It is empty.' } });
    expect(night.state()).toMatchObject({ phase: 'idle', text: expect.stringContaining('It is empty.') });
    night.tell('schedule', plan);
    expect(night.shown()).toEqual([]);
  });

  it('ends with park, warm-up, disconnect, stop and switch-off, whatever of it fails', () => {
    const night = ready();
    night.tell('schedule', { event: 'finish', payload: { done: 1, failed: 0, missed: 0, skipped: 0 } });
    expect(night.shown()).toEqual(['mount: park']);
    night.answer('error', { error: { message: 'It does not move.' } });
    expect(night.shown()).toEqual(['cooler: warm']);
    night.answer('cooler', { cooler: { temperatureCelsius: 9 } });
    expect(night.shown()).toEqual(['server: disconnect-all']);
    night.answer('server');
    expect(night.shown()).toEqual(['server: stop']);
    night.answer('server');
    expect(night.shown()).toEqual(['off: off']);
    expect(night.state().phase).toBe('over');
  });

  it('goes on after a restart: server, devices, cooler; the schedule itself goes on by itself', () => {
    const night = conductor();
    night.tell('schedule', { ...plan, event: 'resumed' });
    expect(night.shown()).toEqual(['server: start']);
    expect(night.said).toContain('Node-RED was restarted: the night goes on.');
  });

  it('makes an unkept clock a red line with its remedy', () => {
    const night = conductor();
    const warning = { message: 'Nobody keeps the clock.', remedy: 'Install chrony.' };
    night.tell('schedule', { event: 'clock', payload: { source: 'none', synchronised: false, warning } });
    expect(night.state().log.at(-1)).toMatchObject({ level: 'error', text: 'Nobody keeps the clock. Install chrony.' });
    expect(night.state().clock.warning).toEqual(warning);
  });

  it('counts by the clock of the site, which may be a rehearsed one', () => {
    const night = conductor();
    night.tell('schedule', { event: 'status', schedule: { ...list(), now: '2030-01-01T00:00:00.000Z' } });
    night.at(5);
    night.tell('tick');
    expect(new Date(night.state().now).toISOString()).toBe('2030-01-01T00:00:05.000Z');
  });
});
