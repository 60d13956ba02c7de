/**
 * What comes before the first and after the last target of the occultation flow: list, server, devices, cooler; and the same backwards.
 * Part of the text of the function node "Conductor": it uses nothing from outside of itself.
 */

const choreTexts = {
  list: 'Reading the list',
  server: 'Starting the INDI server',
  connect: 'Connecting the devices',
  cool: 'Cooling the camera',
  park: 'Parking the telescope',
  warm: 'Warming up the camera',
  disconnect: 'Disconnecting the devices',
  stop: 'Stopping the INDI server',
  checked: '',
  off: '',
};

export function choreLane({ state, msg, say, order }) {
  const startOrder = (command) => {
    const { list, magnitude, exposureSeconds } = state.settings;
    const calibration = { calibrationMagnitude: magnitude, calibrationExposureSeconds: exposureSeconds };
    return { command, ...(list.trim() && { list }), ...calibration };
  };
  /** Each answers with the number of the order to wait for; 0: nothing is waited for. */
  const chores = {
    list: () => order('schedule', startOrder('start'), 'list', null),
    server: () => order('server', { command: 'start' }, 'server', null),
    connect: () => order('server', { command: 'connect-all' }, 'connect', null),
    cool: () => {
      const { cool, celsius } = state.settings;
      // The first target does not wait for the cold.
      if (cool) order('cooler', { command: 'cool', targetCelsius: celsius }, 'cool', null);
      return 0;
    },
    park: () => order('mount', { command: 'park' }, 'park', null),
    warm: () => (state.settings.cool ? order('cooler', { command: 'warm' }, 'warm', null) : 0),
    disconnect: () => order('server', { command: 'disconnect-all' }, 'disconnect', null),
    stop: () => order('server', { command: 'stop' }, 'stop', null),
    checked: () => {
      say('The devices are connected.');
      state.phase = 'idle';
      return 0;
    },
    off: () => {
      say('The night is over, everything is put away.');
      state.phase = 'over';
      order('off', { payload: '' }, 'off', null);
      return 0;
    },
  };

  const goOn = () => {
    while (state.night.length > 0) {
      const [step, ...rest] = state.night;
      Object.assign(state, { night: rest, nightStep: step, text: choreTexts[step] });
      state.nightJob = chores[step]();
      if (state.nightJob) return;
    }
    Object.assign(state, { nightJob: 0, text: '' });
    if (state.phase === 'starting') state.phase = 'night';
  };
  const begin = (phase, list) => {
    Object.assign(state, { phase, night: list, nightJob: 0, nightStep: '' });
    goOn();
  };

  return {
    /** `msg` is the answer to the chore under way. */
    mine: () => state.nightJob > 0 && msg.job?.n === state.nightJob,
    plan: () => order('schedule', startOrder('plan'), 'plan', null),
    /** By day: is everything there? */
    check: () => begin('checking', ['server', 'connect', 'checked']),
    start: () => begin('starting', ['list', 'server', 'connect', 'cool']),
    startAgain: () => begin('starting', ['server', 'connect', 'cool']),
    putAway: () => begin('ending', ['park', 'warm', 'disconnect', 'stop', 'off']),
    goOn,
    /** The list was taken. */
    listed: () => {
      if (state.nightStep === 'list' && state.nightJob) goOn();
    },
    /** A chore that fails is said, and the next is tried: what hangs on it says so itself. Without a list there is no night. */
    failed: (text) => {
      if (state.nightStep === 'list' || msg.job?.step === 'list') {
        Object.assign(state, { phase: 'idle', night: [], nightJob: 0, text });
        say(text, 'error');
      } else {
        say(`${state.text || state.nightStep}: ${text}`, 'error');
        goOn();
      }
    },
  };
}
