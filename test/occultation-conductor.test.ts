/** The order of the steps of one target of an occultation night: what is done, and what happens when a step fails or is late. */
import { describe, expect, it } from 'vitest';
import { conductor, film, iso, list, ready, row } from './occultation-desk.ts';

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

  it('says why its stars were not recognised, and a bad clock once', () => {
    const night = ready();
    const reason = 'The stars were not recognised: only 3 stars were found; expose longer.';
    night.schedule('prepare', 'B');
    night.answer('visible', { payload: 50 });
    night.answer('mount');
    night.answer('mount');
    night.answer('mount', { payload: { outcome: 'uncalibrated', reason } });
    const last = 'B: not calibrated, its stars were not recognised: only 3 stars were found; expose longer.';
    expect(night.said.at(-1)).toBe(last);
    const warning = { message: 'Nobody keeps the clock.', remedy: 'Install chrony.' };
    night.tell('schedule', { event: 'clock', payload: { source: 'none', synchronised: false, warning } });
    const { length } = night.said;
    night.tell('stream', { event: 'warning', payload: { message: warning.message } });
    expect(night.said).toHaveLength(length);
    night.tell('stream', { event: 'warning', payload: { message: 'The disk is slow.' } });
    expect(night.said.at(-1)).toBe('The disk is slow.');
  });

  it('says when the camera could not keep up with its exposure', () => {
    const night = ready();
    const { stream } = night.schedule('begin', 'A');
    night.tell('recording', { job: stream![0]!.job, payload: { ...film, cadenceSeconds: 0.28 } });
    expect(night.said.at(-1)).toContain('A: 100 frames, one every 0.28 s where 0.1 s were asked for, ');
    expect(night.state().log.at(-1).level).toBe('warn');
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
