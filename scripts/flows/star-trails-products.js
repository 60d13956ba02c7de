// What a night leaves: the star trail, the keogram, the film.
import { caption, drc, forPage, kept, only } from './star-trails-page.js';

export function products(flow, site, groups) {
  // 4. Trail
  flow.comment(
    '4  The star trail of the night, without its cloudy frames',
    [550, 380],
    'Its running picture goes to the phone; FITS and JPEG are saved at the end. "Clouds" counts stars and marks cloudy frames with msg.reject; the stack leaves them out. The switch for it is among the settings of the page.',
  );
  flow.node(
    'astro-clouds',
    'Clouds',
    [380, 420],
    {
      site,
      cloudSensitivity: 'normal',
      cloudSensitivityType: 'choice',
      cloudyFrames: kept('cloudyFrames'),
      cloudyFramesType: 'flow',
      minimumStars: '0',
      minimumStarsType: 'num',
      holdSeconds: '60',
      holdSecondsType: 'num',
    },
    [['Trail of the night', 'Sky for the page'], []],
  );
  flow.change(
    'Sky for the page',
    [430, 520],
    [{ t: 'delete', p: 'stars', pt: 'msg' }, { t: 'delete', p: 'file', pt: 'msg' }, ...forPage],
    [['Sky']],
  );
  flow.template('Sky', [400, 560], groups.night, 'star-trails/clouds.html', [[]], 2);
  flow.node(
    'astro-stack',
    'Trail of the night',
    [440, 470],
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
  flow.node('astro-save', 'Save the trail', [660, 420], { site, template: '{night}/trail_{night}', format: 'fits' }, [
    [],
  ]);
  flow.node(
    'astro-save',
    'Save the trail for the phone',
    [710, 480],
    { site, template: '{night}/trail_{night}', format: 'jpeg', stretch: 'auto', ...drc },
    [['Files']],
  );
  flow.node(
    'astro-preview',
    'Trail preview',
    [660, 540],
    { site, width: '1600', stretch: 'auto', ...drc, quality: '85', newest: true },
    [['Trail caption']],
  );
  flow.change(
    'Trail caption',
    [850, 540],
    caption('frame.combined & " frames since " & $substring(frame.start, 11, 5) & " UTC"'),
    [['Trail picture']],
  );
  flow.template('Trail picture', [1040, 540], groups.trail, 'star-trails/picture.html');

  // 5. Keogram and film
  flow.comment(
    '5  Keogram and film',
    [430, 600],
    'The film grows through the night and is written anew now and then, so that there is always one to look at.',
  );
  flow.node(
    'astro-keogram',
    'Keogram of the night',
    [460, 640],
    {
      site,
      columnPosition: '0.5',
      columnAngle: '0',
      columnWidth: '5',
      keogramHeight: '480',
      stretch: 'auto',
      ...drc,
      runningSeconds: '300',
      template: '{night}/keogram_{night}',
    },
    [['Keogram caption'], ['Keogram caption']],
  );
  flow.change('Keogram caption', [690, 640], caption('"The meridian · " & keogram.frames & " frames"'), [
    ['Keogram picture'],
  ]);
  flow.template('Keogram picture', [900, 640], groups.keogram, 'star-trails/picture.html');
  flow.node(
    'astro-timelapse',
    'Film of the night',
    [440, 700],
    {
      site,
      codec: 'h264',
      fps: '12',
      filmWidth: '1920',
      crf: '21',
      megabits: '',
      deflicker: false,
      stretch: 'auto',
      ...drc,
      runningSeconds: '2400',
      template: '{night}/film_{night}',
    },
    [['Files'], ['A longer film']],
  );
  flow.node('switch', 'A longer film', [660, 740], only('running'), [['Files']]);
  flow.change('Files', [870, 700], forPage, [['Finished files']]);
  flow.template('Finished files', [1040, 700], groups.files, 'star-trails/gallery.html');
}
