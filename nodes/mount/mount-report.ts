/** Where a mount looks and what it does, as `astro-mount` tells it. */
import type { IndiMount } from '../../lib/indi/devices/mount.ts';
import { sightOf, siteOfMount } from '../../lib/indi/devices/mount-sight.ts';
import { trackingRateOf } from '../../lib/indi/devices/mount-tracking.ts';
import { formatDeclination, formatRightAscension } from '../../lib/sky/angles.ts';
import type { EquatorialPlace } from '../../lib/sky/coordinates-date.ts';
import { compass } from '../../lib/sky/visibility.ts';
import type { DeviceReport, DeviceSurroundings } from './indi-device.ts';

/** The state in full. Degrees; `raNowDegrees` and `decNowDegrees` of date. @throws lost */
export function mountState(mount: IndiMount, surroundings: DeviceSurroundings): Record<string, unknown> {
  const { client, name, clock, site } = surroundings;
  const status = mount.status();
  const { raDegrees, decDegrees, raNowHours, decNowDegrees, moving, tracking, parked, pierSide } = status;
  const place = raDegrees === null || decDegrees === null ? null : { raDegrees, decDegrees };
  const from = site ?? siteOfMount(client, name);
  return {
    ...{ device: name, raDegrees, decDegrees },
    raNowDegrees: raNowHours === null ? null : raNowHours * 15,
    decNowDegrees,
    place: place && placeText(place),
    ...(place && from ? sightOf(from, place, clock.now()) : {}),
    ...{ moving, tracking, trackingRate: trackingRateOf(client, name), parked, pierSide, canFlip: mount.canFlip },
  };
}

/** @throws lost */
export function reportMount(mount: IndiMount, surroundings: DeviceSurroundings): DeviceReport {
  const { moving, tracking, parked, pierSide } = mount.status();
  const rate = trackingRateOf(surroundings.client, surroundings.name);
  const doing = moving ? 'moving' : parked ? 'parked' : tracking ? 'tracking' : 'standing';
  const state = () => mountState(mount, surroundings);
  return {
    key: `${doing} ${pierSide} ${rate}`,
    busy: moving,
    payload: state,
    state: moving ? 'working' : parked ? 'idle' : 'done',
    get text() {
      const { altitudeDegrees, azimuthDegrees } = state() as { altitudeDegrees?: number; azimuthDegrees?: number };
      const sight =
        altitudeDegrees === undefined || azimuthDegrees === undefined || parked
          ? ''
          : ` · ${Math.round(altitudeDegrees)}° ${compass(azimuthDegrees)}`;
      return surroundings.text(doing) + sight;
    },
  };
}

/** `05h35m17s -05°23'28"`, for people. */
export const placeText = ({ raDegrees, decDegrees }: EquatorialPlace): string =>
  `${formatRightAscension(raDegrees, 0)} ${formatDeclination(decDegrees, 0)}`;
