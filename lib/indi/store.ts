/** What is known of a server's devices, kept up to date by its messages, with a typed event for every change. */
import type { Clock } from '../clock/clock.ts';
import { Events, type Listener } from '../process/events.ts';
import type { IndiProperty } from './property.ts';
import type { Definition, Deletion, ElementDefinition, IndiMessage, Update } from './protocol/message.ts';

/** Something that happened, in the order of arrival. */
export type StoreEvent =
  /** `previous` null: new. Repeated definitions are normal: any client's question makes a driver define again. */
  | { what: 'defined'; revision: number; property: IndiProperty; previous: IndiProperty | null }
  | { what: 'updated'; revision: number; property: IndiProperty; previous: IndiProperty; message: string | null }
  | { what: 'deleted'; revision: number; property: IndiProperty }
  /** The device is gone with all its properties: its driver ended, or we lost the server. */
  | { what: 'device-deleted'; revision: number; device: string }
  | { what: 'message'; revision: number; device: string | null; timestamp: string | null; message: string };

interface StoreEvents {
  event: StoreEvent;
  /** What was not believed: a sentence. */
  fault: string;
}

/** A hostile server can't fill the memory with devices and properties. */
export const storeLimits = { devices: 512, propertiesPerDevice: 4096, messages: 500, characters: 67_108_864 };

export class IndiStore {
  private readonly clock: Clock;
  private readonly known = new Map<string, Map<string, IndiProperty>>();
  private readonly events = new Events<StoreEvents>();
  private readonly log: Extract<StoreEvent, { what: 'message' }>[] = [];
  private lastRevision = 0;
  /** Of all names, labels and texts that are held. */
  private characters = 0;

  constructor(clock: Clock) {
    this.clock = clock;
  }

  /** The number of the last change. */
  get revision(): number {
    return this.lastRevision;
  }

  /** Names of the devices that have at least one property. */
  devices(): string[] {
    return [...this.known.keys()];
  }

  properties(device: string): IndiProperty[] {
    return [...(this.known.get(device)?.values() ?? [])];
  }

  property(device: string, name: string): IndiProperty | undefined {
    return this.known.get(device)?.get(name);
  }

  /** The last sentences of the drivers and the server, oldest first. */
  messages(): readonly Extract<StoreEvent, { what: 'message' }>[] {
    return this.log;
  }

  on<Name extends keyof StoreEvents>(name: Name, listener: Listener<StoreEvents[Name]>): () => void {
    return this.events.on(name, listener);
  }

  take(message: IndiMessage): undefined {
    switch (message.tag) {
      case 'def':
        return this.define(message);
      case 'set':
        return this.update(message);
      case 'delProperty':
        return this.delete(message);
      case 'message':
        return this.note(message.device, message.timestamp, message.message);
    }
  }

  /** The server is gone: so is everything on it. */
  clear(): void {
    for (const device of this.devices()) this.deleteDevice(device);
  }

  private define(definition: Definition): undefined {
    const { device, name, tag: _, message, elements, ...rest } = definition;
    let properties = this.known.get(device);
    if (!properties) {
      if (this.known.size >= storeLimits.devices) return this.refuse(`more than ${storeLimits.devices} devices`);
      properties = new Map();
      this.known.set(device, properties);
    }
    const previous = properties.get(name) ?? null;
    if (!previous && properties.size >= storeLimits.propertiesPerDevice)
      return this.refuse(`more than ${storeLimits.propertiesPerDevice} properties of ${device}`);
    if (message) this.note(device, definition.timestamp, message);
    const growth = sizeOf(elements) - (previous ? sizeOf(previous.elements.values()) : 0);
    if (this.characters + growth > storeLimits.characters) return this.refuse('more text than is kept');
    this.characters += growth;
    const byName = new Map(elements.map((element) => [element.name, element]));
    const property = { ...rest, device, name, elements: byName, revision: this.next(), at: this.clock.now() };
    properties.set(name, property);
    this.events.emit('event', { what: 'defined', revision: property.revision, property, previous });
  }

  /** An update of something undefined is passed over: its definition will carry the value. */
  private update(update: Update): undefined {
    const { device, name, type, timestamp, message } = update;
    const previous = this.property(device, name);
    // The sentence first: whoever hears of an alert can then say why.
    if (message) this.note(device, timestamp, message);
    if (previous && previous.type === type) {
      const elements = new Map<string, ElementDefinition>(previous.elements);
      for (const { name: element, value } of update.elements) {
        const defined = elements.get(element);
        if (defined) elements.set(element, { ...defined, value });
      }
      const growth = type === 'text' ? sizeOf(elements.values()) - sizeOf(previous.elements.values()) : 0;
      if (this.characters + growth > storeLimits.characters) return this.refuse('more text than is kept');
      this.characters += growth;
      const property: IndiProperty = {
        ...previous,
        elements,
        state: update.state ?? previous.state,
        timeoutSeconds: update.timeoutSeconds ?? previous.timeoutSeconds,
        timestamp,
        revision: this.next(),
        at: this.clock.now(),
      };
      this.known.get(device)!.set(name, property);
      this.events.emit('event', { what: 'updated', revision: property.revision, property, previous, message });
      return;
    }
    if (previous) this.refuse(`an update of ${device}.${name} that is no ${previous.type}`);
  }

  private delete({ device, name, timestamp, message }: Deletion): undefined {
    if (message) this.note(device, timestamp, message);
    if (name === null) return this.deleteDevice(device);
    const property = this.property(device, name);
    if (!property) return;
    this.known.get(device)!.delete(name);
    this.characters -= sizeOf(property.elements.values());
    this.events.emit('event', { what: 'deleted', revision: this.next(), property });
    if (this.known.get(device)!.size === 0) this.deleteDevice(device);
  }

  private deleteDevice(device: string): undefined {
    for (const { elements } of this.properties(device)) this.characters -= sizeOf(elements.values());
    if (this.known.delete(device)) this.events.emit('event', { what: 'device-deleted', revision: this.next(), device });
  }

  private note(device: string | null, timestamp: string | null, message: string): undefined {
    const event = {
      what: 'message' as const,
      revision: this.next(),
      device,
      timestamp,
      message: message.slice(0, longest),
    };
    this.log.push(event);
    if (this.log.length > storeLimits.messages) this.log.shift();
    this.events.emit('event', event);
  }

  private refuse(what: string): undefined {
    this.events.emit('fault', `The server sends ${what}: passed over.`);
  }

  private next(): number {
    return ++this.lastRevision;
  }
}

/** Characters of a sentence that are kept. */
const longest = 2000;

/** Characters that elements hold, and something for each of them. */
function sizeOf(elements: Iterable<ElementDefinition>): number {
  let characters = 0;
  for (const { name, label, value } of elements)
    characters += 64 + name.length + label.length + (typeof value === 'string' ? value.length : 0);
  return characters;
}
