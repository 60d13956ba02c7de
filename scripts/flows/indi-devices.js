// A telescope from the phone: point it, centre a target by its stars, focus, filters, cooler, live picture; simulated until you change that.
import { readFileSync } from 'node:fs';
import { Flow } from './flow.js';
import { oneRule, text, weather } from './indi-devices-weather.js';
import { caption, forPage, nightPage, startAndExposure } from './star-trails-page.js';

const targets = `name, RA, Dec, magnitude
# One target a line, in any notation. What stands here can be chosen on the page by its name.
M 31, 00 42 44.3, +41 16 09, 3.4
M 33, 01h33m50s, +30d39m37s, 5.7
Double cluster, 02:20:00, +57:08:00, 4.3
Almach, 02 03 54.0, +42 19 47, 2.1
M 45, 56.75, 24.1167, 1.6
Capella, 05 16 41.4, +45 59 53, 0.1
M 42, 05:35:17.3, -05:23:28, 4.0
M 81, 09 55 33.2, +69 03 55, 6.9
M 13, 16:41:41.6, +36:27:41, 5.8
M 27, 19h59m36.3s, +22°43'16", 7.4
`;

export function indiDevices() {
  const flow = new Flow(
    'INDI devices',
    'Point a telescope from the phone, centre a target by its stars, and work focuser, filters and cooler. Runs at once with the simulated observatory; for your own open "Observatory" and choose its server. The page is /dashboard/telescope.',
  );
  // A winter evening with a new Moon: the demo finds a dark sky whenever it is started.
  const site = flow.config('astro-site', 'A winter evening in Greenwich', {
    latitude: '51.4779',
    longitude: '-0.0015',
    elevation: '46',
    timeZone: 'Europe/London',
    archiveFolder: 'archive',
    clock: 'rehearsal',
    clockStart: '2026-12-09T19:00:00Z',
    clockRate: '1',
  });
  // Its mount points a fifth of a degree beside its target, so that centring has something to do.
  const indi = flow.config('astro-indi', 'Observatory', {
    site,
    mode: 'simulator',
    host: 'localhost',
    port: '7624',
    autoStart: true,
    tellPlace: true,
    tellTime: true,
    drivers: [],
    devices: [],
    focalLengthMillimetres: '135',
    apertureMillimetres: '34',
    sensorWidth: '1280',
    sensorHeight: '1024',
    pixelMicrometres: '5.2',
    errorRaArcminutes: '10',
    errorDecArcminutes: '-7',
    periodicArcseconds: '0',
    polarArcminutes: '0',
    seed: '1',
  });
  const camera = flow.config('astro-camera', 'Camera of the telescope', {
    backend: 'indi',
    site,
    indi,
    indiHost: 'localhost',
    indiPort: '7624',
    indiDevice: 'CCD Simulator',
    indiFocuser: '',
    indiLoadConfiguration: false,
    indiFastExposure: true,
    profiles: [profile('bright', { gain: 0, offset: 10 }), profile('faint', { gain: 120, offset: 30 })],
  });
  const group = nightPage(flow, { name: 'Telescope', path: '/telescope', icon: 'crosshairs-gps', order: 5 });
  const groups = {
    mount: group('Telescope', 1),
    picture: group('Picture', 2),
    devices: group('Camera, focuser, filter, cooler', 3),
  };

  flow.comment(
    '1  The page and what it has to say',
    [160, 40],
    'Works as it is with the simulated observatory. For your own: open any device node, edit "Observatory" and choose its server (one that runs already, or indiserver launched here), set the site to your place and its clock to real, and choose the devices in the four nodes and in the camera. The conductor hands the camera from the live picture to the centring and back.',
  );
  flow.template('Telescope on the page', [140, 100], groups.mount, 'telescope/mount.html', [['Conductor']]);
  flow.template('Live picture on the page', [140, 140], groups.picture, 'telescope/live.html', [['Conductor']]);
  flow.template('Devices on the page', [140, 180], groups.devices, 'telescope/devices.html', [['Conductor']]);
  const page = ['Telescope on the page', 'Live picture on the page', 'Devices on the page'];
  flow.node(
    'function',
    'Conductor',
    [380, 140],
    { func: conductor(), outputs: 7, timeout: 0, noerr: 0, initialize: '', finalize: '', libs: [] },
    [['Into the sky?'], ['Focuser'], ['Filter'], ['Cooler'], ['Exposures'], page, ['Camera settings']],
  );
  flow.node(
    'inject',
    'At the start',
    [110, 240],
    { props: [{ p: 'topic', vt: 'str' }], repeat: '', crontab: '', once: true, onceDelay: '1', topic: 'begin' },
    [['Conductor', 'My targets']],
  );
  flow.node(
    'template',
    'My targets',
    [110, 300],
    { field: 'payload', fieldType: 'msg', format: 'text', syntax: 'plain', template: targets, output: 'str' },
    [['Targets']],
  );
  flow.node('astro-target', 'Targets', [270, 300], { site, targetsFrom: 'payload', targetsFromType: 'choice' }, [
    ['All targets'],
    [],
  ]);
  flow.node('join', 'All targets', [110, 360], join, [['Targets for the page']]);
  flow.change('Targets for the page', [290, 360], [text('topic', 'targets')], [['Targets to the conductor']]);
  flow.link('out', 'Targets to the conductor', [435, 360], ['From the devices']);

  flow.comment(
    '2  The devices',
    [920, 40],
    'Output 1 is the result of a command, output 2 what the device does. Wire whatever you like to them: a chart, a log, another command.',
  );
  const device = (type, name, at, deviceName, more) => {
    const topic = name.toLowerCase();
    const told = [`${name}: done`];
    flow.node(type, name, at, { indi, device: deviceName, commandType: 'choice', reportSeconds: '5', ...more }, [
      name === 'Mount' ? [...told, 'Has a picture'] : told,
      [`${name}: reports`],
    ]);
    flow.change(
      `${name}: done`,
      [at[0] + 210, at[1] - 20],
      [text('topic', topic), text('event', 'done'), ...forPage, { t: 'delete', p: 'solution', pt: 'msg' }],
      [['To the conductor']],
    );
    flow.change(`${name}: reports`, [at[0] + 210, at[1] + 20], [text('topic', topic)], [['To the conductor']]);
  };
  device('astro-mount', 'Mount', [900, 100], 'Telescope Simulator', {
    // The conductor says what to do, so the dialog shows the settings of every command; the gate's verdict comes without one.
    ...{ command: '$exists(command) ? command : "status"', commandType: 'jsonata' },
    camera,
    ...numbers({ minimumAltitudeDegrees: 5, exposureSeconds: 3, gain: '', toleranceArcsec: 60, tries: 5 }),
    ...numbers({ radiusDegrees: 10, solveTimeoutSeconds: 30, raRateArcseconds: '', decRateArcseconds: '' }),
    ...numbers({ scaleArcseconds: '' }),
    ...{ engine: 'auto', engineType: 'choice' },
    ...{
      targetName: '',
      targetNameType: 'str',
      coordinates: '',
      coordinatesType: 'str',
      horizon: '',
      allowBelow: false,
    },
    ...{ trackingRate: 'unchanged', trackingRateType: 'choice' },
  });
  device('astro-focuser', 'Focuser', [900, 180], 'Focuser Simulator', {
    command: 'move-to',
    ...numbers({ position: '', steps: '' }),
  });
  device('astro-filter', 'Filter', [900, 260], 'Filter Simulator', { command: 'select', filter: '' });
  device('astro-cooler', 'Cooler', [900, 340], 'CCD Simulator', {
    command: 'cool',
    ...numbers({ targetCelsius: -10, warmCelsius: 15, rampCelsiusPerMinute: 5, toleranceCelsius: 0.5 }),
    ...numbers({ holdSeconds: 20, patienceMinutes: 15 }),
  });
  flow.link('out', 'To the conductor', [1305, 220], ['From the devices']);
  flow.link(
    'in',
    'From the devices',
    [235, 240],
    ['To the conductor', 'Targets to the conductor', 'Weather to the conductor', 'Errors to the conductor'],
    [['Conductor']],
  );

  flow.comment('3  The live picture, and the one of the centring', [960, 420], 'Nothing is kept.');
  flow.node(
    'astro-capture',
    'Exposures',
    [900, 480],
    {
      camera,
      exposureSeconds: '2',
      exposureSecondsType: 'num',
      gain: '',
      gainType: 'num',
      offset: '',
      kind: 'light',
      mode: 'until',
      intervalSeconds: '0',
      startAt: 'command',
      stopAt: 'never',
      everyNight: false,
      keep: 'none',
      keepNights: '7',
      folder: 'frames/{camera}',
      format: 'fits',
      freeGigabytes: '0',
    },
    [['Preview'], ['The camera tells']],
  );
  flow.change('The camera tells', [1110, 540], [text('topic', 'camera'), ...forPage], [['To the conductor']]);
  flow.node('complete', 'Exposures: over', [920, 600], { scope: [flow.id('Exposures')], uncaught: false }, [
    ['Exposures: was it'],
  ]);
  flow.node('switch', 'Exposures: was it', [1120, 600], oneRule('command', { t: 'eq', v: 'start', vt: 'str' }), [
    ['The camera is free'],
  ]);
  flow.change('The camera is free', [1310, 600], [text('topic', 'free'), ...forPage], [['To the conductor']]);
  flow.node('switch', 'Has a picture', [1310, 420], oneRule('frame', { t: 'nnull' }), [['Preview']]);
  flow.node(
    'astro-camera-settings',
    'Camera settings',
    [900, 660],
    { camera, command: 'list', profile: '', settings: [] },
    [['The camera is set']],
  );
  flow.change(
    'The camera is set',
    [1110, 660],
    [text('topic', 'settings'), text('event', 'done'), ...forPage],
    [['To the conductor']],
  );
  flow.node(
    'astro-preview',
    'Preview',
    [1100, 480],
    { site, width: '960', stretch: 'auto', drc: 'off', quality: '80', newest: true },
    [['Caption']],
  );
  flow.change('Caption', [1260, 480], caption(startAndExposure), [['Picture']]);
  flow.template('Picture', [1420, 480], groups.picture, 'star-trails/picture.html', [[]], 2);

  weather(flow, indi);
  flow.node('catch', 'Whatever fails', [120, 440], { scope: null, uncaught: false }, [['Say it on the page']]);
  flow.change(
    'Say it on the page',
    [310, 440],
    [text('event', 'error'), text('topic', 'error'), ...forPage],
    [['Notices', 'Errors to the conductor']],
  );
  flow.link('out', 'Errors to the conductor', [435, 490], ['From the devices']);
  flow.template('Notices', [480, 440], groups.mount, 'star-trails/notice.html', [[]], 2);
  return flow.finish();
}

/** The text of a function node: its function, called. */
function conductor() {
  const source = readFileSync(new URL('./indi-devices-conductor.js', import.meta.url), 'utf8');
  return `${source.replace('export function', 'function')}\nreturn conduct(msg, context);`;
}

/** Settings of the camera that are set together. */
const profile = (name, settings) => ({
  name,
  settings: Object.entries(settings).map(([setting, value]) => ({ name: setting, value: String(value) })),
});

const numbers = (settings) =>
  Object.fromEntries(
    Object.entries(settings).flatMap(([name, value]) => [
      [name, String(value)],
      [`${name}Type`, 'num'],
    ]),
  );

/** Puts together what the messages' parts say belongs together. */
const join = {
  mode: 'auto',
  build: 'object',
  property: 'payload',
  propertyType: 'msg',
  key: 'topic',
  joiner: '\\n',
  joinerType: 'str',
};
