/** The conductor of the occultation night as its flow has it, and a desk to talk to it. */
import { readFileSync } from 'node:fs';
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
export const iso = (seconds: number) => new Date(t0 + seconds * 1000).toISOString();

/** As the flow has it: from the text of its function node, so that nothing outside of it can be used. */
const node = (
  JSON.parse(readFileSync(inPackage('flows/occultation-night.json'), 'utf8')) as Record<string, string>[]
).find(({ name }) => name === 'Conductor')!;
/** The whole of it, with what Node-RED gives to a function node. */
export const wholeFunction = new Function('msg', 'context', 'flow', 'node', node.func!);
const text = node.func!.slice(0, node.func!.indexOf('const kept = '));
const conduct = new Function('msg', 'before', 'now', `${text}\nreturn conduct(msg, before, now);`) as (
  msg: object,
  before: PageState,
  now: number,
) => { state: PageState; orders: Orders; log: { level: string; text: string }[] };

export const row = (name: string, start: number, state = 'planned') => ({
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
export const list = (...events: ReturnType<typeof row>[]) => ({
  running: true,
  events,
  refused: [],
  broken: [],
  next: null,
});

export function conductor() {
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
export function ready(night = conductor()) {
  night.schedule('prepare', 'A', { schedule: list(row('A', 200, 'preparing'), row('B', 900)) });
  night.answer('visible');
  night.answer('mount');
  night.answer('mount');
  night.answer('mount', { payload: { outcome: 'centred', errorArcsec: 12 } });
  night.answer('ended');
  return night;
}
export const film = {
  path: '/archive/2026-11-21/A.ser',
  frames: 100,
  lost: 0,
  clock: { source: 'gps', synchronised: true, uncertaintySeconds: 2e-5 },
};
