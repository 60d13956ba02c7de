/** A filter wheel on an INDI server: filters by the names that its owner gave them, or by slot. */
import { asNightflowError, NightflowError, throwIfAborted } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import { requireOk } from '../command.ts';
import { filterSelected } from '../completion-devices.ts';
import { type IndiProperty, numberOf, textOf } from '../property.ts';

export interface Filter {
  /** From 1, as INDI counts. */
  slot: number;
  /** The owner's, or "Filter 3" where the driver has none. */
  name: string;
}

const slots = { property: 'FILTER_SLOT', element: 'FILTER_SLOT_VALUE' } as const;
const names = 'FILTER_NAME';
const definitionSeconds = 15;
/** A large wheel with the slowest motor, all the way round, twice. */
const turnSeconds = 120;
const standSeconds = 30;
/** More than any wheel has: drivers without limits are not asked for thousands of names. */
const mostSlots = 64;

export class IndiFilterWheel {
  private readonly client: IndiClient;
  readonly device: string;

  /** Of a device that is connected already. */
  constructor(client: IndiClient, device: string) {
    this.client = client;
    this.device = device;
  }

  /** Resolves when its slots are defined. @throws unsupported when it is no filter wheel; aborted */
  async ready(signal?: AbortSignal): Promise<this> {
    const options = { timeoutSeconds: definitionSeconds, signal };
    await this.client.waitForProperty(this.device, slots.property, options).catch((cause) => {
      throwIfAborted(signal);
      throw new NightflowError('unsupported', `${this.device} is no filter wheel.`, { cause });
    });
    return this;
  }

  /** All filters in the order of their slots. @throws lost */
  filters(): Filter[] {
    const { minimum = 1, maximum = 0 } = this.require().elements.get(slots.element) ?? {};
    const named = this.client.store.property(this.device, names);
    const first = Math.max(1, Math.round(minimum));
    const last = maximum > minimum ? Math.round(maximum) : Math.max(first, named?.elements.size ?? 0);
    const count = Math.min(mostSlots, last - first + 1);
    return Array.from({ length: count }, (_, at) => ({ slot: first + at, name: this.nameOf(first + at) }));
  }

  /** The filter in the light path; null while the wheel turns, and when it does not know. @throws lost */
  current(): Filter | null {
    const property = this.require();
    const slot = numberOf(property, slots.element);
    if (slot === null || slot < 1 || property.state === 'Busy') return null;
    return { slot: Math.round(slot), name: this.nameOf(Math.round(slot)) };
  }

  /** @throws lost */
  get turning(): boolean {
    return this.require().state === 'Busy';
  }

  /**
   * Turns the filter in; what is in already stays, and nothing is sent. A wheel can't be stopped: after an abort it turns on to its end.
   * @param wanted Name (in any case) or slot @throws bad-input naming the filters that there are, rejected, timeout, lost, aborted
   */
  async select(wanted: string | number, signal?: AbortSignal): Promise<Filter> {
    const filter = this.find(wanted);
    await this.client.exclusively(this.device, { signal }, async (stop) => {
      await this.stands(stop);
      // Drivers do not answer a wish for the filter that is in: waiting for it would last for ever.
      if (this.current()?.slot === filter.slot) return;
      const { client, device } = this;
      const request = { device, property: slots.property, values: { [slots.element]: filter.slot } };
      const judge = filterSelected(filter.slot);
      requireOk(await client.commandNow({ ...request, judge, timeoutSeconds: turnSeconds, signal: stop }));
    });
    return filter;
  }

  /** The filter of this name or slot. @throws bad-input, lost */
  find(wanted: string | number): Filter {
    const filters = this.filters();
    const text = String(wanted).trim();
    const named =
      filters.filter(({ name }) => name === text).at(0) ??
      filters.filter(({ name }) => name.toLowerCase() === text.toLowerCase()).at(0);
    const slot = /^\d+$/.test(text) ? Number(text) : null;
    const numbered = filters.find((each) => each.slot === slot);
    const found = typeof wanted === 'number' ? numbered : (named ?? numbered);
    if (found) return found;
    throw new NightflowError('bad-input', `${this.device} has no filter "${text.slice(0, 40)}".`, {
      remedy: `It has: ${filters.map(({ slot: at, name }) => `${at} ${name}`).join(', ')}.`,
    });
  }

  /**
   * What somebody else began is waited for: some drivers lose count when they are told another slot on the way. One that stays
   * Busy for ever is told all the same: a new wish may heal it.
   */
  private async stands(signal: AbortSignal): Promise<void> {
    if (!this.turning) return;
    const options = { timeoutSeconds: standSeconds, signal, ready: ({ state }: IndiProperty) => state !== 'Busy' };
    await this.client.waitForProperty(this.device, slots.property, options).catch((thrown) => {
      if (asNightflowError(thrown).code !== 'timeout') throw thrown;
    });
  }

  private nameOf(slot: number): string {
    const property = this.client.store.property(this.device, names);
    return textOf(property, `FILTER_SLOT_NAME_${slot}`)?.trim() || `Filter ${slot}`;
  }

  private require(): IndiProperty {
    const property = this.client.store.property(this.device, slots.property);
    if (property) return property;
    throw new NightflowError('lost', `The filter wheel ${this.device} is not there.`, {
      remedy: 'Check the INDI server and whether the wheel is connected.',
    });
  }
}
