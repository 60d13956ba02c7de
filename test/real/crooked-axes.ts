/**
 * A mount whose axes are off, for Debian's CCD simulator: it draws the place that its property EQUATORIAL_PE has (of date), so whoever
 * listens to the mount can tell it where such a mount would truly point. A sync takes its part of the error out of what is reported.
 */
import type { IndiClient } from '../../lib/indi/client.ts';
import { type IndiProperty, isOn, numberOf } from '../../lib/indi/property.ts';

interface Place {
  raDegrees: number;
  decDegrees: number;
}

/** @param error Of the axes, degrees. @returns stops it. */
export function crookedAxes(client: IndiClient, mount: string, camera: string, error: Place): () => void {
  let last: Place | null = null;
  let synced: Place = { raDegrees: 0, decDegrees: 0 };
  return client.store.on('event', (event) => {
    if (event.what !== 'updated' || event.property.device !== mount) return;
    if (event.property.name !== 'EQUATORIAL_EOD_COORD') return;
    const at = placeIn(event.property);
    if (!at) return;
    if (last && isOn(client.store.property(mount, 'ON_COORD_SET'), 'SYNC')) synced = plus(synced, minus(at, last));
    last = at;
    const truth = plus(minus(at, synced), error);
    if (!client.connected || !client.store.property(camera, 'EQUATORIAL_PE')) return;
    const elements = [
      { name: 'RA_PE', value: ((truth.raDegrees + 720) % 360) / 15 },
      { name: 'DEC_PE', value: Math.max(-90, Math.min(90, truth.decDegrees)) },
    ];
    client.send({ tag: 'new', type: 'number', device: camera, name: 'EQUATORIAL_PE', timestamp: null, elements });
  });
}

function placeIn(property: IndiProperty): Place | null {
  const [raHours, decDegrees] = [numberOf(property, 'RA'), numberOf(property, 'DEC')];
  return raHours === null || decDegrees === null ? null : { raDegrees: raHours * 15, decDegrees };
}

const plus = (a: Place, b: Place): Place => ({
  raDegrees: a.raDegrees + b.raDegrees,
  decDegrees: a.decDegrees + b.decDegrees,
});
const minus = (a: Place, b: Place): Place => ({
  // The short way round.
  raDegrees: ((a.raDegrees - b.raDegrees + 540) % 360) - 180,
  decDegrees: a.decDegrees - b.decDegrees,
});
