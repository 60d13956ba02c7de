/** What `astro-schedule` sends and shows; every message carries where its list stands. */
import { type Clock, isoTime } from '../../lib/clock/clock.ts';
import type { Target } from '../../lib/sky/target.ts';
import { type StatusState, showStatus } from '../status.ts';
import type { AstroMessage, Node, NodeAPI } from '../types.ts';
import { type DatedSnapshot, orderOf, type ScheduleSnapshot } from './schedule-report.ts';

export class ScheduleVoice {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  private readonly clock: Clock;
  private readonly look: () => ScheduleSnapshot;

  /** @param look Where the list stands now */
  constructor(RED: NodeAPI, node: Node, clock: Clock, look: () => ScheduleSnapshot) {
    this.RED = RED;
    this.node = node;
    this.clock = clock;
    this.look = look;
  }

  /** To output 1: this is to be done now. */
  order(event: 'prepare' | 'begin', id: string, target: Target): void {
    this.node.send([orderOf(event, id, target, this.dated(this.look())), null] as never);
  }

  /** To output 2, about one event. */
  tellOf(id: string, event: string, msg?: AstroMessage): void {
    const row = this.look().events.find((each) => each.id === id);
    const reason = row?.reason ?? undefined;
    this.send({ event, id, payload: row, ...(reason !== undefined && { reason }) }, this.look(), msg);
    this.showNext();
  }

  tell(event: string, payload: unknown, msg?: AstroMessage): void {
    this.send({ event, payload }, this.look(), msg);
  }

  plan(schedule: ScheduleSnapshot, event: 'plan' | 'resumed', msg: AstroMessage): void {
    const { events, refused, broken, running } = schedule;
    this.send({ event, payload: { accepted: events, refused, broken } }, schedule, msg);
    if (running) return;
    const wrong = refused.length + broken.length;
    const counts = { accepted: events.length, refused: refused.length, broken: broken.length };
    this.show(wrong > 0 || events.length === 0 ? 'waiting' : 'done', 'planned', counts);
  }

  /** The status line of a list that runs. */
  showNext(): void {
    const { events, next, running } = this.look();
    const row = running ? events.find(({ id }) => id === next) : undefined;
    if (!row) return;
    const values = { name: row.name, start: row.start.slice(11, 19), prepare: row.prepare.slice(11, 19) };
    if (row.state === 'planned') this.show('waiting', 'next', values);
    else this.show('working', row.state, values);
  }

  show(state: StatusState, key: string, values: Record<string, unknown> = {}): void {
    showStatus(this.node, state, this.say(`status.${key}`, values));
  }

  say(key: string, values: Record<string, unknown> = {}): string {
    return this.RED._(`astro-schedule.${key}`, values as never);
  }

  private send(message: Record<string, unknown>, schedule: ScheduleSnapshot, msg?: AstroMessage): void {
    const topic = msg?.topic;
    const head = topic === undefined ? {} : { topic };
    this.node.send([null, { ...head, ...message, schedule: this.dated(schedule) }] as never);
  }

  /** A rehearsal's page counts down by the rehearsal's clock. */
  private dated(schedule: ScheduleSnapshot): DatedSnapshot {
    return { ...schedule, now: isoTime(this.clock.now()) };
  }
}
