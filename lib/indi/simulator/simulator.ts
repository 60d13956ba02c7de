/**
 * An INDI server in this process with a whole observatory behind it: for people without a server, for rehearsals, and for tests of
 * what goes wrong. Any INDI client can use it. Everything happens on the given clock; the same seed gives the same night.
 */
import { createServer, type Server } from 'node:net';
import type { Clock } from '../../clock/clock.ts';
import type { FrameSite } from '../../frame/frame.ts';
import { asNightflowError, NightflowError } from '../../process/errors.ts';
import type { BlobVector } from '../protocol/blob-encode.ts';
import type { IndiMessage } from '../protocol/message.ts';
import { SimulatedCcd } from './camera.ts';
import type { DeviceContext, Outlet, SimulatedDevice } from './device.ts';
import { SimulatedDome } from './dome.ts';
import { Faults } from './faults.ts';
import { SimulatedIndiFocuser } from './focuser.ts';
import { SimulatedMount } from './mount.ts';
import { Observatory, type ObservatoryOptions } from './observatory.ts';
import { Session } from './session.ts';
import { SimulatedWeather } from './weather.ts';
import { SimulatedWheel } from './wheel.ts';

export const simulatedRoles = ['mount', 'camera', 'focuser', 'wheel', 'dome', 'weather'] as const;
export type SimulatedRole = (typeof simulatedRoles)[number];

/** As Debian's simulators call themselves. */
export const simulatedDeviceNames: Readonly<Record<SimulatedRole, string>> = {
  mount: 'Telescope Simulator',
  camera: 'CCD Simulator',
  focuser: 'Focuser Simulator',
  wheel: 'Filter Simulator',
  dome: 'Dome Simulator',
  weather: 'Weather Simulator',
};

export interface IndiSimulatorOptions extends ObservatoryOptions {
  /** All of them when absent. */
  devices?: readonly SimulatedRole[];
  /** What can't be done is dropped without a word, as real drivers do ('silent'), or refused with the reason ('explained'). */
  validation?: 'silent' | 'explained';
}

export interface SimulatorSurroundings {
  clock: Clock;
  site: FrameSite;
}

/** A restarted driver of a real server is defined again after so long. */
const restartMilliseconds = 60;

export class IndiSimulator {
  readonly faults = new Faults();
  /** What stands in the dome, as it truly is, whatever the drivers say. */
  readonly observatory: Observatory;
  private readonly clock: Clock;
  private readonly devices = new Map<string, SimulatedDevice>();
  private readonly sessions = new Set<Session>();
  private readonly closing = new AbortController();
  private readonly context: DeviceContext;
  private server: Server | null = null;

  /** @throws bad-input for options that can't be. */
  constructor(options: IndiSimulatorOptions, { clock, site }: SimulatorSurroundings) {
    this.clock = clock;
    this.observatory = new Observatory(options, clock, site);
    const { validation = 'silent', devices = simulatedRoles } = options;
    this.context = { clock, outlet: this.outlet, faults: this.faults, validation };
    for (const role of devices) {
      if (!simulatedRoles.includes(role))
        throw new NightflowError('bad-input', `There is no simulated INDI device "${role}".`, {
          remedy: `Choose among ${simulatedRoles.join(', ')}.`,
        });
      this.startDevice(simulatedDeviceNames[role]);
    }
  }

  /** @param port 0: any that is free. @returns the port. @throws busy when it is taken; failed */
  async listen(port: number, host = '127.0.0.1'): Promise<number> {
    if (this.server) throw new NightflowError('busy', 'The INDI simulator listens already.');
    const server = createServer((socket) => {
      const session = new Session(socket, {
        message: (from, message) => this.take(from, message),
        closed: (gone) => void this.sessions.delete(gone),
      });
      this.sessions.add(session);
    });
    this.server = server;
    await new Promise<void>((resolve, reject) => {
      server.once('error', reject);
      server.listen(port, host, resolve);
    }).catch((error: NodeJS.ErrnoException) => {
      this.server = null;
      if (error.code !== 'EADDRINUSE') throw asNightflowError(error);
      throw new NightflowError('busy', `Port ${port} is taken: an INDI server may run already.`, { cause: error });
    });
    return this.port;
  }

  get port(): number {
    const address = this.server?.address();
    return typeof address === 'object' && address ? address.port : 0;
  }

  /** Ends the devices' work, cuts all connections and frees the port. */
  async close(): Promise<void> {
    this.closing.abort();
    for (const device of this.devices.values()) device.stop();
    this.dropConnections();
    const { server } = this;
    this.server = null;
    if (server) await new Promise<void>((resolve) => server.close(() => resolve()));
  }

  /** The driver ends as by a fault of its own, and starts again. */
  crash(device: string): void {
    this.deviceNamed(device).crash();
  }

  /** As a driver process that was stopped: the server still answers pings. */
  hang(device: string, hanging = true): void {
    this.deviceNamed(device).hanging = hanging;
  }

  /** As a server that was killed: every connection is cut; new ones are taken. */
  dropConnections(): void {
    for (const session of this.sessions) session.destroy();
  }

  /** Half-open connections: those that there are stay open, and nothing comes or goes any more. */
  muteConnections(): void {
    for (const session of this.sessions) session.muted = true;
  }

  private deviceNamed(name: string): SimulatedDevice {
    const device = this.devices.get(name);
    if (device) return device;
    throw new NightflowError('bad-input', `The INDI simulator has no device "${name}".`, {
      remedy: `It has ${[...this.devices.keys()].join(', ')}.`,
    });
  }

  private take(from: Session, message: IndiMessage): void {
    // indiserver repeats questions and wishes to the other clients.
    if (message.tag === 'new' || (message.tag === 'getProperties' && message.device !== null))
      for (const session of this.sessions)
        if (session !== from && session.wants(message.device, message.name)) session.send(message);
    if (message.tag === 'getProperties') {
      const asked = [...this.devices].filter(([name]) => message.device === null || message.device === name);
      for (const [, device] of asked) device.describe(message);
    } else if (message.tag === 'new') this.devices.get(message.device)?.take(message);
  }

  private readonly outlet: Outlet = {
    send: (message) => {
      if (!('device' in message) || message.device === null) return;
      const name = 'name' in message ? message.name : null;
      const spoil = message.tag === 'set' && this.faults.take(['garbage'], message.device, message.name);
      for (const session of this.sessions) {
        if (!session.wants(message.device, name)) continue;
        if (spoil) session.sendRaw(garbage);
        session.send(message);
      }
    },
    sendBlob: (vector) => {
      const cut = this.faults.take(['drop-in-blob'], vector.device, vector.name) !== null;
      const lying = this.faults.take(['lying-blob'], vector.device, vector.name) !== null;
      for (const session of this.sessions) session.sendBlob(lying ? overstated(vector) : vector, cut);
    },
    crashed: ({ name }) => {
      this.clock.sleep(restartMilliseconds, this.closing.signal).then(
        () => this.startDevice(name),
        () => {},
      );
    },
  };

  private startDevice(name: string): void {
    const role = simulatedRoles.find((each) => simulatedDeviceNames[each] === name)!;
    const device = new drivers[role](name, this.context, this.observatory);
    this.devices.set(name, device);
    device.start();
  }
}

const drivers = {
  mount: SimulatedMount,
  camera: SimulatedCcd,
  focuser: SimulatedIndiFocuser,
  wheel: SimulatedWheel,
  dome: SimulatedDome,
  weather: SimulatedWeather,
};

const garbage = '\u0001\u0002 &&& <setNumberVector device="?" <<< not a message\n';

const overstated = (vector: BlobVector): BlobVector => ({
  ...vector,
  elements: vector.elements.map((each) => ({ ...each, uncompressedBytes: each.bytes.byteLength * 10 })),
});
