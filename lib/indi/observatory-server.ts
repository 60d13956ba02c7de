/** The server behind an observatory: somebody else's, an indiserver of our own, or the simulator in this process. */
import { type Clock, realClock } from '../clock/clock.ts';
import { NightflowError } from '../process/errors.ts';
import type { BackOff } from '../process/retry.ts';
import type { Site } from '../sky/site.ts';
import type { Driver } from './driver-fifo.ts';
import type { ServerChoice } from './observatory-options.ts';
import type { ObservatoryEvent } from './observatory-report.ts';
import { textOf } from './property.ts';
import { IndiServer } from './server.ts';
import { IndiSimulator } from './simulator/simulator.ts';
import type { IndiStore } from './store.ts';

export interface RunningServer {
  host: string;
  port: number;
  /** Of the client's reconnects; one on this computer is back soon. */
  backOff: BackOff | undefined;
  /** @param name Of a device, or of a driver's program. @throws unsupported, bad-input, missing, lost */
  restartDriver(name: string, store: IndiStore): Promise<void>;
  startDriver(driver: Driver): Promise<void>;
  stopDriver(name: string, store: IndiStore): Promise<void>;
  stop(): Promise<void>;
}

interface Surroundings {
  clock: Clock;
  site: Site | null;
  signal: AbortSignal;
  emit(event: ObservatoryEvent): void;
}

const loopback = '127.0.0.1';
const nearBy: BackOff = { firstSeconds: 0.2, factor: 2, maximumSeconds: 3, jitter: 0.5 };
/** For a simulator without a site. */
const greenwich = { name: 'Greenwich', latitude: 51.4779, longitude: -0.0015, elevation: 46 };

/** @throws missing, busy, bad-input, timeout, aborted */
export function openServer(choice: ServerChoice, surroundings: Surroundings): Promise<RunningServer> {
  if (choice.kind === 'launch') return launched(choice, surroundings);
  if (choice.kind === 'simulator') return simulated(choice, surroundings);
  return Promise.resolve({
    host: choice.host,
    port: choice.port,
    backOff: undefined,
    restartDriver: notHere,
    startDriver: notHere,
    stopDriver: notHere,
    stop: async () => {},
  });
}

const notHere = async (): Promise<never> => {
  throw new NightflowError('unsupported', 'This INDI server was not launched here, so its drivers can not be either.', {
    remedy: 'Do it where the server runs, or let Nightflow launch the server.',
  });
};

async function launched(
  { port, drivers, home, env }: Extract<ServerChoice, { kind: 'launch' }>,
  { signal, emit }: Surroundings,
): Promise<RunningServer> {
  const server = new IndiServer({ drivers, port, home, env, clock: realClock });
  server.on('log', (line) => emit({ what: 'log', line }));
  server.on('failed', (event) => emit({ what: 'server-failed', ...event }));
  server.on('driver-gave-up', (event) => emit({ what: 'driver-gave-up', ...event }));
  await server.start(signal);
  return {
    host: loopback,
    port,
    backOff: nearBy,
    restartDriver: (name, store) => server.restartDriver(driverOf(name, server.running, store)),
    startDriver: (driver) => server.startDriver(driver),
    stopDriver: (name, store) => server.stopDriver(driverOf(name, server.running, store)),
    stop: () => server.stop(),
  };
}

async function simulated(
  { options }: Extract<ServerChoice, { kind: 'simulator' }>,
  { clock, site }: Surroundings,
): Promise<RunningServer> {
  const simulator = new IndiSimulator(options, { clock, site: site ?? greenwich });
  const port = await simulator.listen(0, loopback);
  return {
    host: loopback,
    port,
    backOff: nearBy,
    restartDriver: async (name) => simulator.crash(name),
    startDriver: notHere,
    stopDriver: notHere,
    stop: () => simulator.close(),
  };
}

/** A device is known by the program of its driver, and by its label where a program runs twice. @throws bad-input */
function driverOf(name: string, drivers: readonly Driver[], store: IndiStore): Driver {
  const program = textOf(store.property(name, 'DRIVER_INFO'), 'DRIVER_EXEC');
  const fits = drivers.filter(
    ({ executable }) => executable === name || (program !== null && executable.split('/').at(-1) === program),
  );
  const driver = drivers.find((each) => each.name === name) ?? fits[0];
  if (driver) return driver;
  throw new NightflowError('bad-input', `The INDI server has no driver for ${JSON.stringify(name)}.`, {
    remedy: `It has: ${drivers.map((each) => each.name ?? each.executable).join(', ')}.`,
  });
}
