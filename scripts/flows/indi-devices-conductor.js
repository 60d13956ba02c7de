/**
 * What the function node "Conductor" of the flow "INDI devices" runs: the page's buttons to the devices, one camera for the live picture
 * and for centring, and all that the page shows in one object. It is put into the flow as text, so it uses nothing from outside of itself.
 * `msg.topic`: press (of the page), targets, mount, focuser, filter, cooler (what a device does, and `done` when a command is), settings (of the camera),
 * camera, free (the capture let go of the camera), error (of a Catch node), weather (the gate: what it let pass, what it kept back, and its changes), air, begin.
 */
export function conduct(msg, context) {
  const devices = { mount: {}, focuser: {}, filter: {}, cooler: {}, settings: {} };
  const fresh = { live: 'off', text: '', targets: [], doing: {}, weather: {}, ...devices };
  const state = { ...fresh, ...context.get('state') };
  const { topic, payload = {} } = msg;
  const out = { mount: null, focuser: null, filter: null, cooler: null, camera: null, settings: null };

  const startLive = () => {
    state.live = 'on';
    out.camera = { command: 'start', ...(state.exposureSeconds > 0 && { exposureSeconds: state.exposureSeconds }) };
  };
  /** A name of the list, or coordinates in any notation. */
  const targetOf = (text = '') => {
    const wanted = text.trim().toLowerCase().replace(/\s+/g, '');
    const known = state.targets.find(({ name }) => name.toLowerCase().replace(/\s+/g, '') === wanted);
    return known ? { target: known } : { coordinates: text, targetName: text };
  };
  /** A word that is no name of the list, and has not the two figures that coordinates have. */
  const unknownName = (text = '') => {
    if (targetOf(text).target || /\d\D+\d/.test(text)) return '';
    const names = state.targets.map(({ name }) => name).slice(0, 12);
    const list = names.length > 0 ? ` These are: ${names.join(', ')}.` : '';
    return `"${text.trim()}" is not among your targets, and is no right ascension and declination.${list}`;
  };
  const toMount = (order) => {
    state.doing.mount = order.command;
    out.mount = order;
  };
  /** A command of the mount is over. Centring had the camera: the live picture gets it back. */
  const mountIsFree = () => {
    state.doing.mount = null;
    if (state.live === 'paused') startLive();
  };

  if (topic === 'press') {
    const { device, command, place, ...figures } = payload;
    if (device === 'camera') {
      if (figures.exposureSeconds > 0) state.exposureSeconds = figures.exposureSeconds;
      if (command === 'start' && state.live === 'off') startLive();
      if (command === 'stop' && state.live === 'on') {
        state.live = 'stopping';
        out.camera = { command: 'abort' };
      }
    } else if (device === 'mount') {
      const aimed = ['slew', 'centre', 'sync'].includes(command);
      const order = { command, ...(aimed && targetOf(place)) };
      state.text = aimed ? unknownName(place) : '';
      if (state.text) {
        // Nothing is sent: the page says why.
      } else if (command === 'abort') {
        out.mount = order;
        // A centring that waits for the camera has not begun: nobody will tell its end.
        if (state.pending) state.doing.mount = null;
        state.pending = null;
        if (state.live === 'pausing') state.live = 'stopping';
      } else if (command === 'centre' && state.live === 'on') {
        state.live = 'pausing';
        state.pending = order;
        state.doing.mount = command;
        out.camera = { command: 'abort' };
      } else toMount(order);
    } else if (device in out) {
      out[device] = { command, ...figures };
      if (command !== 'abort') state.doing[device] = command;
    }
  } else if (topic === 'weather') {
    const { safe, reasons } = msg.safe;
    const before = state.weather.safe;
    state.weather = { ...state.weather, safe, reason: reasons.join(' ') };
    if (!safe && msg.command) {
      state.text = `Not safe: ${state.weather.reason}`;
      mountIsFree();
    } else if (before && !safe && state.mount.parked === false) {
      state.text = `The telescope is parked: ${state.weather.reason}`;
      const busy = state.doing.mount !== null && state.doing.mount !== undefined;
      state.pending = null;
      toMount({ command: 'park' });
      if (busy) out.mount = [{ command: 'abort' }, out.mount];
    }
  } else if (topic === 'air') {
    state.weather.air = payload;
  } else if (topic === 'targets') {
    state.targets = Array.isArray(payload) ? payload : [];
  } else if (topic === 'camera') {
    // After a restart the capture goes on by itself with what it did; nobody waits for that here. And who stops it while it opens
    // the camera is not heard before it has begun.
    const unwanted = payload.goesOn || state.live === 'stopping' || state.live === 'pausing';
    if (msg.event === 'started' && unwanted) out.camera = { command: 'abort' };
    // What it can be set to, once it is open.
    if (msg.event === 'started' && !state.settings.offered) out.settings = { command: 'list' };
    if (msg.event === 'lost' || msg.event === 'warning') state.text = payload.message ?? state.text;
  } else if (topic === 'settings') {
    state.doing.settings = null;
    const { values = {}, ...before } = state.settings;
    const listed = Array.isArray(payload);
    const now = listed ? Object.fromEntries(payload.map(({ name, value }) => [name, value])) : payload;
    state.settings = {
      ...before,
      profile: msg.command === 'profile' ? msg.profile : null,
      values: { ...values, ...now },
    };
    if (listed) Object.assign(state.settings, { offered: payload, profiles: msg.profiles, profile: null });
  } else if (topic === 'error' && msg.error?.source?.type === 'astro-camera-settings') {
    state.doing.settings = null;
  } else if (topic === 'free' || (topic === 'error' && msg.error?.source?.type === 'astro-capture')) {
    const { pending } = state;
    state.pending = null;
    if (state.live === 'pausing' && pending) {
      state.live = 'paused';
      toMount(pending);
    } else if (state.live !== 'paused') state.live = 'off';
  } else if (topic === 'begin') {
    Object.assign(state, { live: 'off', doing: {}, pending: null, settings: {} });
  } else if (topic in out) {
    const over = msg.event === 'done' || msg.event === 'failed' || msg.event === 'aborted';
    if (msg.event === 'lost') state[topic] = { lost: payload.message };
    else if (msg.event === 'status' || msg.event === 'progress') state[topic] = payload;
    else if (msg.event === 'done' && topic === 'mount') {
      state.mount = payload;
      const { command, target, reason } = payload;
      const told = { slew: `At ${target}.`, centre: reason, sync: `Synced to ${target}.`, abort: 'Stopped.' };
      state.text = told[command] ?? '';
    } else if (msg.event === 'done') {
      // What a device tells beside its result: the same as in its reports.
      const told = { focuser: msg.focuser, filter: { filter: msg.filter, filters: msg.filters }, cooler: msg.cooler };
      state[topic] = { ...state[topic], ...told[topic], phase: undefined };
    } else if (msg.event === 'failed') state.text = payload.message;
    else if (msg.event === 'aborted' && topic === 'mount') state.text = 'Stopped.';
    // An abort is done beside the command that it ends.
    if (over && topic === 'mount' && payload.command !== 'abort' && payload.command !== 'status') mountIsFree();
    else if (over && topic !== 'mount') state.doing[topic] = null;
  }
  context.set('state', state);
  return [out.mount, out.focuser, out.filter, out.cooler, out.camera, { payload: state }, out.settings];
}
