/** astro-api: cameras over HTTP, for other machines: RAW shots straight from memory, batches by way of a spool, control by JSON-RPC. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { realClock } from '../../lib/clock/clock.ts';
import { Appliance } from '../../lib/field/appliance/appliance.ts';
import { type BatchRecord, isOver } from '../../lib/field/appliance/batch-record.ts';
import type { ApplianceCamera } from '../../lib/field/appliance/cameras.ts';
import { type ApplianceHandler, applianceHandler } from '../../lib/field/appliance/http.ts';
import { applianceMethods } from '../../lib/field/appliance/methods.ts';
import { answerRpc } from '../../lib/field/appliance/rpc.ts';
import { Spool } from '../../lib/field/appliance/spool.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { packagePath } from '../../lib/process/package-root.ts';
import { backlogFull } from '../backlog.ts';
import { handleInput } from '../handle.ts';
import { type InputTable, type NodeConfig, nodeLabel, readConfiguration } from '../inputs.ts';
import { showStatus } from '../status.ts';
import type { AstroMessage, CameraNode, Node, NodeAPI } from '../types.ts';
import { type ApiRoute, openApiRoute } from './api-route.ts';

export const apiInputs = {
  path: { type: 'text', label: 'path', default: '/appliance' },
  spoolGigabytes: { type: 'number', label: 'spool', default: 20, minimum: 0.1, maximum: 100_000, unit: 'GB' },
  whenFull: { type: 'choice', label: 'full spool', choices: ['pause', 'end'], default: 'pause' },
} as const satisfies InputTable;

interface Opened {
  appliance: Appliance;
  handler: ApplianceHandler;
  version: string;
}

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType(
    'astro-api',
    function (this: Node, config: NodeConfig) {
      RED.nodes.createNode(this, config);
      let route: ApiRoute | null = null;
      let opening: Promise<Opened> | null = null;
      const api = () => ({ address: route?.address ?? null });
      let closed = false;
      /** What could not be opened (a disk that is not there yet) is tried again by the next who asks. */
      const ready = (): Promise<Opened> => {
        opening ??= open(RED, this, config).then(
          (opened) => {
            listen(opened);
            if (route && !closed) idle();
            return opened;
          },
          (thrown) => {
            if (!closed) opening = null;
            showStatus(this, 'failed', asNightflowError(thrown).message);
            throw thrown;
          },
        );
        return opening;
      };

      const idle = () => {
        const key = route?.thisMachineOnly ? 'idle-this-machine' : 'idle';
        showStatus(
          this,
          route?.thisMachineOnly ? 'waiting' : 'idle',
          RED._(`astro-api.status.${key}`, { address: route?.address ?? '' }),
        );
      };
      const listen = ({ appliance }: Opened) => {
        appliance.events.on('frame', ({ frame, file, camera }) => {
          // A flow that is behind gets the file's name only: it must not stop the camera, nor fill the machine.
          const pixels = file && backlogFull() ? {} : { frame };
          const path = file ? appliance.spool.path(file.batch, file.number) : null;
          const kept = file ? { file: { ...file, path, url: urlOf(route, file.batch, file.number) } } : {};
          const payload = file ? file.name : (appliance.recentShot()?.name ?? '');
          this.send([{ payload, camera, api: api(), ...pixels, ...kept }, null] as never);
        });
        // A batch ends once; that its frames are fetched afterwards is progress.
        const ended = new Set<string>();
        appliance.events.on('progress', (record) => {
          showStatus(this, ...lineOf(RED, record));
          const event = ended.has(record.id) ? 'progress' : eventOf(record);
          if (isOver(record.state)) ended.add(record.id);
          const message: Partial<AstroMessage> = { event, payload: record, api: api() };
          this.send([null, message] as never);
        });
      };

      try {
        const { path } = readConfiguration(config, apiInputs);
        route = openApiRoute(RED, this.id, path.trim(), tokenOf(this), async (request, response) => {
          try {
            await (await ready()).handler(request, response);
          } catch (thrown) {
            const { message, remedy } = asNightflowError(thrown);
            response.writeHead(503, { 'Content-Type': 'application/json' });
            response.end(JSON.stringify({ error: { code: 'failed', message, remedy } }));
          }
        });
        idle();
        ready().catch((thrown) => this.error(asNightflowError(thrown).message));
      } catch (thrown) {
        const { message, remedy } = asNightflowError(thrown);
        showStatus(this, 'failed', message);
        this.error([message, remedy].filter(Boolean).join(' '));
      }

      handleInput(RED, this, {
        config,
        inputs: {},
        parallel: true,
        run: async ({ msg, send }) => {
          const { method, params } = requestIn(msg);
          const { appliance, version } = await ready();
          const request = JSON.stringify({ jsonrpc: '2.0', id: 1, method, params });
          const answer = await answerRpc(request, applianceMethods(appliance, version));
          if (answer && 'error' in answer) throw answerError(answer.error);
          const payload = answer && 'result' in answer ? answer.result : null;
          send(null, Object.assign(msg, { event: 'answer', method, payload, api: api() }));
        },
        close: async () => {
          closed = true;
          route?.close();
          const opened = await opening?.catch(() => null);
          await opened?.appliance.close();
        },
      });
    },
    { credentials: { token: { type: 'password' } } },
  );
}

async function open(RED: NodeAPI, node: Node, config: NodeConfig): Promise<Opened> {
  const { spoolGigabytes, whenFull } = readConfiguration(config, apiInputs);
  const nodes = [config.camera, config.secondCamera].map((id) => cameraOf(RED, id)).filter((each) => each !== null);
  if (nodes.length === 0)
    throw new NightflowError('bad-input', 'No camera is chosen.', { remedy: 'Choose one in the node.' });
  const { siteNode } = nodes[0]!;
  const root = siteNode?.archiveFolder ?? RED.settings.userDir ?? process.cwd();
  const folder = join(root, '.nightflow', 'spool', node.id.replace(/[^\w-]/g, '_'));
  const spool = await Spool.open({ folder, maximumBytes: spoolGigabytes * 1e9 });
  const clock = siteNode?.clock ?? realClock;
  const cameras = nodes.map((each, index) => applianceCamera(each, node, nodes.slice(0, index)));
  const { version } = JSON.parse(await readFile(packagePath('package.json'), 'utf8'));
  const appliance = await Appliance.open({ clock, cameras, spool, whenFull });
  return { appliance, handler: applianceHandler(appliance, version), version };
}

const tokenOf = (node: Node): string =>
  (node as unknown as { credentials?: { token?: string } }).credentials?.token?.trim() ?? '';

const cameraOf = (RED: NodeAPI, id: unknown): CameraNode | null => {
  const node = typeof id === 'string' && id !== '' ? RED.nodes.getNode(id) : null;
  return node && 'reserve' in node ? (node as CameraNode) : null;
};

/** Its name is what clients call it, where no other has it. */
function applianceCamera(camera: CameraNode, owner: Node, before: CameraNode[]): ApplianceCamera {
  const name = nodeLabel(camera);
  return {
    id: before.some((each) => nodeLabel(each) === name) ? camera.id : name,
    name,
    ready: (signal) => camera.ready(signal),
    reserve: (what) => camera.reserve(`${nodeLabel(owner)} (${what})`),
    recovery: () => camera.recovery,
  };
}

/** `msg.method` with `msg.params`, or both in `msg.payload`, or the name alone as `msg.payload`. @throws bad-input */
function requestIn(msg: AstroMessage): { method: string; params: unknown } {
  const { payload } = msg;
  const inside = payload !== null && typeof payload === 'object' ? (payload as Record<string, unknown>) : {};
  const method = msg.method ?? inside.method ?? (typeof payload === 'string' ? payload : undefined);
  if (typeof method === 'string' && method !== '') return { method, params: msg.params ?? inside.params };
  throw new NightflowError('bad-input', 'The message names no method.', {
    remedy: 'Send msg.method, such as status, capture, batch or abort, and msg.params.',
  });
}

const answerError = ({ message, data }: { message: string; data?: { code: string; remedy?: string } }) =>
  new NightflowError((data?.code as NightflowError['code'] | undefined) ?? 'bad-input', message, {
    ...(data?.remedy === undefined ? {} : { remedy: data.remedy }),
  });

const urlOf = (route: ApiRoute | null, batch: string, number: number): string | null =>
  route && `${route.address}/batches/${batch}/frames/${number}`;

const eventOf = ({ state }: BatchRecord): string =>
  ({
    running: 'progress',
    'waiting-for-space': 'full',
    recovering: 'recovering',
    done: 'end',
    'spool-full': 'full',
    aborted: 'end',
    failed: 'lost',
    interrupted: 'end',
  })[state];

function lineOf(RED: NodeAPI, record: BatchRecord) {
  const look = {
    running: 'working',
    'waiting-for-space': 'waiting',
    recovering: 'waiting',
    done: 'done',
    'spool-full': 'failed',
    aborted: 'idle',
    failed: 'failed',
    interrupted: 'idle',
  } as const;
  const { taken, count, acknowledged, message } = record;
  const values = { taken, count, waiting: record.kept - acknowledged, reason: message ?? '' };
  return [look[record.state], RED._(`astro-api.status.${record.state}`, values)] as const;
}
