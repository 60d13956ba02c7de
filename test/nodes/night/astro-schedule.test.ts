import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterEach, describe, expect, it } from 'vitest';
import astroSchedule from '../../../nodes/night/astro-schedule.ts';
import type { EventRow, ScheduleSnapshot } from '../../../nodes/night/schedule-report.ts';
import type { AstroMessage } from '../../../nodes/types.ts';
import { startImageFlow, stopImageFlow } from '../image/image-flow.ts';

afterEach(stopImageFlow);

/** High over La Palma from ten in the evening on. */
const capella = '05:16:41.4, +45:59:53';
const laPalma = { latitude: '28.7606', longitude: '-17.8816', elevation: '2396', timeZone: 'Atlantic/Canary' };
const site = (time: string, rate: string) => ({
  ...laPalma,
  clock: 'rehearsal',
  clockStart: `2026-11-21T${time}Z`,
  clockRate: rate,
});
const list = [
  'name, RA, Dec, start, duration, magnitude, exposure',
  `bright, ${capella}, 22:00:00, 60, 8.5`,
  `faint, ${capella}, 22:30:00, 60, 13.5`,
  'south, 05:16:41.4, -80:00:00, 22:45:00, 60, 9',
  'broken, 05:16:41.4, -100:00:00, 22:45:00, 60, 9',
  `own, ${capella}, 23:00:00, 30, 13.5, 0.25`,
].join('\n');
const settings = { list, leadSeconds: '300', graceSeconds: '0' };
/** Begins a minute before the start, so that a busy computer does not miss it. */
const early = { ...settings, armSeconds: '58' };
const event = (name: string) => (msg: AstroMessage) => msg.event === name;
const named = (kind: string, name: string) => (msg: AstroMessage) =>
  msg.event === kind && (msg.payload as EventRow).name === name;
const states = (msg: AstroMessage) =>
  Object.fromEntries((msg.schedule as ScheduleSnapshot).events.map(({ name, state }) => [name, state]));

it('loads with its defaults, and begins nothing by itself', async () => {
  const flow = await startImageFlow(astroSchedule, 'astro-schedule');
  expect((await flow.status('n', 'grey')).text).toBe('idle');
  flow.send('n', { command: 'status' });
  expect(await flow.sink('two').first()).toMatchObject({ event: 'status', payload: { running: false, events: [] } });
});

describe('a night at full speed', () => {
  it('says the plan first, then what is to be done when, then how it went', async () => {
    const flow = await startImageFlow(astroSchedule, 'astro-schedule', settings, {}, site('20:00:00', 'max'));
    flow.send('n', { topic: 't' });
    const plan = await flow.sink('two').first();
    expect(plan).toMatchObject({ event: 'plan', topic: 't' });
    const { accepted, refused, broken } = plan.payload as Record<string, Record<string, unknown>[]>;
    expect(accepted!.map(({ name, exposureSeconds, exposureFrom }) => [name, exposureSeconds, exposureFrom])).toEqual([
      ['bright', 0.01, 'magnitude'],
      ['faint', 1, 'magnitude'],
      ['own', 0.25, 'list'],
    ]);
    expect(accepted![0]).toMatchObject({
      line: 2,
      prepare: '2026-11-21T21:55:00.000Z',
      start: '2026-11-21T22:00:00.000Z',
    });
    expect(refused).toMatchObject([{ name: 'south', line: 4, code: 'below-horizon' }]);
    expect(broken).toMatchObject([{ line: 5, reason: expect.stringContaining('-100:00:00') }]);

    const finish = await flow.sink('two').first(event('finish'));
    expect(finish.payload).toEqual({ done: 3, failed: 0, missed: 0, skipped: 0 });
    const orders = flow.sink('one').messages;
    expect(orders.map((msg) => [msg.event, (msg.target as { name: string }).name])).toEqual([
      ['prepare', 'bright'],
      ['begin', 'bright'],
      ['prepare', 'faint'],
      ['begin', 'faint'],
      ['prepare', 'own'],
      ['begin', 'own'],
    ]);
    expect(orders[0]).toMatchObject({ start: '2026-11-21T22:00:00.000Z', payload: { secondsLeft: 300 } });
    // The control picture must not be taken with the exposure of the recording.
    expect(orders[0]).not.toHaveProperty('exposureSeconds');
    expect(orders[5]).toMatchObject({ exposureSeconds: 0.25, durationSeconds: 30, end: '2026-11-21T23:00:30.000Z' });
    expect((await flow.status('n', 'green', 'done')).text).toBe('3 done · 0 failed · 0 missed · 0 skipped');
  });

  it('says how good the clock is before the night', async () => {
    const flow = await startImageFlow(astroSchedule, 'astro-schedule', settings, {}, site('20:00:00', '1'));
    flow.send('n', { command: 'plan' });
    expect((await flow.sink('two').first(event('clock'))).payload).toMatchObject({ source: 'rehearsal' });
  });

  it('plans a list without beginning it', async () => {
    const flow = await startImageFlow(astroSchedule, 'astro-schedule', settings, {}, site('20:00:00', 'max'));
    flow.send('n', { command: 'plan', list: `only one, ${capella}, 23:30:00, 60`, calibrationMagnitude: 9 });
    const plan = await flow.sink('two').first();
    expect(plan.payload).toMatchObject({ accepted: [{ name: 'only one', exposureSeconds: null }], refused: [] });
    expect((await flow.status('n', 'green')).text).toBe('1 accepted · 0 refused · 0 broken');
    expect(flow.sink('one').messages).toEqual([]);
  });

  it('reads a file of the archive, and objects of a message', async () => {
    const flow = await startImageFlow(
      astroSchedule,
      'astro-schedule',
      { ...settings, listFrom: 'file', listFile: 'tonight/targets.csv' },
      {},
      site('20:00:00', 'max'),
    );
    await mkdir(join(flow.archiveFolder, 'tonight'));
    await writeFile(join(flow.archiveFolder, 'tonight/targets.csv'), `filed; ${capella.replace(',', ';')}; 23:30; 60`);
    flow.send('n', { command: 'plan' });
    expect((await flow.sink('two').first()).payload).toMatchObject({ accepted: [{ name: 'filed' }] });
    const rows = [{ name: 'object', ra: 79.17, dec: 46, start: '2026-11-21T23:30:00Z', durationSeconds: 5 }];
    flow.send('n', { command: 'plan', listFrom: 'payload', payload: rows });
    const plans = () => flow.sink('two').messages.filter(event('plan'));
    await expect.poll(() => plans().length, { timeout: 20_000 }).toBe(2);
    expect(plans()[1]!.payload).toMatchObject({ accepted: [{ name: 'object' }] });
  });
});

describe('reports and commands', () => {
  it('frees the way with done and failed, leaves out what is skipped, takes it up again', async () => {
    const flow = await startImageFlow(astroSchedule, 'astro-schedule', early, {}, site('21:59:00', '1'));
    flow.send('n', { command: 'start' });
    const prepared = await flow.sink('one').first();
    expect(prepared).toMatchObject({ event: 'prepare', payload: { name: 'bright' } });
    const { events } = prepared.schedule as ScheduleSnapshot;
    const [, faint, own] = events.map(({ id }) => id);
    flow.send('n', { command: 'skip', id: faint });
    expect(await flow.sink('two').first(event('skipped'))).toMatchObject({ id: faint, reason: 'skipped by hand' });
    flow.send('n', { command: 'skip', id: own, reason: 'clouds' });
    expect(await flow.sink('two').first(named('skipped', 'own'))).toMatchObject({ reason: 'clouds' });
    flow.send('n', { command: 'restore', id: own });
    expect(states(await flow.sink('two').first(event('restored')))).toMatchObject({ faint: 'skipped', own: 'planned' });
    expect((await flow.sink('one').first(event('begin'))).id).toBe(prepared.id);
    flow.send('n', { command: 'failed', id: prepared.id, error: { message: 'The camera is gone.' } });
    const failed = await flow.sink('two').first(event('failed'));
    expect(failed).toMatchObject({ id: prepared.id, reason: 'The camera is gone.', payload: { state: 'failed' } });
    flow.send('n', { command: 'done', id: prepared.id });
    flow.send('n', { command: 'status' });
    expect(states(await flow.sink('two').first(event('status')))).toEqual({
      bright: 'failed',
      faint: 'skipped',
      own: 'planned',
    });
    expect(flow.sink('two').messages.filter(event('done'))).toEqual([]);
    expect((await flow.status('n', 'yellow', 'own')).text).toBe('own · prepare at 22:55:00, start 23:00:00 UTC');
  });

  it('stops, and what is left is there at the next start', async () => {
    const flow = await startImageFlow(astroSchedule, 'astro-schedule', early, {}, site('21:59:00', '1'));
    flow.send('n', {});
    await flow.sink('one').first(event('begin'));
    flow.send('n', { command: 'stop' });
    const stopped = await flow.sink('two').first(event('stopped'));
    expect(states(stopped)).toEqual({ bright: 'failed', faint: 'planned', own: 'planned' });
    expect(stopped.schedule).toMatchObject({ running: false });
    flow.send('n', { payload: 'start' });
    const plans = () => flow.sink('two').messages.filter(event('plan'));
    await expect.poll(() => plans().length, { timeout: 20_000 }).toBe(2);
    const again = plans()[1]!;
    expect(states(again)).toEqual({ bright: 'failed', faint: 'planned', own: 'planned' });
    expect((again.schedule as ScheduleSnapshot).events[0]!.reason).toBe('the list was stopped');
  });

  it.each([
    [{ command: 'skip' }, 'No list is running. Send start first.'],
    [{ command: 'dance' }, 'The command "dance" is unknown. Send start, plan, stop'],
    [{ list: 5 }, 'msg.list is no list of targets.'],
    [{ list: 'name, RA, Dec, start\na, 5h, -80, 22:00' }, 'No event of the list can be observed. a has no duration.'],
    [{ list: '' }, 'The list is empty.'],
    [{ listFrom: 'file', listFile: '../secret' }, 'leads out of the folder'],
    [{ listFrom: 'file', listFile: 'nothing.csv' }, "can't be read"],
    [{ longestExposureSeconds: 0.001 }, 'The shortest exposure (0.01 s) must be above 0 and no longer'],
    [{ leadSeconds: -1 }, 'The lead time must be between 5 and 7200 s'],
  ])('says what is wrong with %j', async (msg, sentence) => {
    const flow = await startImageFlow(astroSchedule, 'astro-schedule', settings, {}, site('20:00:00', '1'));
    flow.send('n', msg as Partial<AstroMessage>);
    expect(((await flow.sink('failures').first()).error as { message: string }).message).toContain(sentence);
    expect(flow.sink('one').messages).toEqual([]);
  });

  it('refuses a second start, and a report about what is not in the list', async () => {
    const flow = await startImageFlow(astroSchedule, 'astro-schedule', settings, {}, site('20:00:00', '1'));
    flow.send('n', {});
    await flow.sink('two').first(event('plan'));
    flow.send('n', {});
    flow.send('n', { command: 'done', id: 'nobody' });
    const failures = await flow.sink('failures').take(2);
    const said = failures.map(({ error }) => (error as { message: string }).message).join(' ');
    expect(said).toContain('The list is running already.');
    expect(said).toContain('The list has no event "nobody".');
  });
});

describe('a restart', () => {
  it('goes on with the night: the recording that was cut off has failed, the slept-through is missed', async () => {
    const first = await startImageFlow(astroSchedule, 'astro-schedule', early, {}, site('21:59:00', '1'));
    first.send('n', {});
    await first.sink('one').first(event('begin'));
    const folder = join(first.archiveFolder, '.nightflow/work/n');
    expect(await readFile(join(folder, 'schedule.journal'), 'utf8')).toContain('"running"');
    const second = await startImageFlow(astroSchedule, 'astro-schedule', early, {}, site('22:31:00', 'max'));
    const resumed = await second.sink('two').first();
    expect(resumed.event).toBe('resumed');
    expect(states(resumed)).toEqual({ bright: 'failed', faint: 'planned', own: 'planned' });
    expect(await second.sink('two').first(event('failed'))).toMatchObject({ reason: 'cut off by a restart' });
    expect(await second.sink('two').first(event('missed'))).toMatchObject({
      payload: { name: 'faint' },
      reason: expect.stringContaining('faint was missed: it began at 22:30:00 UTC'),
    });
    expect((await second.sink('two').first(event('finish'))).payload).toEqual({
      done: 1,
      failed: 1,
      missed: 1,
      skipped: 0,
    });
    expect(second.sink('one').messages.map((msg) => [msg.event, (msg.payload as EventRow).name])).toEqual([
      ['prepare', 'own'],
      ['begin', 'own'],
    ]);
  });

  it('begins nothing when the night was finished or its settings were changed', async () => {
    const first = await startImageFlow(astroSchedule, 'astro-schedule', settings, {}, site('21:00:00', '1'));
    first.send('n', {});
    await first.sink('two').first(event('plan'));
    const changed = { ...settings, leadSeconds: '200' };
    const second = await startImageFlow(astroSchedule, 'astro-schedule', changed, {}, site('21:00:10', '1'));
    second.send('n', { command: 'status' });
    expect((await second.sink('two').first()).payload).toMatchObject({ running: false });
    const third = await startImageFlow(astroSchedule, 'astro-schedule', settings, {}, site('21:00:20', '1'));
    third.send('n', { command: 'status' });
    expect(await third.sink('two').first()).toMatchObject({ event: 'status', payload: { running: false } });
  });
});
