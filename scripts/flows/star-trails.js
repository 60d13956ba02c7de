// The star-trail night: capture, minute stacks, the night's trail, keogram, film, and its page for the phone.
import { Flow } from './flow.js';
import { phonePage } from './star-trails-page.js';

/** Only what the page shows goes to the phone: never a frame. */
const forPage = [
  { t: 'delete', p: 'frame', pt: 'msg' },
  { t: 'delete', p: 'exposure', pt: 'msg' },
];

const caption = (expression) => [{ t: 'set', p: 'caption', pt: 'msg', to: expression, tot: 'jsonata' }, ...forPage];

export function starTrails() {
  const flow = new Flow(
    'Star trails',
    'From dusk to dawn: back-to-back exposures, a stack of every minute, the trail of the night, the keogram and the film. The page for the phone is /dashboard/star-trails.',
  );

  // At the start the Sun stands 15.1 degrees below the horizon: dark enough for stars. New moon is four days off.
  const site = flow.config('astro-site', 'Rehearsal on La Palma', {
    latitude: '28.7606',
    longitude: '-17.8816',
    elevation: '2326',
    timeZone: 'Atlantic/Canary',
    archiveFolder: 'archive',
    clock: 'rehearsal',
    clockStart: '2026-03-14T20:24:30Z',
    clockRate: '20',
  });
  const camera = flow.config('astro-camera', 'Simulated all-sky camera', {
    backend: 'simulator',
    site,
    sensor: 'demo',
    lens: 'fisheye',
  });

  const groups = phonePage(flow);

  // 1. Exposures
  flow.comment(
    '1  Exposures: back to back, from dusk to dawn',
    [230, 60],
    'The demo starts by itself at deploy. For your own camera open the camera node; for your own sky open the site and set its clock to real.',
  );
  flow.template('Night', [110, 120], groups.night, 'star-trails/night.html', [['Commands']]);
  flow.change(
    'Commands',
    [290, 120],
    [
      { t: 'set', p: 'exposureSeconds', pt: 'msg', to: 'settings.exposureSeconds', tot: 'flow' },
      { t: 'set', p: 'gain', pt: 'msg', to: 'settings.gain', tot: 'flow' },
    ],
    [['Exposures']],
  );
  flow.node(
    'astro-capture',
    'Exposures',
    [480, 140],
    {
      camera,
      exposureSeconds: '30',
      exposureSecondsType: 'num',
      gain: '',
      gainType: 'num',
      offset: '',
      kind: 'light',
      mode: 'until',
      intervalSeconds: '0',
      startAt: 'sun',
      startSunDegrees: '-15',
      stopAt: 'sun',
      stopSunDegrees: '-15',
      everyNight: true,
      keep: 'none',
      keepNights: '7',
      folder: 'frames/{camera}',
      format: 'fits',
      freeGigabytes: '5',
    },
    [
      [
        'Histogram figures',
        'Live preview',
        'Stack of a minute',
        'Trail of the night',
        'Keogram of the night',
        'Film of the night',
      ],
      [
        'What happens',
        'Stack of a minute',
        'Trail of the night',
        'Keogram of the night',
        'Film of the night',
        'Morning',
      ],
    ],
  );
  flow.change('What happens', [720, 60], forPage, [['Night']]);

  // 2. Live
  flow.comment('2  What the camera sees now', [180, 240]);
  flow.node('astro-stats', 'Histogram figures', [490, 260], { measure: 'median' }, [['Figures for the page']]);
  flow.change('Figures for the page', [720, 260], forPage, [['Histogram']]);
  flow.template('Histogram', [940, 260], groups.histogram, 'star-trails/histogram.html');
  flow.node(
    'astro-preview',
    'Live preview',
    [490, 320],
    { site, width: '1280', stretch: 'auto', drc: 'settings.drc', drcType: 'flow', quality: '80', newest: true },
    [['Live caption']],
  );
  flow.change(
    'Live caption',
    [720, 320],
    caption('$substring(frame.start, 11, 8) & " UTC · " & frame.exposureSeconds & " s"'),
    [['Live picture']],
  );
  flow.template('Live picture', [940, 320], groups.live, 'star-trails/picture.html');

  // 3. Stacks
  flow.comment(
    '3  A brightest-pixel stack of every minute',
    [220, 400],
    'One JPEG each. msg.reject set by a cloud detector wired in front keeps a frame out.',
  );
  flow.node(
    'astro-stack',
    'Stack of a minute',
    [490, 420],
    {
      site,
      stackMode: 'max',
      stackBy: 'duration',
      stackSeconds: 'settings.stackSeconds',
      stackSecondsType: 'flow',
      hotPixels: 'robust',
      runningSeconds: '0',
      rejectedFrames: 'leave-out',
    },
    [['Prefix', 'Stack preview'], []],
  );
  flow.change(
    'Prefix',
    [690, 380],
    [{ t: 'set', p: 'prefix', pt: 'msg', to: 'settings.prefix', tot: 'flow' }],
    [['Save the stack']],
  );
  flow.node(
    'astro-save',
    'Save the stack',
    [880, 380],
    {
      site,
      template: '{night}/stacks/{prefix|sky}_{time}',
      format: 'jpeg',
      stretch: 'auto',
      drc: 'settings.drc',
      drcType: 'flow',
    },
    [[]],
  );
  flow.node(
    'astro-preview',
    'Stack preview',
    [720, 440],
    { site, width: '1280', stretch: 'auto', drc: 'settings.drc', drcType: 'flow', quality: '80', newest: true },
    [['Stack caption']],
  );
  flow.change(
    'Stack caption',
    [940, 440],
    caption(
      '$substring(frame.start, 11, 8) & " to " & $substring(frame.end, 11, 8) & " UTC · " & frame.combined & " frames"',
    ),
    [['Stack picture']],
  );
  flow.template('Stack picture', [1160, 440], groups.stack, 'star-trails/picture.html');

  // 4. Trail
  flow.comment(
    '4  The star trail of the night',
    [180, 520],
    'Its running picture goes to the phone; FITS and JPEG are saved at the end. Cloudy frames (msg.reject) are kept out.',
  );
  flow.node(
    'astro-stack',
    'Trail of the night',
    [490, 540],
    {
      site,
      stackMode: 'max',
      stackBy: 'night',
      hotPixels: 'robust',
      runningSeconds: '120',
      fillGaps: false,
      cometTail: '',
      rejectedFrames: 'leave-out',
      checkpointSeconds: '300',
    },
    [['Save the trail', 'Save the trail for the phone', 'Trail preview'], ['Trail preview']],
  );
  flow.node('astro-save', 'Save the trail', [720, 500], { site, template: '{night}/trail_{night}', format: 'fits' }, [
    [],
  ]);
  flow.node(
    'astro-save',
    'Save the trail for the phone',
    [750, 540],
    { site, template: '{night}/trail_{night}', format: 'jpeg', stretch: 'auto', drc: 'settings.drc', drcType: 'flow' },
    [['Files']],
  );
  flow.node(
    'astro-preview',
    'Trail preview',
    [720, 580],
    { site, width: '1600', stretch: 'auto', drc: 'settings.drc', drcType: 'flow', quality: '85', newest: true },
    [['Trail caption']],
  );
  flow.change(
    'Trail caption',
    [940, 580],
    caption('frame.combined & " frames since " & $substring(frame.start, 11, 5) & " UTC"'),
    [['Trail picture']],
  );
  flow.template('Trail picture', [1160, 580], groups.trail, 'star-trails/picture.html');

  // 5. Keogram and film
  flow.comment(
    '5  Keogram and film',
    [150, 660],
    'The film grows through the night and is written anew now and then, so that there is always one to look at.',
  );
  flow.node(
    'astro-keogram',
    'Keogram of the night',
    [490, 680],
    {
      site,
      columnPosition: '0.5',
      columnAngle: '0',
      columnWidth: '5',
      keogramHeight: '480',
      stretch: 'auto',
      drc: 'settings.drc',
      drcType: 'flow',
      runningSeconds: '300',
      template: '{night}/keogram_{night}',
    },
    [['Keogram caption'], ['Keogram caption']],
  );
  flow.change('Keogram caption', [720, 680], caption('"the meridian, " & keogram.frames & " frames"'), [
    ['Keogram picture'],
  ]);
  flow.template('Keogram picture', [940, 680], groups.keogram, 'star-trails/picture.html');
  flow.node(
    'astro-timelapse',
    'Film of the night',
    [490, 740],
    {
      site,
      codec: 'h264',
      fps: '24',
      filmWidth: '1920',
      crf: '21',
      megabits: '',
      deflicker: false,
      stretch: 'auto',
      drc: 'settings.drc',
      drcType: 'flow',
      runningSeconds: '2400',
      template: '{night}/film_{night}',
    },
    [['Files'], ['A longer film']],
  );
  flow.node(
    'switch',
    'A longer film',
    [720, 760],
    {
      property: 'event',
      propertyType: 'msg',
      rules: [{ t: 'eq', v: 'running', vt: 'str' }],
      checkall: 'true',
      repair: false,
      outputs: 1,
    },
    [['Files']],
  );
  flow.change('Files', [940, 740], forPage, [['Finished files']]);
  flow.template('Finished files', [1160, 740], groups.files, 'star-trails/gallery.html');

  // 6. Morning, settings, errors
  flow.comment('6  Morning, settings, and what went wrong', [220, 840]);
  flow.node(
    'switch',
    'Morning',
    [480, 860],
    {
      property: 'event',
      propertyType: 'msg',
      rules: [{ t: 'eq', v: 'end', vt: 'str' }],
      checkall: 'true',
      repair: false,
      outputs: 1,
    },
    [['Summary']],
  );
  flow.template('Summary', [720, 860], groups.summary, 'star-trails/summary.html');
  flow.template('Settings', [110, 920], groups.settings, 'star-trails/settings.html', [['Keep settings']]);
  flow.change('Keep settings', [290, 920], [{ t: 'set', p: 'settings', pt: 'flow', to: 'settings', tot: 'msg' }], [[]]);
  flow.node('catch', 'Whatever fails', [480, 980], { scope: null, uncaught: false }, [['Say it on the page']]);
  flow.change(
    'Say it on the page',
    [720, 980],
    [{ t: 'set', p: 'event', pt: 'msg', to: 'error', tot: 'str' }, ...forPage],
    [['Night']],
  );

  return flow.finish();
}
