/** What of an occultation night is called off, and what comes before its first and after its last target. */
import { describe, expect, it } from 'vitest';
import { conductor, list, ready, row, wholeFunction } from './occultation-desk.ts';

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
    const { job } = night.tell('command', { command: 'start' }).schedule![0]!;
    night.tell('schedule', { event: 'plan', payload: { accepted: [], refused: [], broken: [] } });
    expect(night.shown()).toEqual([]);
    night.tell('error', { job, error: { message: 'The list is empty.' } });
    expect(night.state()).toMatchObject({ phase: 'idle', text: 'The list is empty.' });
    // A list that was read since is not said to be empty any more.
    night.tell('schedule', plan);
    expect(night.shown()).toEqual([]);
    expect(night.state().text).toBe('');
  });

  it('shows the temperature on the way to the cold', () => {
    const night = conductor();
    night.tell('cooler', { event: 'progress', payload: { temperatureCelsius: 3.5, powerPercent: 40 } });
    expect(night.state().cooler.temperatureCelsius).toBe(3.5);
    night.tell('cooler', { event: 'lost', payload: { message: 'gone' } });
    expect(night.state().cooler.temperatureCelsius).toBe(3.5);
    night.tell('cooler', { payload: -10, cooler: { temperatureCelsius: -10, powerPercent: 60 } });
    expect(night.state().cooler.temperatureCelsius).toBe(-10);
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

  it('says after a restart that it was cut off while everything was put away', () => {
    const store = () => {
      const kept = new Map<string, unknown>();
      return { get: (name: string) => kept.get(name), set: (name: string, value: unknown) => kept.set(name, value) };
    };
    const [flow, quiet] = [store(), () => {}];
    const start = () => {
      const context = store();
      return (msg: object) =>
        wholeFunction(msg, context, flow, { log: quiet, warn: quiet, status: quiet }).at(-1).payload;
    };
    const payload = { done: 1, failed: 0, missed: 0, skipped: 0 };
    expect(start()({ topic: 'schedule', event: 'finish', payload }).phase).toBe('ending');
    const again = start();
    expect(again({ topic: 'begin' })).toMatchObject({ phase: 'stopped', text: expect.stringContaining('Put away') });
    expect(again({ topic: 'command', command: 'away' }).phase).toBe('ending');
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
