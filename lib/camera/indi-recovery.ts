/** The way back to a camera on an INDI server: the server, its driver, the device. */
import type { IndiClient } from '../indi/client.ts';
import type { IndiCamera } from '../indi/devices/camera.ts';
import { NightflowError } from '../process/errors.ts';
import { inTurn, type RecoveryReport } from './recovery.ts';

export interface LostIndiCamera {
  device: string;
  reach(stop: AbortSignal): Promise<unknown>;
  connect(stop: AbortSignal): Promise<void>;
  /** As they are once the server is reached. */
  now(): { client: IndiClient; camera: IndiCamera };
}

/** A driver that finds its camera anew may take a minute. */
const limitSeconds = 120;
const askFor = 'Restart the driver, or the INDI server.';

/** @throws lost, timeout, rejected, aborted */
export function recoverIndiCamera(
  { device, reach, connect, now }: LostIndiCamera,
  report: RecoveryReport,
  signal?: AbortSignal,
): Promise<void> {
  const answer = async (stop: AbortSignal) => {
    const { client, camera } = now();
    // An exposure that hangs.
    if (camera.find('CCD_EXPOSURE')?.state === 'Busy') await camera.abort();
    if ((await client.probe(device, { signal: stop })) || !camera.find('CONNECTION')) return;
    throw new NightflowError('timeout', `The driver of ${device} does not answer.`, { remedy: askFor });
  };
  const steps = [
    { what: 'the INDI server is reached', limitSeconds, work: async (stop: AbortSignal) => void (await reach(stop)) },
    { what: `the driver of ${device} is asked whether it answers`, limitSeconds, work: answer },
    { what: `${device} is connected with its settings`, limitSeconds, work: connect },
  ];
  return inTurn(steps, report, { askFor, signal });
}
