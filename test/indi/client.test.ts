/** The connections, against a server of a few lines that can be told to misbehave. */
import { createServer, type Server, type Socket } from 'node:net';
import { afterEach, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiClient, type IndiClientOptions } from '../../lib/indi/client.ts';
import type { IndiMessage } from '../../lib/indi/protocol/message.ts';
import { parse } from './collect.ts';
import { number, setNumber, switches } from './scripted-link.ts';

let server: Server | null = null;
let client: IndiClient | null = null;
const sockets = new Set<Socket>();

afterEach(async () => {
  await client?.close();
  for (const socket of sockets) socket.destroy();
  server?.close();
});

/** @param answer What the server does with a packet of a client. */
async function start(answer: (socket: Socket, text: string) => void, options: Partial<IndiClientOptions> = {}) {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.on('data', (data) => answer(socket, data.toString()));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const backOff = { firstSeconds: 0.05, factor: 1, maximumSeconds: 0.05, jitter: 0 };
  client = new IndiClient({ host: '127.0.0.1', port, clock: realClock, backOff, ...options });
  return client;
}
const happened = <Value>(until: (done: (value: Value) => void) => void) => new Promise<Value>(until);

it('asks for everything with a version, once for each connection, and forgets what a lost server had', async () => {
  const questions: string[] = [];
  const connected = await start((socket, text) => {
    questions.push(text.trim());
    socket.write(number(`P${questions.length}`, { A: [1] }));
  });
  await connected.start();
  await connected.waitForProperty('D', 'P1', { timeoutSeconds: 20 });
  const lost = happened<string>((done) => connected.on('disconnected', ({ code }) => done(code)));
  for (const socket of sockets) socket.destroy();
  expect(await lost).toBe('lost');
  await connected.waitForProperty('D', 'P2', { timeoutSeconds: 20 });
  expect(connected.store.properties('D').map(({ name }) => name)).toEqual(['P2']);
  expect(questions).toEqual(Array(2).fill('<getProperties version="1.7"/>'));
});

it('answers the server’s ping, and tells of other clients’ wishes', async () => {
  let pong = '';
  const connected = await start((socket, text) => {
    if (text.includes('<pingReply')) pong = text.trim();
    else
      socket.write(
        '<newNumberVector device="D" name="P"><oneNumber name="A">5</oneNumber></newNumberVector><pingRequest uid="x&amp;y"/>',
      );
  });
  const wish = happened<IndiMessage>((done) => connected.on('wish', done));
  await connected.start();
  expect(await wish).toMatchObject({ tag: 'new', device: 'D', elements: [{ name: 'A', value: 5 }] });
  await expect.poll(() => pong).toBe('<pingReply uid="x&amp;y"/>');
});

it('stays with an old server that knows no ping but answers a question', async () => {
  const connected = await start(
    (socket, text) => {
      if (text.includes('<getProperties')) socket.write(number('P', { A: [1] }));
    },
    { heartbeatSeconds: 0.5 },
  );
  let lost = 0;
  connected.on('disconnected', () => lost++);
  await connected.start();
  await realClock.sleep(2500);
  expect(lost).toBe(0);
});

it('leaves a server that says nothing any more', async () => {
  const connected = await start(() => {}, { heartbeatSeconds: 0.2 });
  const lost = happened<string>((done) => connected.on('disconnected', ({ message }) => done(message)));
  await connected.start();
  expect(await lost).toMatch(/no sign of life for 0.4 s/);
});

it('queues commands of one device, lets other lanes pass, and interrupts both', async () => {
  const order: string[] = [];
  const connected = await start((socket, text) => {
    if (text.includes('<getProperties')) socket.write(number('SLOW', { A: [0] }) + number('COOL', { A: [0] }));
    for (const message of parse(text).messages)
      if (message.tag === 'new') order.push(`${message.name} ${message.elements[0]!.value}`);
    if (text.includes('"COOL"')) socket.write(setNumber('COOL', 'Ok', { A: 1 }));
  });
  await connected.start();
  await connected.waitForProperty('D', 'COOL', { timeoutSeconds: 20 });
  const slow = [1, 2].map((A) => connected.command({ device: 'D', property: 'SLOW', values: { A }, ackSeconds: 60 }));
  expect((await connected.command({ device: 'D', property: 'COOL', values: { A: 1 }, lane: 'cooler' })).status).toBe(
    'ok',
  );
  expect((await connected.commandNow({ device: 'D', property: 'COOL', values: { A: 1 } })).status).toBe('ok');
  connected.interrupt('D');
  expect((await Promise.all(slow)).map(({ status }) => status)).toEqual(['aborted', 'aborted']);
  expect(order).toEqual(['SLOW 1', 'COOL 1', 'COOL 1']);
  // The next one is not interrupted any more.
  const after = connected.command({ device: 'D', property: 'COOL', values: { A: 1 } });
  expect((await after).status).toBe('ok');
});

it('sends a BLOB to a device no faster than it is read', async () => {
  let received = 0;
  const content = Buffer.alloc(30_000_000, 1);
  const connected = await start((_socket, text) => {
    received += text.length;
  });
  await connected.start();
  await connected.sendBlob({ device: 'D', name: 'SHOW', elements: [{ name: 'B', format: '.fits', bytes: content }] });
  await expect.poll(() => received, { timeout: 10_000 }).toBeGreaterThan(40_000_000);
  expect(connected.connected).toBe(true);
});

it('probes a driver by its definition', async () => {
  let answers = true;
  const connected = await start((socket, text) => {
    if (text.includes('<getProperties') && answers)
      socket.write(switches('CONNECTION', 'OneOfMany', { CONNECT: 'On', DISCONNECT: 'Off' }));
  });
  await connected.start();
  await connected.waitForProperty('D', 'CONNECTION', { timeoutSeconds: 20 });
  expect(await connected.probe('D')).toBe(true);
  answers = false;
  expect(await connected.probe('D', { timeoutSeconds: 0.2 })).toBe(false);
  expect(await connected.probe('NONE')).toBe(false);
});
