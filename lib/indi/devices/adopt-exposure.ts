/**
 * A connection that breaks in the middle of an exposure: the driver exposes on, and its picture comes to whoever has asked for it
 * before the end. So the client comes back, sees the exposure still running, and takes it over.
 */
import { asNightflowError } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import type { CommandRequest, CommandResult } from '../command.ts';
import { isOn } from '../property.ts';

/** After its end the picture is read out and sent: who comes back only then may still be in time. */
const readoutSeconds = 10;
/** A server defines its devices within 50 ms; a loaded computer takes longer. */
const definitionSeconds = 15;

export interface RunningExposure {
  /** What is listened for when the exposure is taken over. */
  request: Omit<CommandRequest, 'values' | 'timeoutSeconds'>;
  /** When the shutter closes, ms of the client's clock. */
  endsAt: number;
  /** From then on, to the picture. */
  deliverySeconds: number;
}

/** How the exposure ended; as `disconnected` when nobody was there at its end. @throws aborted */
export async function adoptExposure(
  client: IndiClient,
  ended: CommandResult,
  { request, endsAt, deliverySeconds }: RunningExposure,
): Promise<CommandResult> {
  const { device, signal } = request;
  // Without a connection to begin with, nothing was sent.
  if (ended.history.length === 0) return ended;
  let last = ended;
  while (last.status === 'disconnected' && !client.closed.aborted) {
    const left = secondsUntil(client, endsAt);
    const away = await cameBack(client, device, left + readoutSeconds, signal);
    const timeoutSeconds = Math.max(0, endsAt - client.clock.now()) / 1000 + deliverySeconds;
    const followed = away ? null : client.follow({ ...request, timeoutSeconds });
    if (!followed)
      return { ...last, reason: `${last.reason} ${away ?? `The exposure of ${device} was over by then.`}` };
    last = await followed;
  }
  return last;
}

/** null once the device is back and connected, with its exposure defined; else why it is not. @throws aborted */
export async function cameBack(
  client: IndiClient,
  device: string,
  timeoutSeconds: number,
  outer?: AbortSignal,
): Promise<string | null> {
  const signal = outer ? AbortSignal.any([outer, client.closed]) : client.closed;
  const appears = (name: string, seconds: number) =>
    client.waitForProperty(device, name, { timeoutSeconds: seconds, signal });
  try {
    const connection = await appears('CONNECTION', timeoutSeconds);
    // A driver that was started anew knows of no exposure.
    if (!isOn(connection, 'CONNECT')) return `The driver of ${device} was started anew meanwhile.`;
    for (const name of ['CCD_EXPOSURE', 'CCD1']) await appears(name, definitionSeconds);
    return null;
  } catch (thrown) {
    const { code } = asNightflowError(thrown);
    if (code === 'aborted' && !client.closed.aborted) throw thrown;
    return `${device} did not come back in time.`;
  }
}

/** In real time, as networks take it. */
const secondsUntil = (client: IndiClient, at: number): number =>
  Math.max(0, at - client.clock.now()) / 1000 / client.clock.rate;
