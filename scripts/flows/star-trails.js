// The star-trail night: capture, stacks of some minutes, the night's trail, keogram, film, and its page for the phone.
import { Flow } from './flow.js';
import { caption, drc, forPage, kept, only, phonePage, startAndExposure } from './star-trails-page.js';
import { products } from './star-trails-products.js';

export function starTrails() {
  const flow = new Flow(
    'Star trails',
    'From dusk to dawn: back-to-back exposures, a stack of every five minutes, the trail of the night, the keogram and the film. The page for the phone is /dashboard/star-trails.',
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
    '1  Exposures, dusk to dawn',
    [150, 60],
    'The demo starts by itself at deploy. For your own camera open the camera node; for your own sky open the site and set its clock to real.',
  );
  flow.template('Night', [110, 120], groups.night, 'star-trails/night.html', [['Commands']]);
  flow.change(
    'Commands',
    [120, 180],
    [
      { t: 'set', p: 'exposureSeconds', pt: 'msg', to: kept('exposureSeconds'), tot: 'flow' },
      { t: 'set', p: 'gain', pt: 'msg', to: kept('gain'), tot: 'flow' },
    ],
    [['Exposures']],
  );
  flow.node(
    'astro-capture',
    'Exposures',
    [130, 240],
    {
      camera,
      exposureSeconds: '60',
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
      ['Histogram figures', 'Live preview', 'Stack length', 'Clouds', 'Keogram of the night', 'Film of the night'],
      ['What happens', 'Stack length', 'Clouds', 'Keogram of the night', 'Film of the night', 'Morning'],
    ],
  );
  // 2. Live
  flow.comment('2  What the camera sees now', [470, 60]);
  flow.node('astro-stats', 'Histogram figures', [450, 100], { measure: 'median' }, [['Figures for the page']]);
  flow.change('Figures for the page', [680, 100], forPage, [['Histogram']]);
  flow.template('Histogram', [890, 100], groups.histogram, 'star-trails/histogram.html');
  flow.node(
    'astro-preview',
    'Live preview',
    [430, 160],
    { site, width: '1280', stretch: 'auto', ...drc, quality: '80', newest: true },
    [['Live caption']],
  );
  flow.change('Live caption', [650, 160], caption(startAndExposure), [['Live picture']]);
  flow.template('Live picture', [890, 160], groups.live, 'star-trails/picture.html');

  // 3. Stacks
  flow.comment(
    '3  A brightest-pixel stack of every five minutes',
    [510, 220],
    'One JPEG each, clouds and all. How long a stack is, the page says; "Stacks" until it does. Wire it behind "Clouds" to keep cloudy frames out of these too.',
  );
  flow.change(
    'Stack length',
    [310, 280],
    [{ t: 'set', p: 'stackSeconds', pt: 'msg', to: kept('stackSeconds'), tot: 'flow' }],
    [['Stacks']],
  );
  flow.node(
    'astro-stack',
    'Stacks',
    [470, 280],
    {
      site,
      stackMode: 'max',
      stackBy: 'duration',
      stackSeconds: '300',
      stackSecondsType: 'num',
      hotPixels: 'robust',
      runningSeconds: '0',
      rejectedFrames: 'leave-out',
    },
    [['Prefix', 'Stack preview'], []],
  );
  flow.change(
    'Prefix',
    [630, 260],
    [{ t: 'set', p: 'prefix', pt: 'msg', to: kept('prefix'), tot: 'flow' }],
    [['Save the stack']],
  );
  flow.node(
    'astro-save',
    'Save the stack',
    [800, 260],
    {
      site,
      template: '{night}/stacks/{prefix|sky}_{time}',
      format: 'jpeg',
      stretch: 'auto',
      ...drc,
    },
    [[]],
  );
  flow.node(
    'astro-preview',
    'Stack preview',
    [660, 320],
    { site, width: '1280', stretch: 'auto', ...drc, quality: '80', newest: true },
    [['Stack caption']],
  );
  flow.change(
    'Stack caption',
    [850, 320],
    caption(
      '$substring(frame.start, 11, 8) & " to " & $substring(frame.end, 11, 8) & " UTC · " & frame.combined & (frame.combined = 1 ? " frame" : " frames")',
    ),
    [['Stack picture']],
  );
  flow.template('Stack picture', [1040, 320], groups.stack, 'star-trails/picture.html');

  products(flow, site, groups);

  // 6. What happens, morning, errors
  flow.comment('6  Progress, morning, and what went wrong', [500, 800]);
  flow.change('What happens', [430, 840], forPage, [['To the page', 'Worth saying']]);
  flow.link('out', 'To the page', [595, 880], ['From below']);
  flow.link('in', 'From below', [35, 120], ['To the page'], [['Night']]);
  flow.node('switch', 'Worth saying', [660, 840], only('started', 'warning', 'lost', 'recovered'), [['Notices']]);
  flow.node('catch', 'Whatever fails', [440, 940], { scope: null, uncaught: false }, [['Say it on the page']]);
  flow.change(
    'Say it on the page',
    [670, 940],
    [{ t: 'set', p: 'event', pt: 'msg', to: 'error', tot: 'str' }, ...forPage],
    [['Notices']],
  );
  flow.template('Notices', [880, 900], groups.night, 'star-trails/notice.html', [[]], 3);
  flow.node('switch', 'Morning', [420, 1000], only('end'), [['Summary']]);
  flow.template('Summary', [640, 1000], groups.summary, 'star-trails/summary.html');

  // 7. Settings
  flow.comment('7  Settings of the page', [140, 340], 'They are in force from the next start.');
  flow.node(
    'inject',
    'At the start',
    [120, 400],
    {
      props: [{ p: 'settings', v: '#:(file)::settings', vt: 'flow' }],
      ...{ repeat: '', crontab: '', once: true, onceDelay: '0.1', topic: '' },
    },
    [['Settings']],
  );
  flow.template('Settings', [110, 460], groups.settings, 'star-trails/settings.html', [['Keep settings']]);
  flow.change(
    'Keep settings',
    [140, 520],
    [{ t: 'set', p: '#:(file)::settings', pt: 'flow', to: 'settings', tot: 'msg' }],
    [['Settings']],
  );

  return flow.finish();
}
