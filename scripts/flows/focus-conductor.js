/**
 * What the function node "Conductor" of the focus flow runs: one camera for two jobs, so that one lets go of it before the other takes it,
 * and all that the page shows in one object. It is put into the flow as text, so it uses nothing from outside of itself.
 * `msg.topic`: command (of the page), camera, focus, stars, free (a job is over, msg.job says which), error (of a Catch node), begin.
 */
export function conduct(msg, context, flow) {
  const state = context.get('state') ?? { mode: 'idle', text: '', settings: flow.get('focus', 'file') ?? {} };
  const { payload = {} } = msg;
  let toCamera = null;
  let toAutofocus = null;

  /** Exposure and gain travel with each start. */
  const start = () => {
    const { exposureSeconds, gain } = state.settings;
    return {
      command: 'start',
      ...(exposureSeconds > 0 && { exposureSeconds }),
      ...(Number.isFinite(gain) && { gain }),
    };
  };
  const loop = () => {
    state.mode = 'looping';
    toCamera = start();
  };
  const focus = () => {
    state.mode = 'focusing';
    state.focus = { running: true, position: state.focus?.position ?? null };
    toAutofocus = start();
  };
  /** What was promised when the camera was asked to let go of its job. */
  const next = () => {
    const { afterwards } = state;
    state.afterwards = null;
    if (afterwards === 'focus') focus();
    else if (afterwards === 'loop') loop();
    else state.mode = 'idle';
  };

  if (msg.topic === 'command') {
    if (msg.settings) {
      state.settings = msg.settings;
      flow.set('focus', msg.settings, 'file');
    }
    const { mode } = state;
    if (msg.command === 'loop' && mode === 'idle') loop();
    else if (msg.command === 'focus' && mode === 'idle') focus();
    else if (msg.command === 'focus' && mode === 'looping') {
      state.mode = 'waiting';
      state.afterwards = 'focus';
      state.loopAgain = true;
      toCamera = { command: 'abort' };
    } else if (msg.command === 'stop' && mode === 'looping') {
      state.mode = 'stopping';
      state.afterwards = null;
      toCamera = { command: 'abort' };
    } else if (msg.command === 'abort') {
      state.loopAgain = false;
      if (mode === 'waiting') state.afterwards = null;
      if (mode === 'focusing') toAutofocus = { command: 'abort' };
      state.mode = 'aborting';
    }
  } else if (msg.topic === 'camera') {
    // After a restart the capture goes on by itself with what it did; nobody waits for that here.
    if (msg.event === 'started' && payload.goesOn) toCamera = { command: 'abort' };
    if (msg.event === 'progress' && state.mode === 'looping')
      state.text = `${payload.frames} ${payload.frames === 1 ? 'frame' : 'frames'}`;
    if (msg.event === 'lost' || msg.event === 'warning') state.text = payload.message ?? state.text;
    if (msg.event === 'end' && state.mode === 'stopping') state.text = '';
  } else if (msg.topic === 'stars') {
    const { hfr, fwhm, hfrArcseconds, fwhmArcseconds, count, reason } = msg.measurement ?? {};
    state.stars = { hfr, fwhm, hfrArcseconds, fwhmArcseconds, count, reason };
  } else if (msg.topic === 'focus') {
    const { event, focus: run } = msg;
    if (event === 'progress') {
      state.focus = { ...state.focus, ...payload, chart: run, running: true, verdict: '' };
      state.text = payload.text;
      if (payload.hfr > 0) state.stars = { hfr: payload.hfr, count: payload.stars };
    } else if (event === 'watch') state.watch = { due: payload.state === 'due', text: payload.text };
    else if (event === 'busy') state.text = payload.text;
    else if (run?.outcome) {
      const { hfr, position, positionError, stars } = payload;
      const found = `Focused at ${position} ± ${Math.max(1, Math.round(positionError))}: HFR ${hfr?.toFixed(2)} px.`;
      const stopped = `Stopped; the focuser is ${payload.returned ? '' : 'not '}back where it was.`;
      const verdict = run.outcome === 'focused' ? found : event === 'stopped' ? stopped : payload.text;
      state.focus = { position: payload.position, chart: run.chart, running: false, verdict };
      state.text = verdict;
      if (hfr > 0) state.stars = { hfr, count: stars };
    }
  } else if (msg.topic === 'free') {
    if (msg.job === 'camera' && ['looping', 'stopping', 'waiting', 'aborting'].includes(state.mode)) next();
    else if (msg.job === 'focus' && ['focusing', 'aborting'].includes(state.mode)) {
      state.afterwards = state.loopAgain ? 'loop' : null;
      state.loopAgain = false;
      next();
    }
  } else if (msg.topic === 'error') {
    const from = msg.error?.source?.type;
    if (from === 'astro-capture' || from === 'astro-autofocus') {
      state.afterwards = from === 'astro-autofocus' && state.loopAgain ? 'loop' : null;
      state.loopAgain = false;
      if (state.focus) state.focus.running = false;
      next();
    }
  } else if (msg.topic === 'begin') {
    state.mode = 'idle';
    state.settings = flow.get('focus', 'file') ?? state.settings;
  }
  context.set('state', state);
  return [toCamera, toAutofocus, { payload: state }];
}
