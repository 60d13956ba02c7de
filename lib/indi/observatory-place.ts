/** Mounts are told where they stand and what time it is, once they are connected and where the user wants it. */
import type { Clock } from '../clock/clock.ts';
import { asNightflowError } from '../process/errors.ts';
import { localMilliseconds } from '../sky/night-date.ts';
import type { Site } from '../sky/site.ts';
import type { IndiClient } from './client.ts';
import { describeDevices } from './devices/list.ts';
import { IndiMount } from './devices/mount.ts';

export interface PlaceAndTime {
  clock: Clock;
  site: Site | null;
  tellPlace?: boolean;
  tellTime?: boolean;
}

/** @returns what the mount did not take, a sentence each; nothing for other devices. @throws lost, aborted */
export async function tellPlaceAndTime(
  client: IndiClient,
  device: string,
  { clock, site, tellPlace = false, tellTime = false }: PlaceAndTime,
  signal?: AbortSignal,
): Promise<string[]> {
  const isMount = describeDevices(client.store).some(({ name, roles }) => name === device && roles.includes('mount'));
  if (!isMount) return [];
  const mount = new IndiMount(client, device);
  const complaints: string[] = [];
  const attempt = async (work: () => Promise<void>) => {
    try {
      await work();
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (error.code === 'aborted' || error.code === 'lost') throw error;
      complaints.push(error.message);
    }
  };
  // Its place first: some drivers reckon sidereal time as soon as they have the clock.
  if (tellPlace && site) await attempt(() => mount.setSite(site, signal));
  if (tellTime) await attempt(() => mount.setTime(offsetHours(site, clock.now()), signal));
  return complaints;
}

/** Of the site's zone from UTC at a moment, east positive; 0 without a zone. */
export function offsetHours(site: Pick<Site, 'longitude' | 'timeZone'> | null, milliseconds: number): number {
  if (!site?.timeZone) return 0;
  return (localMilliseconds(site, milliseconds) - milliseconds) / 3_600_000;
}
