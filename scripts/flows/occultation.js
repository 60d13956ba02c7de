// Occultation night: a list of targets at fixed times; each is pointed at, centred by its stars, recorded, and the telescope parked.
import { readFileSync } from 'node:fs';
import { Flow } from './flow.js';
import {
  captureSettings,
  coolerSettings,
  mountSettings,
  observatorySettings,
  scheduleSettings,
  streamSettings,
  visibleSettings,
} from './occultation-settings.js';
import { caption, forPage, nightPage } from './star-trails-page.js';

const conductorParts = ['occultation-target.js', 'occultation-chores.js', 'occultation-conductor.js'];
/** The outputs of the conductor, in their order, and the node that each order goes to. */
const receivers = {
  server: 'INDI server',
  cooler: 'Cooler',
  schedule: "Tonight's list",
  visible: 'Still visible?',
  mount: 'Telescope',
  picture: 'Control picture',
  stream: 'Recording',
  off: 'Switch the Pi off',
};

export function occultation() {
  const flow = new Flow(
    'Occultation night',
    'Paste a list of targets on the dashboard page "Occultations" and press start: each is pointed at, centred by its stars and recorded over its instant. Works as it is with a simulated observatory; for your own open the INDI server node and name yours.',
  );
  // A night without the Moon, as long as real ones: the demo works whenever its button is pressed.
  const site = flow.config('astro-site', 'Rehearsal at Greenwich', {
    latitude: '51.4779',
    longitude: '-0.0015',
    elevation: '46',
    timeZone: 'Europe/London',
    archiveFolder: 'archive',
    clock: 'rehearsal',
    clockStart: '2026-12-09T20:00:00Z',
    clockRate: '1',
  });
  const indi = flow.config('astro-indi', 'Simulated observatory', observatorySettings(site));
  const camera = flow.config('astro-camera', 'Camera of the observatory', {
    site,
    backend: 'indi',
    indi,
    indiHost: 'localhost',
    indiPort: '7624',
    indiDevice: 'CCD Simulator',
    indiFocuser: '',
    indiLoadConfiguration: false,
    indiFastExposure: false,
  });
  const group = nightPage(flow, { name: 'Occultations', path: '/occultations', icon: 'timer-outline', order: 6 });
  const groups = {
    control: group('Occultations', 1),
    list: group("Tonight's targets", 2),
    live: group('Live', 3),
    log: group('Log', 4),
    targets: group('List and exposure', 5),
  };
  const page = ['Occultation page', 'Targets on the page', 'List on the page', 'Log on the page'];

  // 1. The page and the conductor
  flow.comment(
    '1  The page, and the conductor that gives the orders',
    [220, 40],
    'Works as it is with a simulated observatory. For your own: open the node "INDI server", then its server: choose "connect" and your host, or "launch" and your drivers; name your mount and your camera in "Telescope", "Cooler" and the camera node; give your place in the site node and set its clock to real (the demo lives through a rehearsed night that begins anew at each deploy). The conductor is one function: it gives each order to one node and waits for its answer, one target at a time.',
  );
  flow.template('Occultation page', [170, 100], groups.control, 'occultation/control.html', [['Conductor']]);
  flow.template('Targets on the page', [170, 140], groups.targets, 'occultation/targets.html', [['Conductor']]);
  flow.template('List on the page', [170, 180], groups.list, 'occultation/list.html', [['Conductor']]);
  flow.template('Log on the page', [170, 220], groups.log, 'occultation/log.html');
  flow.node(
    'inject',
    'Every second',
    [180, 280],
    { props: [{ p: 'topic', vt: 'str' }], repeat: '1', crontab: '', once: false, onceDelay: '1', topic: 'tick' },
    [['Conductor']],
  );
  flow.node(
    'inject',
    'At the start',
    [180, 320],
    { props: [{ p: 'topic', vt: 'str' }], repeat: '', crontab: '', once: true, onceDelay: '1', topic: 'begin' },
    [['Conductor']],
  );
  flow.node(
    'function',
    'Conductor',
    [390, 160],
    {
      func: conductorText(),
      outputs: Object.keys(receivers).length + 1,
      outputLabels: [...Object.values(receivers), 'page'],
      timeout: 0,
      noerr: 0,
      initialize: '',
      finalize: '',
      libs: [],
    },
    [...Object.values(receivers).map((name) => [name]), ['To the page']],
  );
  flow.link('out', 'To the page', [475, 280], ['State']);
  flow.link('in', 'State', [35, 160], ['To the page'], [page]);
  flow.link('in', 'From the nodes', [215, 360], ['To the conductor'], [['Conductor']]);

  // 2. The list and its times
  flow.comment(
    '2  The list and its times',
    [670, 40],
    'Prepare = how long before its start a target is pointed at; begin = how long before it the recording is armed. The horizon of your garden goes here.',
  );
  flow.node('astro-schedule', "Tonight's list", [640, 100], scheduleSettings(site), [
    ['The list says'],
    ['The list says'],
  ]);
  answer('The list says', 'schedule', [860, 100]);

  // 3. Each target
  flow.comment(
    '3  Each target: visible? – unpark – slew – centre – control picture – record – stop – park',
    [810, 160],
    'What fails is said on the page, and the next target has its turn. Stars that are not recognised are no failure: the recording is made where the telescope stands.',
  );
  flow.node('astro-visible', 'Still visible?', [640, 220], visibleSettings(site), [['The sky says'], ['The sky says']]);
  answer('The sky says', 'visible', [860, 220]);
  flow.node('astro-mount', 'Telescope', [630, 280], mountSettings(indi, camera), [
    ['The telescope says', 'A picture?'],
    ['The telescope says'],
  ]);
  answer('The telescope says', 'mount', [870, 280]);
  flow.node('astro-capture', 'Control picture', [640, 340], captureSettings(camera), [['Save it', 'A picture?'], []]);
  flow.node(
    'astro-save',
    'Save it',
    [840, 340],
    { site, template: 'occultations/{night}/{target}_{date}_{time}_control', format: 'fits', stretch: 'usual' },
    [['It is saved']],
  );
  answer('It is saved', 'saved', [1010, 340]);
  flow.node('astro-stream', 'Recording', [630, 420], streamSettings(camera), [
    ['A film'],
    ['The camera says', 'A picture?'],
  ]);
  answer('A film', 'recording', [850, 400]);
  answer('The camera says', 'stream', [870, 440]);
  flow.node(
    'switch',
    'A picture?',
    [1050, 480],
    {
      property: 'frame',
      propertyType: 'msg',
      rules: [{ t: 'nnull' }],
      checkall: 'true',
      repair: false,
      outputs: 1,
    },
    [['Preview']],
  );
  flow.node(
    'astro-preview',
    'Preview',
    [1200, 480],
    { site, width: '960', stretch: 'auto', drc: 'off', quality: '80', newest: true },
    [['Caption']],
  );
  flow.change(
    'Caption',
    [1340, 480],
    caption(
      '(frame.target.name ? frame.target.name & " · " : "") & $substring(frame.start, 11, 8) & " UTC · " & frame.exposureSeconds & " s"',
    ),
    [['Live picture']],
  );
  flow.template('Live picture', [1490, 480], groups.live, 'star-trails/picture.html');

  // 4. Before and after
  flow.comment(
    '4  Before the first target and after the last',
    [680, 540],
    'Start: the server is started (where it is launched here), its devices are connected, the camera is cooled. End: the telescope is parked, the camera warmed up, the devices disconnected, the server stopped.',
  );
  flow.node(
    'astro-indi-server',
    'INDI server',
    [630, 600],
    { indi, command: 'start', commandType: 'choice', driver: '', driverType: 'str', log: false },
    [['The server says'], ['The server says']],
  );
  answer('The server says', 'server', [870, 600]);
  flow.node('astro-cooler', 'Cooler', [620, 660], coolerSettings(indi), [['The cooler says'], ['The cooler says']]);
  answer('The cooler says', 'cooler', [870, 660]);
  flow.comment(
    'Off: enable this node to switch the computer off when all is put away',
    [750, 720],
    'The node is disabled. Enable it (its dialog, below left), and let the user of Node-RED run the command without a password.',
  );
  flow.node(
    'exec',
    'Switch the Pi off',
    [640, 780],
    {
      command: 'sudo shutdown -h +1',
      addpay: '',
      append: '',
      useSpawn: 'false',
      timer: '',
      winHide: false,
      oldrc: false,
      d: true,
    },
    [[], [], []],
  );

  // 5. What has ended, what has failed
  flow.comment('5  What has ended and what has failed', [660, 840]);
  flow.node(
    'complete',
    'Has ended',
    [620, 900],
    { scope: ['Telescope', 'Control picture', 'Recording'].map((name) => flow.id(name)), uncaught: false },
    [['It has ended']],
  );
  answer('It has ended', 'ended', [870, 900]);
  flow.node('catch', 'Whatever fails', [630, 960], { scope: null, uncaught: false }, [['It has failed']]);
  answer('It has failed', 'error', [870, 960]);
  flow.link('out', 'To the conductor', [1155, 280], ['From the nodes']);

  /** What a node says, on its way back to the conductor: never with a picture. */
  function answer(name, topic, at) {
    const rules = [{ t: 'set', p: 'topic', pt: 'msg', to: topic, tot: 'str' }, ...forPage];
    flow.change(name, at, rules, [['To the conductor']]);
  }
  return flow.finish();
}

/** The text of a function node: the conductor with its parts, called. */
function conductorText() {
  const parts = conductorParts.map((file) =>
    readFileSync(new URL(`./${file}`, import.meta.url), 'utf8')
      .replace(/^import .*\n/gm, '')
      .replace(/^export /gm, ''),
  );
  const names = JSON.stringify(Object.keys(receivers));
  return `${parts.join('\n')}
const kept = flow.get('occultation', 'file');
let before = context.get('state') ?? null;
if (before === null && kept) before = { ...firstState(), settings: { ...firstState().settings, ...kept.settings }, log: kept.log ?? [] };
// Nothing moves by itself a day after a power cut: a person says so.
if (before && kept?.ending && context.get('state') === undefined)
  Object.assign(before, { phase: 'stopped', text: 'Cut off while everything was put away: press Put away.' });
const { state, orders, log } = conduct(msg, before, Date.now());
context.set('state', state);
for (const { level, text } of log) level === 'info' ? node.log(text) : node.warn(text);
if (log.length > 0 || msg.settings) flow.set('occultation', { settings: state.settings, log: state.log, ending: state.phase === 'ending' }, 'file');
const colour = state.phase === 'night' ? 'blue' : state.phase === 'over' ? 'green' : state.phase === 'stopped' ? 'yellow' : 'grey';
node.status({ fill: colour, shape: 'dot', text: [state.phase, state.target?.name, state.target?.step].filter(Boolean).join(' · ') });
// The page counts down by itself; now and then it is told the time.
const quiet = msg.topic === 'tick' && log.length === 0 && state.now - (context.get('shownAt') ?? 0) < 5000;
if (!quiet) context.set('shownAt', state.now);
const shown = quiet ? null : { payload: state };
return [...${names}.map((name) => orders[name] ?? null), shown];`;
}
