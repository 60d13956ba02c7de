/** The machine at the other end, a process of its own: fetches a batch with our client, or files from a plain server, and says how long it took. */
import { createWriteStream } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ApplianceClient } from '../../lib/field/appliance/client.ts';

export type Order =
  | { kind: 'batch'; url: string; id: string; folder: string }
  /** `durable`: each file is on the disk before the next is asked for. */
  | { kind: 'plain'; url: string; count: number; folder: string; durable: boolean };

export interface Received {
  wallMs: number;
  cpuMs: number;
  error?: string;
}

/** As many as our client fetches at the same time. */
const parallel = 2;

process.on('message', (order: Order) => {
  const begin = performance.now();
  const before = process.cpuUsage();
  const work = order.kind === 'batch' ? batch(order) : plain(order);
  work.then(
    () => {
      const { user, system } = process.cpuUsage(before);
      process.send!({ wallMs: performance.now() - begin, cpuMs: (user + system) / 1000 } satisfies Received);
    },
    (thrown) => process.send!({ wallMs: 0, cpuMs: 0, error: (thrown as Error).message } satisfies Received),
  );
});

async function batch({ url, id, folder }: Extract<Order, { kind: 'batch' }>): Promise<void> {
  await new ApplianceClient({ url }).fetchAll(id, { folder, parallel });
}

async function plain({ url, count, folder, durable }: Extract<Order, { kind: 'plain' }>): Promise<void> {
  await mkdir(folder, { recursive: true });
  let next = 0;
  const fetchSome = async () => {
    while (next < count) {
      const n = next++;
      const answer = await new Promise<IncomingMessage>((resolve, reject) =>
        get(`${url}/${n}`, resolve).once('error', reject),
      );
      await pipeline(answer, createWriteStream(join(folder, `${n}.fits`), { flush: durable }));
    }
  };
  await Promise.all(Array.from({ length: parallel }, fetchSome));
}
