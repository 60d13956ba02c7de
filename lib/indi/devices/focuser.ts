/** A focuser on an INDI server, in the shape of lib/camera/focuser.ts: with a scale (ABS_FOCUS_POSITION), else by steps only. */
import { NightflowError, throwIfAborted } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import { type CommandRequest, requireOk } from '../command.ts';
import { alertIn, type Judge, pressed, reasonOf, updatesOf, wentIdle } from '../completion.ts';
import { focused } from '../completion-devices.ts';
import { connectDevice, type DeviceCareOptions } from '../device-care.ts';
import { type IndiProperty, numberOf } from '../property.ts';
import { waitFor } from '../wait.ts';

export interface IndiFocuserInfo {
  name: string;
  drive: 'absolute' | 'relative';
  /** Steps. */
  minimum: number | null;
  maximum: number | null;
  smallestMove: number | null;
  largestMove: number | null;
}

const absolute = { property: 'ABS_FOCUS_POSITION', element: 'FOCUS_ABSOLUTE_POSITION' } as const;
const relative = { property: 'REL_FOCUS_POSITION', element: 'FOCUS_RELATIVE_POSITION' } as const;
const abort = 'FOCUS_ABORT_MOTION';
/** The slowest motors do 50 steps in a second; whatever the length, a driver may take so long to begin and to end. */
const slowestStepsPerSecond = 50;
const overheadSeconds = 30;
const definitionSeconds = 15;
/** Some drivers say Ok and move on: so long without a word, and it stands. */
const stillSeconds = 0.3;

export class IndiFocuser {
  private readonly client: IndiClient;
  readonly device: string;

  /** Of a device that is connected already. */
  constructor(client: IndiClient, device: string) {
    this.client = client;
    this.device = device;
  }

  /** Connects the device. @throws unsupported when it is no focuser that can be moved by steps; as connectDevice */
  static async connect(client: IndiClient, options: DeviceCareOptions, signal?: AbortSignal): Promise<IndiFocuser> {
    const { device } = options;
    await connectDevice(client, options, signal);
    return new IndiFocuser(client, device).ready(signal);
  }

  /** Resolves when it says how it moves. @throws unsupported when it is no focuser that can be moved by steps; aborted */
  async ready(signal?: AbortSignal): Promise<this> {
    const { client, device } = this;
    await waitFor(
      (listener) => client.store.on('event', listener),
      () => this.known(absolute.property) ?? this.known(relative.property),
      { clock: client.networkClock, timeoutSeconds: definitionSeconds, signal, what: `a position of ${device}` },
    ).catch((error) => {
      throwIfAborted(signal);
      throw new NightflowError('unsupported', `${device} is no focuser that moves by steps.`, { cause: error });
    });
    return this;
  }

  get info(): IndiFocuserInfo {
    const scale = this.known(absolute.property)?.elements.get(absolute.element);
    const step = this.known(relative.property)?.elements.get(relative.element);
    const { minimum = 0, maximum = 0 } = scale ?? {};
    // The same number twice: the driver knows no limits.
    const bounded = scale !== undefined && maximum > minimum;
    return {
      name: this.device,
      drive: scale ? 'absolute' : 'relative',
      minimum: bounded ? minimum : null,
      maximum: bounded ? maximum : null,
      smallestMove: null,
      largestMove: scale || !step?.maximum ? null : step.maximum,
    };
  }

  /** Steps; null without a scale. @throws lost */
  async position(): Promise<number | null> {
    return this.info.drive === 'relative'
      ? this.present(null)
      : numberOf(this.require(absolute.property), absolute.element);
  }

  async temperatureCelsius(): Promise<number | null> {
    return this.present(numberOf(this.known('FOCUS_TEMPERATURE'), 'TEMPERATURE'));
  }

  /**
   * By so many steps, outwards when positive; done when it stands still.
   * @throws bad-input (nothing has moved), rejected, timeout, lost, aborted (once the motor stands)
   */
  async moveBy(steps: number, signal?: AbortSignal): Promise<void> {
    if (!Number.isFinite(steps)) throw new NightflowError('bad-input', `${this.device} can't move by ${steps} steps.`);
    if (this.info.drive === 'relative') return this.step(Math.round(steps), signal);
    const position = await this.position();
    if (position === null) throw new NightflowError('lost', `${this.device} does not say where it stands.`);
    await this.moveTo(position + steps, signal);
  }

  /** @throws as moveBy; unsupported without a scale */
  async moveTo(position: number, signal?: AbortSignal): Promise<void> {
    const { drive, minimum, maximum } = this.info;
    this.present(null);
    if (drive === 'relative')
      throw new NightflowError('unsupported', `${this.device} can only be moved by steps, not to a position.`);
    const to = Math.round(position);
    if (!Number.isFinite(to) || to < (minimum ?? to) || to > (maximum ?? to))
      throw new NightflowError('bad-input', `${this.device} can't go to ${position}.`, {
        remedy: `Its range is ${minimum} to ${maximum}.`,
      });
    const at = (await this.position()) ?? minimum ?? 0;
    // A driver that stands there already may not answer at all.
    if (to === at && this.require(absolute.property).state !== 'Busy') return throwIfAborted(signal);
    await this.move([this.request(absolute, to, Math.abs(to - at), focused(to))], signal);
  }

  /** Stops the motor at once, past whatever waits. @throws unsupported when it can't be stopped, rejected, timeout, lost */
  async abort(): Promise<void> {
    this.client.interrupt(this.device);
    this.present(null);
    if (!this.known(abort))
      throw new NightflowError('unsupported', `${this.device} can't be stopped: it moves on to its end.`);
    requireOk(await this.client.commandNow(this.stopRequest()));
  }

  private async step(steps: number, signal: AbortSignal | undefined): Promise<void> {
    this.require(relative.property);
    const { largestMove } = this.info;
    if (steps === 0) return throwIfAborted(signal);
    const length = Math.abs(steps);
    if (largestMove !== null && length > largestMove)
      throw new NightflowError('bad-input', `${this.device} can't move by ${steps} steps at once.`, {
        remedy: `It moves by ${largestMove} at most.`,
      });
    const values = { [steps < 0 ? 'FOCUS_INWARD' : 'FOCUS_OUTWARD']: true };
    await this.move(
      [
        { device: this.device, property: 'FOCUS_MOTION', values, timeoutSeconds: overheadSeconds },
        this.request(relative, length, length, stepped),
      ],
      signal,
    );
  }

  private request(
    { property, element }: { property: string; element: string },
    value: number,
    steps: number,
    judge: Judge,
  ): CommandRequest {
    const timeoutSeconds = overheadSeconds + steps / slowestStepsPerSecond;
    return { device: this.device, property, values: { [element]: value }, judge, timeoutSeconds };
  }

  /** One after the other, with nothing of anybody else between. A motor that can't be stopped is waited for. */
  private async move(requests: readonly CommandRequest[], signal: AbortSignal | undefined): Promise<void> {
    const { client, device } = this;
    await client.exclusively(device, { signal }, async (stop) => {
      for (const request of requests) {
        const canStop = this.known(abort) !== undefined;
        const result = await client.commandNow({ ...request, ...(canStop ? { signal: stop } : {}) });
        if (canStop && (result.status === 'aborted' || result.status === 'timeout')) await this.stop();
        requireOk(result);
        throwIfAborted(stop);
      }
    });
  }

  private async stop(): Promise<void> {
    // Why the move ended is what the caller has to know; that it could not be stopped is in the driver's sentences.
    await this.client.commandNow(this.stopRequest()).catch(() => {});
  }

  private stopRequest(): CommandRequest {
    const values = { [this.require(abort).elements.keys().next().value ?? 'ABORT']: true };
    return { device: this.device, property: abort, values, judge: pressed(abort), timeoutSeconds: 10 };
  }

  private known(name: string): IndiProperty | undefined {
    return this.client.store.property(this.device, name);
  }

  private require(name: string): IndiProperty {
    const property = this.known(name);
    if (property) return property;
    throw new NightflowError('lost', `${this.device} is not there${this.client.connected ? '' : ': no connection'}.`, {
      remedy: 'Check the INDI server and whether the focuser is connected.',
    });
  }

  private present<T>(value: T): T {
    if (!this.known(absolute.property)) this.require(relative.property);
    return value;
  }
}

/** A move by steps: Ok and still, and no scale beside it that is still Busy. */
const stepped: Judge = (history, current) => {
  const { property } = relative;
  const alert = alertIn(history, property);
  if (alert) return alert;
  if (wentIdle(history, property)) return { rejected: reasonOf(history, 'The focuser stopped before it was there.') };
  const last = updatesOf(history, property).at(-1);
  if (last?.state !== 'Ok' || current(absolute.property)?.state === 'Busy') return 'waiting';
  return { done: true, settleSeconds: stillSeconds };
};
