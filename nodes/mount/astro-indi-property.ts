/** astro-indi-property: watches, gets or sets any property of any device on an INDI server. */
import type { NodeAPI } from 'node-red';
import { type Clock, realClock } from '../../lib/clock/clock.ts';
import type { IndiClient } from '../../lib/indi/client.ts';
import { type CommandResult, requireOk } from '../../lib/indi/command.ts';
import type { IndiProperty } from '../../lib/indi/property.ts';
import { knownProperty, setProperty } from '../../lib/indi/property-set.ts';
import { PropertyWatch, snapshotOf } from '../../lib/indi/property-watch.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { handleInput } from '../handle.ts';
import { type InputTable, type NodeConfig, nodeLabel, readConfiguration, type Settings } from '../inputs.ts';
import { type StatusState, showStatus } from '../status.ts';
import { type AstroMessage, type IndiNode, indiOf, type Node } from '../types.ts';
import { typedValue } from './typed-value.ts';

export const propertyInputs = {
  command: { type: 'choice', label: 'command', choices: ['watch', 'get', 'set'], default: 'watch' },
  device: { type: 'text', label: 'device', default: '' },
  property: { type: 'text', label: 'property', default: '' },
  element: { type: 'text', label: 'element', default: '' },
  timeoutSeconds: { type: 'number', label: 'time limit', default: null, minimum: 0.1, maximum: 86_400, unit: 's' },
} as const satisfies InputTable;

const watchInputs = {
  connect: { type: 'boolean', label: 'connect the device', default: true },
  everyUpdate: { type: 'boolean', label: 'every update', default: false },
  staleSeconds: { type: 'number', label: 'age', default: 0, minimum: 0, maximum: 86_400, unit: 's' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-indi-property', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const indi = indiOf(RED, config.indi);
    const clock = indi?.siteNode?.clock ?? realClock;
    const text = (key: string, values?: Record<string, unknown>) =>
      RED._(`astro-indi-property.status.${key}`, values as never);
    const show = (property: IndiProperty, element: string) =>
      showStatus(
        this,
        stateOf(property),
        text('value', { value: shownValue(property, element), state: property.state }),
      );
    const closing = new AbortController();
    if (indi?.problem) showStatus(this, 'failed', indi.problem.message);
    else showStatus(this, indi ? 'idle' : 'waiting', text(indi ? 'idle' : 'unset'));
    const stopWatch = watching(RED, this, config, indi, clock, show, closing.signal);

    handleInput(RED, this, {
      config,
      inputs: propertyInputs,
      // An abort of the device must not wait for a command that it is to end.
      parallel: true,
      run: async ({ msg, settings, signal, send, status }) => {
        const { device, property, element } = named(settings);
        const connects = readConfiguration(config, watchInputs).connect && property !== 'CONNECTION';
        const client = await reach(indi, device, connects, signal);
        if (settings.command !== 'set') {
          const found = requireElement(await knownProperty(client, device, property, signal), element);
          show(found, element);
          return send(Object.assign(msg, messageOf(found, element, clock)));
        }
        const value = msg.value ?? (await typedValue(RED, this, config, 'value', msg));
        status('working', text('setting', { property }));
        const wish = { device, property, element, value, timeoutSeconds: settings.timeoutSeconds };
        const result = await setProperty(client, wish, signal);
        report(result, this, msg);
        const { property: end } = requireOk(result);
        if (!end) throw new NightflowError('lost', `${device} took its ${property} away.`);
        show(end, element);
        send(Object.assign(msg, messageOf(end, element, clock)));
      },
      closing: () => {
        closing.abort();
        stopWatch();
      },
    });
  });
}

type Show = (property: IndiProperty, element: string) => void;

/** Sends what the property does, from the start to the close. @returns how to stop it */
function watching(
  RED: NodeAPI,
  node: Node,
  config: NodeConfig,
  indi: IndiNode | null,
  clock: Clock,
  show: Show,
  signal: AbortSignal,
): () => void {
  if (!indi?.observatory || (config.command ?? 'watch') !== 'watch') return () => {};
  try {
    const { connect, ...options } = readConfiguration(config, watchInputs);
    const { device, property, element } = named(readConfiguration(config, propertyInputs));
    const watch = new PropertyWatch(indi.observatory, clock, { device, property, element, ...options });
    const trouble = (event: string, reason: string, more: Partial<AstroMessage> = {}) => {
      showStatus(node, 'waiting', reason);
      node.send([null, { ...more, event, payload: reason }] as never);
    };
    watch.on('changed', (found) => {
      show(found, element);
      node.send([messageOf(found, element, clock), null] as never);
    });
    watch.on('lost', (reason) => trouble('lost', reason));
    watch.on('stale', (found) => {
      const { ageSeconds, ...more } = snapshotOf(found, clock.now());
      const reason = RED._('astro-indi-property.status.stale', { property, seconds: Math.round(ageSeconds) } as never);
      trouble('stale', reason, { indi: { ...more, ageSeconds } });
    });
    watch.start();
    const failed = (thrown: unknown) => showStatus(node, 'waiting', asNightflowError(thrown).message);
    if (connect && property !== 'CONNECTION') indi.observatory.keepDevice(device, signal, failed).catch(() => {});
    return () => watch.stop();
  } catch (thrown) {
    node.warn(`${nodeLabel(node)}: ${asNightflowError(thrown).message}`);
    return () => {};
  }
}

/** @throws bad-input */
function named({
  device,
  property,
  element,
}: Pick<Settings<typeof propertyInputs>, 'device' | 'property' | 'element'>) {
  for (const [what, text] of Object.entries({ device, property }))
    if (text.trim() === '')
      throw new NightflowError('bad-input', `No ${what} is chosen.`, {
        remedy: 'Choose one in the node; the lists fill from the running INDI server.',
      });
  return { device: device.trim(), property: property.trim(), element: element.trim() };
}

function reach(indi: IndiNode | null, device: string, connects: boolean, signal: AbortSignal): Promise<IndiClient> {
  if (indi) return connects ? indi.device(device, signal) : indi.ready(signal);
  throw new NightflowError('bad-input', 'No INDI server is chosen.', { remedy: 'Choose one in the node.' });
}

/** What was not done, on output 2; the error that follows reaches Catch nodes. */
function report({ status, reason, property }: CommandResult, node: Node, { topic }: AstroMessage): void {
  if (status === 'ok' || status === 'aborted') return;
  const head = topic === undefined ? {} : { topic };
  const indi = property ? { state: property.state, status } : { status };
  node.send([null, { ...head, event: status, payload: reason, indi }] as never);
}

function messageOf(property: IndiProperty, element: string, clock: Clock): Partial<AstroMessage> {
  const snapshot = snapshotOf(property, clock.now());
  return { payload: element ? (snapshot.values[element] ?? null) : snapshot.values, indi: snapshot };
}

/** @throws bad-input naming those that there are */
function requireElement(property: IndiProperty, element: string): IndiProperty {
  if (!element || property.elements.has(element)) return property;
  throw new NightflowError('bad-input', `${property.device}.${property.name} has no element ${element}.`, {
    remedy: `It has: ${[...property.elements.keys()].join(', ')}.`,
  });
}

const stateOf = ({ state }: IndiProperty): StatusState =>
  ({ Idle: 'idle', Ok: 'done', Busy: 'working', Alert: 'failed' })[state] as StatusState;

/** For the status line: one element's value, the switches that are on, or the first values. */
function shownValue(property: IndiProperty, element: string): string {
  const all = [...property.elements.values()];
  const one = all.find(({ name }) => name === element);
  const words = (value: unknown) =>
    typeof value === 'number' ? `${Number(value.toPrecision(7))}` : typeof value === 'object' ? '–' : String(value);
  if (one) return words(one.value);
  if (property.type === 'switch')
    return (
      all
        .filter(({ value }) => value === true)
        .map(({ name }) => name)
        .join(', ') || '–'
    );
  return all
    .slice(0, 3)
    .map(({ name, value }) => `${name} ${words(value)}`)
    .join(', ');
}
