/** Plans, runs, commands and resumes the list of one `astro-schedule` node. */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import type { Clock } from '../../lib/clock/clock.ts';
import { FixedRun, journalledEvents } from '../../lib/night/fixed-schedule-run.ts';
import { readState, workFolder, writeState } from '../../lib/night/night-folder.ts';
import { clockQuality } from '../../lib/process/clock-quality.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { reportFailure } from '../handle.ts';
import { type NodeConfig, readSettings } from '../inputs.ts';
import { type AstroMessage, clockOf, type Node, type NodeAPI, type SiteNode, siteOf } from '../types.ts';
import { requirePlace } from './require-place.ts';
import { nothingToDo, PlannedList, reasonOf, type ScheduleSnapshot, tallyOf } from './schedule-report.ts';
import { fingerprintOf, fixedOptions, listOf, type ScheduleSettings, scheduleInputs } from './schedule-settings.ts';
import { ScheduleVoice } from './schedule-voice.ts';

/** What is written beside the journal, so that a night goes on after a restart. */
interface Kept {
  fingerprint: string;
  settings: ScheduleSettings;
  list: unknown;
}

const nothing: ScheduleSnapshot = { running: false, events: [], refused: [], broken: [], next: null };

export class ScheduleControl {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  private readonly config: NodeConfig;
  private readonly siteNode: SiteNode | null;
  private readonly clock: Clock;
  private readonly voice: ScheduleVoice;
  private run: FixedRun | null = null;
  private stopping: AbortController | null = null;
  private working: Promise<void> = Promise.resolve();
  private resuming: Promise<void> = Promise.resolve();
  private starting = false;
  private list: PlannedList | null = null;
  private last: ScheduleSnapshot = nothing;
  private readonly closing = new AbortController();

  constructor(RED: NodeAPI, node: Node, config: NodeConfig) {
    this.RED = RED;
    this.node = node;
    this.config = config;
    this.siteNode = siteOf(RED, config.site);
    this.clock = clockOf(RED, config.site);
    this.voice = new ScheduleVoice(RED, node, this.clock, () => this.snapshot());
  }

  /** Plans the list and says so; `start` begins the night with it. @throws busy; bad-input for what is no list or has no event left */
  async start(msg: AstroMessage, only: 'plan' | 'start'): Promise<void> {
    const settings = await readSettings(this.RED, this.node, this.config, scheduleInputs, msg);
    requirePlace(this.siteNode);
    const list = await listOf(settings, this.config, msg, this.siteNode!.archiveFolder);
    await this.begin({ fingerprint: fingerprintOf(this.config), settings, list }, only, msg);
  }

  /** What came of an event. Without an id: of the one that is worked on. @throws bad-input */
  async report(state: 'done' | 'failed' | 'skipped', msg: AstroMessage): Promise<void> {
    const run = this.running();
    const id = this.idOf(msg, run);
    const reason = reasonOf(msg) ?? (state === 'skipped' ? this.voice.say('reason.skipped') : undefined);
    if (await run.report(id, state, reason)) this.voice.tellOf(id, state, msg);
  }

  /** @throws bad-input, rejected */
  async restore(msg: AstroMessage): Promise<void> {
    const run = this.running();
    const id = this.idOf(msg, run);
    if (!(await run.restore(id)))
      throw new NightflowError('rejected', 'Only a skipped event can be taken up again, and only before its start.');
    this.voice.tellOf(id, 'restored', msg);
  }

  /** Ends the night: what is under way has failed, what is left stays planned for the next start. */
  async stop(msg: AstroMessage): Promise<void> {
    const { run } = this;
    if (!run) return;
    const under = run.events.find(({ id }) => run.state(id) === 'running');
    if (under && (await run.report(under.id, 'failed', this.voice.say('reason.stopped'))))
      this.voice.tellOf(under.id, 'failed', msg);
    this.stopping?.abort();
    await this.working;
    await rm(this.keptPath(), { force: true });
    this.voice.tell('stopped', tallyOf(this.last.events), msg);
    this.voice.show('idle', 'stopped');
  }

  status(msg: AstroMessage): void {
    this.voice.tell('status', this.snapshot(), msg);
  }

  /** Goes on with the night that a restart cut off. */
  deployed(): void {
    this.resuming = this.resume();
  }

  private async resume(): Promise<void> {
    try {
      if (!this.siteNode) return;
      const kept = await readState<Kept>(this.keptPath());
      if (kept && kept.fingerprint === fingerprintOf(this.config)) await this.begin(kept, 'resume', {} as AstroMessage);
      else if (kept) await rm(this.keptPath(), { force: true });
    } catch (thrown) {
      this.fail(thrown);
    }
  }

  idle(): void {
    this.voice.show('idle', 'idle');
  }

  suspend(): void {
    this.closing.abort();
    this.stopping?.abort();
  }

  async close(removed: boolean): Promise<void> {
    await this.resuming;
    await this.working;
    if (removed && this.siteNode) await rm(this.folder(), { recursive: true, force: true });
  }

  private async begin(kept: Kept, how: 'plan' | 'start' | 'resume', msg: AstroMessage): Promise<void> {
    const site = requirePlace(this.siteNode);
    const journalPath = join(this.folder(), 'schedule.journal');
    const known = await journalledEvents(journalPath);
    const list = new PlannedList(kept.list, this.clock.now(), fixedOptions(kept.settings, site, known));
    if (how === 'plan') {
      this.planned(list.snapshot(null, false), msg);
      return this.tellClock(kept.settings);
    }
    if (this.run || this.starting)
      throw new NightflowError('busy', 'The list is running already.', {
        remedy: 'Send stop first; what is done stays done when it is started again.',
      });
    this.starting = true;
    try {
      const { events } = list.plan;
      if (events.length === 0) {
        this.planned(list.snapshot(null, false), msg);
        await rm(this.keptPath(), { force: true });
        throw nothingToDo(list.snapshot(null, false));
      }
      // A list of which nothing is known belongs to another night.
      if (!events.some(({ id }) => known.has(id))) await rm(journalPath, { force: true });
      const { graceSeconds } = kept.settings;
      const run = await FixedRun.open(events, {
        clock: this.clock,
        journalPath,
        graceSeconds,
        onJournalFailure: ({ message, remedy }) => this.node.warn(remedy ? `${message} ${remedy}` : message),
      });
      await writeState(this.keptPath(), kept);
      this.list = list;
      this.run = run;
      this.stopping = new AbortController();
      if (this.closing.signal.aborted) this.stopping.abort();
      this.voice.plan(this.snapshot(), how === 'resume' ? 'resumed' : 'plan', msg);
      for (const { id } of run.cutOff) this.voice.tellOf(id, 'failed', msg);
      this.working = this.work(run, this.stopping.signal);
      await this.tellClock(kept.settings);
    } finally {
      this.starting = false;
    }
  }

  /** Until the list is finished, stopped or the node closed. */
  private async work(run: FixedRun, signal: AbortSignal): Promise<void> {
    try {
      for (;;) {
        this.voice.showNext();
        const step = await run.next(signal);
        if (step.act === 'finish') break;
        const { id } = step.event;
        if (step.act === 'miss') this.voice.tellOf(id, 'missed');
        else if (step.act === 'over') this.voice.tellOf(id, 'done');
        // Between the journal's write and this line a person may have skipped it.
        else if (run.state(id) === (step.act === 'prepare' ? 'preparing' : 'running'))
          this.voice.order(step.act, id, step.event.target);
      }
      await rm(this.keptPath(), { force: true });
      this.end(run);
      const tally = tallyOf(this.last.events);
      this.voice.tell('finish', tally);
      this.voice.show('done', 'finished', { ...tally });
    } catch (thrown) {
      this.end(run);
      if (!signal.aborted) this.fail(thrown);
    } finally {
      await run.close().catch(() => {});
    }
  }

  /** Before the night it can still be mended. */
  private async tellClock({ clockLimitSeconds }: ScheduleSettings): Promise<void> {
    const { clock } = this;
    const quality = await clockQuality({ clock, limitSeconds: clockLimitSeconds, signal: this.closing.signal });
    this.voice.tell('clock', quality);
  }

  private end(run: FixedRun): void {
    this.run = null;
    this.last = this.list?.snapshot(run, false) ?? nothing;
  }

  /** Nothing runs: what was looked at is what the node knows. */
  private planned(schedule: ScheduleSnapshot, msg: AstroMessage): void {
    if (!this.run) this.last = schedule;
    this.voice.plan(schedule, 'plan', msg);
  }

  private snapshot(): ScheduleSnapshot {
    if (this.run && this.list) this.last = this.list.snapshot(this.run, true);
    return this.last;
  }

  private running(): FixedRun {
    if (this.run) return this.run;
    throw new NightflowError('rejected', 'No list is running.', { remedy: 'Send start first.' });
  }

  private idOf(msg: AstroMessage, run: FixedRun): string {
    const given = msg.id ?? (msg.payload as { id?: unknown } | null | undefined)?.id;
    if (given === undefined || given === null || given === '') {
      const { next } = this.snapshot();
      if (next) return next;
    } else if (run.events.some(({ id }) => id === given)) return given as string;
    throw new NightflowError('bad-input', `The list has no event "${String(given ?? '').slice(0, 80)}".`, {
      remedy: 'Send back the msg.id that came with the event.',
    });
  }

  private fail(thrown: unknown): void {
    const msg = { _msgid: this.RED.util.generateId() };
    reportFailure(this.node, thrown, (error) => error && this.node.error(error, msg));
  }

  private folder(): string {
    return workFolder(this.siteNode!.archiveFolder, this.node.id);
  }

  private keptPath(): string {
    return join(this.folder(), 'schedule.json');
  }
}
