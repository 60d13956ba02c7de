// What a night leaves: the star trail, the keogram, the film.
import { caption, forPage } from './star-trails-page.js';

export function products(flow, site, groups) {
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
}
