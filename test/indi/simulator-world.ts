/** A simulated observatory on a free port: a raw connection to it, and a client of ours with all its devices connected. */
import { connect, type Socket } from 'node:net';
import { type Clock, realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { IndiClient } from '../../lib/indi/client.ts';
import { connectDevice } from '../../lib/indi/device-care.ts';
import type { IndiMessage } from '../../lib/indi/protocol/message.ts';
import { IndiParser } from '../../lib/indi/protocol/parser.ts';
import {
  IndiSimulator,
  type IndiSimulatorOptions,
  type SimulatedRole,
  simulatedDeviceNames,
} from '../../lib/indi/simulator/simulator.ts';

export const names = simulatedDeviceNames;
export const site = { latitude: 51, longitude: -2.3, elevation: 72 };
/** A winter night without a Moon (new Moon 2026-11-09). */
export const midnight = Date.parse('2026-11-12T00:00:00Z');

export interface SimulatedWorld {
  simulator: IndiSimulator;
  client: IndiClient;
  clock: Clock;
  port: number;
  end(): Promise<void>;
}

/** @param rate How much faster than life. */
export async function simulatedWorld(
  roles: readonly SimulatedRole[],
  options: IndiSimulatorOptions = {},
  rate = 20,
): Promise<SimulatedWorld> {
  const clock = new RehearsalClock(midnight, rate);
  const simulator = new IndiSimulator({ devices: roles, ...options }, { clock, site });
  const port = await simulator.listen(0);
  const backOff = { firstSeconds: 0.05, factor: 2, maximumSeconds: 0.2, jitter: 0.5 };
  const client = new IndiClient({ host: '127.0.0.1', port, clock, backOff });
  await client.start();
  for (const role of roles) await connectDevice(client, { device: names[role] });
  return {
    ...{ simulator, client, clock, port },
    end: async () => {
      await client.close();
      await simulator.close();
    },
  };
}

/** A socket that speaks only what the test writes, and keeps what it hears. */
export class RawClient {
  readonly messages: IndiMessage[] = [];
  readonly faults: string[] = [];
  closed = false;
  private readonly socket: Socket;
  private readonly waiting = new Set<() => void>();

  constructor(port: number) {
    this.socket = connect(port, '127.0.0.1');
    const parser = new IndiParser({
      message: (message) => this.messages.push(message),
      fault: ({ text }) => this.faults.push(text),
    });
    const look = () => {
      for (const each of this.waiting) each();
    };
    this.socket.on('data', (chunk) => {
      parser.push(chunk);
      look();
    });
    this.socket.on('error', () => {});
    this.socket.on('close', () => {
      this.closed = true;
      look();
    });
  }

  send(text: string): void {
    this.socket.write(text);
  }

  /** The first message from `from` on that is wanted. */
  message(wanted: (message: IndiMessage) => boolean, from = 0): Promise<IndiMessage> {
    return this.until(() => this.messages.slice(from).find(wanted) ?? null);
  }

  async until<T>(look: () => T | null): Promise<T> {
    const stop = new AbortController();
    try {
      return await new Promise((resolve, reject) => {
        const tell = () => {
          const found = look();
          if (found === null) return;
          this.waiting.delete(tell);
          resolve(found);
        };
        this.waiting.add(tell);
        tell();
        realClock.sleep(10_000, stop.signal).then(
          () => reject(new Error(`Nothing came; heard: ${this.messages.map(({ tag }) => tag).join(' ')}`)),
          () => {},
        );
      });
    } finally {
      stop.abort();
    }
  }

  /** What the server has sent up to now has arrived. */
  async settled(): Promise<void> {
    const uid = `settled-${this.messages.length}`;
    this.send(`<pingRequest uid="${uid}"/>`);
    await this.message((message) => message.tag === 'pingReply' && message.uid === uid);
  }

  close(): void {
    this.socket.destroy();
  }
}

export const setOf = (device: string, name: string, state?: string) => (message: IndiMessage) =>
  message.tag === 'set' &&
  message.device === device &&
  message.name === name &&
  (state === undefined || message.state === state);
