/**
 * Runs our TypeScript nodes in a real Node-RED flow inside vitest: `startFlow([astroStack, …], [{…}])`, then send messages in,
 * await what comes out, look at statuses, and redeploy. One flow at a time; `stopFlow` in afterEach.
 */
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { NodeAPI, NodeStatus } from 'node-red';
import type { AstroMessage } from '../../nodes/types.ts';

const require = createRequire(import.meta.url);

export type NodeModule = (RED: NodeAPI) => void | Promise<void>;
/** A node of flows.json: id, type, wires and its properties. */
export interface FlowNode {
  id: string;
  type: string;
  z?: string;
  wires?: string[][];
  [property: string]: unknown;
}
type Deploy = 'full' | 'flows' | 'nodes';

export interface RunningFlow {
  /** The runtime side of a node. */
  // biome-ignore lint/suspicious/noExplicitAny: a test reaches into whatever the node offers
  node(id: string): any;
  /** Gives a node a message, as a wire would. */
  send(id: string, msg?: Partial<AstroMessage>): void;
  /** What arrived at a node of type `helper`, in order, and a wait for the next of a kind. */
  sink(id: string): Sink;
  /** All statuses of a node since the start, and a wait for one. */
  statuses(id: string): NodeStatus[];
  /** Resolves with the first status, past or to come, whose fill is `fill` and whose text contains or matches `text`. */
  status(id: string, fill: string, text?: string | RegExp): Promise<NodeStatus>;
  /** What a Debug node sends to the editor's sidebar: the first of it, past or to come. */
  debugged(id: string): Promise<Debugged>;
  /** Deploys a changed flow, as the editor's Deploy does. */
  deploy(flow: FlowNode[], kind?: Deploy): Promise<void>;
  userDir: string;
  /** Opens Node-RED's admin HTTP side on a free port until the flow stops. */
  listen(): Promise<void>;
  /** A request to it: `await admin().get('/nightflow/cameras')` (supertest). */
  // biome-ignore lint/suspicious/noExplicitAny: supertest comes without types here
  admin(): any;
  /** The RED object the nodes got. */
  RED: NodeAPI;
}

export interface Sink {
  readonly messages: AstroMessage[];
  /** The first message, past or to come, that fits (any without a predicate). */
  first(fits?: (msg: AstroMessage) => boolean): Promise<AstroMessage>;
  /** The first `count` messages. */
  take(count: number): Promise<AstroMessage[]>;
}

export interface Debugged {
  id: string;
  format: string;
  msg: string;
}

interface Watched<Item> {
  items: Item[];
  wake: Set<() => void>;
}

// biome-ignore lint/suspicious/noExplicitAny: the test helper has no types
let loadedHelper: any = null;
let stop: (() => Promise<void>) | null = null;

/** A node of Node-RED itself: coreNode('function/10-function'), coreNode('common/21-debug'). Catch, status and complete load by themselves. */
export function coreNode(name: string): NodeModule {
  const folder = dirname(require.resolve('@node-red/nodes/package.json', { paths: [require.resolve('node-red')] }));
  return require(join(folder, 'core', `${name}.js`)) as NodeModule;
}

/** Starts a flow. Nodes without `z` get a tab; config nodes (no x, no wires) work as they are. */
export async function startFlow(
  modules: NodeModule[],
  flow: FlowNode[],
  options: { userDir?: string; settings?: Record<string, unknown> } = {},
): Promise<RunningFlow> {
  await stopFlow();
  const ownFolder = options.userDir === undefined;
  const userDir = options.userDir ?? mkdtempSync(join(tmpdir(), 'nightflow-nodes-'));
  loadedHelper ??= require('node-red-node-test-helper');
  const helper = loadedHelper;
  helper.init(require.resolve('node-red'));
  helper.settings({ userDir, ...options.settings });

  const statuses = new Map<string, Watched<NodeStatus>>();
  const arrivals = new Map<string, Watched<AstroMessage>>();
  const watched = <Item>(map: Map<string, Watched<Item>>, id: string): Watched<Item> => {
    const known = map.get(id) ?? { items: [], wake: new Set() };
    map.set(id, known);
    return known;
  };
  const record = <Item>(list: Watched<Item>, item: Item) => {
    list.items.push(item);
    for (const wake of [...list.wake]) wake();
  };
  const onStatus = ({ id, status }: { id: string; status: NodeStatus }) => record(watched(statuses, id), status);
  helper._events.on('node-status', onStatus);
  const sidebar: Watched<Debugged> = { items: [], wake: new Set() };
  const onComms = ({ topic, data }: { topic: string; data: Debugged }) => {
    if (topic === 'debug') record(sidebar, data);
  };
  helper._events.on('comms', onComms);

  let listening = false;
  let api: NodeAPI | undefined;
  const prepare: NodeModule = (RED) => {
    api = RED;
    (RED as unknown as { _: unknown })._ = translate;
  };
  const listen = (nodes: FlowNode[]) => {
    for (const { id, type } of nodes)
      if (type === 'helper') helper.getNode(id)?.on('input', (msg: AstroMessage) => record(watched(arrivals, id), msg));
  };
  stop = async () => {
    stop = null;
    helper._events.off('node-status', onStatus);
    helper._events.off('comms', onComms);
    await helper.unload();
    if (listening) await new Promise<void>((resolve) => helper.stopServer(resolve));
    if (ownFolder) rmSync(userDir, { recursive: true, force: true });
  };
  const first = withTab(flow);
  await helper.load([prepare, ...modules], first);
  listen(first);

  return {
    userDir,
    RED: api!,
    node: (id) => helper.getNode(id),
    send: (id, msg = {}) => helper.getNode(id).receive(msg),
    sink: (id) => ({
      messages: watched(arrivals, id).items,
      first: (fits = () => true) => eventually(watched(arrivals, id), (items) => items.find(fits)),
      take: (count) =>
        eventually(watched(arrivals, id), (items) => (items.length >= count ? items.slice(0, count) : undefined)),
    }),
    statuses: (id) => watched(statuses, id).items,
    status: (id, fill, text = '') =>
      eventually(watched(statuses, id), (items) =>
        items.find((item) => {
          const shown = String(item.text ?? '');
          return item.fill === fill && (typeof text === 'string' ? shown.includes(text) : text.test(shown));
        }),
      ),
    debugged: (id) => eventually(sidebar, (items) => items.find((item) => item.id === id)),
    deploy: async (nodes, kind = 'nodes') => {
      const before = new Map(nodes.map(({ id }) => [id, helper.getNode(id)]));
      const next = withTab(nodes);
      const started = new Promise<void>((resolve) => helper._events.once('flows:started', () => resolve()));
      await helper._redNodes.setFlows(next, {}, kind);
      await started;
      listen(next.filter(({ id }) => helper.getNode(id) !== before.get(id)));
    },
    listen: () =>
      new Promise<void>((resolve) => {
        listening = true;
        helper.startServer(resolve);
      }),
    admin: () => helper.request(),
  };
}

/** Stops the flow (all nodes are closed) and removes its user directory. */
export async function stopFlow(): Promise<void> {
  await stop?.();
}

/** The en-US text of a key with __name__ filled in, as Node-RED does; the key itself where there is no text. */
export function translate(key: string, values: Record<string, unknown> = {}): string {
  const name = key.slice(key.lastIndexOf(':') + 1);
  const text = name
    .split('.')
    .reduce<unknown>((at, part) => (at as Record<string, unknown> | undefined)?.[part], catalogue());
  return typeof text === 'string' ? text.replace(/__(\w+?)__/g, (_, value) => String(values[value] ?? '')) : name;
}

let texts: Record<string, unknown> | null = null;

function catalogue(): Record<string, unknown> {
  if (texts) return texts;
  texts = {};
  const nodes = join(import.meta.dirname, '..', '..', 'nodes');
  for (const family of readdirSync(nodes, { withFileTypes: true }))
    if (family.isDirectory())
      for (const file of listed(join(nodes, family.name, 'locales', 'en-US')))
        if (file.endsWith('.json')) Object.assign(texts, JSON.parse(readFileSync(file, 'utf8')));
  return texts;
}

function listed(folder: string): string[] {
  try {
    return readdirSync(folder).map((name) => join(folder, name));
  } catch {
    return [];
  }
}

/** Catch and Status nodes serve only nodes of their own tab; a node without a place on the canvas counts as a configuration node. */
function withTab(nodes: FlowNode[]): FlowNode[] {
  if (nodes.some(({ type }) => type === 'tab')) return nodes;
  const placed = nodes.map((node) => (node.wires ? { z: 'tab', x: 0, y: 0, ...node } : node));
  return [{ id: 'tab', type: 'tab', label: 'test' }, ...placed];
}

function eventually<Item, Found>(list: Watched<Item>, find: (items: Item[]) => Found | undefined): Promise<Found> {
  return new Promise((resolve) => {
    const look = () => {
      const found = find(list.items);
      if (found === undefined) return;
      list.wake.delete(look);
      resolve(found);
    };
    list.wake.add(look);
    look();
  });
}
