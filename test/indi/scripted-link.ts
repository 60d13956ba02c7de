/** A client without a network: what a test lets the server say goes into a real store, what is sent is kept. */
import { type Clock, realClock } from '../../lib/clock/clock.ts';
import type { BlobArrival } from '../../lib/indi/blob/channel.ts';
import type { Link } from '../../lib/indi/command.ts';
import { encodeMessage } from '../../lib/indi/protocol/encode.ts';
import type { IndiMessage } from '../../lib/indi/protocol/message.ts';
import { IndiStore } from '../../lib/indi/store.ts';
import { parse } from './collect.ts';

export class ScriptedLink implements Link {
  readonly store: IndiStore;
  readonly clock: Clock;
  readonly networkClock: Clock;
  connected = true;
  readonly sent: string[] = [];
  /** What the device answers to what it is sent. */
  onSend: (message: IndiMessage) => void = () => {};
  private readonly blobListeners = new Set<(arrival: BlobArrival) => void>();
  private readonly endListeners = new Set<(reason: string) => void>();

  constructor(clock: Clock = realClock) {
    this.clock = clock;
    this.networkClock = clock;
    this.store = new IndiStore(clock);
  }

  /** The server says this XML. */
  says(xml: string): void {
    for (const message of parse(xml).messages) this.store.take(message);
  }

  send(message: IndiMessage): void {
    this.sent.push(encodeMessage(message));
    this.onSend(message);
  }

  disconnect(): void {
    this.connected = false;
    for (const listener of this.endListeners) listener('The server is gone.');
    this.store.clear();
  }

  onBlob(listener: (arrival: BlobArrival) => void): () => void {
    this.blobListeners.add(listener);
    return () => this.blobListeners.delete(listener);
  }

  onDisconnected(listener: (reason: string) => void): () => void {
    this.endListeners.add(listener);
    return () => this.endListeners.delete(listener);
  }

  /** Listeners that were not taken off. */
  get listeners(): number {
    return this.blobListeners.size + this.endListeners.size;
  }
}

export const number = (
  name: string,
  elements: Record<string, [value: number, minimum?: number, maximum?: number, step?: number, format?: string]>,
  head = '',
) =>
  `<defNumberVector device="D" name="${name}" state="Idle" perm="rw" ${head}>${Object.entries(elements)
    .map(
      ([element, [value, min = 0, max = 0, step = 0, format = '%g']]) =>
        `<defNumber name="${element}" format="${format}" min="${min}" max="${max}" step="${step}">${value}</defNumber>`,
    )
    .join('')}</defNumberVector>`;

export const switches = (name: string, rule: string, elements: Record<string, 'On' | 'Off'>) =>
  `<defSwitchVector device="D" name="${name}" state="Idle" perm="rw" rule="${rule}">${Object.entries(elements)
    .map(([element, value]) => `<defSwitch name="${element}">${value}</defSwitch>`)
    .join('')}</defSwitchVector>`;

export const setNumber = (name: string, state: string, elements: Record<string, number>, message = '') =>
  `<setNumberVector device="D" name="${name}" state="${state}"${message ? ` message="${message}"` : ''}>${Object.entries(
    elements,
  )
    .map(([element, value]) => `<oneNumber name="${element}">${value}</oneNumber>`)
    .join('')}</setNumberVector>`;
