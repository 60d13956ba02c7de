/** Where the mount of an INDI server points, as a hint for a solver: it is never waited for long, and nothing fails without it. */
import { realClock } from '../../lib/clock/clock.ts';
import { IndiMount } from '../../lib/indi/devices/mount.ts';
import { throwIfAborted } from '../../lib/process/errors.ts';
import { type IndiNode, indiOf, type NodeAPI } from '../types.ts';

export interface MountPlace {
  raDegrees: number;
  decDegrees: number;
}

/** A server that does not answer by then has no hint. */
const waitMilliseconds = 3000;

/** @param config The node's, with `indi` (the server) and `mount` (the device); null without either, or when it does not say. @throws aborted */
export async function placeOfMount(
  RED: NodeAPI,
  config: Readonly<Record<string, unknown>>,
  signal: AbortSignal,
): Promise<MountPlace | null> {
  const indi = indiOf(RED, config.indi);
  const device = typeof config.mount === 'string' ? config.mount.trim() : '';
  if (!indi || device === '') return null;
  try {
    return await ask(indi, device, signal);
  } catch {
    throwIfAborted(signal);
    return null;
  }
}

async function ask(indi: IndiNode, device: string, signal: AbortSignal): Promise<MountPlace | null> {
  const late = new AbortController();
  const answered = new AbortController();
  const wait = realClock.sleep(waitMilliseconds, answered.signal).then(
    () => late.abort(),
    () => {},
  );
  try {
    const client = await indi.device(device, AbortSignal.any([signal, late.signal]));
    const { raDegrees, decDegrees, moving } = new IndiMount(client, device).status();
    return raDegrees === null || decDegrees === null || moving ? null : { raDegrees, decDegrees };
  } finally {
    answered.abort();
    await wait;
  }
}
