// Pictures you already have: load a folder, look at its figures, fold it into a star trail, save and see it.
import { Flow } from './flow.js';

export function pictures() {
  const flow = new Flow(
    'Pictures you already have',
    'Set the folder in "Your pictures" (FITS, RAW, TIFF, PNG, JPEG), deploy, press the button of "Go". The trail is saved in the archive folder of the site.',
  );
  const site = flow.config('astro-site', 'Here', {
    latitude: '51.4779',
    longitude: '-0.0015',
    elevation: '46',
    timeZone: 'Europe/London',
    archiveFolder: 'archive',
    clock: 'real',
  });

  flow.comment(
    'Fold the pictures of a folder into a star trail',
    [240, 40],
    'A folder, one file, or a pattern like night/*.dng.',
  );
  flow.node(
    'inject',
    'Go',
    [110, 100],
    { props: [], repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '' },
    [['Your pictures']],
  );
  flow.node(
    'astro-load',
    'Your pictures',
    [280, 100],
    { site, path: 'pictures', pathType: 'str', loadOrder: 'time', loadOrderType: 'choice', anywhere: false },
    [['Median', 'Trail'], ['Trail']],
  );

  flow.comment('The figures of each picture, in the sidebar', [600, 40]);
  flow.node('astro-stats', 'Median', [480, 80], { measure: 'median', measureType: 'choice' }, [['Figures']]);
  flow.node('debug', 'Figures', [660, 80], debug('payload'), []);

  flow.node(
    'astro-stack',
    'Trail',
    [480, 140],
    {
      site,
      stackMode: 'max',
      stackBy: 'command',
      runningSeconds: '0',
      hotPixels: 'robust',
      rejectedFrames: 'leave-out',
    },
    [['Save as JPEG', 'Save as FITS'], []],
  );
  flow.comment('The whole folder in one picture', [650, 200]);
  flow.node(
    'astro-save',
    'Save as JPEG',
    [660, 140],
    { site, template: 'trails/trail_{date}_{time}', format: 'jpeg', stretch: 'auto', drc: 'off' },
    [['Saved']],
  );
  flow.node(
    'astro-save',
    'Save as FITS',
    [660, 260],
    { site, template: 'trails/trail_{date}_{time}', format: 'fits' },
    [['Saved']],
  );
  flow.node('debug', 'Saved', [850, 140], debug('file.path'), []);

  flow.node('catch', 'Whatever fails', [120, 320], { scope: null, uncaught: false }, [['Why']]);
  flow.node('debug', 'Why', [290, 320], debug('error.message'), []);
  return flow.finish();
}

const debug = (property) => ({
  active: true,
  tosidebar: true,
  console: false,
  tostatus: true,
  complete: property,
  targetType: 'msg',
  statusVal: property,
  statusType: 'msg',
});
