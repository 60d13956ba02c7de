// The phone's page of the focus flow, and the chart of sharpness over time.
import { nightPage } from './star-trails-page.js';

/** @returns the ids of the page's groups */
export function focusPage(flow) {
  const group = nightPage(flow, { name: 'Focus', path: '/focus', icon: 'image-filter-center-focus', order: 2 });
  return {
    control: group('Focus', 1),
    loupe: group('Loupe', 2),
    curve: group('Focus curve', 3),
    time: group('HFR and FWHM', 4),
    tilt: group('Tilt', 5),
    frame: group('Frame', 6),
  };
}

/** A line chart of the last hour; `msg.topic` names the line. */
export const overTime = (group) => ({
  group,
  label: '',
  order: 1,
  chartType: 'line',
  category: 'topic',
  categoryType: 'msg',
  xAxisLabel: '',
  xAxisProperty: '',
  xAxisPropertyType: 'timestamp',
  xAxisType: 'time',
  xAxisFormat: '',
  xAxisFormatType: 'HH:mm:ss',
  xmin: '',
  xmax: '',
  yAxisLabel: 'px',
  yAxisProperty: 'payload',
  yAxisPropertyType: 'msg',
  ymin: '0',
  ymax: '',
  bins: 10,
  action: 'append',
  stackSeries: false,
  pointShape: 'circle',
  pointRadius: 2,
  showLegend: true,
  removeOlder: 1,
  removeOlderUnit: '3600',
  removeOlderPoints: '600',
  colors: ['#6ea8fe', '#ffd166', '#FF7F0E', '#2CA02C', '#A347E1', '#D62728', '#FF9896', '#9467BD', '#C5B0D5'],
  textColor: ['#c3ccd9'],
  textColorDefault: false,
  gridColor: ['#26324a'],
  gridColorDefault: false,
  width: 6,
  height: 6,
  className: '',
  interpolation: 'linear',
});
