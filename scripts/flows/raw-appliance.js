// The RAW appliance: a camera that other machines use over HTTP, and a page to see what it does and to start a batch by hand.
import { Flow } from './flow.js';
import { caption, forPage, nightPage, startAndExposure } from './star-trails-page.js';

export function rawAppliance() {
  const flow = new Flow(
    'RAW appliance',
    'A camera for other machines: RAW shots straight from memory, and batches that they fetch while the next frames are exposed. Page: /dashboard/raw-appliance. docs/raw-appliance.md has the commands.',
  );
  const site = flow.config('astro-site', 'Rehearsal in Tromsø', {
    latitude: '69.6492',
    longitude: '18.9553',
    elevation: '100',
    timeZone: 'Europe/Oslo',
    archiveFolder: 'archive',
    clock: 'rehearsal',
    clockStart: '2026-01-14T18:00:00Z',
    clockRate: '1',
  });
  const camera = flow.config('astro-camera', 'Simulated camera', { backend: 'simulator', site, sensor: 'demo' });
  const group = nightPage(flow, { name: 'RAW appliance', path: '/raw-appliance', icon: 'camera-wireless', order: 9 });
  const groups = { control: group('Camera', 1), picture: group('Latest frame', 2) };

  flow.comment(
    '1  The camera over HTTP',
    [140, 40],
    'Works as it is with a simulated camera, for this machine. For others: npm run password, then NIGHTFLOW_HOST=0.0.0.0 npm start. On the other machine: nightflow-capture 10 --host THIS-MACHINE:1880 --user nightflow --exposure 2 --out frames',
  );
  flow.node(
    'astro-api',
    'Appliance',
    [390, 120],
    { camera, secondCamera: '', path: '/appliance', spoolGigabytes: '5', whenFull: 'pause' },
    [['Preview'], ['What the page knows']],
  );
  flow.node(
    'inject',
    'Three frames',
    [140, 160],
    {
      props: [
        { p: 'method', v: 'batch', vt: 'str' },
        { p: 'params', v: '{"count":3,"exposureSeconds":2}', vt: 'json' },
      ],
      repeat: '',
      crontab: '',
      once: false,
      onceDelay: 0.1,
      topic: '',
    },
    [['Appliance']],
  );
  flow.comment(
    '2  The page',
    [580, 40],
    'It sends the same methods as a client would: batch, abort, status. The frames that wait are its links; it can delete them.',
  );
  flow.node(
    'astro-preview',
    'Preview',
    [560, 100],
    {
      site,
      width: '1280',
      stretch: 'auto',
      stretchType: 'choice',
      drc: 'off',
      drcType: 'choice',
      quality: '85',
      newest: true,
    },
    [['Caption']],
  );
  flow.change(
    'Caption',
    [720, 100],
    [...caption(startAndExposure).slice(0, 1), ...forPage, { t: 'delete', p: 'file', pt: 'msg' }],
    [['Picture']],
  );
  flow.template('Picture', [880, 100], groups.picture, 'star-trails/picture.html');
  flow.change('What the page knows', [600, 160], forPage, [['Control']]);
  flow.template('Control', [140, 120], groups.control, 'raw-appliance/control.html', [['Appliance']]);
  flow.node('catch', 'Whatever fails', [160, 220], { scope: null, uncaught: false }, [['Say it on the page']]);
  flow.change(
    'Say it on the page',
    [370, 220],
    [{ t: 'set', p: 'event', pt: 'msg', to: 'error', tot: 'str' }, ...forPage],
    [['Notices']],
  );
  flow.template('Notices', [560, 220], groups.control, 'star-trails/notice.html', [[]], 2);
  return flow.finish();
}
