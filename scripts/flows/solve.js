// Where does this picture look? Each picture of a camera is solved; the page shows it with its place, and the file has its coordinates.
import { Flow } from './flow.js';
import { caption, forPage, nightPage, startAndExposure } from './star-trails-page.js';

export function solve() {
  const flow = new Flow(
    'Plate solving',
    'Each picture of the camera is compared with the catalogue: its place in the sky is on the page /dashboard/solve, and in the header of the FITS file that is saved.',
  );
  // Dark for weeks, see the flow Live stack. The camera stands still while the sky turns.
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
  const camera = flow.config('astro-camera', 'Simulated camera, 60 mm lens', {
    backend: 'simulator',
    site,
    sensor: 'demo',
    lens: 'rectilinear',
    fieldOfViewDegrees: '12',
    fNumber: '2.8',
    altitudeDegrees: '62',
    azimuthDegrees: '289',
    rollDegrees: '20',
    landscape: false,
  });
  const group = nightPage(flow, { name: 'Plate solving', path: '/solve', icon: 'crosshairs-gps', order: 7 });
  const groups = { picture: group('The picture', 1), place: group('Where it looks', 2) };

  flow.comment(
    '1  A picture a minute, and where it looks',
    [190, 40],
    'Works as it is with a simulated camera. For your own: open the camera node and choose its backend, open the site, give your place and set its clock to real. Give focal length and pixel size in "Where does it look?" when the frames do not bring them along: the search is much shorter then. An all-sky fisheye on the roof: choose its lens there, and the site.',
  );
  flow.node(
    'astro-capture',
    'Pictures',
    [110, 100],
    {
      camera,
      exposureSeconds: '4',
      exposureSecondsType: 'num',
      gain: '',
      gainType: 'num',
      offset: '',
      kind: 'light',
      mode: 'until',
      intervalSeconds: '60',
      startAt: 'deploy',
      stopAt: 'never',
      everyNight: false,
      keep: 'none',
      keepNights: '7',
      folder: 'frames/{camera}',
      format: 'fits',
      freeGigabytes: '2',
    },
    [['Where does it look?'], []],
  );
  flow.node(
    'astro-solve',
    'Where does it look?',
    [310, 100],
    {
      site,
      engine: 'auto',
      engineType: 'choice',
      lens: 'auto',
      lensType: 'choice',
      timeoutSeconds: '60',
      timeoutSecondsType: 'num',
      positionFrom: 'auto',
      positionFromType: 'choice',
      indi: '',
      mount: '',
      radiusDegrees: '10',
      radiusDegreesType: 'num',
      focalLength: '',
      focalLengthType: 'num',
      pixelSize: '',
      pixelSizeType: 'num',
      scaleArcseconds: '',
      scaleArcsecondsType: 'num',
      scaleMargin: '15',
      scaleMarginType: 'num',
      remember: 'true',
      rememberType: 'bool',
      indexFolder: '',
      indexFolderType: 'str',
      databaseFolder: '',
      databaseFolderType: 'str',
    },
    [
      ['What is in it', 'For the page', 'Save with coordinates'],
      ['Preview', 'For the page'],
    ],
  );

  flow.comment('2  The page', [620, 40], 'Output 2 has the pictures that were not solved, with the reason.');
  flow.node(
    'astro-annotate',
    'What is in it',
    [550, 80],
    {
      site,
      ...shown,
      // The page draws it, so that each layer can be switched.
      draw: 'false',
      drawType: 'bool',
      faintestMagnitude: '',
      faintestMagnitudeType: 'num',
      ...look,
      width: '1280',
      widthType: 'num',
      quality: '88',
      qualityType: 'num',
      previewAs: 'address',
      previewAsType: 'choice',
    },
    [['Caption']],
  );
  flow.node('astro-preview', 'Preview', [540, 140], { site, width: '1280', ...look, quality: '88', newest: true }, [
    ['No names'],
  ]);
  // The page keeps the properties that a message does not bring: the names of the picture before would stand on this one.
  flow.change(
    'No names',
    [710, 140],
    [{ t: 'set', p: 'annotation', pt: 'msg', to: 'null', tot: 'json' }],
    [['Caption']],
  );
  flow.change(
    'Caption',
    [710, 80],
    [...caption(startAndExposure), ...['stars', 'solution', 'solve'].map((p) => ({ t: 'delete', p, pt: 'msg' }))],
    [['Picture']],
  );
  flow.template('Picture', [880, 80], groups.picture, 'solve/sky.html');
  flow.change(
    'For the page',
    [550, 200],
    [...forPage, { t: 'delete', p: 'stars', pt: 'msg' }, { t: 'delete', p: 'solution', pt: 'msg' }],
    [['Place']],
  );
  flow.template('Place', [880, 200], groups.place, 'solve/place.html');

  flow.comment(
    '3  Files that know where they look',
    [640, 250],
    'Aladin, DS9, Siril, PixInsight, Stellarium and astropy read the coordinates out of the header (WCS, TAN or TAN-SIP).',
  );
  flow.node(
    'astro-save',
    'Save with coordinates',
    [580, 310],
    { site, template: 'solved/{date}_{time}', format: 'fits' },
    [['Saved']],
  );
  flow.node(
    'debug',
    'Saved',
    [770, 310],
    {
      active: true,
      tosidebar: false,
      console: false,
      tostatus: true,
      complete: 'file.path',
      targetType: 'msg',
      statusVal: 'file.path',
      statusType: 'msg',
    },
    [],
  );

  flow.node('catch', 'Whatever fails', [120, 260], { scope: null, uncaught: false }, [['Say it on the page']]);
  flow.change(
    'Say it on the page',
    [300, 320],
    [{ t: 'set', p: 'event', pt: 'msg', to: 'error', tot: 'str' }, ...forPage],
    [['Notices']],
  );
  flow.template('Notices', [500, 320], groups.place, 'star-trails/notice.html', [[]], 2);
  return flow.finish();
}

const look = { stretch: 'auto', stretchType: 'choice', drc: 'off', drcType: 'choice' };

const shown = Object.fromEntries(
  ['showStars', 'showConstellations', 'showObjects', 'showPlanets', 'showGrid', 'showTarget', 'showHorizon'].flatMap(
    (name) => [
      [name, 'true'],
      [`${name}Type`, 'bool'],
    ],
  ),
);
