/** astro-cooler: cools a camera in a ramp, watches over its temperature, and warms it up before it is switched off. */
import type { Node, NodeAPI } from 'node-red';
import { type CoolerReading, IndiCooler, type RampOptions, type RampProgress } from '../../lib/indi/devices/cooler.ts';
import type { InputTable, NodeConfig, Settings } from '../inputs.ts';
import { type DeviceKind, driveDevice } from './indi-device.ts';

export const coolerInputs = {
  targetCelsius: { type: 'number', label: 'temperature', default: -10, minimum: -100, maximum: 50, unit: '°C' },
  warmCelsius: {
    type: 'number',
    label: 'temperature to warm up to',
    default: 15,
    minimum: -50,
    maximum: 50,
    unit: '°C',
  },
  rampCelsiusPerMinute: { type: 'number', label: 'ramp', default: 3, minimum: 0, maximum: 100, unit: '°C a minute' },
  toleranceCelsius: { type: 'number', label: 'tolerance', default: 0.5, minimum: 0.05, maximum: 10, unit: '°C' },
  holdSeconds: {
    type: 'number',
    label: 'time within the tolerance',
    default: 20,
    minimum: 0,
    maximum: 3600,
    unit: 's',
  },
  patienceMinutes: { type: 'number', label: 'patience', default: 15, minimum: 0.1, maximum: 600, unit: 'min' },
} as const satisfies InputTable;

export const coolerCommands = ['cool', 'warm', 'off', 'status', 'abort'] as const;

/** What the last order of this node was: the watch over the temperature needs to know what is right. */
const held = new WeakMap<Node, { targetCelsius: number; toleranceCelsius: number } | null>();

const coolerOf = (node: Node): DeviceKind<typeof coolerInputs, IndiCooler> => ({
  type: 'astro-cooler',
  noun: 'cooled camera',
  commands: coolerCommands,
  inputs: coolerInputs,
  // A new target ends the way to the old one.
  replaces: true,
  open: (client, device, signal) => new IndiCooler(client, device).ready(signal),
  at: (client, device) => new IndiCooler(client, device),
  run: async ({ command, device, settings, signal, status, progress, text }) => {
    const { targetCelsius, warmCelsius, toleranceCelsius } = settings;
    const options = rampOf(settings, signal, (each) => {
      progress({ ...each });
      status('working', text(each.phase, figures(each)));
    });
    if (command !== 'status') held.set(node, null);
    if (command === 'status' || command === 'off') {
      if (command === 'off') await device.off(signal);
      const reading = device.reading();
      return {
        payload: reading.temperatureCelsius,
        details: { cooler: reading },
        state: 'done',
        text: shown(reading, text),
      };
    }
    const warming = command === 'warm';
    const result = warming ? await device.warmUp(warmCelsius, options) : await device.coolTo(targetCelsius, options);
    if (!warming) held.set(node, { targetCelsius, toleranceCelsius });
    const details = { cooler: { ...result, targetCelsius: warming ? warmCelsius : targetCelsius } };
    const degraded = result.outcome === 'degraded';
    return {
      payload: result.temperatureCelsius,
      details,
      state: degraded ? 'waiting' : 'done',
      text: degraded ? result.reason : shown(result, text),
    };
  },
  report: (device, { text }) => {
    const reading = device.reading();
    const wanted = held.get(node) ?? null;
    const { temperatureCelsius } = reading;
    const drifted =
      wanted !== null &&
      temperatureCelsius !== null &&
      Math.abs(temperatureCelsius - wanted.targetCelsius) > wanted.toleranceCelsius;
    const warning = drifted ? text('drifted', { ...figures(reading), target: wanted.targetCelsius }) : null;
    return {
      key: `${reading.on} ${drifted}`,
      busy: false,
      payload: () => ({
        ...reading,
        targetCelsius: wanted?.targetCelsius ?? null,
        ...(warning ? { degraded: true, warning } : {}),
      }),
      state: warning ? 'waiting' : reading.on === false ? 'idle' : 'done',
      text: warning ?? shown(reading, text),
    };
  },
});

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-cooler', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    driveDevice(RED, this, config, coolerOf(this));
  });
}

function rampOf(
  settings: Settings<typeof coolerInputs>,
  signal: AbortSignal,
  onProgress: (progress: RampProgress) => void,
): RampOptions {
  const { rampCelsiusPerMinute, toleranceCelsius, holdSeconds, patienceMinutes } = settings;
  return {
    rampCelsiusPerMinute: rampCelsiusPerMinute === 0 ? null : rampCelsiusPerMinute,
    ...{ toleranceCelsius, holdSeconds, patienceSeconds: patienceMinutes * 60, signal, onProgress },
  };
}

const figures = (reading: CoolerReading & { targetCelsius?: number }) => ({
  celsius: reading.temperatureCelsius?.toFixed(1) ?? '?',
  target: reading.targetCelsius ?? '',
});

function shown(reading: CoolerReading, text: (key: string, values?: Record<string, unknown>) => string): string {
  const { temperatureCelsius, powerPercent, on } = reading;
  const parts = [temperatureCelsius === null ? '' : `${temperatureCelsius.toFixed(1)} °C`];
  if (on === false) parts.push(text('off'));
  else if (powerPercent !== null) parts.push(text('power', { power: Math.round(powerPercent) }));
  return parts.filter((part) => part !== '').join(' · ');
}
