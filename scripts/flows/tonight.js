// What can be seen tonight: a list of targets, the night with its Moon, and a table of windows on the phone.
import { Flow } from './flow.js';
import { nightPage } from './star-trails-page.js';

const targets = `name, RA, Dec, magnitude
# One target a line, in any notation. Hours only where you write them.
M 31, 00 42 44.3, +41 16 09, 3.4
M 33, 01h33m50s, +30d39m37s, 5.7
Double cluster, 02:20:00, +57:08:00, 4.3
M 45, 56.75, 24.1167, 1.6
M 42, 05:35:17.3, -05:23:28, 4.0
M 81, 09 55 33.2, +69 03 55, 6.9
M 13, 16:41:41.6, +36:27:41, 5.8
M 27, 19h59m36.3s, +22°43'16", 7.4
Omega Centauri, 13 26 47, −47 28 46, 3.9
`;

/** Puts together what the messages' parts say belongs together. */
const join = {
  mode: 'auto',
  build: 'object',
  property: 'payload',
  propertyType: 'msg',
  key: 'topic',
  joiner: '\\n',
  joinerType: 'str',
};

export function tonight() {
  const flow = new Flow(
    'Tonight',
    'Set your site (latitude, longitude) and the list in "My targets", deploy, open the dashboard page "Tonight" on the phone. Paste your horizon into "Visible tonight?".',
  );
  const site = flow.config('astro-site', 'Here', {
    latitude: '51.4779',
    longitude: '-0.0015',
    elevation: '46',
    timeZone: 'Europe/London',
    archiveFolder: 'archive',
    clock: 'real',
  });
  const group = nightPage(flow, { name: 'Tonight', path: '/tonight', icon: 'telescope', order: 4 });
  const groups = { night: group('Night', 1), targets: group('Targets', 2) };

  flow.comment(
    'The list, every ten minutes',
    [150, 40],
    'Whatever core node or file your list comes from, wire it into "Targets".',
  );
  flow.node(
    'inject',
    'Look',
    [110, 100],
    { props: [], repeat: '600', crontab: '', once: true, onceDelay: 1, topic: '' },
    [['My targets', 'Is it night?']],
  );
  flow.node(
    'template',
    'My targets',
    [270, 100],
    { field: 'payload', fieldType: 'msg', format: 'text', syntax: 'plain', template: targets, output: 'str' },
    [['Targets']],
  );
  flow.node('astro-target', 'Targets', [430, 100], { site, targetsFrom: 'payload', targetsFromType: 'choice' }, [
    ['Visible tonight?'],
    ['Broken lines', 'All broken lines'],
  ]);
  flow.node('debug', 'Broken lines', [620, 160], {
    active: true,
    tosidebar: true,
    console: false,
    tostatus: true,
    complete: 'reason',
    targetType: 'msg',
    statusVal: 'reason',
    statusType: 'msg',
  });
  flow.node(
    'astro-visible',
    'Visible tonight?',
    [620, 100],
    {
      site,
      visibleWhen: 'tonight',
      visibleWhenType: 'choice',
      minimumMinutes: '30',
      minimumMinutesType: 'num',
      minimumAltitudeDegrees: '25',
      minimumAltitudeDegreesType: 'num',
      horizon: '',
      minimumMoonDegrees: '30',
      minimumMoonDegreesType: 'num',
      maximumAirmass: '',
      maximumAirmassType: 'num',
      maximumSunDegrees: '-12',
      maximumSunDegreesType: 'num',
    },
    [['A row'], ['A row']],
  );
  flow.comment('One table out of all targets', [870, 40]);
  flow.change(
    'A row',
    [800, 100],
    [{ t: 'set', p: 'payload', pt: 'msg', to: '{"target": target, "visibility": visibility}', tot: 'jsonata' }],
    [['All of them']],
  );
  flow.node(
    'join',
    'All of them',
    [950, 100],
    {
      mode: 'auto',
      build: 'object',
      property: 'payload',
      propertyType: 'msg',
      key: 'topic',
      joiner: '\\n',
      joinerType: 'str',
    },
    [['List of tonight']],
  );
  flow.template('List of tonight', [1120, 100], groups.targets, 'tonight/list.html');
  flow.node('join', 'All broken lines', [950, 160], join, [['Broken lines on the page']]);
  flow.template('Broken lines on the page', [1130, 160], groups.targets, 'tonight/broken.html', [[]], 2);

  flow.comment(
    'Dusk, dawn and the Moon',
    [140, 220],
    'Its first output sends at dusk, its second at dawn: wire your capture there.',
  );
  flow.node('astro-night', 'Is it night?', [290, 280], { site, sunAltitudeDegrees: '-12', sendAtStart: true }, [
    ['The night'],
    ['The night'],
  ]);
  flow.template('The night', [470, 280], groups.night, 'tonight/night.html');

  flow.node('catch', 'Whatever fails', [120, 360], { scope: null, uncaught: false }, [['Why']]);
  flow.node('debug', 'Why', [290, 360], {
    active: true,
    tosidebar: true,
    console: false,
    tostatus: true,
    complete: 'error.message',
    targetType: 'msg',
    statusVal: 'error.message',
    statusType: 'msg',
  });
  return flow.finish();
}
