// Focus: loop exposures, see how sharp the stars are, run an autofocus, watch the focus drift; its page for the phone.
import { readFileSync } from 'node:fs';
import { Flow } from './flow.js';
import { focusPage, overTime } from './focus-page.js';
import { caption, forPage, startAndExposure } from './star-trails-page.js';

export function focus() {
  const flow = new Flow(
    'Focus',
    'Loop exposures and see three stars in a loupe, HFR and FWHM over time and the tilt of the sensor; run an autofocus and watch its curve. The page for the phone is /dashboard/focus.',
  );

  // Inside the polar circle of the other hemisphere it stays dark for months: the demo works whenever its button is pressed.
  const site = flow.config('astro-site', 'Rehearsal at the South Pole', {
    latitude: '-89.99',
    longitude: '0',
    elevation: '2835',
    timeZone: 'Antarctica/South_Pole',
    archiveFolder: 'archive',
    clock: 'rehearsal',
    clockStart: '2026-06-15T00:00:00Z',
    clockRate: '2',
  });
  const camera = flow.config('astro-camera', 'Simulated telescope, out of focus', {
    backend: 'simulator',
    site,
    sensor: 'demo',
    lens: 'rectilinear',
    fieldOfViewDegrees: '12',
    fNumber: '2.8',
    altitudeDegrees: '60',
    azimuthDegrees: '0',
    defocusPixels: '9',
    landscape: false,
    meteorsPerHour: '0',
    satellitesPerHour: '0',
    aeroplanesPerHour: '0',
  });
  const groups = focusPage(flow);

  // 1. The page's buttons
  flow.comment(
    '1  The buttons of the page',
    [150, 40],
    'Works as it is with a simulated telescope and its focuser. For your own: open the camera node and choose its backend, open the site, give your place and set its clock to real, and open "Autofocus" for its focuser, the step size and the backlash. The conductor sees to it that the loop lets go of the camera before the autofocus takes it.',
  );
  flow.template('Focus page', [110, 100], groups.control, 'focus/control.html', [['Conductor']]);
  flow.node(
    'function',
    'Conductor',
    [280, 160],
    {
      func: conductor(),
      outputs: 3,
      timeout: 0,
      noerr: 0,
      initialize: '',
      finalize: '',
      libs: [],
    },
    [['Exposures'], ['Autofocus'], ['Focus page', 'Focus curve']],
  );
  flow.node(
    'inject',
    'At the start',
    [110, 160],
    { props: [{ p: 'topic', vt: 'str' }], repeat: '', crontab: '', once: true, onceDelay: '1', topic: 'begin' },
    [['Conductor']],
  );
  flow.template('Focus curve', [470, 220], groups.curve, 'focus/curve.html');

  // 2. Exposures
  flow.comment(
    '2  Exposures, one after the other',
    [550, 40],
    'Nothing is kept. Exposure and gain come from the page.',
  );
  flow.node(
    'astro-capture',
    'Exposures',
    [500, 100],
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
    [['Sharpness', 'Frame preview'], ['The camera tells']],
  );

  // 3. Stars
  flow.comment('3  How sharp the stars are', [850, 40], 'For arc seconds set focal length and pixel size.');
  flow.node(
    'astro-hfr',
    'Sharpness',
    [700, 80],
    {
      site,
      thresholdSigma: '5',
      thresholdSigmaType: 'num',
      maximumStars: '',
      maximumStarsType: 'num',
      focalLength: '26.7',
      focalLengthType: 'num',
      pixelSize: '7.8',
      pixelSizeType: 'num',
      scaleArcseconds: '',
      scaleArcsecondsType: 'num',
      loupeAs: 'address',
      loupeAsType: 'choice',
      newest: true,
    },
    [['Stars for the page', 'Autofocus']],
  );
  flow.change('Stars for the page', [910, 80], topic('stars'), [['Loupe', 'Tilt', 'HFR', 'FWHM', 'To the conductor']]);
  flow.template('Loupe', [1130, 80], groups.loupe, 'focus/loupe.html');
  flow.template('Tilt', [1130, 120], groups.tilt, 'focus/tilt.html');
  flow.change('HFR', [1130, 160], line('HFR', 'measurement.hfr'), [['Measured']]);
  flow.change('FWHM', [1130, 200], line('FWHM', 'measurement.fwhm'), [['Measured']]);
  flow.node('switch', 'Measured', [1290, 180], aNumber, [['HFR and FWHM']]);
  flow.node('ui-chart', 'HFR and FWHM', [1470, 180], overTime(groups.time), [[]]);
  flow.node(
    'astro-preview',
    'Frame preview',
    [710, 140],
    { site, width: '960', stretch: 'auto', drc: 'off', quality: '80', newest: true },
    [['Frame caption']],
  );
  flow.change('Frame caption', [910, 140], caption(startAndExposure), [['Frame picture']]);
  flow.template('Frame picture', [1130, 240], groups.frame, 'star-trails/picture.html');

  // 4. Autofocus
  flow.comment(
    '4  Autofocus, and the watch over the focus',
    [600, 280],
    'A run moves the focuser through the focus, fits a curve and goes to its minimum; a run that finds nothing goes back to where it was. Between two runs it watches the HFR of the frames and says when a correction is due.',
  );
  flow.node(
    'astro-autofocus',
    'Autofocus',
    [500, 340],
    {
      camera,
      exposureSeconds: '2',
      exposureSecondsType: 'num',
      gain: '',
      gainType: 'num',
      stepSize: '100',
      stepSizeType: 'num',
      samples: '9',
      samplesType: 'num',
      exposuresPerPosition: '1',
      exposuresPerPositionType: 'num',
      minimumStars: '5',
      minimumStarsType: 'num',
      model: 'auto',
      modelType: 'choice',
      backlash: 'none',
      backlashType: 'choice',
      backlashSteps: '0',
      backlashStepsType: 'num',
      approach: 'inwards',
      approachType: 'choice',
      inverted: false,
      minimumPosition: '',
      maximumPosition: '',
      watch: 'ask',
      watchType: 'choice',
      tolerancePercent: '10',
      tolerancePercentType: 'num',
    },
    [['The autofocus tells'], ['The autofocus tells']],
  );
  flow.change('The autofocus tells', [710, 340], topic('focus'), [['To the conductor']]);

  // 5. Whose turn it is
  flow.comment('5  What the conductor must know', [560, 400]);
  flow.change('The camera tells', [710, 200], topic('camera'), [['To the conductor']]);
  over('camera', 'Exposures', 440);
  over('focus', 'Autofocus', 500);
  flow.link('out', 'To the conductor', [1025, 340], ['From below']);
  flow.link('in', 'From below', [155, 220], ['To the conductor'], [['Conductor']]);
  flow.node('catch', 'Whatever fails', [470, 560], { scope: null, uncaught: false }, [['Say it on the page']]);
  flow.change(
    'Say it on the page',
    [710, 560],
    [{ t: 'set', p: 'event', pt: 'msg', to: 'error', tot: 'str' }, ...topic('error')],
    [['Notices', 'To the conductor']],
  );
  flow.template('Notices', [910, 560], groups.control, 'star-trails/notice.html', [[]], 2);

  /** The message that started a job comes back when the job is over. */
  function over(job, node, y) {
    flow.node('complete', `${node}: over`, [470, y], { scope: [flow.id(node)], uncaught: false }, [
      [`${node}: was it`],
    ]);
    flow.node('switch', `${node}: was it`, [670, y], theStart, [[`${node}: free`]]);
    flow.change(
      `${node}: free`,
      [870, y],
      [{ t: 'set', p: 'job', pt: 'msg', to: job, tot: 'str' }, ...topic('free')],
      [['To the conductor']],
    );
  }
  return flow.finish();
}

/** The text of a function node: its function, called. */
function conductor() {
  const source = readFileSync(new URL('./focus-conductor.js', import.meta.url), 'utf8');
  return `${source.replace('export function', 'function')}\nreturn conduct(msg, context, flow);`;
}

/** Neither frames nor tables go to the phone. */
const topic = (name) => [
  { t: 'set', p: 'topic', pt: 'msg', to: name, tot: 'str' },
  { t: 'delete', p: 'stars', pt: 'msg' },
  ...forPage,
];

const line = (name, property) => [
  { t: 'set', p: 'topic', pt: 'msg', to: name, tot: 'str' },
  { t: 'set', p: 'payload', pt: 'msg', to: property, tot: 'msg' },
  { t: 'delete', p: 'measurement', pt: 'msg' },
  { t: 'delete', p: 'loupe', pt: 'msg' },
];

const aNumber = {
  property: 'payload',
  propertyType: 'msg',
  rules: [{ t: 'istype', v: 'number', vt: 'number' }],
  checkall: 'true',
  repair: false,
  outputs: 1,
};

const theStart = {
  property: 'command',
  propertyType: 'msg',
  rules: [{ t: 'eq', v: 'start', vt: 'str' }],
  checkall: 'true',
  repair: false,
  outputs: 1,
};
