/** Which devices a server has and what they are: for the lists of the editor. Nothing is connected or moved. */
import type { Clock } from '../../clock/clock.ts';
import { IndiClient } from '../client.ts';
import { isOn, textOf } from '../property.ts';
import type { ElementDefinition, Permission, PropertyState, PropertyType, SwitchRule } from '../protocol/message.ts';
import type { IndiStore } from '../store.ts';

export type IndiRole = 'mount' | 'camera' | 'guider' | 'focuser' | 'filter wheel' | 'dome' | 'weather';

export interface IndiDeviceInfo {
  name: string;
  connected: boolean;
  /** What its driver says it can be. */
  roles: readonly IndiRole[];
}

/** Bits of DRIVER_INFO.DRIVER_INTERFACE (libindi, basedevice.h). */
const bits: readonly (readonly [IndiRole, number])[] = [
  ['mount', 1],
  ['camera', 2],
  ['guider', 4],
  ['focuser', 8],
  ['filter wheel', 16],
  ['dome', 32],
  ['weather', 128],
];

/** Devices are defined in a burst: so long without a new one, and all are there. */
const quietMilliseconds = 250;
const looks = 20;

/** @throws timeout, failed or lost when there is no server; aborted */
export async function listIndiDevices(
  server: { host: string; port: number },
  { clock, signal, timeoutSeconds = 4 }: { clock: Clock; signal?: AbortSignal; timeoutSeconds?: number },
): Promise<IndiDeviceInfo[]> {
  const client = new IndiClient({ ...server, clock, connectSeconds: timeoutSeconds });
  try {
    await client.start({ timeoutSeconds, signal });
    await devicesDescribed(client, signal);
    return describeDevices(client.store);
  } finally {
    await client.close();
  }
}

/** Waits until the burst of definitions of a server that has just been reached is over, some seconds at most. @throws aborted */
export async function devicesDescribed(client: IndiClient, signal?: AbortSignal, atLeast = 0): Promise<void> {
  for (let look = 0, before = -1; look < looks; look++) {
    const { store } = client;
    const count = store.devices().reduce((sum, device) => sum + store.properties(device).length, 0);
    if (count === before && store.devices().length >= atLeast) return;
    before = count;
    await client.networkClock.sleep(quietMilliseconds, signal);
  }
}

/** What the store knows of its devices. */
export function describeDevices(store: IndiStore): IndiDeviceInfo[] {
  return store.devices().map((name) => {
    const word = Number(textOf(store.property(name, 'DRIVER_INFO'), 'DRIVER_INTERFACE') ?? 0);
    const connected = isOn(store.property(name, 'CONNECTION'), 'CONNECT');
    return { name, connected, roles: bits.filter(([, bit]) => (word & bit) !== 0).map(([role]) => role) };
  });
}

export interface IndiPropertyInfo {
  name: string;
  label: string;
  group: string;
  type: PropertyType;
  state: PropertyState;
  permission: Permission;
  rule: SwitchRule | null;
  elements: readonly IndiElementInfo[];
}

export interface IndiElementInfo {
  name: string;
  label: string;
  /** null for BLOBs and for numbers that are none. */
  value: number | string | boolean | null;
  /** Numbers only; both absent when the driver sets no limit. */
  minimum?: number;
  maximum?: number;
  step?: number;
}

/** The properties of a device with kinds, ranges and choices, in the driver's order. */
export function describeProperties(store: IndiStore, device: string): IndiPropertyInfo[] {
  return store.properties(device).map(({ name, label, group, type, state, permission, rule, elements }) => ({
    ...{ name, label: label || name, group, type, state, permission, rule },
    elements: [...elements.values()].map(describeElement),
  }));
}

function describeElement({
  name,
  label,
  value,
  minimum = 0,
  maximum = 0,
  step = 0,
}: ElementDefinition): IndiElementInfo {
  const shown = (typeof value === 'object' ? null : value) ?? null;
  const limits = maximum > minimum ? { minimum, maximum } : {};
  return { name, label: label || name, value: shown, ...limits, ...(step > 0 ? { step } : {}) };
}
