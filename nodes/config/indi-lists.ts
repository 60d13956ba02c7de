/** What the editor's lists ask a deployed `astro-indi`: its devices, and the properties of one. The server is started for the answer. */
import type { NodeAPI } from 'node-red';
import { realClock } from '../../lib/clock/clock.ts';
import type { IndiClient } from '../../lib/indi/client.ts';
import {
  describeDevices,
  describeProperties,
  type IndiDeviceInfo,
  type IndiPropertyInfo,
} from '../../lib/indi/devices/list.ts';
import type { ObservatoryReport } from '../../lib/indi/observatory-report.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { type IndiNode, indiOf } from '../types.ts';

/** GET nightflow/indi/ID/devices */
export type DeviceList = readonly IndiDeviceInfo[];
/** GET nightflow/indi/ID/properties?device=NAME */
export type PropertyList = readonly IndiPropertyInfo[];
/** GET nightflow/indi/ID/state, which starts nothing */
export type IndiState = ObservatoryReport;

const answerMilliseconds = 15_000;
const served = new WeakSet<object>();

export function serveIndiLists(RED: NodeAPI): void {
  const app = RED.httpAdmin;
  if (served.has(app)) return;
  served.add(app);
  const mayRead = RED.auth.needsPermission('astro-indi.read');
  /** The lists may start the server, and connecting a device wakes hardware. */
  const mayWrite = RED.auth.needsPermission('astro-indi.write');

  const answer = (
    method: 'get' | 'post',
    path: string,
    find: (asked: Asked, signal: AbortSignal) => unknown,
    allowed = mayWrite,
  ) =>
    app[method](`/nightflow/indi/:id/${path}`, allowed, (request, response) => {
      const over = new AbortController();
      const tooLong = new AbortController();
      realClock.sleep(answerMilliseconds, over.signal).then(
        () => tooLong.abort(),
        () => {},
      );
      Promise.resolve()
        .then(() => find(request as unknown as Asked, tooLong.signal))
        .then((value) => response.json(value ?? null))
        .catch((thrown) => {
          const { code, message, remedy } = tooLong.signal.aborted ? late() : asNightflowError(thrown);
          response.status(code === 'bad-input' ? 400 : 503).json({ error: { code, message, remedy } });
        })
        .finally(() => over.abort());
    });
  const nodeOf = ({ params }: Asked) => {
    const node = indiOf(RED, params.id);
    if (node) return node;
    throw new NightflowError('bad-input', 'This INDI server is not deployed yet.', { remedy: 'Press Deploy first.' });
  };

  answer(
    'get',
    'state',
    (asked): IndiState => {
      const { observatory, problem } = nodeOf(asked);
      if (!observatory) throw problem;
      return observatory.report();
    },
    mayRead,
  );
  answer('get', 'devices', async (asked, signal): Promise<DeviceList> => {
    const client = await described(nodeOf(asked), signal);
    return describeDevices(client.store);
  });
  answer('get', 'properties', async (asked, signal): Promise<PropertyList> => {
    const client = await described(nodeOf(asked), signal);
    return describeProperties(client.store, String(asked.query.device ?? ''));
  });
  answer('post', 'connect', async (asked, signal): Promise<PropertyList> => {
    const device = String(asked.query.device ?? '');
    await nodeOf(asked).device(device, signal);
    return describeProperties((await described(nodeOf(asked), signal)).store, device);
  });
}

interface Asked {
  query: Record<string, unknown>;
  params: Record<string, string>;
}

const late = () => new NightflowError('timeout', 'The INDI server does not answer.');

function described({ observatory, problem }: IndiNode, signal: AbortSignal): Promise<IndiClient> {
  if (!observatory) throw problem;
  return observatory.described(signal);
}
