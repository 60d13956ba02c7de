/** A real indiserver with Debian's simulators, on a port of its own, in a home of its own, and a client of ours on it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiClient, type IndiClientOptions } from '../../lib/indi/client.ts';
import { connectDevice } from '../../lib/indi/device-care.ts';
import { IndiServer } from '../../lib/indi/server.ts';
import { asNightflowError } from '../../lib/process/errors.ts';

export interface World {
  server: IndiServer;
  client: IndiClient;
  home: string;
  /** What the server and its drivers wrote. */
  log: string[];
  faults: string[];
  port: number;
  end(): Promise<void>;
}

export const devices = {
  mount: { executable: 'indi_simulator_telescope', device: 'Telescope Simulator' },
  camera: { executable: 'indi_simulator_ccd', device: 'CCD Simulator' },
  focuser: { executable: 'indi_simulator_focus', device: 'Focuser Simulator' },
  wheel: { executable: 'indi_simulator_wheel', device: 'Filter Simulator' },
} as const;

export type Role = keyof typeof devices;

/** Starts the server with these drivers, connects the client and the devices. @param env More of the server's environment. */
export async function startWorld(
  roles: readonly Role[],
  options: Partial<IndiClientOptions> = {},
  env: Record<string, string> = {},
): Promise<World> {
  const home = await mkdtemp(join(tmpdir(), 'nightflow-indi-home-'));
  const port = await freePort();
  const drivers = roles.map((role) => ({ executable: devices[role].executable }));
  const server = new IndiServer({ drivers, port, home, env, backOff: quick });
  const log: string[] = [];
  const faults: string[] = [];
  server.on('log', (line) => log.push(line));
  try {
    await server.start();
  } catch (thrown) {
    const error = asNightflowError(thrown);
    throw new Error(`These tests need a real indiserver: ${error.message} ${error.remedy ?? ''}`, { cause: error });
  }
  const client = new IndiClient({ host: '127.0.0.1', port, clock: realClock, backOff: quick, ...options });
  client.on('fault', (fault) => faults.push(fault));
  await client.start({ timeoutSeconds: 10 });
  for (const role of roles) await connectDevice(client, { device: devices[role].device });
  return {
    server,
    client,
    home,
    log,
    faults,
    port,
    end: async () => {
      await client.close();
      await server.stop();
      await rm(home, { recursive: true, force: true });
    },
  };
}

const quick = { firstSeconds: 0.2, factor: 2, maximumSeconds: 1, jitter: 0.5 };

export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const probe = createServer();
    probe.on('error', reject);
    probe.listen(0, '127.0.0.1', () => {
      const { port } = probe.address() as { port: number };
      probe.close(() => resolve(port));
    });
  });
}
