/** The mount's properties, named and grouped as indi_simulator_telescope has them. */
import type { FrameSite } from '../../frame/frame.ts';
import type { Observatory } from './observatory.ts';
import { number, numbers, switches, texts, type Vector } from './vector.ts';

export const trackModes = ['TRACK_SIDEREAL', 'TRACK_SOLAR', 'TRACK_LUNAR', 'TRACK_CUSTOM'] as const;

/** Arcseconds a second. */
export const trackRates = {
  TRACK_SIDEREAL: 15.0410671786702,
  TRACK_SOLAR: 15,
  TRACK_LUNAR: 14.511415,
} as const;

/** Times the sidereal rate. */
export const slewRates = { '1x': 1, '2x': 8, '3x': 64, '4x': 600 } as const;

const coordinates = (ra: number, dec: number) => [
  number('RA', ra, 0, 24, 0, '%010.6m'),
  number('DEC', dec, -90, 90, 0, '%010.6m'),
];

export function mountProperties({ site, optics, mount }: Observatory, startedAt: string): Vector[] {
  const { focalLengthMillimetres, apertureMillimetres } = optics;
  const group = 'Motion Control';
  return [
    numbers('EQUATORIAL_EOD_COORD', coordinates(0, 90), { whole: true }),
    numbers('TARGET_EOD_COORD', coordinates(0, 0), { permission: 'ro' }),
    switches('ON_COORD_SET', ['TRACK', 'SLEW', 'SYNC'], ['TRACK']),
    switches('TELESCOPE_ABORT_MOTION', ['ABORT'], [], { rule: 'AtMostOne' }),
    switches('TELESCOPE_TRACK_MODE', trackModes, ['TRACK_SIDEREAL']),
    switches('TELESCOPE_TRACK_STATE', ['TRACK_ON', 'TRACK_OFF'], ['TRACK_OFF']),
    numbers('TELESCOPE_TRACK_RATE', [
      number('TRACK_RATE_RA', trackRates.TRACK_SIDEREAL, -16384, 16384, 0.000001, '%.6f'),
      number('TRACK_RATE_DE', 0, -16384, 16384, 0.000001, '%.6f'),
    ]),
    switches('TELESCOPE_MOTION_NS', ['MOTION_NORTH', 'MOTION_SOUTH'], [], { group, rule: 'AtMostOne' }),
    switches('TELESCOPE_MOTION_WE', ['MOTION_WEST', 'MOTION_EAST'], [], { group, rule: 'AtMostOne' }),
    switches('TELESCOPE_SLEW_RATE', Object.keys(slewRates), ['3x'], { group }),
    switches(
      'TELESCOPE_PIER_SIDE',
      ['PIER_WEST', 'PIER_EAST'],
      [mount.pierSide === 'west' ? 'PIER_WEST' : 'PIER_EAST'],
      {
        permission: 'ro',
      },
    ),
    guideTimes('TELESCOPE_TIMED_GUIDE_NS', 'TIMED_GUIDE_N', 'TIMED_GUIDE_S'),
    guideTimes('TELESCOPE_TIMED_GUIDE_WE', 'TIMED_GUIDE_W', 'TIMED_GUIDE_E'),
    numbers('GUIDE_RATE', [number('GUIDE_RATE_WE', 0.5, 0, 1, 0.1), number('GUIDE_RATE_NS', 0.5, 0, 1, 0.1)], {
      group: 'Guide',
    }),
    switches('TELESCOPE_PARK', ['PARK', 'UNPARK'], ['UNPARK']),
    numbers(
      'TELESCOPE_PARK_POSITION',
      [
        number('PARK_HA', -6, -12, 12, 0, '%010.6m'),
        number('PARK_DEC', site.latitude < 0 ? -90 : 90, -90, 90, 0, '%010.6m'),
      ],
      { group: 'Site Management' },
    ),
    switches('TELESCOPE_PARK_OPTION', ['PARK_CURRENT', 'PARK_DEFAULT', 'PARK_WRITE_DATA', 'PARK_PURGE_DATA'], [], {
      group: 'Site Management',
      rule: 'AtMostOne',
    }),
    numbers('GEOGRAPHIC_COORD', place(site), { group: 'Site Management' }),
    texts('TIME_UTC', { UTC: startedAt, OFFSET: '0.00' }, { group: 'Site Management' }),
    numbers(
      'TELESCOPE_INFO',
      [
        number('TELESCOPE_APERTURE', apertureMillimetres, 10, 5000),
        number('TELESCOPE_FOCAL_LENGTH', focalLengthMillimetres, 10, 10000),
        number('GUIDER_APERTURE', apertureMillimetres, 10, 5000),
        number('GUIDER_FOCAL_LENGTH', focalLengthMillimetres, 10, 10000),
      ],
      { group: 'Options', permission: 'ro' },
    ),
    numbers(
      'SIM_POINTING',
      [
        number('RA_ERROR', mount.errors.raArcminutes, -600, 600, 1),
        number('DEC_ERROR', mount.errors.decArcminutes, -600, 600, 1),
        number('PERIODIC_ARCSEC', mount.errors.periodicArcseconds, 0, 600, 1),
        number('PERIODIC_SECONDS', mount.errors.periodicSeconds, 10, 86400, 1),
        number('POLAR_ALTITUDE_ERROR', mount.errors.polarAltitudeArcminutes, -600, 600, 1),
        number('POLAR_AZIMUTH_ERROR', mount.errors.polarAzimuthArcminutes, -600, 600, 1),
      ],
      { group: 'Simulator', label: 'Errors of the mount, arcminutes' },
    ),
  ];
}

/** INDI's longitudes are 0 to 360 east. */
const place = ({ latitude, longitude, elevation }: FrameSite) => [
  number('LAT', latitude, -90, 90, 0, '%012.8m'),
  number('LONG', (longitude + 360) % 360, 0, 360, 0, '%012.8m'),
  number('ELEV', elevation, -200, 10000, 0, '%g'),
];

const guideTimes = (name: string, one: string, other: string): Vector =>
  numbers(name, [number(one, 0, 0, 60000, 100, '%.f'), number(other, 0, 0, 60000, 100, '%.f')], { group: 'Guide' });
