import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { type FixedOptions, planFixed } from '../../lib/night/fixed-schedule.ts';
import { FixedRun, journalledEvents } from '../../lib/night/fixed-schedule-run.ts';
import type { Target } from '../../lib/sky/target.ts';
import { noLimits } from '../../lib/sky/visibility.ts';

const now = Date.parse('2026-11-21T20:00:00Z');
const options: FixedOptions = {
  site: { latitude: 28.7606, longitude: -17.8816, elevation: 2396 },
  limits: { ...noLimits, minimumAltitudeDegrees: 15 },
  leadSeconds: 300,
  durationSeconds: 60,
};
/** High over La Palma from ten in the evening on. */
const capella = { raDegrees: 79.17233, decDegrees: 45.99799 };
const target = (name: string, time: string, changes: Partial<Target> = {}): Target => ({
  name,
  ...capella,
  start: `2026-11-21T${time}Z`,
  durationSeconds: 60,
  ...changes,
});
const at = (time: string) => Date.parse(`2026-11-21T${time}Z`);

describe('a night on the clock', () => {
  let folder: string | undefined;
  afterEach(async () => {
    if (folder) await rm(folder, { recursive: true, force: true });
    folder = undefined;
  });
  const { events } = planFixed(
    [target('a', '22:00:00'), target('b', '22:30:00'), target('c', '23:00:00')],
    now,
    options,
  );

  it('prepares, begins and finishes at the moments themselves', async () => {
    const clock = new RehearsalClock(now, Infinity);
    const run = await FixedRun.open(events, { clock, journalPath: null });
    const seen: [string, string, string][] = [];
    for (;;) {
      const step = await run.next();
      if (step.act === 'finish') break;
      seen.push([step.act, step.event.target.name, new Date(clock.now()).toISOString().slice(11, 19)]);
      if (step.act === 'begin' && step.event.target.name === 'b')
        await run.report(step.event.id, 'failed', 'no camera');
    }
    expect(seen).toEqual([
      ['prepare', 'a', '21:55:00'],
      ['begin', 'a', '22:00:00'],
      ['over', 'a', '22:01:00'],
      ['prepare', 'b', '22:25:00'],
      ['begin', 'b', '22:30:00'],
      ['prepare', 'c', '22:55:00'],
      ['begin', 'c', '23:00:00'],
      ['over', 'c', '23:01:00'],
    ]);
    expect(events.map(({ id }) => run.state(id))).toEqual(['done', 'failed', 'done']);
    await run.close();
  });

  it('goes on after a power cut: nothing twice, nothing late, what was cut off is said', async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightflow-fixed-'));
    const journalPath = join(folder, 'fixed.jsonl');
    const before = await FixedRun.open(events, { clock: new RehearsalClock(now, Infinity), journalPath });
    expect((await before.next()).act).toBe('prepare');
    expect((await before.next()).act).toBe('begin');
    // The power fails while a is recorded and comes back when b has begun.
    const clock = new RehearsalClock(at('22:31:00'), Infinity);
    const after = await FixedRun.open(events, { clock, journalPath });
    expect(after.cutOff.map(({ target: { name } }) => name)).toEqual(['a']);
    expect(await after.next()).toMatchObject({ act: 'miss', event: { target: { name: 'b' } } });
    expect(await after.next()).toMatchObject({ act: 'prepare', event: { target: { name: 'c' } } });
    await before.close();
    await after.close();
    // A plan made anew keeps what the journal knows, past or not.
    const known = await journalledEvents(journalPath);
    const planned = planFixed(
      [target('a', '22:00:00'), target('b', '22:30:00'), target('c', '23:00:00'), target('d', '22:45:00')],
      at('22:56:00'),
      { ...options, known },
    );
    expect(planned.events.map(({ id }) => id)).toEqual(events.map(({ id }) => id));
    expect(planned.refused).toMatchObject([{ target: { name: 'd' }, code: 'past' }]);
    const again = await FixedRun.open(events, { clock: new RehearsalClock(at('22:56:00'), Infinity), journalPath });
    expect(again.cutOff).toEqual([]);
    expect(events.map(({ id }) => again.state(id))).toEqual(['failed', 'missed', 'planned']);
    expect(await again.next()).toMatchObject({ act: 'prepare', secondsLeft: 240, event: { target: { name: 'c' } } });
    await again.close();
  });

  it('reports as missed what was accepted and then slept through, and keeps reasons', async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightflow-fixed-'));
    const journalPath = join(folder, 'fixed.jsonl');
    const before = await FixedRun.open(events, { clock: new RehearsalClock(now, Infinity), journalPath });
    await before.report(events[2]!.id, 'skipped', 'clouds');
    expect(await before.report(events[2]!.id, 'done')).toBe(false);
    expect(await before.report('nobody', 'done')).toBe(false);
    await before.close();
    const known = await journalledEvents(journalPath);
    const list = [target('a', '22:00:00'), target('b', '22:30:00'), target('c', '23:00:00')];
    const planned = planFixed(list, at('22:10:00'), { ...options, known });
    const clock = new RehearsalClock(at('22:10:00'), Infinity);
    const after = await FixedRun.open(planned.events, { clock, journalPath });
    expect(await after.next()).toMatchObject({ act: 'miss', event: { target: { name: 'a' } } });
    expect([after.state(events[2]!.id), after.reason(events[2]!.id)]).toEqual(['skipped', 'clouds']);
    await after.close();
  });

  it('goes on with the night when its journal can no longer be written, and says so', async () => {
    folder = await mkdtemp(join(tmpdir(), 'nightflow-fixed-'));
    const said: string[] = [];
    const run = await FixedRun.open(events, {
      clock: new RehearsalClock(now, Infinity),
      journalPath: join(folder, 'fixed.jsonl'),
      onJournalFailure: ({ code }) => said.push(code),
    });
    // As a disk that is gone: nothing can be appended any more.
    await (run as unknown as { journal: { close(): Promise<void> } }).journal.close();
    const acts: string[] = [];
    while (acts.at(-1) !== 'finish') acts.push((await run.next()).act);
    expect(acts).toHaveLength(10);
    expect(said).toHaveLength(9);
    await run.close();
  });

  it('takes a skipped event up again before its start, not after', async () => {
    const clock = new RehearsalClock(at('21:50:00'), 1);
    const run = await FixedRun.open(events.slice(0, 1), { clock, journalPath: null });
    await run.report(events[0]!.id, 'skipped', 'by hand');
    expect((await run.next()).act).toBe('finish');
    expect(await run.restore(events[0]!.id)).toBe(true);
    expect([run.state(events[0]!.id), run.reason(events[0]!.id)]).toEqual(['planned', null]);
    expect(await run.restore(events[0]!.id)).toBe(false);
    await run.close();
    const late = await FixedRun.open(events.slice(0, 1), {
      clock: new RehearsalClock(at('22:00:01'), 1),
      journalPath: null,
    });
    await late.report(events[0]!.id, 'skipped');
    expect(await late.restore(events[0]!.id)).toBe(false);
    await late.close();
  });

  it('stops waiting at once when told to, and when a report frees the way', async () => {
    const clock = new RehearsalClock(at('22:00:00'), 1);
    const run = await FixedRun.open(events, { clock, journalPath: null });
    expect((await run.next()).act).toBe('prepare');
    expect((await run.next()).act).toBe('begin');
    const stop = new AbortController();
    const waiting = run.next(stop.signal);
    await run.report(events[0]!.id, 'done');
    stop.abort();
    await expect(waiting).rejects.toMatchObject({ name: expect.stringMatching(/AbortError|NightflowError/) });
    await run.close();
  });
});
