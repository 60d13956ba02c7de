/**
 * What the function node "Conductor" of the live-stack flow runs: which job has the camera, what the buttons of the page mean in each state,
 * and all that the page shows in one object. It is put into the flow as text, so it uses nothing from outside of itself.
 * `msg.topic`: command (of the page), lights and darks (what the two captures tell), stars, stack, master, saved, error (of a Catch node), begin.
 */
export function conduct(msg, context, flow) {
  const state = context.get('state') ?? {
    mode: 'idle',
    text: '',
    saved: [],
    settings: flow.get('liveStack', 'file') ?? {},
  };
  const { payload = {} } = msg;
  let toLights = null;
  let toDarks = null;
  let toStack = null;
  let toMaster = null;

  /** Darks are of use only with the exposure and the gain of the lights. */
  const start = (count) => {
    const { exposureSeconds, gain } = state.settings;
    return {
      command: 'start',
      ...(exposureSeconds > 0 && { exposureSeconds }),
      ...(Number.isFinite(gain) && { gain }),
      ...(count > 0 && { count }),
    };
  };

  if (msg.topic === 'command') {
    const { mode } = state;
    if (msg.settings) {
      state.settings = msg.settings;
      flow.set('liveStack', msg.settings, 'file');
    }
    if (msg.command === 'start' && mode === 'idle') {
      toLights = start(state.settings.frames);
      state.mode = 'imaging';
      state.text = '';
    } else if (msg.command === 'darks' && mode === 'idle') {
      // What an earlier run left half done belongs to other darks.
      toMaster = { command: 'reset' };
      toDarks = start(state.settings.darks);
      state.mode = 'darks';
      state.text = '';
    } else if (msg.command === 'pause' && mode === 'imaging') toLights = { command: 'pause' };
    else if (msg.command === 'resume' && mode === 'paused') toLights = { command: 'resume' };
    else if (msg.command === 'stop' && (mode === 'imaging' || mode === 'paused')) {
      toLights = { command: 'stop' };
      state.mode = 'stopping';
    } else if (msg.command === 'stop' && mode === 'darks') toDarks = { command: 'abort' };
    // A stack that was taken up again after a restart, without its exposures.
    else if (msg.command === 'stop' && mode === 'idle') toStack = { command: 'finish' };
    else if (msg.command === 'reset') {
      toStack = { command: 'reset' };
      state.stack = null;
      state.leftOut = null;
    }
  } else if (msg.topic === 'lights') {
    const { event } = msg;
    if (event === 'end') {
      state.mode = 'idle';
      state.text = payload.message ?? '';
    } else if (event === 'paused') state.mode = 'paused';
    else if (['started', 'progress', 'resumed'].includes(event)) {
      if (state.mode !== 'stopping') state.mode = 'imaging';
      state.text = payload.of ? `frame ${payload.frames} of ${payload.of}` : `frame ${payload.frames ?? 0}`;
    } else if (payload.message) state.text = payload.message;
  } else if (msg.topic === 'darks') {
    const { event } = msg;
    if (event === 'end') {
      const whole = payload.reason === 'count';
      toMaster = { command: whole ? 'finish' : 'reset' };
      state.mode = 'idle';
      state.text = whole ? 'building the master dark' : 'no master dark was built';
    } else if (event === 'started' || event === 'progress') {
      state.mode = 'darks';
      state.text = `dark ${payload.frames ?? 0} of ${payload.of}: cover the lens`;
    }
  } else if (msg.topic === 'master') {
    const { frames, defects } = msg.master ?? {};
    const hot = defects ? `, ${defects.hot} hot pixels` : '';
    if (frames > 0) state.text = `Master dark of ${frames} frames${hot}.`;
  } else if (msg.topic === 'stars') {
    const { hfr, fwhm, count } = msg.measurement ?? {};
    state.stars = { hfr, fwhm, count };
    const { dark, missing = [] } = msg.calibration ?? {};
    const why = missing.find((reason) => reason.includes('dark')) ?? missing[0] ?? 'no master';
    state.dark = { taken: Boolean(dark), text: dark ? 'taken out' : why };
  } else if (msg.topic === 'stack') {
    const { event, stack } = msg;
    if (event === 'left-out') state.leftOut = msg.leftOut;
    if (stack) {
      const exposureSeconds = msg.totalSeconds ?? state.stack?.exposureSeconds ?? 0;
      state.stack = { frames: stack.frames, exposureSeconds, rejected: stack.rejected, reasons: stack.leftOut ?? {} };
      state.stack.finished = event === 'end' || event === undefined;
    }
  } else if (msg.topic === 'saved') {
    const { path = '', url = null } = msg.file ?? {};
    const name = path.split(/[\\/]/).at(-1);
    if (name) state.saved = [{ name, url }, ...state.saved.filter((each) => each.name !== name)].slice(0, 6);
  } else if (msg.topic === 'error') {
    const { type, name } = msg.error?.source ?? {};
    // A sequence that could not begin, or ended by an error: neither tells of an end.
    if (type === 'astro-capture' && (name === 'Lights' || state.mode === 'darks')) state.mode = 'idle';
  } else if (msg.topic === 'begin') {
    // What goes on by itself after a restart says so.
    state.mode = 'idle';
    state.settings = flow.get('liveStack', 'file') ?? state.settings;
  }
  context.set('state', state);
  return [toLights, toDarks, toStack, toMaster, { payload: state, event: msg.command === 'reset' ? 'reset' : 'state' }];
}
