/** What a GPS device of the server says of the time: whole seconds, so a witness for a clock that nobody keeps, no more. */
import { asNightflowError } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import { pressed } from '../completion.ts';
import { isOn, textOf } from '../property.ts';
import { waitFor } from '../wait.ts';

export interface GpsTime {
  device: string;
  /** Our clock minus the receiver's time, and how far off that may be, s. */
  offsetSeconds: number;
  uncertaintySeconds: number;
}

/** Questions, and the pause between two: their phases in the second bound it from both sides. */
const questions = 6;
const pauseMilliseconds = 170;
const answerSeconds = 4;
/** A driver tells the time of its last fix, which may be as old. */
const fixAgeSeconds = 1;

/**
 * Asks the first connected GPS device for its time. Other drivers hear the answer, too, and may take time and place from it.
 * @returns null where there is none, or one without a fix @throws aborted
 */
export async function askGps(client: IndiClient, signal?: AbortSignal): Promise<GpsTime | null> {
  const device = client.store.devices().find((each) => {
    const find = (name: string) => client.store.property(each, name);
    return isOn(find('CONNECTION'), 'CONNECT') && find('GPS_REFRESH') && find('TIME_UTC');
  });
  if (device === undefined) return null;
  const delays: number[] = [];
  for (let asked = 0; asked < questions; asked++) {
    const delay = await ask(client, device, signal).catch((thrown) => {
      const error = asNightflowError(thrown);
      if (error.code === 'aborted') throw error;
      return null;
    });
    if (delay === null) break;
    delays.push(delay);
    await client.networkClock.sleep(pauseMilliseconds, signal).catch((thrown) => {
      throw asNightflowError(thrown);
    });
  }
  return delays.length === 0 ? null : { device, ...gpsOffset(delays) };
}

/** @param delays Arrival by our clock minus the whole second that was told, s: the offset, and up to one second of rounding and one of age. */
export function gpsOffset(delays: readonly number[]): Omit<GpsTime, 'device'> {
  const high = Math.min(...delays);
  const low = Math.min(high, Math.max(...delays) - 1) - fixAgeSeconds;
  return { offsetSeconds: (low + high) / 2, uncertaintySeconds: (high - low) / 2 };
}

async function ask(client: IndiClient, device: string, signal?: AbortSignal): Promise<number | null> {
  const since = client.store.revision;
  const property = 'GPS_REFRESH';
  const request = { device, property, values: { REFRESH: true }, judge: pressed(property), signal };
  const pressing = client.command({ ...request, lane: 'gps', timeoutSeconds: answerSeconds });
  const told = await waitFor(
    (listener) => client.store.on('event', listener),
    () => {
      const time = client.store.property(device, 'TIME_UTC');
      return time && time.revision > since ? { time, at: client.clock.now() } : undefined;
    },
    { clock: client.networkClock, timeoutSeconds: answerSeconds, signal, what: `the time of ${device}` },
  );
  await pressing;
  const text = textOf(told.time, 'UTC');
  const utc = text === null || told.time.state !== 'Ok' ? Number.NaN : Date.parse(`${text.replace(/Z$/, '')}Z`);
  return Number.isNaN(utc) ? null : (told.at - utc) / 1000;
}
