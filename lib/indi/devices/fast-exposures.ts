/** Fast exposures (CCD_FAST_TOGGLE): the driver begins the next one itself before it sends the last, so nothing of ours is in the gap. */
import { NightflowError, throwIfAborted } from '../../process/errors.ts';
import { waitFor } from '../wait.ts';
import { cameBack } from './adopt-exposure.ts';
import { type IndiCamera, type IndiPicture, pictureOf } from './camera.ts';

/** More than a night holds. */
const framesAsked = 100_000;
/** A consumer that is slow has so many pictures waiting; then the run ends and we go on one by one. */
const mostWaiting = 4;
const deliverySeconds = 60;
/** For a connection to come back while the driver goes on. */
const reconnectSeconds = 60;
/** 23 days; a timer can't be much longer. */
const longestRunSeconds = 2_000_000;

/** Returns when the driver gave the mode up, so that the caller goes on without. @throws as IndiCamera.expose */
export async function* fastPictures(
  camera: IndiCamera,
  exposureSeconds: number,
  { told, signal }: { told: (sentence: string) => void; signal?: AbortSignal },
): AsyncGenerator<IndiPicture> {
  const { client, device } = camera;
  const ended = new AbortController();
  const outer = signal ? AbortSignal.any([signal, ended.signal]) : ended.signal;
  const waiting: IndiPicture[] = [];
  let over: string | null = null;
  let failure: unknown = null;
  let began = false;
  const listeners = new Set<() => void>();
  const wake = () => {
    for (const listener of listeners) listener();
  };

  /** The driver runs on without us: its pictures come again as soon as we are back; those of meanwhile are lost. */
  const goOn = async (reason: string, stop: AbortSignal) => {
    try {
      const away = await cameBack(client, device, exposureSeconds / client.clock.rate + reconnectSeconds, stop);
      const runs = ['CCD_FAST_COUNT', 'CCD_EXPOSURE'].some((name) => camera.find(name)?.state === 'Busy');
      if (away || !runs)
        failure ??= new NightflowError('lost', `${reason} ${away ?? 'The exposures ended meanwhile.'}`);
      else told(`${reason} The exposures of ${device} went on, and are taken over.`);
    } catch (error) {
      failure ??= error;
    }
  };

  // The device is ours from here to the end of the run.
  const run = client.exclusively(device, { signal: outer }, async (stop) => {
    camera.refuseNow();
    if (camera.find('CCD_EXPOSURE')?.state === 'Busy')
      throw new NightflowError('rejected', `${device} is busy with an exposure that somebody else began.`);
    const offs = [
      client.onBlob((arrival) => {
        if (arrival.device !== device || arrival.property !== 'CCD1' || !began || over !== null) return;
        for (const { blob } of arrival.elements) {
          if (blob.format.startsWith('.stream')) continue;
          try {
            waiting.push(pictureOf(device, blob));
          } catch (error) {
            failure ??= error;
          }
        }
        if (waiting.length > mostWaiting) over = 'Pictures come faster than they are worked on';
        wake();
      }),
      client.store.on('event', (event) => {
        // What is not connected takes all devices with it; whether the run goes on is seen when it is back.
        if (event.what === 'device-deleted' && event.device === device && client.connected) {
          failure ??= new NightflowError('lost', `The driver of ${device} ended.`);
          wake();
        }
        if (event.what !== 'updated' || event.property.device !== device || !began) return;
        const { name, state } = event.property;
        if (name === 'CCD_EXPOSURE' && state === 'Alert') over ??= event.message?.trim() || 'The driver gave it up';
        if (name === 'CCD_FAST_COUNT' && state === 'Idle') over ??= 'The driver ended it';
        wake();
      }),
      client.onDisconnected((reason) => {
        if (began) void goOn(reason, stop).finally(wake);
      }),
    ];
    const subscribe = (listener: () => void) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    };
    try {
      await camera.put('CCD_FAST_TOGGLE', 'INDI_ENABLED', stop);
      const { maximum = 0 } = camera.find('CCD_FAST_COUNT')?.elements.get('FRAMES') ?? {};
      const FRAMES = maximum >= 1 ? Math.min(framesAsked, maximum) : framesAsked;
      await camera.set('CCD_FAST_COUNT', { FRAMES }, stop);
      began = true;
      const first = { property: 'CCD_EXPOSURE', values: { CCD_EXPOSURE_VALUE: exposureSeconds } };
      const started = await client.commandNow({
        device,
        ...first,
        // Busy is enough: what comes after is the run.
        judge: (history) =>
          history.some((each) => each.what === 'updated' && each.property.name === 'CCD_EXPOSURE')
            ? { done: true, settleSeconds: 0 }
            : 'waiting',
        timeoutSeconds: deliverySeconds,
        signal: stop,
      });
      if (started.status !== 'ok') throw new NightflowError('lost', `${device} began no exposure: ${started.reason}`);
      await waitFor(subscribe, () => over !== null || failure !== null || undefined, {
        clock: client.clock,
        timeoutSeconds: longestRunSeconds,
        signal: stop,
      });
    } finally {
      for (const off of offs) off();
      began = false;
      if (client.connected && camera.find('CCD_FAST_TOGGLE')) {
        if (camera.find('CCD_EXPOSURE')?.state === 'Busy') await camera.abort();
        await camera.put('CCD_FAST_TOGGLE', 'INDI_DISABLED');
      }
    }
  });
  const settled = run.then(
    () => wake(),
    (error) => {
      failure ??= error;
      wake();
    },
  );

  const next = (): IndiPicture | 'over' | undefined => {
    const picture = waiting.shift();
    if (picture) return picture;
    if (failure !== null) throw failure;
    return over === null ? undefined : 'over';
  };
  try {
    for (;;) {
      const picture = await waitFor(
        (listener) => {
          listeners.add(listener);
          return () => void listeners.delete(listener);
        },
        next,
        {
          clock: client.clock,
          timeoutSeconds: exposureSeconds + deliverySeconds,
          signal,
          what: `a picture of ${device}`,
        },
      );
      if (picture === 'over') break;
      yield picture;
    }
    await settled;
    throwIfAborted(signal);
    told(`${device} ended its fast exposures (${over}): they go on one by one.`);
  } finally {
    ended.abort();
    await settled;
  }
}
