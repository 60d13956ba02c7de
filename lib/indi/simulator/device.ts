/** A simulated driver: its properties, the wishes that it takes, refuses or drops as real drivers do, and its work on the clock. */
import type { Clock } from '../../clock/clock.ts';
import type { BlobVector } from '../protocol/blob-encode.ts';
import type { ElementValue, GetProperties, IndiMessage, PropertyState, Wish } from '../protocol/message.ts';
import type { FaultRule, Faults } from './faults.ts';
import { number, numbers, onIn, only, switches, texts, type Vector, valueIn } from './vector.ts';
import { complaintAbout, outOfRange, ruleBroken, type Values, wantedBy } from './wish.ts';

/** Where a device's messages go. */
export interface Outlet {
  send(message: IndiMessage): void;
  sendBlob(vector: BlobVector): void;
  /** The driver has ended. */
  crashed(device: SimulatedDevice): void;
}

export interface DeviceContext {
  clock: Clock;
  outlet: Outlet;
  faults: Faults;
  /** What can't be done is dropped without a word, as real drivers do; or refused with Alert and the reason. */
  validation: 'silent' | 'explained';
}

type Handler = (wanted: Values, vector: Vector) => void | Promise<void>;

const wishFaults = ['delay', 'no-reply', 'alert-then-ok', 'ok-early', 'busy-forever', 'crash'] as const;
/** Between CONNECTION Ok and the rest of a real driver's definitions. */
const definitionDelayMilliseconds = 20;

export abstract class SimulatedDevice {
  readonly name: string;
  protected readonly clock: Clock;
  private readonly context: DeviceContext;
  private readonly vectors = new Map<string, Vector>();
  private readonly defined = new Set<string>();
  private readonly always = new Set<string>();
  private readonly handlers = new Map<string, Handler>();
  private readonly tasks = new Map<string, AbortController>();
  private readonly life = new AbortController();
  /** Properties that a fault holds at Ok, or at Busy, whatever the device does. */
  private readonly held = new Map<string, PropertyState>();
  /** As a process that was stopped: it neither takes nor says anything. */
  hanging = false;

  constructor(name: string, driver: { executable: string; interface: number }, context: DeviceContext) {
    this.name = name;
    this.context = context;
    this.clock = context.clock;
    this.add(switches('CONNECTION', ['CONNECT', 'DISCONNECT'], ['DISCONNECT']), ({ CONNECT }) =>
      this.connect(!!CONNECT),
    );
    this.add(
      texts(
        'DRIVER_INFO',
        {
          DRIVER_NAME: name,
          DRIVER_EXEC: driver.executable,
          DRIVER_VERSION: '1.0',
          DRIVER_INTERFACE: String(driver.interface),
        },
        { group: 'General Info', permission: 'ro' },
      ),
    );
    this.add(numbers('POLLING_PERIOD', [number('PERIOD_MS', 1000, 10, 600_000, 1000, '%.f')], { group: 'Options' }));
    this.add(switches('DEBUG', ['ENABLE', 'DISABLE'], ['DISABLE'], { group: 'Options' }));
    this.add(
      switches('CONFIG_PROCESS', ['CONFIG_LOAD', 'CONFIG_SAVE', 'CONFIG_DEFAULT', 'CONFIG_PURGE'], [], {
        group: 'Options',
        rule: 'AtMostOne',
      }),
      (_, vector) => this.update(vector.name, 'Ok', only(vector, null)),
    );
    for (const name of this.vectors.keys()) this.always.add(name);
  }

  get connected(): boolean {
    return onIn(this.vector('CONNECTION')) === 'CONNECT';
  }

  /** The driver has started: what it has without a connection is defined. */
  start(): undefined {
    for (const name of this.always) this.define(name);
  }

  /** Everything that is under way ends. */
  stop(): undefined {
    this.life.abort();
    for (const task of this.tasks.values()) task.abort();
  }

  /** Answers a question with definitions; those that a client already has are repeated. */
  describe({ version, device, name }: GetProperties): undefined {
    if (this.hanging) return;
    // Drivers of libindi 1.9.9 print "getProperties missing version" and end.
    if (device !== null && version === null) return this.crash();
    for (const each of this.defined) if (name === null || name === each) this.send(this.definition(each));
  }

  take(wish: Wish): undefined {
    if (this.hanging) return;
    const fault = this.context.faults.take(wishFaults, this.name, wish.name);
    if (fault?.kind !== 'delay') return this.consider(wish, fault);
    this.begin(`delay ${wish.name}`, async (signal) => {
      await this.clock.sleep((fault.seconds ?? 1) * 1000, signal);
      this.consider(wish, null);
    });
  }

  crash(): undefined {
    this.stop();
    this.send({ tag: 'delProperty', device: this.name, name: null, timestamp: null, message: null });
    this.context.outlet.crashed(this);
  }

  protected add(vector: Vector, handler?: Handler): Vector {
    this.vectors.set(vector.name, vector);
    // Without more to do a property takes what is within its limits.
    this.handlers.set(vector.name, handler ?? ((wanted) => void this.adopt(vector, wanted)));
    return vector;
  }

  /** Properties that a driver defines before it is connected. */
  protected defineAlways(...names: readonly string[]): undefined {
    for (const name of names) this.always.add(name);
  }

  protected vector(name: string): Vector {
    return this.vectors.get(name)!;
  }

  protected value(name: string, element: string): ElementValue {
    return valueIn(this.vector(name), element);
  }

  protected number(name: string, element: string): number {
    return Number(this.value(name, element));
  }

  /** Changes values and state, and tells it. null: the state stays. */
  protected update(
    name: string,
    state: PropertyState | null,
    values: Values = {},
    message: string | null = null,
  ): undefined {
    const vector = this.vector(name);
    for (const element of vector.elements)
      if (Object.hasOwn(values, element.name)) element.value = values[element.name]!;
    vector.state = this.held.get(name) ?? state ?? vector.state;
    if (state !== 'Busy' && this.held.get(name) === 'Ok') this.held.delete(name);
    if (!this.defined.has(name)) return;
    const { type, elements } = vector;
    const told = elements.map((each) => ({ name: each.name, value: each.value }));
    this.send({
      ...{ tag: 'set', type, device: this.name, name, state: vector.state, timeoutSeconds: vector.timeoutSeconds },
      ...{ timestamp: this.timestamp(), message, elements: type === 'blob' ? [] : told },
    });
  }

  protected say(message: string): undefined {
    this.send({ tag: 'message', device: this.name, timestamp: this.timestamp(), message });
  }

  /** Takes the values, or refuses what is beyond its limits. @returns whether they were taken */
  protected adopt(vector: Vector, wanted: Values): boolean {
    const wrong = outOfRange(vector, wanted);
    if (wrong) this.refuse(vector.name, wrong);
    else this.update(vector.name, 'Ok', wanted);
    return wrong === null;
  }

  protected refuse(name: string, reason: string, state: PropertyState = 'Alert'): undefined {
    this.say(reason);
    this.update(name, state, {}, reason);
  }

  protected sendBlob(
    name: string,
    element: string,
    format: string,
    bytes: Uint8Array,
    uncompressedBytes: number,
  ): undefined {
    if (this.hanging || !this.defined.has(name)) return;
    const timestamp = this.timestamp();
    this.vector(name).state = 'Ok';
    const elements = [{ name: element, format, bytes, uncompressedBytes }];
    this.context.outlet.sendBlob({ tag: 'set', device: this.name, name, state: 'Ok', timestamp, elements });
  }

  /** Work that takes time; what ran under the same name ends. */
  protected begin(task: string, work: (signal: AbortSignal) => Promise<void>): undefined {
    this.end(task);
    const own = new AbortController();
    this.tasks.set(task, own);
    work(AbortSignal.any([own.signal, this.life.signal]))
      .catch((error: Error) => {
        if (!own.signal.aborted && !this.life.signal.aborted) this.say(`[ERROR] ${error.message}`);
      })
      .finally(() => {
        if (this.tasks.get(task) === own) this.tasks.delete(task);
      });
  }

  protected end(task: string): undefined {
    this.tasks.get(task)?.abort();
    this.tasks.delete(task);
  }

  protected runs(task: string): boolean {
    return this.tasks.has(task);
  }

  /** An abort heals what a fault holds at Busy. */
  protected release(...names: readonly string[]): undefined {
    for (const name of names) this.held.delete(name);
  }

  protected define(name: string): undefined {
    this.defined.add(name);
    this.send(this.definition(name));
  }

  protected undefine(name: string, message: string | null = null): undefined {
    if (!this.defined.delete(name)) return;
    this.send({ tag: 'delProperty', device: this.name, name, timestamp: this.timestamp(), message });
  }

  /** Of this device's life; each subclass begins what it does all the time. */
  protected onConnected(): void {}
  protected onDisconnected(): void {}

  /** Properties that appear only now and then. */
  protected isDynamic(_name: string): boolean {
    return false;
  }

  private connect(on: boolean): undefined {
    if (on === this.connected) return this.update('CONNECTION', on ? 'Ok' : 'Idle');
    this.update('CONNECTION', on ? 'Ok' : 'Idle', { CONNECT: on, DISCONNECT: !on });
    if (!on) {
      for (const task of [...this.tasks.keys()]) this.end(task);
      this.onDisconnected();
      for (const name of [...this.defined]) if (!this.always.has(name)) this.undefine(name);
      return;
    }
    this.begin('connect', async (signal) => {
      await this.clock.sleep(definitionDelayMilliseconds, signal);
      for (const name of this.vectors.keys()) if (!this.defined.has(name) && !this.isDynamic(name)) this.define(name);
      this.onConnected();
    });
  }

  private consider(wish: Wish, fault: FaultRule | null): undefined {
    if (fault?.kind === 'no-reply') return;
    if (fault?.kind === 'crash') return this.crash();
    const vector = this.defined.has(wish.name) ? this.vector(wish.name) : undefined;
    const complaint = complaintAbout(wish, vector);
    if (!vector || complaint) return this.drop(vector, complaint ?? `There is no property ${wish.name}.`);
    this.held.delete(wish.name);
    if (fault?.kind === 'alert-then-ok') {
      this.update(wish.name, 'Ok');
      this.update(wish.name, 'Alert', {}, `${wish.name} was refused by the simulator's fault.`);
      return this.update(wish.name, 'Ok');
    }
    if (fault?.kind === 'busy-forever') {
      this.held.set(wish.name, 'Busy');
      return this.update(wish.name, 'Busy');
    }
    const wanted = wantedBy(wish, vector);
    const wrong = ruleBroken(vector, wanted);
    // So drivers say it: Idle with a sentence, not Alert.
    if (wrong) return this.update(wish.name, 'Idle', {}, wrong);
    if (fault?.kind === 'ok-early') this.held.set(wish.name, 'Ok');
    void this.handlers.get(wish.name)!(wanted, vector);
  }

  protected drop(vector: Vector | undefined, reason: string): undefined {
    if (this.context.validation === 'silent') return;
    if (vector) this.refuse(vector.name, reason);
    else this.say(reason);
  }

  private definition(name: string): IndiMessage {
    const { elements, whole: _, ...vector } = this.vector(name);
    const copies = elements.map((element) => ({ ...element }));
    return { tag: 'def', device: this.name, ...vector, timestamp: this.timestamp(), message: null, elements: copies };
  }

  private send(message: IndiMessage): undefined {
    if (!this.hanging) this.context.outlet.send(message);
  }

  /** Whole seconds without a Z, as libindi writes them. */
  private timestamp(): string {
    return new Date(this.clock.now()).toISOString().slice(0, 19);
  }
}
