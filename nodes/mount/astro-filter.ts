/** astro-filter: turns a filter in, by its name or its slot. */
import type { Node, NodeAPI } from 'node-red';
import { IndiFilterWheel } from '../../lib/indi/devices/filter-wheel.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { type DeviceKind, driveDevice } from './indi-device.ts';

export const filterInputs = {
  filter: { type: 'text', label: 'filter', default: '' },
} as const satisfies InputTable;

export const filterCommands = ['select', 'status'] as const;

const filterWheel: DeviceKind<typeof filterInputs, IndiFilterWheel> = {
  type: 'astro-filter',
  noun: 'filter wheel',
  commands: filterCommands,
  inputs: filterInputs,
  open: (client, device, signal) => new IndiFilterWheel(client, device).ready(signal),
  at: (client, device) => new IndiFilterWheel(client, device),
  run: async ({ command, device, msg, settings, signal, status, text }) => {
    if (command === 'select') {
      const wanted = wish(msg.filter ?? msg.payload, settings.filter);
      const { name } = device.find(wanted);
      status('working', text('turning', { name }));
      await device.select(wanted, signal);
    }
    const filter = device.current();
    const name = filter?.name ?? null;
    const details = {
      filter: name,
      filterSlot: filter?.slot ?? null,
      filters: device.filters().map((each) => each.name),
    };
    return { payload: name, details, state: 'done', text: name ?? text('turning', { name: '' }) };
  },
  report: (device, { text }) => {
    const filter = device.current();
    const filters = device.filters().map(({ name }) => name);
    const name = filter?.name ?? null;
    return {
      key: `${name} ${filters}`,
      busy: device.turning,
      payload: () => ({ filter: name, slot: filter?.slot ?? null, turning: device.turning, filters }),
      state: device.turning ? 'working' : 'done',
      text: name ?? text('turning', { name: '' }),
    };
  },
};

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-filter', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    driveDevice(RED, this, config, filterWheel);
  });
}

/** Of the message, if it names one; an Inject's timestamp names none. @throws bad-input */
function wish(given: unknown, typed: string): string | number {
  if (typeof given === 'string' && given.trim() !== '') return given;
  if (typeof given === 'number' && given < 1e6) return given;
  if (typed.trim() !== '') return typed;
  throw new NightflowError('bad-input', 'No filter is named.', {
    remedy: 'Choose one in the node, or send its name as msg.filter.',
  });
}
