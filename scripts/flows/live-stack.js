// Live stacking: an evening at the telescope with a picture that grows on the phone; and the same files in one go afterwards.
import { readFileSync } from 'node:fs';
import { Flow } from './flow.js';
import { integration, saveStack } from './live-stack-products.js';
import { caption, forPage, nightPage, startAndExposure } from './star-trails-page.js';

export function liveStack() {
  const flow = new Flow(
    'Live stack',
    'Each frame is calibrated, laid on the first by its stars and added to a picture that grows on the phone, without satellites and hot pixels. The page is /dashboard/live-stack.',
  );

  // Inside the polar circle of the other hemisphere it stays dark for weeks; the Sun is just low enough for a black sky and high enough to light
  // satellites. The Moon is below the horizon. The camera begins at the Southern Pleiades in Carina, and stands still while the sky turns.
  const site = flow.config('astro-site', 'Rehearsal at the South Pole', {
    latitude: '-89.99',
    longitude: '0',
    elevation: '2835',
    timeZone: 'Antarctica/South_Pole',
    archiveFolder: 'archive',
    clock: 'rehearsal',
    clockStart: '2026-05-14T00:00:00Z',
    clockRate: '5',
  });
  // 60 mm focal length, too little light for a good single frame, a warm sensor: what stacking is for.
  const camera = flow.config('astro-camera', 'Simulated camera, 12° of the Milky Way', {
    backend: 'simulator',
    site,
    sensor: 'demo',
    lens: 'rectilinear',
    fieldOfViewDegrees: '12',
    fNumber: '5.6',
    altitudeDegrees: '62',
    azimuthDegrees: '289',
    temperatureCelsius: '20',
    landscape: false,
    meteorsPerHour: '12',
    satellitesPerHour: '600',
    aeroplanesPerHour: '30',
  });
  const group = nightPage(flow, { name: 'Live stack', path: '/live-stack', icon: 'layers-plus', order: 3 });
  const groups = {
    picture: group('Live stack', 1),
    control: group('Tonight', 2),
    single: group('Single frame', 3),
    settings: group('Settings', 4),
  };

  // 1. The page's buttons
  flow.comment(
    '1  The buttons of the page',
    [150, 40],
    'Works as it is with a simulated camera. For your own: open the camera node and choose its backend, open the site, give your place and set its clock to real. The conductor knows which of the two captures has the camera, and keeps what the page shows.',
  );
  flow.template('Controls', [110, 100], groups.control, 'live-stack/control.html', [['Conductor']]);
  flow.template('Settings', [110, 220], groups.settings, 'live-stack/settings.html', [['Conductor']]);
  flow.node(
    'function',
    'Conductor',
    [280, 160],
    { func: conductor(), outputs: 5, timeout: 0, noerr: 0, initialize: '', finalize: '', libs: [] },
    [['Lights'], ['Darks'], ['To the stack'], ['Master dark'], ['Controls', 'Settings', 'A new stack']],
  );
  flow.node(
    'inject',
    'At the start',
    [110, 160],
    { props: [{ p: 'topic', vt: 'str' }], repeat: '', crontab: '', once: true, onceDelay: '0.1', topic: 'begin' },
    [['Conductor']],
  );
  flow.link('in', 'From below', [155, 280], ['To the conductor'], [['Conductor']]);

  // 2. Lights
  flow.comment(
    '2  Lights: calibrated, and onto the stack',
    [570, 40],
    'Lights are kept for an integration afterwards. "Calibrate" takes out the best dark (and flat, and bias) of the folder "masters" in the archive folder; without one it passes the frames on and says so. "Live stack" leaves out frames with clouds, trailed or blurred stars by itself, so there is no cloud gate before it.',
  );
  flow.node(
    'astro-capture',
    'Lights',
    [490, 100],
    { camera, ...exposure, kind: 'light', mode: 'count', count: '240', ...kept },
    [['Calibrate'], ['Calibrate', 'The lights tell']],
  );
  flow.node('astro-calibrate', 'Calibrate', [670, 100], { site, ...calibration, job: 'calibrate' }, [
    ['Live stack', 'Sharpness', 'Frame preview'],
  ]);
  flow.node(
    'astro-stack',
    'Live stack',
    [850, 100],
    {
      site,
      stackMode: 'winsorised',
      align: 'stars',
      stackBy: 'command',
      // With a dark most are gone before; without one they would each draw a line as the sky drifts.
      hotPixels: 'robust',
      runningSeconds: '0',
      runningFrames: '1',
      rejectedFrames: 'leave-out',
      checkpointSeconds: '600',
    },
    [
      ['Stack preview', 'Stack for the page', 'Live stack is over'],
      ['Stack preview', 'Stack for the page'],
    ],
  );
  flow.link('out', 'Live stack is over', [965, 40], ['To the disk']);
  flow.link('out', 'To the stack', [435, 200], ['Commands of the page']);
  flow.link('in', 'Commands of the page', [735, 60], ['To the stack'], [['Live stack']]);
  flow.node(
    'astro-preview',
    'Stack preview',
    [1060, 80],
    { site, width: '1280', stretch: 'auto', ...look, quality: '88', newest: true },
    [['Stack caption']],
  );
  flow.change('Stack caption', [1250, 80], caption(`frame.combined & (frame.combined = 1 ? " frame" : " frames")`), [
    ['Stack picture'],
  ]);
  flow.template('Stack picture', [1440, 80], groups.picture, 'star-trails/picture.html');
  flow.node('switch', 'A new stack', [490, 160], resetOnly, [['Stack picture']]);
  flow.change(
    'Stack for the page',
    [1080, 140],
    [
      { t: 'set', p: 'totalSeconds', pt: 'msg', to: 'frame.exposureSeconds * frame.combined', tot: 'jsonata' },
      ...topic('stack'),
    ],
    [['To the conductor']],
  );
  flow.node(
    'astro-hfr',
    'Sharpness',
    [860, 160],
    {
      site,
      thresholdSigma: '5',
      thresholdSigmaType: 'num',
      maximumStars: '',
      maximumStarsType: 'num',
      focalLength: '',
      focalLengthType: 'num',
      pixelSize: '',
      pixelSizeType: 'num',
      scaleArcseconds: '',
      scaleArcsecondsType: 'num',
      loupeAs: 'off',
      loupeAsType: 'choice',
      newest: true,
    },
    [['Stars for the page']],
  );
  flow.change('Stars for the page', [1080, 180], topic('stars'), [['To the conductor']]);
  flow.node(
    'astro-preview',
    'Frame preview',
    [870, 220],
    { site, width: '960', stretch: 'auto', ...look, quality: '80', newest: true },
    [['Frame caption']],
  );
  flow.change('Frame caption', [1070, 220], caption(startAndExposure), [['Frame picture']]);
  flow.template('Frame picture', [1440, 220], groups.single, 'star-trails/picture.html');
  flow.change('The lights tell', [690, 160], topic('lights'), [['To the conductor']]);
  flow.link('out', 'To the conductor', [1255, 160], ['From below']);

  // 3. Darks
  flow.comment(
    '3  Darks become a master dark',
    [540, 280],
    'The button "Take darks": cover the lens. They are taken with the exposure and gain of the lights, put aside, and combined when the last is there. The master and its map of hot pixels go to the folder "masters", and the next light is calibrated with them.',
  );
  flow.node(
    'astro-capture',
    'Darks',
    [490, 340],
    { camera, ...exposure, kind: 'dark', mode: 'count', count: '30', ...kept, keep: 'none' },
    [['Master dark'], ['The darks tell']],
  );
  flow.node('astro-calibrate', 'Master dark', [690, 340], { site, ...calibration, job: 'build' }, [
    ['The master for the page'],
  ]);
  flow.change('The master for the page', [930, 340], topic('master'), [['From 3, 4 and 5']]);
  flow.change('The darks tell', [690, 400], topic('darks'), [['From 3, 4 and 5']]);
  flow.link('out', 'From 3, 4 and 5', [1115, 400], ['From below']);

  saveStack(flow, site, look);
  integration(flow, site, look);

  // 6. Errors
  flow.node('catch', 'Whatever fails', [130, 400], { scope: null, uncaught: false }, [['Say it on the page']]);
  flow.change(
    'Say it on the page',
    [150, 460],
    [{ t: 'set', p: 'event', pt: 'msg', to: 'error', tot: 'str' }, ...topic('error')],
    [['Notices', 'Conductor']],
  );
  flow.template('Notices', [120, 520], groups.control, 'star-trails/notice.html', [[]], 2);
  return flow.finish();

  function conductor() {
    const source = readFileSync(new URL('./live-stack-conductor.js', import.meta.url), 'utf8');
    return `${source.replace('export function', 'function')}\nreturn conduct(msg, context, flow);`;
  }
}

const look = { drc: 'off', drcType: 'choice' };

const exposure = {
  exposureSeconds: '5',
  exposureSecondsType: 'num',
  gain: '',
  gainType: 'num',
  offset: '',
  intervalSeconds: '0',
  startAt: 'command',
  stopAt: 'never',
  everyNight: false,
};

const kept = { keep: 'nights', keepNights: '7', folder: 'lights', format: 'fits', freeGigabytes: '2' };

const calibration = {
  mastersFrom: 'folder',
  mastersFolder: 'masters',
  mastersFolderType: 'str',
  withoutMasters: 'pass',
  darkScaling: 'exposure',
  flatScaling: 'colour',
  cosmetic: 'true',
  cosmeticType: 'bool',
  samples: 'auto',
  temperatureTolerance: '5',
  temperatureToleranceType: 'num',
  masterKind: 'auto',
  rejection: 'sigma-clip',
  kappa: '3',
  kappaType: 'num',
  combine: 'mean',
  defectMap: 'true',
  defectMapType: 'bool',
};

/** Neither frames nor tables go to the phone. */
const topic = (name) => [
  { t: 'set', p: 'topic', pt: 'msg', to: name, tot: 'str' },
  { t: 'delete', p: 'stars', pt: 'msg' },
  ...forPage,
];

const resetOnly = {
  property: 'event',
  propertyType: 'msg',
  rules: [{ t: 'eq', v: 'reset', vt: 'str' }],
  checkall: 'true',
  repair: false,
  outputs: 1,
};
