/** Connects a device with its settings. Settings only: whatever moves is none, since settings are repeated. */
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import type { IndiClient } from './client.ts';
import { requireOk } from './command.ts';
import { switched } from './completion.ts';
import { isOn } from './property.ts';
import type { WantedValues } from './validate.ts';

export interface SavedSetting {
  property: string;
  values: WantedValues;
}

export interface DeviceCareOptions {
  device: string;
  /** In this order. Those whose property is there before connecting (port, baud rate) are set before it. */
  settings?: readonly SavedSetting[];
  /** Have the driver load its own saved configuration, before `settings`. */
  loadConfiguration?: boolean;
  /** How long the hardware may take to connect, s. 60. */
  connectSeconds?: number;
  /** How long after that the properties of all settings together may take to be defined, s. 10. */
  settingSeconds?: number;
}

/** Definitions come in a burst, on real hardware with pauses of seconds between: so long without one, and they are complete. */
const quietSeconds = 0.5;
const definitionSeconds = 15;

/** What moves, exposes or records: never among the settings, since settings are repeated. */
const actions =
  /^(?:EQUATORIAL_|HORIZONTAL_COORD|TARGET_|TELESCOPE_(?:PARK|HOME|MOTION_|TIMED_GUIDE_|ABORT_|TRACK_STATE)|.*_ABORT_|CCD_EXPOSURE|GUIDER_EXPOSURE|CCD_VIDEO_STREAM|RECORD_STREAM|(?:ABS|REL)_|FOCUS_(?:MOTION|TIMER|SYNC)|DOME_(?:PARK|SHUTTER|MOTION|GOTO)|FILTER_SLOT|CONNECTION)/;

/**
 * Connects one device and gives it its settings.
 * @returns sentences about settings that the device did not take
 * @throws bad-input (unknown device, a motion among the settings), rejected, timeout, lost, aborted
 */
export async function connectDevice(
  client: IndiClient,
  options: DeviceCareOptions,
  signal?: AbortSignal,
): Promise<string[]> {
  const { device, settings = [], connectSeconds = 60, settingSeconds = 10 } = options;
  const motion = settings.find(({ property }) => actions.test(property));
  if (motion)
    throw new NightflowError('bad-input', `${motion.property} of ${device} moves or takes pictures: it is no setting.`);
  await client.waitForProperty(device, 'CONNECTION', { timeoutSeconds: definitionSeconds, signal }).catch((thrown) => {
    const error = asNightflowError(thrown);
    if (error.code !== 'timeout') throw error;
    const devices = client.store.devices();
    throw new NightflowError('lost', `The INDI server has no device ${device}.`, {
      remedy: devices.length > 0 ? `It has: ${devices.join(', ')}.` : 'It has none: check its list of drivers.',
    });
  });
  const complaints: string[] = [];
  const apply = async (list: readonly SavedSetting[]) => {
    for (const { property, values } of list) {
      throwIfAborted(signal);
      try {
        requireOk(await client.command({ device, property, values, signal, timeoutSeconds: 30 }));
      } catch (thrown) {
        const error = asNightflowError(thrown);
        if (error.code === 'aborted' || error.code === 'lost') throw error;
        complaints.push(error.message);
      }
    }
  };
  const isThere = ({ property }: SavedSetting) => client.store.property(device, property) !== undefined;
  const connected = isOn(client.store.property(device, 'CONNECTION'), 'CONNECT');
  const wanted = settings.length > 0 || options.loadConfiguration === true;
  // A port or a baud rate may be defined just after CONNECTION; what a device that is connected already does, too: to a client
  // that has just come, CONNECTION is told first, and a mount without its TELESCOPE_PARK looks like one that can't be parked.
  if (connected || !settings.every(isThere)) await definitionsComplete(client, device, signal);
  if (connected && wanted && isAtWork(client, device))
    return [`${device} is at work: it was left with the settings that it has.`];
  const before = connected ? [] : settings.filter(isThere);
  if (!connected) {
    await apply(before);
    const values = { CONNECT: true };
    const judge = switched('CONNECTION', 'CONNECT');
    const request = { device, property: 'CONNECTION', values, judge, timeoutSeconds: connectSeconds, signal };
    requireOk(await client.command(request));
    await definitionsComplete(client, device, signal);
  }
  if (options.loadConfiguration && client.store.property(device, 'CONFIG_PROCESS')) {
    await apply([{ property: 'CONFIG_PROCESS', values: { CONFIG_LOAD: true } }]);
    await definitionsComplete(client, device, signal);
  }
  // One at a time: a setting may make the property of the next one appear. What never comes is waited for once, not each.
  const { networkClock: clock } = client;
  const latest = clock.now() + settingSeconds * 1000;
  for (const setting of settings.filter((each) => !before.includes(each))) {
    const timeoutSeconds = Math.max(0, latest - clock.now()) / 1000;
    if (!isThere(setting)) await defined(client, device, setting.property, timeoutSeconds, signal);
    await apply([setting]);
  }
  // A driver that was started anew meanwhile is defined again, and not connected.
  if (!isOn(client.store.property(device, 'CONNECTION'), 'CONNECT'))
    throw new NightflowError('lost', `${device} is disconnected again: its driver ended while it was being connected.`);
  return complaints;
}

/** Disconnects a device; what was not connected is fine. @throws rejected, timeout, lost, aborted */
export async function disconnectDevice(client: IndiClient, device: string, signal?: AbortSignal): Promise<void> {
  if (!isOn(client.store.property(device, 'CONNECTION'), 'CONNECT')) return;
  const judge = switched('CONNECTION', 'DISCONNECT');
  const values = { DISCONNECT: true };
  requireOk(await client.command({ device, property: 'CONNECTION', values, judge, timeoutSeconds: 30, signal }));
}

/**
 * After a broken connection a camera exposes or records on. Settings in the middle of it are taken by drivers, and spoil the picture.
 */
const isAtWork = (client: IndiClient, device: string): boolean =>
  ['CCD_EXPOSURE', 'GUIDER_EXPOSURE', 'CCD_VIDEO_STREAM', 'RECORD_STREAM'].some(
    (name) => client.store.property(device, name)?.state === 'Busy',
  );

/** Drivers define the properties of a connected device after they said Ok, some of them seconds later. */
async function defined(
  client: IndiClient,
  device: string,
  property: string,
  timeoutSeconds: number,
  signal?: AbortSignal,
): Promise<void> {
  await client.waitForProperty(device, property, { timeoutSeconds, signal }).catch((thrown) => {
    // Then the command says that it is not there.
    if (asNightflowError(thrown).code !== 'timeout') throw thrown;
  });
}

async function definitionsComplete(client: IndiClient, device: string, signal?: AbortSignal): Promise<void> {
  const { networkClock: clock } = client;
  for (let waited = 0; waited < definitionSeconds; waited += quietSeconds) {
    const before = client.store.properties(device).length;
    await clock.sleep(quietSeconds * 1000, signal);
    if (client.store.properties(device).length === before) return;
  }
}
