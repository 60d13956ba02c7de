/** The steps that bring a lost body back: a new session, a reset by gphoto2, a reset of the USB device, the power of its hub. */
import { type Clock, realSleep } from '../clock/clock.ts';
import type { NightflowError } from '../process/errors.ts';
import type { RecoveryStep } from './recovery.ts';
import { cycleHubPower, resetUsbDevice, type UsbTools } from './usb-reset.ts';

export interface BodyOnUsb {
  /** Ends the session, where there is one. */
  leave(): Promise<void>;
  /** Opens one wherever the body is now, and sees that it answers. @throws lost, busy, timeout, aborted */
  open(stop: AbortSignal): Promise<void>;
  /** Where our body is on the bus. @throws lost when it is not, busy when it can't be told from another */
  port(stop: AbortSignal): Promise<string>;
  reset(port: string, stop: AbortSignal): Promise<void>;
}

export interface HubPower {
  /** As uhubctl names it; null: it is never switched. */
  hub: string | null;
  /** UTC ms of the last time. */
  cycledAt: number | null;
  /** Until the power is on again, whoever gave up meanwhile. */
  cycling: Promise<void>;
}

/** A session takes up to 40 s to open, and a hanging one 15 s to end. */
const openSeconds = 60;
/** For a body to be on the bus again. */
const returnSeconds = 15;
const bootSeconds = 30;
const lookMilliseconds = 500;
/** Other devices hang on that hub: all night, once a minute, would be no kindness to them. */
const hubRestMilliseconds = 300_000;

export function stepsOf(body: BodyOnUsb, tools: UsbTools, power: HubPower, clock: Clock): RecoveryStep[] {
  const steps: RecoveryStep[] = [
    {
      what: 'the session is opened anew, wherever the camera is now',
      limitSeconds: openSeconds,
      work: async (stop) => {
        await body.leave();
        await body.open(stop);
      },
    },
    {
      what: 'the USB port is reset by gphoto2',
      limitSeconds: openSeconds + returnSeconds,
      work: async (stop) => {
        const port = await body.port(stop);
        await body.leave();
        await body.reset(port, stop);
        await openWhenBack(body, returnSeconds, stop);
      },
    },
    {
      what: 'the USB device is reset',
      limitSeconds: openSeconds + returnSeconds,
      work: async (stop) => {
        const port = await body.port(stop);
        await body.leave();
        await resetUsbDevice(port, tools, stop);
        await openWhenBack(body, returnSeconds, stop);
      },
    },
  ];
  const { hub, cycledAt } = power;
  if (hub !== null && (cycledAt === null || clock.now() - cycledAt > hubRestMilliseconds))
    steps.push({
      what: `the power of the USB hub ${hub} is switched off and on`,
      limitSeconds: openSeconds + bootSeconds,
      work: async (stop) => {
        await body.leave();
        power.cycledAt = clock.now();
        const cycling = cycleHubPower(hub, tools, stop);
        power.cycling = cycling.catch(() => {});
        await cycling;
        await openWhenBack(body, bootSeconds, stop);
      },
    });
  return steps;
}

/** After a reset the device is away for a moment, and comes back under another address. */
async function openWhenBack(body: BodyOnUsb, seconds: number, stop: AbortSignal): Promise<void> {
  for (const end = performance.now() + seconds * 1000; ; ) {
    const there = await body.port(stop).then(
      () => true,
      (error: NightflowError) => {
        if (error.code === 'aborted' || performance.now() > end) throw error;
        return error.code === 'busy';
      },
    );
    if (there) return body.open(stop);
    await realSleep(lookMilliseconds, stop);
  }
}
