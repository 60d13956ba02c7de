/**
 * One command to a device: checked here, sent as a full vector, judged only by what comes after the send, ended in one of a
 * closed list of results. Nothing is ever sent twice.
 */
import type { Clock } from '../clock/clock.ts';
import type { BlobArrival } from './blob/traffic.ts';
import { type CommandResult, type CommandStatus, ended, remedies } from './command-result.ts';
import { type Happening, type Judge, setting, settleSeconds, updatesOf, type Verdict } from './completion.ts';
import { pictureIn } from './completion-devices.ts';
import type { IndiProperty } from './property.ts';
import { type IndiMessage, protocolVersion } from './protocol/message.ts';
import type { IndiStore, StoreEvent } from './store.ts';
import { makeWish, type WantedValues } from './validate.ts';

export { type CommandResult, type CommandStatus, requireOk } from './command-result.ts';

export interface CommandRequest {
  device: string;
  property: string;
  values: WantedValues;
  /** When it is done; by default Ok, or Idle with the values. */
  judge?: Judge;
  /** Longest time, from what the device has to do, in the observatory's time. By default the driver's own, at least 60. */
  timeoutSeconds?: number;
  /** After so long without an answer the driver is asked whether it lives, in real time. 2. */
  ackSeconds?: number;
  signal?: AbortSignal;
  /** Refuse it when the property is Busy already: a second exposure restarts the first without a word. */
  refuseBusy?: boolean;
  /** Told of all that happens on the device meanwhile. */
  onHappening?: (happening: Happening) => void;
}

/** What a command needs of its client. */
export interface Link {
  readonly store: IndiStore;
  readonly connected: boolean;
  /** The observatory's time: how long devices take. */
  readonly clock: Clock;
  /** Real time: how long the network takes. */
  readonly networkClock: Clock;
  send(message: IndiMessage): void;
  onBlob(listener: (arrival: BlobArrival) => void): () => void;
  onDisconnected(listener: (reason: string) => void): () => void;
}

/** @throws bad-input (nothing was sent) */
export function runCommand(link: Link, request: CommandRequest): Promise<CommandResult> {
  if (!link.connected) return Promise.resolve(ended('disconnected', 'There is no connection to the INDI server.'));
  if (request.signal?.aborted) return Promise.resolve(ended('aborted', 'stopped'));
  const { device, property, values } = request;
  const wish = makeWish(link.store.property(device, property), device, property, values);
  const wanted = Object.fromEntries(
    wish.elements.filter(({ name }) => Object.hasOwn(values, name)).map(({ name, value }) => [name, value]),
  );
  const before = link.store.property(device, property)!;
  if (request.refuseBusy && before.state === 'Busy')
    return Promise.resolve(ended('rejected', `${device} is busy with a ${property} that somebody else began.`));
  const judge = request.judge ?? setting(property, wanted as WantedValues);
  const sent: Happening = { what: 'sent', property: before };
  const observation = new Observation(link, request, judge, [sent]);
  // Listening begins before the bytes leave.
  const result = observation.result();
  link.send(wish);
  observation.expectAnswer();
  return result;
}

/**
 * Follows what a device is already doing (an exposure that runs on after we were away); null when it does nothing.
 * @throws nothing; the result says how it ended
 */
export function followRunning(link: Link, request: Omit<CommandRequest, 'values'>): Promise<CommandResult> | null {
  const property = link.store.property(request.device, request.property);
  if (!link.connected || property?.state !== 'Busy') return null;
  const judge = request.judge ?? setting(request.property, {});
  return new Observation(link, { ...request, values: {} }, judge, [
    { what: 'updated', property, message: null },
  ]).result();
}

class Observation {
  private readonly link: Link;
  private readonly request: CommandRequest;
  private readonly judge: Judge;
  private readonly history: Happening[];
  private readonly over = new AbortController();
  private readonly offs: (() => void)[] = [];
  private finish: (status: CommandStatus, reason?: string, remedy?: string) => void = () => {};
  private settling: AbortController | null = null;
  private standing: string | undefined;
  private probed = false;
  /** Set when the time is over. */
  private late: (() => void) | null = null;
  private rejecting = false;
  private confirmed = false;

  constructor(link: Link, request: CommandRequest, judge: Judge, history: Happening[]) {
    this.link = link;
    this.request = request;
    this.judge = judge;
    this.history = history;
  }

  result(): Promise<CommandResult> {
    const { link, request } = this;
    const { device, property, signal } = request;
    const path = `${device}.${property}`;
    const timeoutSeconds =
      request.timeoutSeconds ?? Math.max(60, 2 * (link.store.property(device, property)?.timeoutSeconds ?? 0));
    const promise = new Promise<CommandResult>((resolve) => {
      this.finish = (status, reason = '', remedy) => {
        if (this.over.signal.aborted) return;
        this.over.abort();
        this.settling?.abort();
        for (const off of this.offs) off();
        const at = link.store.property(device, property) ?? null;
        resolve({ status, reason, ...(remedy && { remedy }), property: at, history: this.history });
      };
    });
    const onAbort = () => this.finish('aborted', 'stopped');
    signal?.addEventListener('abort', onAbort, { once: true });
    this.offs.push(
      link.store.on('event', (event) => this.hear(event)),
      link.onBlob((arrival) => {
        if (arrival.device === device) this.add({ what: 'blob', arrival });
      }),
      link.onDisconnected((reason) => this.finish('disconnected', reason)),
      () => signal?.removeEventListener('abort', onAbort),
    );
    this.after(link.clock, timeoutSeconds, () => this.timeOut(`${path} was not done after ${timeoutSeconds} s`));
    return promise;
  }

  /** A driver that does not react is asked for the property: its answer proves that it has read what came before. */
  expectAnswer(): void {
    const { device, property, ackSeconds = 2 } = this.request;
    this.after(this.link.networkClock, ackSeconds, () => {
      if (this.settling || this.rejecting || updatesOf(this.history, property).at(-1)?.state === 'Busy') return;
      this.probed = true;
      this.link.send({ tag: 'getProperties', version: protocolVersion, device, name: property });
    });
  }

  /** Whether the driver hangs or the device does is another remedy: it is asked once more, and what it says may be the end after all. */
  private timeOut(sentence: string): void {
    const { device, property, ackSeconds = 2 } = this.request;
    this.late = () => this.finish('timeout', `${sentence}.`, remedies.stuck);
    this.probed = true;
    this.link.send({ tag: 'getProperties', version: protocolVersion, device, name: property });
    this.after(this.link.networkClock, ackSeconds, () =>
      this.finish('timeout', `${sentence}; its driver answers nothing.`, remedies.hangs),
    );
  }

  private hear(event: StoreEvent): void {
    const { device, property } = this.request;
    if (event.what === 'message') {
      if (event.device === device) this.add({ what: 'message', message: event.message });
    } else if (event.what === 'device-deleted') {
      if (event.device === device) this.finish('device-lost', `The driver of ${device} ended.`);
    } else if (event.property.device !== device) return;
    else if (event.what === 'updated') this.add(event);
    else if (event.what === 'deleted') {
      if (event.property.name === property) this.finish('device-lost', `${device} took its ${property} away.`);
    } else if (this.probed && event.property.name === property) this.confirm(event.property);
  }

  private confirm(property: IndiProperty): void {
    this.add({ what: 'confirmed', property });
    if (this.late && !this.settling && !this.rejecting) this.late();
    if (this.confirmed) return;
    this.confirmed = true;
    const { device, ackSeconds = 2 } = this.request;
    this.after(this.link.networkClock, ackSeconds, () => {
      if (this.settling || updatesOf(this.history, property.name).length > 0) return;
      this.finish('no-ack', `${device} read the command for ${property.name} and did nothing.`, remedies.dropped);
    });
  }

  private add(happening: Happening): void {
    this.remember(happening);
    this.request.onHappening?.(happening);
    const named =
      'property' in happening ? happening.property.name === this.request.property : happening.what === 'blob';
    this.evaluate(named);
  }

  /**
   * A command may last an hour beside exposures: of a countdown or a position on the way only the last is kept, in its place,
   * and of pictures the first of each property, by commands that expose.
   */
  private remember(happening: Happening): void {
    const { history } = this;
    if (happening.what === 'updated') {
      const { name, state } = happening.property;
      const at = history.findLastIndex((each) => each.what === 'updated' && each.property.name === name);
      const last = history[at];
      if (last?.what === 'updated' && last.property.state === state && (state === 'Busy' || state === 'Ok'))
        history[at] = happening;
      else history.push(happening);
    } else if (happening.what !== 'blob') history.push(happening);
    else if (exposes(this.request) && isPicture(happening.arrival) && !pictureIn(history, happening.arrival.property))
      history.push(happening);
  }

  /** @param restart The device is not still: what was settling starts again. */
  private evaluate(restart: boolean): void {
    if (this.rejecting) return;
    const verdict = this.verdict();
    if (verdict === 'waiting' || 'rejected' in verdict) {
      this.settling?.abort();
      this.settling = null;
      if (verdict !== 'waiting') this.reject();
    } else if (verdict.settleSeconds === 0) this.finish('ok');
    else if (!this.settling || (restart && !(verdict.standing && verdict.standing === this.standing))) {
      this.settling?.abort();
      this.settling = new AbortController();
      this.standing = verdict.standing;
      this.after(this.link.clock, verdict.settleSeconds, () => this.finish('ok'), this.settling.signal);
    }
  }

  /** The driver's reason may follow, and what else it says of this must not be taken for an answer to the next command. */
  private reject(): void {
    this.rejecting = true;
    this.after(this.link.clock, settleSeconds, () => {
      const verdict = this.verdict();
      this.finish(
        'rejected',
        typeof verdict === 'object' && 'rejected' in verdict ? verdict.rejected : 'It was refused.',
      );
    });
  }

  private verdict(): Verdict {
    return this.judge(this.history, (name) => this.link.store.property(this.request.device, name));
  }

  private after(clock: Clock, seconds: number, then: () => void, signal = this.over.signal): void {
    clock.sleep(seconds * 1000, signal).then(
      () => {
        if (!this.over.signal.aborted) then();
      },
      () => {},
    );
  }
}

const exposes = ({ property }: CommandRequest): boolean => property.endsWith('_EXPOSURE');

const isPicture = ({ elements }: BlobArrival): boolean =>
  elements.every(({ blob }) => !blob.format.startsWith('.stream'));
