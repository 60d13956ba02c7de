/** 100,000 mutations of a real server's stream: the parser stays within its limits and always finds its way back. */
import { deflateSync } from 'node:zlib';
import { expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { BlobReceiver } from '../../lib/indi/blob/receiver.ts';
import { encodeBlobVector } from '../../lib/indi/protocol/blob-encode.ts';
import type { BlobValue, IndiMessage } from '../../lib/indi/protocol/message.ts';
import { IndiParser } from '../../lib/indi/protocol/parser.ts';
import { IndiStore } from '../../lib/indi/store.ts';
import { seeded } from './collect.ts';

const mutations = 100_000;

const blobOf = (format: string, bytes: Buffer, uncompressedBytes = bytes.length) =>
  Buffer.concat([
    ...encodeBlobVector({
      ...{ tag: 'set', device: 'CCD', name: 'CCD1', state: 'Ok' },
      elements: [{ name: 'CCD1', format, bytes, uncompressedBytes }],
    }),
  ]).toString('latin1');
const content = Buffer.alloc(60, 7);
/** As real servers send them: plain, deflated (`size` is that of the plain one), packed by fpack, and a film of two frames. */
const blobs = [
  blobOf('.fits', content),
  blobOf('.bin.z', deflateSync(content), content.length),
  blobOf('.fits.fz', content, 600),
  blobOf('.stream', content) + blobOf('.stream_jpg', content, 10),
].map((text) => Buffer.from(text, 'latin1'));
const documents = [
  `<defNumberVector device="Telescope Simulator" name="EQUATORIAL_EOD_COORD" label="Eq. Coordinates" group="Main Control" state="Idle" perm="rw" timeout="60" timestamp="2026-11-21T06:18:30">
    <defNumber name="RA" label="RA (hh:mm:ss)" format="%010.6m" min="0" max="24" step="0">
4.0665031906211046575
    </defNumber>
</defNumberVector>`,
  `<setSwitchVector device="CCD" name="CONNECTION" state="Ok" message="It&apos;s &lt;on&gt;"><oneSwitch name="CONNECT">On</oneSwitch></setSwitchVector><message device="CCD" message='x'/>`,
  ...blobs.map((blob) => blob.toString('latin1')),
  `<?xml version="1.0"?><!-- c --><delProperty device="CCD"/><newTextVector device="A" name="B"><oneText name="C">&#176;</oneText></newTextVector>`,
].map((text) => Buffer.from(text, 'latin1'));

const fragments = [
  '<',
  '>',
  '"',
  "'",
  '&',
  '/',
  '<!--',
  '-->',
  '<![CDATA[',
  '<?',
  '?>',
  '</setBLOBVector>',
  '<message ',
  '&#x',
  'attached="true"',
  ' len="-1"',
  ' size="99999999999999"',
  '\0',
  '\xff',
  '<setNumberVector device="',
].map((text) => Buffer.from(text, 'latin1'));

const limits = { tagBytes: 2048, textBytes: 4096, messageBytes: 16_384, elements: 64 };
/** A lost quote may swallow a tag's limit of bytes: after that many, what follows is read for certain. */
const gap = Buffer.alloc(limits.tagBytes + 1, 0x20);
const landmark = Buffer.from('<message device="here" message="I am"/>');

it(`survives ${mutations} mutations`, () => {
  const random = seeded(20261121);
  const below = (limit: number) => Math.floor(random() * limit);
  let [found, faults, messages] = [0, 0, 0];
  for (let mutation = 0; mutation < mutations; mutation++) {
    const bytes = mutate(documents[below(documents.length)]!, below);
    let last: IndiMessage | null = null;
    const store = new IndiStore(realClock);
    const passed = { bytes: 0 };
    const parser = new IndiParser(
      {
        message: (message) => {
          messages++;
          last = message;
          store.take(message);
        },
        fault: ({ text }) => {
          faults++;
          if (text.length > 1000) throw new Error(`A fault of ${text.length} characters`);
        },
        blob: () => ({
          write: (chunk) => {
            passed.bytes += chunk.length;
          },
          end: () => ({
            format: '',
            declaredBytes: 0,
            data: null,
            byteLength: 0,
            error: null,
            firstByteAt: null,
            arrivedAt: null,
          }),
          abort: () => {},
        }),
      },
      limits,
    );
    const step = 1 + below(bytes.length);
    for (let at = 0; at < bytes.length; at += step) parser.push(bytes.subarray(at, at + step));
    parser.push(gap);
    parser.push(landmark);
    parser.end();
    const seen = last as IndiMessage | null;
    if (seen?.tag === 'message' && seen.device === 'here' && passed.bytes <= bytes.length + gap.length) found++;
  }
  expect(found).toBe(mutations);
  expect(faults).toBeGreaterThan(mutations / 4);
  expect(messages).toBeGreaterThan(mutations);
}, 60_000);

it('survives streams of BLOBs with mutated heads and content, and allocates no more than is allowed', () => {
  const random = seeded(4);
  const below = (limit: number) => Math.floor(random() * limit);
  let [whole, refused, largest, next] = [0, 0, 0, 0];
  let last: BlobValue | null = null;
  for (let mutation = 0; mutation < 40_000; mutation++) {
    const bytes = mutate(blobs[mutation % blobs.length]!, below);
    const parser = new IndiParser(
      {
        message: (message) => {
          if (message.tag !== 'set' || message.type !== 'blob') return;
          for (const { value } of message.elements) {
            const blob = value as BlobValue;
            last = blob;
            largest = Math.max(largest, blob.data?.byteLength ?? 0);
            if (blob.error) refused++;
            else whole++;
            if (blob.byteLength > (blob.data?.byteLength ?? 0)) throw new Error('More bytes than memory');
          }
        },
        fault: () => {},
        blob: (header) => new BlobReceiver(header, 100_000, realClock),
      },
      limits,
    );
    const step = 1 + below(bytes.length);
    for (let at = 0; at < bytes.length; at += step) parser.push(bytes.subarray(at, at + step));
    // The next picture comes whole, whatever went before it.
    last = null;
    parser.push(gap);
    parser.push(blobs[0]!);
    parser.end();
    if ((last as BlobValue | null)?.error === null && content.equals(bytesOf(last!))) next++;
  }
  expect(next).toBe(40_000);
  expect(whole).toBeGreaterThan(1000);
  expect(refused).toBeGreaterThan(1000);
  expect(largest).toBeLessThanOrEqual(100_000);
}, 60_000);

const bytesOf = ({ data, byteLength }: BlobValue): Buffer => Buffer.from(data!).subarray(0, byteLength);

function mutate(document: Buffer, below: (limit: number) => number): Buffer {
  let bytes = Buffer.from(document);
  for (let change = 0, changes = 1 + below(3); change < changes; change++) {
    const at = below(bytes.length);
    const kind = below(6);
    if (kind === 0) bytes[at] = below(256);
    else if (kind === 1) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(at + 1 + below(20))]);
    else if (kind === 2)
      bytes = Buffer.concat([bytes.subarray(0, at), fragments[below(fragments.length)]!, bytes.subarray(at)]);
    else if (kind === 3) bytes = Buffer.from(bytes.subarray(0, Math.max(1, at)));
    else if (kind === 4) bytes = Buffer.concat([bytes.subarray(0, at), bytes.subarray(below(at + 1))]);
    else bytes[at] = bytes[at]! ^ (1 << below(8));
  }
  return bytes;
}
