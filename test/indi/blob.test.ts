import { createServer, type Server, type Socket } from 'node:net';
import { deflateSync } from 'node:zlib';
import { afterEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { type BlobArrival, BlobChannel } from '../../lib/indi/blob/channel.ts';
import { BlobReceiver } from '../../lib/indi/blob/receiver.ts';
import { encodeBlobVector } from '../../lib/indi/protocol/blob-encode.ts';
import { decodeBase64, seeded } from './collect.ts';

const random = seeded(7);
const bytes = Buffer.from(Array.from({ length: 200_000 }, () => Math.floor(random() * 256)));
const base64 = bytes.toString('base64');
const inLines = (length: number, end = '\n') => base64.replace(new RegExp(`.{1,${length}}`, 'g'), `$&${end}`);
const cutInto = (text: string, lengths: readonly number[]) => {
  const whole = Buffer.from(text, 'latin1');
  const pieces: Buffer[] = [];
  for (let at = 0, i = 0; at < whole.length; at += lengths[i++ % lengths.length]!)
    pieces.push(whole.subarray(at, at + lengths[i % lengths.length]!));
  return pieces;
};

describe('base64 is decoded', () => {
  const texts: [string, string][] = [
    ['in one line', base64],
    ['with a line break before and after', `\n${base64}\n    `],
    ['in lines of 72', inLines(72)],
    ['in lines of 72 after a blank line', `\r\n\n${inLines(72)}`],
    ['in lines of 76 with CR LF', inLines(76, '\r\n')],
    ['in lines of 61', inLines(61)],
    ['without padding', base64.replace(/=+$/, '')],
  ];
  it.each(texts)('%s, cut anywhere', (_what, text) => {
    for (const cuts of [[1 << 30], [65_536], [262_144], [1000, 1, 2, 3], [65_537, 4099], [7]]) {
      const { bytes: decoded, error } = decodeBase64(cutInto(text, cuts));
      expect(error).toBeNull();
      expect(decoded.equals(bytes)).toBe(true);
    }
  });

  it.each([
    ['QUJD*EFG', 'is not base64'],
    ['QUI=QUJD', 'goes on after its end'],
    ['QUJDQ', 'is cut off in the middle of a byte'],
  ])('not %s', (text, error) => {
    for (const cuts of [[100], [1], [3]]) expect(decodeBase64(cutInto(text, cuts)).error).toBe(error);
  });
});

describe('a BLOB', () => {
  const header = (values: { size?: number | null; length?: number | null; format?: string }) => ({
    device: 'CCD',
    property: 'CCD1',
    element: 'CCD1',
    format: '.fits',
    size: null,
    length: null,
    ...values,
  });
  const receive = (values: Parameters<typeof header>[0], content: Buffer, limit = 1e6) => {
    const receiver = new BlobReceiver(header(values), limit, realClock);
    for (const piece of cutInto(`\n${content.toString('base64')}\n`, [1000, 77])) receiver.write(piece);
    return receiver.end();
  };
  const contentOf = ({ data, byteLength }: { data: SharedArrayBuffer | null; byteLength: number }) =>
    Buffer.from(new Uint8Array(data!, 0, byteLength));

  it('has exactly the memory it declares', () => {
    const blob = receive({ size: bytes.length, length: bytes.length }, bytes);
    expect(blob).toMatchObject({ error: null, byteLength: bytes.length, declaredBytes: bytes.length });
    expect(blob.data!.byteLength).toBe(bytes.length);
    expect(contentOf(blob).equals(bytes)).toBe(true);
    expect(blob.firstByteAt).toBeLessThanOrEqual(blob.arrivedAt!);
  });

  it('loses the rubbish after its declared length, as indiserver sends it with compressed files', () => {
    const blob = receive({ size: 300_000, length: 150_000, format: '.fits.fz' }, bytes);
    expect(contentOf(blob).equals(bytes.subarray(0, 150_000))).toBe(true);
  });

  it.each([{}, { size: 10, format: '.stream_jpg' }, { size: 900_000, format: '.fits.fz' }])(
    'of unknown length grows: %j',
    (values) => {
      const blob = receive(values, bytes);
      expect(blob.error).toBeNull();
      expect(contentOf(blob).equals(bytes)).toBe(true);
    },
  );

  it('is inflated', () => {
    const packed = deflateSync(bytes);
    const blob = receive({ size: bytes.length, length: packed.length, format: '.bin.z' }, packed);
    expect(blob).toMatchObject({ error: null, format: '.bin' });
    expect(contentOf(blob).equals(bytes)).toBe(true);
  });

  const bomb = deflateSync(Buffer.alloc(5_000_000));
  it.each([
    [
      'declares more than allowed',
      { size: 2e6 },
      bytes,
      /declares 2000000 bytes, more than the 1000000 that are allowed/,
    ],
    ['holds less than it declares', { length: 200_001 }, bytes, /holds 200000 bytes instead of the 200001 it declares/],
    ['holds nothing', { size: 2880 }, Buffer.alloc(0), /holds 0 bytes instead of the 2880/],
    ['grows beyond what is allowed', {}, Buffer.alloc(1_200_000), /larger than the 1000000 bytes that are allowed/],
    [
      'inflates to more than it declares',
      { size: 1000, length: bomb.length, format: '.fits.z' },
      bomb,
      /larger than the 1000 bytes/,
    ],
    [
      'inflates to more than allowed',
      { length: bomb.length, format: '.fits.z' },
      bomb,
      /larger than the 1000000 bytes/,
    ],
    [
      'inflates to less than it declares',
      { size: 250_000, format: '.fits.z' },
      deflateSync(bytes),
      /200000 bytes instead of the 250000/,
    ],
    ['does not inflate', { size: 5, format: '.fits.z' }, Buffer.from('hello'), /can't be inflated/],
  ])('that %s is refused with the reason', (_what, values, content, sentence) => {
    const blob = receive(values, content);
    expect(blob.data).toBeNull();
    expect(blob.error).toMatch(/^The BLOB CCD\.CCD1\.CCD1 .*\.$/);
    expect(blob.error).toMatch(sentence);
  });

  it('that declares a terabyte costs no memory', () => {
    const before = process.memoryUsage().arrayBuffers;
    const receiver = new BlobReceiver(header({ size: 1e12 }), 1e6, realClock);
    for (let i = 0; i < 1000; i++) receiver.write(Buffer.alloc(65_536, 0x41));
    expect(receiver.end().error).toMatch(/declares 1000000000000 bytes/);
    expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(2e8);
  });
});

describe('the BLOB connection', () => {
  let server: Server | null = null;
  let channel: BlobChannel | null = null;
  afterEach(() => {
    channel?.close();
    server?.close();
    channel = null;
  });

  const open = async (answer: (socket: Socket, text: string) => void, limits = {}) => {
    server = createServer((socket) => {
      socket.on('error', () => {});
      socket.on('data', (data) => {
        const uid = /<pingRequest uid="([^"]+)"/.exec(data.toString())?.[1];
        if (uid) socket.write(`<pingReply uid="${uid}"/>`);
        answer(socket, data.toString());
      });
    });
    await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
    channel = await BlobChannel.open({ host: '127.0.0.1', port: (server!.address() as { port: number }).port, limits });
    return channel;
  };
  const arrivals = (from: BlobChannel, count: number) =>
    new Promise<BlobArrival[]>((resolve) => {
      const list: BlobArrival[] = [];
      from.on('blob', (arrival) => {
        list.push(arrival);
        if (list.length === count) resolve(list);
      });
    });

  it('asks with a version, then for nothing but BLOBs, and hands them over in shared memory', async () => {
    let asked = '';
    const from = await open((socket, text) => {
      asked += text;
      if (!text.includes('enableBLOB')) return;
      const elements = [{ name: 'CCD1', format: '.fits', bytes }];
      for (const lineCharacters of [0, 72])
        for (const piece of encodeBlobVector({
          tag: 'set',
          device: 'CCD',
          name: 'CCD1',
          state: 'Ok',
          timestamp: '2026-11-21T06:18:30',
          elements,
          lineCharacters,
          encodedLength: lineCharacters > 0,
        }))
          socket.write(piece);
    });
    const both = arrivals(from, 2);
    await from.subscribe('CCD', 'CCD1');
    expect(asked).toMatch(
      /<getProperties version="1.7" device="CCD" name="CCD1"\/>\s*<enableBLOB device="CCD" name="CCD1">Only</,
    );
    for (const arrival of await both) {
      expect(arrival).toMatchObject({ device: 'CCD', property: 'CCD1', state: 'Ok', timestamp: '2026-11-21T06:18:30' });
      const { blob } = arrival.elements[0]!;
      expect(blob.data).toBeInstanceOf(SharedArrayBuffer);
      expect(Buffer.from(new Uint8Array(blob.data!)).equals(bytes)).toBe(true);
    }
  });

  it('loses no frame of a fast stream, in order, while the main thread is held up', async () => {
    const count = 120;
    const from = await open((socket, text) => {
      if (!text.includes('enableBLOB')) return;
      for (let frame = 0; frame < count; frame++) {
        const content = Buffer.alloc(1280 * 1024, frame);
        const elements = [{ name: 'CCD1', format: '.stream', bytes: content }];
        for (const piece of encodeBlobVector({ tag: 'set', device: 'CCD', name: 'CCD1', elements }))
          socket.write(piece);
      }
    });
    const all = arrivals(from, count);
    await from.subscribe('CCD', 'CCD1');
    for (const until = performance.now() + 200; performance.now() < until; );
    const seen = (await all).map(({ elements }) => new Uint8Array(elements[0]!.blob.data!));
    expect(seen.map((frame) => frame[0])).toEqual(Array.from({ length: count }, (_, frame) => frame));
    expect(seen.every((frame) => frame.length === 1280 * 1024 && frame.at(-1) === frame[0])).toBe(true);
  });

  it('goes on after a BLOB that lies and after one that is broken off', async () => {
    const from = await open(
      (socket, text) => {
        if (!text.includes('enableBLOB')) return;
        const blob = (size: number, content: string) =>
          `<setBLOBVector device="CCD" name="CCD1"><oneBLOB name="CCD1" size="${size}" format=".fits">${content}</oneBLOB></setBLOBVector>`;
        socket.write(blob(99_999_999_999, 'QUJD'));
        socket.write(blob(4, 'QUJD'));
        socket.write('<setBLOBVector device="CCD" name="CCD1"><oneBLOB name="CCD1" size="9" format=".fits">QUJD');
        socket.write(blob(3, 'QUJD'));
      },
      { blobBytes: 1e6 },
    );
    const faults: string[] = [];
    from.on('fault', (fault) => faults.push(fault));
    const three = arrivals(from, 3);
    await from.subscribe('CCD', 'CCD1');
    const blobs = (await three).map(({ elements }) => elements[0]!.blob);
    expect(blobs.map(({ error }) => error)).toEqual([
      expect.stringContaining('declares 99999999999 bytes'),
      expect.stringContaining('holds 3 bytes instead of the 4'),
      null,
    ]);
    expect(blobs[2]!.byteLength).toBe(3);
    expect(faults).toEqual([expect.stringContaining('not complete')]);
  });

  it('says that the server is gone', async () => {
    const from = await open((socket, text) => {
      if (text.includes('enableBLOB')) socket.destroy();
    });
    void from.subscribe('CCD', 'CCD1');
    expect(await from.closed).toMatchObject({ code: 'lost' });
  });

  it('is refused where nobody listens', async () => {
    await expect(BlobChannel.open({ host: '127.0.0.1', port: 1 })).rejects.toMatchObject({ code: 'lost' });
  });
});
