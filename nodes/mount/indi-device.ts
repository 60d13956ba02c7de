/**
 * What the nodes of one INDI device share: commands in their order, an abort that passes them all, the result on output 1, and on
 * output 2 what the device does. Each node says in a `DeviceKind` what is its own.
 */
import type { Clock } from '../../lib/clock/clock.ts';
import { realClock } from '../../lib/clock/clock.ts';
import type { IndiClient } from '../../lib/indi/client.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../../lib/process/errors.ts';
import type { Site } from '../../lib/sky/site.ts';
import { handleInput } from '../handle.ts';
import { type InputTable, type NodeConfig, readConfiguration, readSettings, type Settings } from '../inputs.ts';
import { type StatusState, showStatus } from '../status.ts';
import { type AstroMessage, type IndiNode, indiOf, type Node, type NodeAPI } from '../types.ts';
import { DeviceReporter } from './device-reporter.ts';

export interface DeviceKind<T extends InputTable, Device> {
  type: string;
  /** What a device is called in sentences: 'mount'. */
  noun: string;
  /** `abort` and `status`, where they are offered, don't wait. */
  commands: readonly string[];
  inputs: T;
  /** A new command ends the one that runs, instead of waiting for it. */
  replaces?: boolean;
  /** Of a device that is connected. @throws unsupported when it is something else */
  open(client: IndiClient, device: string, signal: AbortSignal): Promise<Device>;
  /** The same without a look whether it is there. */
  at(client: IndiClient, device: string): Device;
  run(job: DeviceJob<T, Device>): Promise<DeviceOutcome>;
  abort?(device: Device): Promise<void>;
  /** What it does now. @throws lost */
  report(device: Device, surroundings: DeviceSurroundings): DeviceReport;
}

export interface DeviceSurroundings {
  client: IndiClient;
  name: string;
  clock: Clock;
  /** null without one, and with one whose settings are wrong. */
  site: Site | null;
  text(key: string, values?: Record<string, unknown>): string;
}

export interface DeviceJob<T extends InputTable, Device> extends DeviceSurroundings {
  command: string;
  device: Device;
  msg: AstroMessage;
  settings: Settings<T>;
  signal: AbortSignal;
  status(state: StatusState, text: string): void;
  /** Goes out with the next report on output 2; at once when `phase` changes. */
  progress(more: Record<string, unknown>): void;
}

/** What leaves by output 1. */
export interface DeviceOutcome {
  payload: unknown;
  /** Further properties of the message. */
  details?: Record<string, unknown>;
  state: StatusState;
  text: string;
}

export interface DeviceReport {
  /** When this changes, a report goes out at once. */
  key: string;
  /** Something moves: a report each second. */
  busy: boolean;
  payload(): Record<string, unknown>;
  state: StatusState;
  text: string;
}

const sharedInputs = {
  device: { type: 'text', label: 'device', default: '' },
  reportSeconds: { type: 'number', label: 'time between reports', default: 10, minimum: 0, maximum: 3600, unit: 's' },
} as const satisfies InputTable;

type Send = (first: AstroMessage | null, second?: Partial<AstroMessage>) => void;

/** Wires input and close of a node. */
export function driveDevice<T extends InputTable, Device>(
  RED: NodeAPI,
  node: Node,
  config: NodeConfig,
  kind: DeviceKind<T, Device>,
): void {
  const control = new DeviceControl(RED, node, config, kind);
  handleInput(RED, node, {
    config,
    // Read by what they are for: a wrong setting must not keep an abort from stopping.
    inputs: {},
    parallel: true,
    run: ({ msg, send, signal }) => control.take(msg, send as Send, signal),
    closing: () => control.close(),
  });
  control.begin();
}

class DeviceControl<T extends InputTable, Device> {
  private readonly RED: NodeAPI;
  private readonly node: Node;
  private readonly config: NodeConfig;
  private readonly kind: DeviceKind<T, Device>;
  private readonly indi: IndiNode | null;
  private readonly reporter: DeviceReporter;
  private reading: Promise<unknown> = Promise.resolve();
  private tail: Promise<unknown> = Promise.resolve();
  /** Ends what runs and what waits; a new one after each use. */
  private session = new AbortController();

  constructor(RED: NodeAPI, node: Node, config: NodeConfig, kind: DeviceKind<T, Device>) {
    this.RED = RED;
    this.node = node;
    this.config = config;
    this.kind = kind;
    this.indi = indiOf(RED, config.indi);
    this.reporter = new DeviceReporter({
      look: () => this.look(),
      send: (message) => node.send([null, message] as never),
      status: (state, text) => showStatus(node, state, text),
      lost: () => this.text('lost', { device: this.name }),
    });
  }

  begin(): void {
    showStatus(this.node, this.name ? 'idle' : 'waiting', this.text(this.name ? 'idle' : 'unset'));
    let seconds = 10;
    try {
      seconds = readConfiguration(this.config, { reportSeconds: sharedInputs.reportSeconds }).reportSeconds;
    } catch (thrown) {
      this.node.warn(asNightflowError(thrown).message);
    }
    if (this.indi && this.name) this.reporter.start(seconds);
  }

  close(): void {
    this.reporter.stop();
    this.session.abort();
  }

  async take(msg: AstroMessage, send: Send, closing: AbortSignal): Promise<void> {
    // Messages of which one needs longer to be read must not overtake each other.
    const read = this.reading.then(() => this.commandOf(msg));
    this.reading = read.catch(() => {});
    const command = await read;
    if (command === 'abort') return this.abort(msg, send, closing);
    if (command === 'status') return this.perform(command, msg, send, closing);
    if (this.kind.replaces) this.interrupt();
    const signal = AbortSignal.any([closing, this.session.signal]);
    const turn = this.tail.then(() => this.perform(command, msg, send, signal));
    this.tail = turn.catch(() => {});
    try {
      await turn;
    } catch (thrown) {
      const { code, message, remedy } = asNightflowError(thrown);
      const payload = { command, code, message, ...(remedy ? { remedy } : {}) };
      if (!closing.aborted) send(null, { ...head(msg), event: code === 'aborted' ? 'aborted' : 'failed', payload });
      throw thrown;
    }
  }

  private async perform(command: string, msg: AstroMessage, send: Send, signal: AbortSignal): Promise<void> {
    throwIfAborted(signal);
    const running = command !== 'status';
    try {
      const { RED, node, config, kind } = this;
      if (running) this.reporter.began(command);
      const settings = await readSettings(RED, node, config, { ...kind.inputs, device: sharedInputs.device }, msg);
      const name = this.chosen(String((settings as { device: string }).device));
      const client = await this.requireIndi().device(name, signal);
      const device = await kind.open(client, name, signal);
      const outcome = await kind.run({
        ...this.surroundings(client, name),
        ...{ command, device, msg, signal },
        settings: settings as Settings<T>,
        status: (state, text) => showStatus(node, state, text),
        progress: (more) => this.reporter.progress(more),
      });
      throwIfAborted(signal);
      if (running) this.reporter.ended('done');
      showStatus(node, outcome.state, outcome.text);
      send(Object.assign(withoutOrders(msg), { payload: outcome.payload, ...outcome.details }));
    } catch (thrown) {
      const stopped = asNightflowError(thrown).code === 'aborted';
      if (running) this.reporter.ended(stopped ? 'aborted' : 'failed');
      if (stopped) showStatus(this.node, 'idle', this.text('stopped'));
      throw thrown;
    }
  }

  /** Past all that runs and waits. The device is told also when nothing of ours moves it: somebody else may. */
  private async abort(msg: AstroMessage, send: Send, signal: AbortSignal): Promise<void> {
    this.interrupt();
    const { kind } = this;
    if (kind.abort) {
      const name = this.chosen(typeof msg.device === 'string' ? msg.device : this.name);
      const client = await this.requireIndi().ready(signal);
      await kind.abort(kind.at(client, name));
    }
    showStatus(this.node, 'idle', this.text('stopped'));
    send(Object.assign(withoutOrders(msg), { payload: { command: 'abort', ...this.look()?.payload() } }));
  }

  private interrupt(): void {
    this.session.abort();
    this.session = new AbortController();
  }

  private look(): DeviceReport | null {
    const client = this.indi?.observatory?.client;
    if (!client?.connected) return null;
    try {
      return this.kind.report(this.kind.at(client, this.name), this.surroundings(client, this.name));
    } catch {
      // Not connected, not there, or not yet described in full.
      return null;
    }
  }

  private surroundings(client: IndiClient, name: string): DeviceSurroundings {
    const siteNode = this.indi?.siteNode;
    return {
      client,
      name,
      clock: siteNode?.clock ?? realClock,
      site: siteNode && !siteNode.problem ? siteNode.site : null,
      text: (key, values) => this.text(key, values),
    };
  }

  private async commandOf(msg: AstroMessage): Promise<string> {
    const { commands } = this.kind;
    const command = { type: 'choice', label: 'command', choices: commands, default: commands[0]! } as const;
    return (await readSettings(this.RED, this.node, this.config, { command }, msg)).command;
  }

  /** The device that this node is about. */
  private get name(): string {
    return String(this.config.device ?? '').trim();
  }

  private chosen(name: string): string {
    if (name.trim() !== '') return name.trim();
    throw new NightflowError('bad-input', `No ${this.kind.noun} is chosen.`, {
      remedy: 'Choose the INDI device in the node, and deploy.',
    });
  }

  private requireIndi(): IndiNode {
    if (this.indi) return this.indi;
    throw new NightflowError('bad-input', 'No INDI server is chosen.', {
      remedy: 'Choose one in the node, and deploy.',
    });
  }

  private text(key: string, values?: Record<string, unknown>): string {
    return this.RED._(`${this.kind.type}.status.${key}`, values as never);
  }
}

/** What was for this node is not for the next one. */
function withoutOrders(msg: AstroMessage): AstroMessage {
  delete msg.command;
  delete msg.device;
  return msg;
}

const head = ({ topic }: AstroMessage): Partial<AstroMessage> => (topic === undefined ? {} : { topic });
