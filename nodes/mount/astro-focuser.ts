/** astro-focuser: moves a focuser to a position or by steps, and says where it stands and how cold it is. */
import type { Node, NodeAPI } from 'node-red';
import type { IndiClient } from '../../lib/indi/client.ts';
import { IndiFocuser } from '../../lib/indi/devices/focuser.ts';
import { numberOf } from '../../lib/indi/property.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import type { AstroMessage } from '../types.ts';
import { type DeviceKind, driveDevice } from './indi-device.ts';

export const focuserInputs = {
  position: { type: 'number', label: 'position', default: null, unit: 'steps' },
  steps: { type: 'number', label: 'number of steps', default: null, unit: 'steps' },
} as const satisfies InputTable;

export const focuserCommands = ['move-to', 'move-by', 'status', 'abort'] as const;

const focuser: DeviceKind<typeof focuserInputs, IndiFocuser> = {
  type: 'astro-focuser',
  noun: 'focuser',
  commands: focuserCommands,
  inputs: focuserInputs,
  open: (client, device, signal) => new IndiFocuser(client, device).ready(signal),
  at: (client, device) => new IndiFocuser(client, device),
  run: async ({ command, device, msg, settings, signal, status, text, client, name }) => {
    if (command === 'move-to') {
      const position = figure(msg, 'position', settings.position);
      status('working', text('moving-to', { position }));
      await device.moveTo(position, signal);
    } else if (command === 'move-by') {
      const steps = figure(msg, 'steps', settings.steps);
      status('working', text('moving-by', { steps }));
      await device.moveBy(steps, signal);
    }
    const state = stateOf(client, name);
    return { payload: state.position, details: { focuser: state }, state: 'done', text: shown(state, text) };
  },
  abort: (device) => device.abort(),
  report: (device, { client, name, text }) => {
    const { drive } = device.info;
    const state = stateOf(client, name);
    if (drive === 'relative' && !client.store.property(name, 'REL_FOCUS_POSITION'))
      throw new NightflowError('lost', `${name} is not there.`);
    return {
      key: JSON.stringify({ ...state, temperatureCelsius: null }),
      busy: state.moving,
      payload: () => ({ ...state }),
      state: state.moving ? 'working' : 'done',
      text: shown(state, text),
    };
  },
};

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-focuser', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    driveDevice(RED, this, config, focuser);
  });
}

interface FocuserState {
  /** Steps; null without a scale. */
  position: number | null;
  temperatureCelsius: number | null;
  moving: boolean;
  minimum: number | null;
  maximum: number | null;
  drive: 'absolute' | 'relative';
}

function stateOf(client: IndiClient, device: string): FocuserState {
  const { minimum, maximum, drive } = new IndiFocuser(client, device).info;
  const [absolute, relative] = ['ABS_FOCUS_POSITION', 'REL_FOCUS_POSITION'].map((name) =>
    client.store.property(device, name),
  );
  return {
    position: numberOf(absolute, 'FOCUS_ABSOLUTE_POSITION'),
    temperatureCelsius: numberOf(client.store.property(device, 'FOCUS_TEMPERATURE'), 'TEMPERATURE'),
    moving: absolute?.state === 'Busy' || relative?.state === 'Busy',
    ...{ minimum, maximum, drive },
  };
}

/** `msg.position` or `msg.steps`, else a number in the payload that can be one (no timestamp), else the node's. @throws bad-input */
function figure(msg: AstroMessage, name: 'position' | 'steps', setting: number | null): number {
  const { payload } = msg;
  const inPayload = typeof payload === 'number' && Math.abs(payload) < 1e9 ? payload : null;
  const found = msg[name] === undefined && inPayload !== null ? inPayload : setting;
  if (found !== null) return found;
  throw new NightflowError('bad-input', `The node has no ${name === 'steps' ? 'number of steps' : 'position'}.`, {
    remedy: `Type one in the node, or send it as msg.${name} or msg.payload.`,
  });
}

const shown = (
  { position, temperatureCelsius }: FocuserState,
  text: (key: string, values?: Record<string, unknown>) => string,
) =>
  [
    position === null ? text('relative') : text('at', { position }),
    temperatureCelsius === null ? '' : `${temperatureCelsius.toFixed(1)} °C`,
  ]
    .filter((part) => part !== '')
    .join(' · ');
