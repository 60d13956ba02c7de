/** What an observatory is made of: its server, its devices' settings, its site. */
import type { Clock } from '../clock/clock.ts';
import type { Site } from '../sky/site.ts';
import type { DeviceCareOptions } from './device-care.ts';
import type { Driver } from './driver-fifo.ts';
import type { IndiSimulatorOptions } from './simulator/simulator.ts';

export type ServerChoice =
  | { kind: 'connect'; host: string; port: number }
  /** `home`: where drivers keep their settings, the user's home when absent. `env`: more of the server's environment. */
  | { kind: 'launch'; port: number; drivers: readonly Driver[]; home?: string; env?: Record<string, string> }
  /** In this process, on a free port of the loopback, under the observatory's clock. */
  | { kind: 'simulator'; options: IndiSimulatorOptions };

export interface IndiObservatoryOptions {
  server: ServerChoice;
  clock: Clock;
  site: Site | null;
  /** Settings of devices, whenever they are connected. */
  settings?: readonly DeviceCareOptions[];
  /** Those that are connected by themselves as they appear: by name, or all. None when absent. */
  connect?: readonly string[] | 'all';
  /** Mounts are told where they stand. Needs a site. */
  tellPlace?: boolean;
  /** Mounts are told the observatory's time. */
  tellTime?: boolean;
}
