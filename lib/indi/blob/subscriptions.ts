/** Who wants which BLOBs: opens the second connection with the first wish, and asks again whenever it comes back. */
import type { Clock } from '../../clock/clock.ts';
import { asNightflowError } from '../../process/errors.ts';
import { type BackOff, backOffSeconds } from '../../process/retry.ts';
import { waitFor } from '../wait.ts';
import type { BlobChannel } from './channel.ts';
import type { BlobArrival } from './traffic.ts';

export interface SubscriptionOptions {
  open: (signal: AbortSignal) => Promise<BlobChannel>;
  clock: Clock;
  backOff: BackOff;
  onBlob: (arrival: BlobArrival) => void;
  onFault: (fault: string) => void;
}

interface Subscription {
  device: string;
  property: string;
  users: number;
}

/** How long `enable` waits for the second connection. */
const channelSeconds = 10;

export class BlobSubscriptions {
  private readonly options: SubscriptionOptions;
  private readonly wanted = new Map<string, Subscription>();
  private readonly listeners = new Set<() => void>();
  private channel: BlobChannel | null = null;
  /** While the first connection stands. */
  private session: AbortController | null = null;
  private keeping = false;

  constructor(options: SubscriptionOptions) {
    this.options = options;
  }

  /** Resolves when the server knows. @throws timeout, aborted */
  async enable(device: string, property: string, signal?: AbortSignal): Promise<() => void> {
    const key = JSON.stringify([device, property]);
    const subscription = this.wanted.get(key) ?? { device, property, users: 0 };
    subscription.users++;
    this.wanted.set(key, subscription);
    this.keep();
    let enabled = true;
    const disable = () => {
      if (!enabled) return;
      enabled = false;
      if (--subscription.users > 0) return;
      this.wanted.delete(key);
      this.channel?.unsubscribe(device, property);
    };
    try {
      const channel = await waitFor(
        (listener) => {
          this.listeners.add(listener);
          return () => this.listeners.delete(listener);
        },
        () => this.channel ?? undefined,
        { clock: this.options.clock, timeoutSeconds: channelSeconds, signal, what: 'the connection for BLOBs' },
      );
      await channel.subscribe(device, property);
      return disable;
    } catch (error) {
      disable();
      throw error;
    }
  }

  /** The driver came back. */
  renew(device: string, property: string): void {
    if (this.wanted.has(JSON.stringify([device, property]))) void this.channel?.subscribe(device, property);
  }

  /** The first connection stands. */
  connected(): void {
    this.session = new AbortController();
    this.keep();
  }

  disconnected(): void {
    this.session?.abort();
    this.session = null;
    this.channel?.close();
  }

  close(): void {
    this.disconnected();
    this.wanted.clear();
  }

  private keep(): void {
    if (this.keeping || !this.session || this.wanted.size === 0) return;
    this.keeping = true;
    void this.keepOpen(this.session.signal).finally(() => {
      this.keeping = false;
      this.keep();
    });
  }

  private async keepOpen(signal: AbortSignal): Promise<void> {
    const { open, clock, backOff, onBlob, onFault } = this.options;
    for (let failures = 1; !signal.aborted; failures++) {
      try {
        const channel = await open(signal);
        if (signal.aborted) return channel.close();
        failures = 0;
        channel.on('blob', onBlob);
        channel.on('fault', onFault);
        this.channel = channel;
        for (const { device, property } of this.wanted.values()) void channel.subscribe(device, property);
        for (const listener of this.listeners) listener();
        const reason = await channel.closed;
        this.channel = null;
        if (!signal.aborted) onFault(`The connection for BLOBs ended: ${reason.message}`);
      } catch (error) {
        if (!signal.aborted) onFault(`The connection for BLOBs failed: ${asNightflowError(error).message}`);
      }
      if (!signal.aborted)
        await clock.sleep(backOffSeconds(Math.max(1, failures), backOff) * 1000, signal).catch(() => {});
    }
  }
}
