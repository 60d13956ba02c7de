/**
 * What the function node "Conductor" of the occultation flow runs: the order of the steps, one target at a time, and all that the page
 * shows in one object. It is put into the flow as text with its two parts, so it uses nothing from outside of them.
 *
 * Orders go out with `msg.job` = {n, step, id}; the nodes hand it back with their results, and what comes back from an order that is no
 * longer the one under way (the target was skipped, its start has come) is let go.
 * `msg.topic`: command (of the page), schedule, visible, mount, server, cooler, saved, recording, stream, ended (a Complete node), error
 * (a Catch node), tick, begin (Node-RED has started).
 */
import { choreLane } from './occultation-chores.js';
import { targetLane } from './occultation-target.js';

const longestLog = 80;

const firstState = () => ({
  phase: 'idle',
  text: '',
  settings: { list: '', magnitude: 11, exposureSeconds: 0.1, cool: true, celsius: -10, live: true },
  schedule: { running: false, events: [], refused: [], broken: [], next: null },
  target: null,
  night: [],
  nightJob: 0,
  nightStep: '',
  mount: {},
  cooler: {},
  recording: null,
  clock: null,
  log: [],
  /** The site's clock minus the computer's, ms. */
  ahead: 0,
  /** Ids of the events that were reported to the schedule from here. */
  reported: [],
  jobs: 0,
});

/** @returns {state, orders: lists of messages by receiver, log: new lines} */
export function conduct(msg, before, computerNow) {
  const state = before ?? firstState();
  // A rehearsal lives by its site's clock: the schedule tells its time.
  if (msg.schedule?.now) state.ahead = Date.parse(msg.schedule.now) - computerNow;
  const now = computerNow + state.ahead;
  const orders = {};
  const log = [];
  const { topic, payload = {} } = msg;

  const say = (text, level = 'info') => {
    const line = { at: new Date(now).toISOString(), level, text };
    state.log = [...state.log, line].slice(-longestLog);
    log.push(line);
  };
  const order = (to, message, step, id) => {
    const job = { n: ++state.jobs, step, id };
    orders[to] = [...(orders[to] ?? []), { ...message, job }];
    return job.n;
  };
  const report = (id, command, reason) => {
    state.reported = [...state.reported, id].slice(-200);
    order('schedule', { command, id, ...(reason !== undefined && { reason }) }, 'report', id);
  };
  const seconds = (value) => (value >= 10 ? Math.round(value) : Number(Number(value).toPrecision(2)));
  const clockText = (clock) => {
    if (!clock?.synchronised) return 'clock not synchronised';
    const { source, uncertaintySeconds } = clock;
    if (source === 'rehearsal') return "the rehearsal's clock";
    return `clock ${source}${uncertaintySeconds > 0 ? ` ± ${seconds(uncertaintySeconds * 1000)} ms` : ''}`;
  };
  /** Below its archive a file is known by its folder and name. */
  const fileText = (path) => String(path).split(/[\\/]/).slice(-2).join('/');
  const desk = { state, msg, now, say, order, report, seconds, clockText, fileText };
  const target = targetLane(desk);
  const chores = choreLane(desk);
  const resting = () => ['idle', 'over', 'stopped'].includes(state.phase);

  const fromPage = () => {
    const { command, settings, id } = msg;
    if (settings) Object.assign(state.settings, settings);
    if (command === 'start' && resting()) {
      say('The night begins.');
      chores.start();
    } else if (command === 'check' && resting()) chores.check();
    else if (command === 'plan' && !state.schedule.running) chores.plan();
    else if ((command === 'skip' || command === 'restore') && state.schedule.running)
      order('schedule', { command, id: id ?? state.schedule.next }, 'report', id ?? null);
    else if (command === 'abort' && !resting()) {
      say('Aborted by hand: everything stands still, nothing is parked.', 'warn');
      for (const to of ['mount', 'stream', 'picture']) order(to, { command: 'abort' }, 'abort', null);
      order('schedule', { command: 'stop' }, 'abort', null);
      Object.assign(state, { phase: 'stopped', text: '', target: null, recording: null, night: [], nightJob: 0 });
    } else if (command === 'away' && resting()) chores.putAway();
  };

  const sayPlan = () => {
    const { accepted, refused, broken } = payload;
    say(`The list: ${accepted.length} accepted, ${refused.length} refused, ${broken.length} broken.`);
    for (const { reason } of refused) say(`Refused: ${reason}`, 'warn');
    for (const { line, reason } of broken) say(`Line ${line}: ${reason}`, 'warn');
  };
  const fromSchedule = () => {
    const { event, id, reason } = msg;
    if (msg.schedule) state.schedule = msg.schedule;
    const underWay = id !== undefined && id === state.target?.id && !target.closing();
    if (event === 'prepare') target.prepare();
    else if (event === 'begin') target.arm();
    else if (event === 'plan') {
      sayPlan();
      if (resting()) state.text = '';
      // Of a list without events the error comes next.
      if (payload.accepted.length > 0) chores.listed();
    } else if (event === 'resumed') {
      say('Node-RED was restarted: the night goes on.', 'warn');
      sayPlan();
      chores.startAgain();
    } else if (event === 'clock') {
      const { warning } = payload;
      state.clock = payload;
      if (warning) say(`${warning.message} ${warning.remedy}`, 'error');
      else say(`The time is kept: ${clockText(payload)}.`);
    } else if (event === 'finish') {
      const { done, failed, missed, skipped } = payload;
      say(`The list is finished: ${done} done, ${failed} failed, ${missed} missed, ${skipped} skipped.`);
      Object.assign(state, { target: null, recording: null });
      chores.putAway();
    } else if (['missed', 'skipped', 'done', 'failed'].includes(event)) {
      // What the conductor itself has reported was said when it happened.
      if (!state.reported.includes(id))
        say(reasonText(event, payload.name, reason), event === 'skipped' ? 'warn' : 'error');
      if (underWay) target.giveUp();
    }
  };
  const reasonText = (event, name, reason) => {
    if (event === 'missed') return reason;
    if (event === 'skipped') return `${name} is skipped.`;
    return `${name}: ${reason ?? event}.`;
  };

  const fromStream = () => {
    const known = state.clock?.warning?.message;
    if (msg.event === 'clock' || payload.clock) state.clock = { ...state.clock, ...(payload.clock ?? payload) };
    // That the clock is bad stands in red on the page since the list was read.
    const warning = String(payload.message ?? payload);
    if (msg.event === 'warning' && !(known && warning.startsWith(known))) say(warning, 'warn');
    target.streaming();
  };
  const fromError = () => {
    const { message, source } = msg.error ?? {};
    const text = String(message ?? 'Something failed.');
    if (target.mine()) target.failed(text);
    else if (chores.mine() || msg.job?.step === 'list') chores.failed(text);
    else if (msg.job?.step !== 'abort') say(source?.name ? `${source.name}: ${text}` : text, 'warn');
  };

  const handlers = {
    command: fromPage,
    schedule: fromSchedule,
    visible: target.visible,
    mount: () => {
      if (payload.raDegrees !== undefined) state.mount = payload;
      if (msg.event !== undefined) return;
      if (chores.mine()) chores.goOn();
      else if (target.mine()) target.moved();
    },
    server: () => {
      if (msg.event === undefined && chores.mine()) chores.goOn();
      if (['server-failed', 'driver-gave-up', 'device-lost', 'device-failure'].includes(msg.event))
        say(String(payload), 'error');
    },
    cooler: () => {
      // The way to the cold is told by its events, where it ended by the answer.
      const reading = msg.event === undefined ? msg.cooler : payload;
      if (Number.isFinite(reading?.temperatureCelsius)) state.cooler = reading;
      if (msg.event === undefined && chores.mine()) chores.goOn();
    },
    saved: () => say(`Control picture: ${fileText(payload)}.`),
    recording: target.recorded,
    stream: fromStream,
    ended: target.ended,
    error: fromError,
    tick: target.tick,
    begin: () => order('schedule', { command: 'status' }, 'status', null),
  };
  handlers[topic]?.();
  state.now = now;
  return { state, orders, log };
}
