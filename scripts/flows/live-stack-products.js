// What an evening leaves: the live stack on the disk; and the kept lights, integrated in one go.
import { forPage } from './star-trails-page.js';

export function saveStack(flow, site, look) {
  flow.comment('4  Stop & save', [500, 460], 'FITS with all its depth (32-bit float, linear) and a stretched JPEG.');
  flow.link('in', 'To the disk', [435, 520], ['Live stack is over'], [['Save as FITS', 'Save as JPEG']]);
  flow.node(
    'astro-save',
    'Save as FITS',
    [570, 500],
    { site, template: '{night}/live_{date}_{time}', format: 'fits' },
    [['Files for the page']],
  );
  flow.node(
    'astro-save',
    'Save as JPEG',
    [570, 540],
    { site, template: '{night}/live_{date}_{time}', format: 'jpeg', stretch: 'auto', ...look },
    [['Files for the page']],
  );
  flow.change(
    'Files for the page',
    [780, 520],
    [{ t: 'set', p: 'topic', pt: 'msg', to: 'saved', tot: 'str' }, ...forPage],
    [['From 3, 4 and 5']],
  );
}

export function integration(flow, site, look) {
  flow.comment(
    '5  All the lights that were kept, in one go',
    [550, 600],
    'Press one of the two: the files are measured, the best is the reference, the others are laid on it and combined with weights and without outliers. msg.files is a folder or a pattern in the archive folder; docs/integration.md lists the other properties. The second one calibrates each file with the master dark first.',
  );
  const files = { p: 'files', v: 'lights/*/*.fits', vt: 'str' };
  const inject = (name, y, props) =>
    flow.node('inject', name, [510, y], { props, repeat: '', crontab: '', once: false, onceDelay: 0.1, topic: '' }, [
      ['Integration'],
    ]);
  inject('As they are', 640, [files]);
  inject('With the dark', 700, [files, { p: 'masters', v: '{"dark":"masters/master_dark_*.fits"}', vt: 'json' }]);
  flow.node(
    'astro-stack',
    'Integration',
    [690, 660],
    { site, stackMode: 'winsorised', align: 'stars', stackBy: 'command', hotPixels: 'off', runningSeconds: '0' },
    [['Save the integration', 'Save it as JPEG', 'Each file'], []],
  );
  flow.node(
    'astro-save',
    'Save the integration',
    [900, 640],
    { site, template: '{night}/integrated_{date}_{time}', format: 'fits' },
    [['Where']],
  );
  flow.node(
    'astro-save',
    'Save it as JPEG',
    [890, 680],
    { site, template: '{night}/integrated_{date}_{time}', format: 'jpeg', stretch: 'auto', ...look },
    [['Where']],
  );
  flow.node('debug', 'Each file', [870, 720], { ...debug, complete: 'integration.files', tostatus: false }, []);
  flow.node('debug', 'Where', [1080, 660], { ...debug, complete: 'file.path', statusVal: 'file.path' }, []);
}

const debug = {
  active: true,
  tosidebar: true,
  console: false,
  tostatus: true,
  targetType: 'msg',
  statusVal: '',
  statusType: 'auto',
};
