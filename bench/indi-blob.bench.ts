/** A 24.7 MB FITS file as INDI sends it, from a socket into memory, against libindi's own lilxml (or Python's expat and base64). */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { BlobChannel } from '../lib/indi/blob/channel.ts';
import { encodeBlobVector } from '../lib/indi/protocol/blob-encode.ts';
import type { BlobValue } from '../lib/indi/protocol/message.ts';
import { type BenchLine, cpu, type Measured, median, pairedBench, python3Peer } from './harness.ts';

const [device, property] = ['CCD Simulator', 'CCD1'];
/** 4056 x 3040 u16 with a header, as FITS: a multiple of 2880. */
const fileBytes = Math.ceil((4056 * 3040 * 2 + 2880) / 2880) * 2880;
/** BLOBs of one run: one takes some 20 ms. */
const repeat = 5;

interface Peer {
  run(repeat: number): Promise<Measured>;
  hash(): Promise<string>;
  close(): Promise<void>;
}

export default async function indiBlob(): Promise<BenchLine[]> {
  const folder = mkdtempSync(join(tmpdir(), 'nightflow-bench-'));
  const picture = noise();
  const elements = [{ name: property, format: '.fits', bytes: picture }];
  // Without enclen, as indiserver 1.9.9 writes it.
  const vector = { tag: 'set' as const, device, name: property, state: 'Ok' as const, elements };
  const xml = Buffer.concat([...encodeBlobVector(vector)]);
  writeFileSync(join(folder, 'blob.xml'), xml);
  const sender = await startSender(join(folder, 'blob.xml'));
  const channel = await BlobChannel.open({ host: '127.0.0.1', port: sender.port });
  const lilxml = lilxmlPeer(folder, sender.port);
  const peer = lilxml ?? expatPeer(sender.port);
  try {
    let ours: BlobValue | null = null;
    const receive = async () => {
      ours = await nextBlob(channel);
    };
    // Past the compilers, as in a night.
    for (let i = 0; i < 20; i++) await receive();
    const drained: number[] = [];
    for (let i = 0; i < 7; i++) drained.push((await cpu(() => drain(sender.port, xml.length), { repeat })).cpuMs);
    console.log(`indi-blob: a bare read of the same ${xml.length} bytes takes ${median(drained).toFixed(1)} ms CPU`);
    const expected = sha256(picture);
    const agree = async () => {
      if (ours!.error) return ours!.error;
      if (sha256(new Uint8Array(ours!.data!, 0, ours!.byteLength)) !== expected) return 'our bytes differ';
      return (await peer.hash()) === expected || 'the bytes of the peer differ';
    };
    const line = await pairedBench({
      bench: 'indi-blob',
      part: lilxml ? 'lilxml' : 'expat',
      goal: lilxml ? 0.5 : 0.25,
      pairs: 11,
      ours: () => cpu(receive, { repeat }),
      peer: () => peer.run(repeat),
      agree,
    });
    return [line];
  } finally {
    await peer.close();
    channel.close();
    sender.process.kill();
    rmSync(folder, { recursive: true, force: true });
  }
}

/** The way of the product: asked for by the main thread, received by the worker, handed over in shared memory. */
async function nextBlob(channel: BlobChannel): Promise<BlobValue> {
  const arrival = new Promise<BlobValue>((resolve) => {
    const off = channel.on('blob', ({ elements }) => {
      off();
      resolve(elements[0]!.blob);
    });
  });
  await channel.subscribe(device, property);
  return arrival;
}

function drain(port: number, bytes: number): Promise<void> {
  return new Promise((resolve, reject) => {
    let left = bytes;
    const socket = connect({
      host: '127.0.0.1',
      port,
      onread: {
        buffer: Buffer.alloc(262_144),
        callback: (count) => {
          left -= count;
          if (left <= 0) socket.end(() => resolve());
          return true;
        },
      },
    });
    socket.on('error', reject);
    socket.write('<enableBLOB>Only</enableBLOB>');
  });
}

async function startSender(path: string): Promise<{ port: number; process: ChildProcess }> {
  const script = fileURLToPath(new URL('./indi-blob/sender.js', import.meta.url));
  const child = spawn(process.execPath, [script, path], { stdio: ['ignore', 'pipe', 'inherit'] });
  const { value } = await createInterface({ input: child.stdout! })[Symbol.asyncIterator]().next();
  return { port: Number(value), process: child };
}

/** null without a compiler or without libindi-dev. */
function lilxmlPeer(folder: string, port: number): Peer | null {
  const source = fileURLToPath(new URL('./indi-blob/lilxml-peer.c', import.meta.url));
  const program = join(folder, 'lilxml-peer');
  const compiled = spawnSync('cc', ['-O2', source, '-o', program, '-lindidriver'], { encoding: 'utf8' });
  if (compiled.status !== 0) {
    console.log(
      `indi-blob: no lilxml here (${(compiled.stderr ?? 'no compiler').split('\n')[0]}); apt install gcc libindi-dev`,
    );
    return null;
  }
  const child = spawn(program, { stdio: ['pipe', 'pipe', 'inherit'] });
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const ask = async (count: number, file: string) => {
    child.stdin.write(`${port} ${count} ${file}\n`);
    const answer = JSON.parse((await lines.next()).value as string) as Measured & { failed?: true };
    if (answer.failed) throw new Error('lilxml received no BLOB.');
    return answer;
  };
  const file = join(folder, 'peer.fits');
  return {
    run: (count) => ask(count, '-'),
    hash: async () => {
      await ask(1, file);
      return sha256(readFileSync(file));
    },
    close: async () => void child.stdin.end(),
  };
}

function expatPeer(port: number): Peer {
  const peer = python3Peer(`
import socket, base64, hashlib
from xml.parsers import expat
def run(port):
    server = socket.create_connection(('127.0.0.1', abs(port)))
    server.sendall(b'<enableBLOB>Only</enableBLOB>')
    pieces, over = [], []
    parser = expat.ParserCreate()
    parser.buffer_text, parser.buffer_size = True, 1 << 20
    parser.CharacterDataHandler = pieces.append
    def end(name):
        if name == 'oneBLOB': over.append(base64.b64decode(''.join(pieces)))
    parser.EndElementHandler = end
    while not over: parser.Parse(server.recv(65536))
    server.close()
    return hashlib.sha256(over[0]).hexdigest() if port < 0 else None
`);
  return {
    run: (count) => peer.run(port, { repeat: count }),
    hash: async () => (await peer.run(-port)).result as string,
    close: () => peer.close(),
  };
}

const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex');

/** Sensor noise has no short base64. */
function noise(): Buffer {
  const bytes = Buffer.alloc(fileBytes);
  let state = 1;
  for (let i = 0; i < bytes.length; i += 2) {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    bytes.writeUInt16BE(256 + (state >>> 20), i);
  }
  return bytes;
}
