// The phone's page of the star-trail night: its colours, its groups from top to bottom.

/** Only what the page shows goes to the phone: never a frame. */
export const forPage = [
  { t: 'delete', p: 'frame', pt: 'msg' },
  { t: 'delete', p: 'exposure', pt: 'msg' },
];

/** JPEG, PNG and TIFF files may not tell their exposure. */
export const startAndExposure =
  '$substring(frame.start, 11, 8) & " UTC" & (frame.exposureSeconds != null ? " · " & frame.exposureSeconds & " s" : "")';

export const caption = (expression) => [
  { t: 'set', p: 'caption', pt: 'msg', to: expression, tot: 'jsonata' },
  ...forPage,
];

/** @returns the ids of the page's groups */
export function phonePage(flow) {
  const group = nightPage(flow, { name: 'Star trails', path: '/star-trails', icon: 'star-shooting', order: 1 });
  return {
    night: group('Tonight', 1),
    live: group('Live', 2),
    trail: group('Star trail', 3),
    stack: group('Latest stack', 4),
    keogram: group('Keogram', 5),
    histogram: group('Histogram', 6),
    summary: group('Last night', 7),
    files: group('Trails and films', 8),
    settings: group('Settings', 9),
  };
}

/** A page for the phone, dark, in the dashboard that all our flows share. @returns what makes a group of it. */
export function nightPage(flow, { name, path, icon, order }) {
  const ui = flow.shared('ui-base', 'Nightflow', {
    path: '/dashboard',
    appIcon: '',
    includeClientData: true,
    acceptsClientConfig: ['ui-notification', 'ui-control'],
    showPathInSidebar: false,
    headerContent: 'page',
    navigationStyle: 'default',
    titleBarStyle: 'default',
    showReconnectNotification: true,
    notificationDisplayTime: 1,
    showDisconnectNotification: true,
    allowInstall: false,
  });
  const theme = flow.shared('ui-theme', 'Night', {
    colors: { surface: '#0e1420', primary: '#3d6ea8', bgPage: '#080b12', groupBg: '#0e1420', groupOutline: '#1b2434' },
    sizes: { density: 'default', pagePadding: '8px', groupGap: '8px', groupBorderRadius: '10px', widgetGap: '8px' },
  });
  const page = flow.config('ui-page', `${name} page`, {
    name,
    ui,
    path,
    icon,
    layout: 'grid',
    theme,
    breakpoints: [
      { name: 'Default', px: '0', cols: '3' },
      { name: 'Tablet', px: '576', cols: '6' },
      { name: 'Small Desktop', px: '768', cols: '9' },
      { name: 'Desktop', px: '1024', cols: '12' },
    ],
    order,
    className: '',
    visible: 'true',
    disabled: 'false',
  });
  return (title, order, width = '6') =>
    flow.config('ui-group', title, {
      page,
      width,
      height: '1',
      order,
      showTitle: true,
      className: '',
      visible: 'true',
      disabled: 'false',
      groupType: 'default',
    });
}

/** What the page's settings set, kept over a restart where settings.js names a store "file". */
export const kept = (name) => `#:(file)::settings.${name}`;
export const drc = { drc: kept('drc'), drcType: 'flow' };

/** A switch that lets these events through. */
export const only = (...events) => ({
  property: 'event',
  propertyType: 'msg',
  rules: [{ t: 'regex', v: `^(${events.join('|')})$`, vt: 'str', case: false }],
  checkall: 'true',
  repair: false,
  outputs: 1,
});
