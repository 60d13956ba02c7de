/**
 * One target of the occultation flow, from the look at its altitude to the parked telescope: each step is an order to one node, and what
 * comes back decides the next. Part of the text of the function node "Conductor": it uses nothing from outside of itself.
 */

/** Nobody parks between two targets this close together, seconds. */
const parkSeconds = 90;
/** How long an order that was called off may take to let go of the camera, and a film to arrive after its end, seconds. */
const letGoSeconds = 8;
const filmSeconds = 5;

const afterStep = {
  visible: 'unpark',
  unpark: 'slew',
  slew: 'centre',
  centre: 'picture',
  picture: 'ready',
  untrack: 'park',
};

export function targetLane({ state, msg, now, say, order, report, seconds, clockText, fileText }) {
  const { payload = {} } = msg;
  const mine = () => state.target !== null && state.target.job > 0 && msg.job?.n === state.target.job;
  const closing = () => ['untrack', 'park'].includes(state.target?.step);
  const at = (...steps) => steps.includes(state.target?.step);

  const begin = (step, to, message) => {
    const { target } = state;
    Object.assign(target, { step, since: now, job: order(to, message, step, target.id) });
  };
  const steps = {
    visible: () => begin('visible', 'visible', { target: state.target.target }),
    unpark: () => begin('unpark', 'mount', { command: 'unpark' }),
    slew: () => {
      state.target.moved = true;
      begin('slew', 'mount', { command: 'slew', target: state.target.target });
    },
    centre: () => begin('centre', 'mount', { command: 'centre', target: state.target.target }),
    picture: () => begin('picture', 'picture', { command: 'start', target: state.target.target }),
    ready: () => {
      const { target } = state;
      Object.assign(target, { step: 'ready', since: now, job: 0 });
      say(`${target.name} is ready.`);
      if (!state.settings.live) return;
      // With the exposure of the recording: whether the star shows is seen before it counts.
      const { exposureSeconds } = target;
      order('stream', { command: 'preview', ...(exposureSeconds > 0 && { exposureSeconds }) }, 'live', target.id);
    },
    untrack: () => begin('untrack', 'mount', { command: 'untrack' }),
    park: () => begin('park', 'mount', { command: 'park' }),
  };
  const next = () => {
    const { step } = state.target;
    if (step === 'park' || (step === 'untrack' && !timeToPark())) state.target = null;
    else steps[afterStep[step]]();
  };

  /** The motors rest between two targets, and the telescope is parked where there is time to. */
  const timeToPark = () => {
    const coming = state.schedule.events.find(({ state: how, id }) => how === 'planned' && id !== state.target?.id);
    return !coming || Date.parse(coming.prepare) - now > parkSeconds * 1000;
  };
  const close = () => {
    state.recording = null;
    if (state.target?.moved) steps.untrack();
    else state.target = null;
  };

  /** What holds the camera or moves the mount lets go of it. */
  const callOff = () => {
    if (at('picture')) order('picture', { command: 'abort' }, 'abort', null);
    if (at('unpark', 'slew', 'centre')) order('mount', { command: 'abort' }, 'abort', null);
    if (at('ready', 'recording')) order('stream', { command: 'abort' }, 'abort', null);
  };
  const giveUp = () => {
    callOff();
    close();
  };
  const fail = (reason) => {
    const { id, name } = state.target;
    say(`${name} failed: ${reason}`, 'error');
    report(id, 'failed', reason);
    close();
  };
  const note = (text, level) => {
    state.target.note = text;
    say(`${state.target.name}: ${text}.`, level);
  };

  /** The mount node's sentence ends with the solver's reason, and what to do about it. */
  const unrecognised = (reason = '') => {
    const why = reason.replace(/^The stars were not recognised:? */, '').replace(/\.$/, '');
    return `not calibrated, its stars were not recognised${why ? `: ${why}` : ''}`;
  };

  const prepare = () => {
    const { id, target, start } = msg;
    if (state.target && !closing()) {
      say(`${state.target.name} is not finished; it gives way to ${target.name}.`, 'warn');
      callOff();
    }
    state.recording = null;
    state.target = { id, name: target.name, target, start, exposureSeconds: payload.exposureSeconds, note: '', job: 0 };
    say(`${target.name} is prepared for ${start.slice(11, 19)} UTC, in ${seconds(payload.secondsLeft)} s.`);
    steps.visible();
  };

  /** The start is near: whatever is still under way gives way to the recording. */
  const arm = () => {
    const { target } = state;
    if (target?.id !== msg.id) {
      const reason = 'it was not prepared';
      say(`${msg.target.name} failed: ${reason}.`, 'error');
      report(msg.id, 'failed', reason);
      return;
    }
    const { start, durationSeconds, exposureSeconds } = msg;
    target.order = { start, durationSeconds, ...(exposureSeconds > 0 && { exposureSeconds }) };
    if (at('ready')) record();
    else if (at('centre', 'picture')) {
      note(at('centre') ? 'not centred: its start came first' : 'no control picture: its start came first', 'warn');
      callOff();
      target.lettingGo = now;
    } else if (at('slew')) {
      // The camera is free while the mount moves.
      note('the telescope was still slewing when the recording was armed', 'warn');
      record();
    } else fail('the telescope was not pointed in time.');
  };
  const record = () => {
    const { target } = state;
    target.lettingGo = 0;
    begin('recording', 'stream', { command: 'start', ...target.order, target: target.target });
    const { durationSeconds, exposureSeconds = null } = target.order;
    state.recording = { phase: 'armed', elapsedSeconds: 0, frames: 0, durationSeconds, exposureSeconds };
  };
  /** A mount that was stopped in the middle of its work tracks no longer. */
  const letGo = () => {
    if (at('centre')) order('mount', { command: 'track' }, 'track', state.target.id);
    record();
  };
  const goOn = () => (state.target.lettingGo ? letGo() : next());

  return {
    mine,
    closing,
    prepare,
    arm,
    giveUp,
    visible: () => {
      if (mine()) msg.event === 'not-visible' ? fail(msg.reason) : next();
    },
    moved: () => {
      if (at('centre')) {
        const { outcome, reason, errorArcsec, attempts } = payload;
        if (outcome === 'centred')
          note(
            `centred to ${Math.max(1, Math.round(errorArcsec))}″${attempts > 1 ? ` with ${attempts} pictures` : ''}`,
          );
        else if (outcome === 'uncalibrated') note(unrecognised(reason), 'warn');
        else note(`not centred: ${reason ?? outcome}`, 'warn');
      }
      goOn();
    },
    recorded: () => {
      if (!mine() || !at('recording')) return;
      const { target } = state;
      const { frames, lost, path, clock, cadenceSeconds } = payload;
      if (clock) state.clock = { ...state.clock, ...clock };
      const gone = lost > 0 ? `, ${lost} lost` : '';
      // A camera that is slower than it was asked to be: the next list should give it a longer exposure.
      const { exposureSeconds } = target.order;
      const slow = exposureSeconds > 0 && cadenceSeconds > 1.5 * exposureSeconds;
      const every = slow ? `, one every ${seconds(cadenceSeconds)} s where ${exposureSeconds} s were asked for` : '';
      say(
        `${target.name}: ${frames} frames${every}${gone}, ${fileText(path)}, ${clockText(clock)}.`,
        lost > 0 || slow ? 'warn' : 'info',
      );
      report(target.id, 'done');
      close();
    },
    streaming: () => {
      if (!state.recording || !at('recording')) return;
      const phase = { armed: 'armed', waiting: 'armed', recording: 'recording', progress: 'recording' }[msg.event];
      if (phase === undefined) return;
      const { elapsedSeconds, frames, fps } = payload;
      const figures = { elapsedSeconds: elapsedSeconds ?? 0, frames: frames ?? 0, fps: fps ?? null };
      state.recording = { ...state.recording, phase, ...figures };
    },
    failed: (text) => {
      if (at('centre', 'picture')) {
        note(at('centre') ? `not calibrated: ${text}` : `no control picture: ${text}`, 'warn');
        goOn();
      } else if (at('unpark') || closing()) {
        // A mount that is not parked may say no to unpark; one that can't move says so at the slew.
        say(`${state.target.step}: ${text}`, 'warn');
        next();
      } else fail(text);
    },
    /** What was called off sends no result, only that it has ended. */
    ended: () => {
      if (!mine()) return;
      const { target } = state;
      if (target.lettingGo) letGo();
      else if (at('picture')) next();
      else if (at('recording')) target.ended = now;
    },
    tick: () => {
      const { target } = state;
      if (target?.lettingGo && now - target.lettingGo > letGoSeconds * 1000) letGo();
      // The film comes on another wire than its end.
      if (at('recording') && target.ended && now - target.ended > filmSeconds * 1000)
        fail('its recording was stopped before it was done.');
    },
  };
}
