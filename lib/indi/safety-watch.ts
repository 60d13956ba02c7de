/** Safe or not, from rules about any devices: unsafe at once, safe again only after all was good for a while. */
import { type Clock, isoTime, realClock } from '../clock/clock.ts';
import { Events, type Listener } from '../process/events.ts';
import type { IndiClient } from './client.ts';
import type { IndiObservatory } from './observatory.ts';
import { numberOf } from './property.ts';
import { followClient } from './property-watch.ts';
import { type Freshness, type SafetyRule, type Trouble, troubleOf } from './safety.ts';

export interface SafetyOptions {
  rules: readonly SafetyRule[];
  /** All has to be good for so long before it is safe, s of the clock. */
  goodSeconds: number;
  /**
   * Longest age of what is watched, s; null: of weather stations two and a half periods of theirs, of others any, as long as
   * their driver answers.
   */
  staleSeconds: number | null;
  /** Busy (a weather station's warning) counts as good. */
  busyIsSafe: boolean;
  /** A driver is asked so often whether it lives, s of real time. 15. */
  askSeconds?: number;
  /** And has so long to answer, s of real time: some are busy with their hardware. 30. */
  answerSeconds?: number;
}

export interface Verdict {
  safe: boolean;
  /** Why not, a sentence each; empty when safe. */
  reasons: readonly string[];
  troubles: readonly Trouble[];
  /** Since when it is as it is, ISO 8601. */
  since: string;
}

/** Weather may come a period late, and a little. */
const periods = 2.5;
const graceSeconds = 10;

export class SafetyWatch {
  private readonly observatory: IndiObservatory;
  private readonly clock: Clock;
  private readonly options: SafetyOptions;
  private readonly events = new Events<{ changed: Verdict }>();
  private readonly ended = new AbortController();
  private readonly devices: ReadonlySet<string>;
  /** Of updates since the last definition, ms of the clock, by device and property. */
  private readonly updates = new Map<string, number>();
  private readonly answers = new Map<string, boolean>();
  private off: () => void = () => {};
  private client: IndiClient | null = null;
  private goodSince: number | null = null;
  private timer = new AbortController();
  private current: Verdict;
  private told = '';

  constructor(observatory: IndiObservatory, clock: Clock, options: SafetyOptions) {
    this.observatory = observatory;
    this.clock = clock;
    this.options = options;
    this.devices = new Set(options.rules.map(({ device }) => device));
    const since = isoTime(clock.now());
    this.current = { safe: false, reasons: ['Nothing is known yet.'], troubles: [], since };
  }

  /** Told at every change of the verdict or of what is in its way. */
  on(name: 'changed', listener: Listener<Verdict>): () => void {
    return this.events.on(name, listener);
  }

  /** As it stands at this moment. */
  verdict(): Verdict {
    this.look();
    return this.current;
  }

  start(): void {
    const offState = this.observatory.on('event', ({ what }) => {
      if (what === 'connected' || what === 'disconnected') this.look();
    });
    const offClient = followClient(this.observatory, (client) => this.follow(client));
    this.off = () => {
      offState();
      offClient();
    };
    for (const device of this.devices) this.ask(device).catch(() => {});
    this.look();
  }

  stop(): void {
    this.off();
    this.ended.abort();
    this.timer.abort();
  }

  private follow(client: IndiClient): () => void {
    this.client = client;
    const off = client.store.on('event', (event) => {
      const device = event.what === 'message' || event.what === 'device-deleted' ? event.device : event.property.device;
      if (device === null || !this.devices.has(device) || event.what === 'message') return;
      if (event.what === 'device-deleted') this.forget(device);
      else if (event.what === 'updated') this.updates.set(keyOf(device, event.property.name), this.clock.now());
      else if (event.what === 'defined') this.answers.set(device, true);
      this.look();
    });
    return () => {
      off();
      this.client = null;
      for (const device of this.devices) this.forget(device);
      this.look();
    };
  }

  private forget(device: string): void {
    this.answers.delete(device);
    for (const key of this.updates.keys()) if (key.startsWith(keyOf(device, ''))) this.updates.delete(key);
  }

  /** The driver answers a question for one property; that the server lives tells nothing of it. */
  private async ask(device: string): Promise<void> {
    const { signal } = this.ended;
    const { askSeconds = 15, answerSeconds = 30 } = this.options;
    for (;;) {
      const { client } = this;
      if (client?.connected && client.store.properties(device).length > 0) {
        const answered = await client.probe(device, { timeoutSeconds: answerSeconds, signal });
        if (client === this.client && client.store.properties(device).length > 0) this.answers.set(device, answered);
        this.look();
      }
      await realClock.sleep(askSeconds * 1000, signal);
    }
  }

  private freshness({ device, property }: SafetyRule, now: number): Freshness {
    const store = this.client?.store;
    const weather = store?.property(device, 'WEATHER_UPDATE');
    const own = this.updates.get(keyOf(device, property));
    // Lights are told when they change only; the numbers come each period.
    const beat = weather ? this.updates.get(keyOf(device, 'WEATHER_PARAMETERS')) : undefined;
    const at = Math.max(own ?? -Infinity, beat ?? -Infinity);
    const period = numberOf(weather, 'PERIOD');
    const usual = weather ? periods * (period ?? 0) + graceSeconds : null;
    return {
      ageSeconds: at === -Infinity ? null : (now - at) / 1000,
      limitSeconds: this.options.staleSeconds ?? usual,
      answers: this.answers.get(device) ?? null,
    };
  }

  private look(): void {
    if (this.ended.signal.aborted) return;
    const now = this.clock.now();
    const { rules, goodSeconds, busyIsSafe } = this.options;
    const store = this.client?.connected ? this.client.store : null;
    const fresh = rules.map((rule) => this.freshness(rule, now));
    const troubles = rules.flatMap((rule, at) => troubleOf(rule, store, fresh[at]!, { busyIsSafe }) ?? []);
    this.goodSince = troubles.length > 0 || rules.length === 0 ? null : (this.goodSince ?? now);
    const goodFor = this.goodSince === null ? null : (now - this.goodSince) / 1000;
    const safe = goodFor !== null && goodFor >= goodSeconds;
    this.tell(safe, troubles, goodFor, now);
    const ages = fresh.map(({ ageSeconds, limitSeconds }) => (limitSeconds ?? Infinity) - (ageSeconds ?? -Infinity));
    this.lookAgain(
      Math.min(safe || goodFor === null ? Infinity : goodSeconds - goodFor, ...ages.filter((each) => each > 0)),
    );
  }

  private tell(safe: boolean, troubles: readonly Trouble[], goodFor: number | null, now: number): void {
    const { goodSeconds, rules } = this.options;
    const waits = safe || goodFor === null ? [] : [`All is good; safe once it was so for ${goodSeconds} s.`];
    const empty = rules.length === 0 ? ['There is no rule that says what is safe.'] : [];
    const reasons = [...new Set(troubles.map(({ reason }) => reason)), ...waits, ...empty];
    const since = safe === this.current.safe ? this.current.since : isoTime(now);
    this.current = { safe, reasons, troubles, since };
    const told = JSON.stringify([safe, waits, troubles.map(({ kind, ...rest }) => [kind, { ...rest, reason: '' }])]);
    if (told === this.told) return;
    this.told = told;
    this.events.emit('changed', this.current);
  }

  /** When time alone changes the verdict: something gets too old, or was good for long enough. */
  private lookAgain(seconds: number): void {
    this.timer.abort();
    if (!Number.isFinite(seconds)) return;
    this.timer = new AbortController();
    this.clock.sleep(Math.max(0, seconds) * 1000 + 1, this.timer.signal).then(
      () => this.look(),
      () => {},
    );
  }
}

const keyOf = (device: string, property: string): string => `${device}\n${property}`;
