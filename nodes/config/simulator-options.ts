/** The settings of `astro-camera` for the backend `simulator`: those that the simulator itself describes, its sensor and its seed. */
import type { SettingDescription } from '../../lib/camera/camera.ts';
import { sensorNames } from '../../lib/camera/sensors.ts';
import type { SimulatorOptions } from '../../lib/camera/simulator.ts';
import { describeSettings, sensorNamed } from '../../lib/camera/simulator-settings.ts';
import { type InputTable, readConfiguration } from '../inputs.ts';

const identity = {
  sensor: { type: 'choice', label: 'sensor', choices: sensorNames, default: 'demo' },
  seed: { type: 'number', label: 'seed', default: 1, minimum: 0, maximum: 2 ** 31 - 1, integer: true },
} as const satisfies InputTable;

/** What is left empty stays as the simulator has it. */
export function simulatorOptions(config: Readonly<Record<string, unknown>>): SimulatorOptions {
  const { sensor, seed } = readConfiguration(config, identity);
  const described = describeSettings(sensorNamed(sensor)).filter(({ name }) => (config[name] ?? '') !== '');
  const table: InputTable = Object.fromEntries(described.map((setting) => [setting.name, inputOf(setting)]));
  return { ...readConfiguration(config, table), sensor, seed };
}

function inputOf({ label, type, minimum, maximum, choices = [], unit }: SettingDescription): InputTable[string] {
  if (type === 'boolean') return { type, label, default: false };
  if (type === 'number') return { type, label, default: null, minimum, maximum, unit };
  return { type: 'choice', label, choices, default: '' };
}
