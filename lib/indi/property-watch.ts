/** Follows one property through changes, crashes of its driver, and restarts of the server, and notices when it falls silent. */
import { type Clock, isoTime } from '../clock/clock.ts';
import { Events, type Listener } from '../process/events.ts';
import type { IndiClient } from './client.ts';
import type { IndiObservatory } from './observatory.ts';
import type { IndiProperty } from './property.ts';
import type { PropertyState, PropertyType } from './protocol/message.ts';

export interface WatchedProperty {
  device: string;
  property: string;
  /** The only one that counts as a change; empty: all. */
  element: string;
  /** Tell of updates that change nothing, too. */
  everyUpdate?: boolean;
  /** Longest time without an update, s of the clock; 0: any. */
  staleSeconds?: number;
}

/** A property as messages carry it. */
export interface PropertySnapshot {
  device: string;
  property: string;
  label: string;
  type: PropertyType;
  state: PropertyState;
  /** null for what is no number, and for BLOBs. */
  values: Record<string, number | string | boolean | null>;
  /** The driver's own time of it, ISO 8601 without Z; null when it gave none. */
  timestamp: string | null;
  /** When it arrived. */
  at: string;
  ageSeconds: number;
}

interface WatchEvents {
  changed: IndiProperty;
  /** The property, its device or the server is gone. */
  lost: string;
  stale: IndiProperty;
}

export class PropertyWatch {
  private readonly observatory: IndiObservatory;
  private readonly clock: Clock;
  private readonly watched: WatchedProperty;
  private readonly events = new Events<WatchEvents>();
  private off: () => void = () => {};
  private last: IndiProperty | null = null;
  private told = '';
  private quiet: AbortController | null = null;

  constructor(observatory: IndiObservatory, clock: Clock, watched: WatchedProperty) {
    this.observatory = observatory;
    this.clock = clock;
    this.watched = watched;
  }

  on<Name extends keyof WatchEvents>(name: Name, listener: Listener<WatchEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  /** Tells of the property as it stands, where it is there. */
  start(): void {
    this.off = followClient(this.observatory, (client) => this.follow(client));
  }

  stop(): void {
    this.off();
    this.quiet?.abort();
  }

  private follow({ store }: IndiClient): () => void {
    const { device, property: name } = this.watched;
    const known = store.property(device, name);
    if (known) this.take(known);
    return store.on('event', (event) => {
      if (event.what === 'device-deleted') {
        if (event.device === device) this.lose(`${device} is gone: its driver ended, or the INDI server.`);
      } else if (event.what === 'message' || event.property.device !== device || event.property.name !== name) return;
      else if (event.what === 'deleted') this.lose(`${device} took its ${name} away.`);
      else this.take(event.property);
    });
  }

  private take(property: IndiProperty): void {
    this.last = property;
    this.watchSilence(property);
    const { element, everyUpdate = false } = this.watched;
    const shown = [...property.elements.values()].filter(({ name }) => !element || name === element);
    const told = JSON.stringify([property.state, shown.map(({ value }) => (typeof value === 'object' ? null : value))]);
    if (told === this.told && !everyUpdate) return;
    this.told = told;
    this.events.emit('changed', property);
  }

  private lose(reason: string): void {
    this.quiet?.abort();
    if (!this.last) return;
    this.last = null;
    this.told = '';
    this.events.emit('lost', reason);
  }

  private watchSilence(property: IndiProperty): void {
    this.quiet?.abort();
    const { staleSeconds = 0 } = this.watched;
    if (staleSeconds <= 0) return;
    const quiet = new AbortController();
    this.quiet = quiet;
    this.clock.sleep(staleSeconds * 1000, quiet.signal).then(
      () => {
        // The next update counts as a change.
        this.told = '';
        this.events.emit('stale', property);
      },
      () => {},
    );
  }
}

/** Listens to the observatory's client, and to the next one after a stop and a start. @returns how to take it off */
export function followClient(observatory: IndiObservatory, listen: (client: IndiClient) => () => void): () => void {
  let off = observatory.client ? listen(observatory.client) : () => {};
  const offClient = observatory.on('client', (client) => {
    off();
    off = client ? listen(client) : () => {};
  });
  return () => {
    off();
    offClient();
  };
}

/** @param now Of the observatory's clock, ms. */
export function snapshotOf(property: IndiProperty, now: number): PropertySnapshot {
  const { device, name, label, type, state, elements, timestamp, at } = property;
  return {
    device,
    property: name,
    label: label || name,
    type,
    state,
    values: Object.fromEntries([...elements.values()].map((each) => [each.name, plainValue(each.value)])),
    timestamp,
    at: isoTime(at),
    ageSeconds: Math.max(0, Math.round(now - at) / 1000),
  };
}

function plainValue(value: unknown): number | string | boolean | null {
  if (typeof value === 'number') return Number.isFinite(value) ? value : null;
  return typeof value === 'string' || typeof value === 'boolean' ? value : null;
}
