// The star-trail night: capture, minute stacks, the night's trail, keogram, film, and its page for the phone.
import { Flow } from './flow.js';
import { caption, forPage, phonePage } from './star-trails-page.js';
import { products } from './star-trails-products.js';

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

  products(flow, site, groups);

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
