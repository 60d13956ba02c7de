/** A frame's bytes as an HTTP answer: ETag = SHA-256, conditions, one range (RFC 9110), no more memory than a socket's buffer. */
import type { FileHandle } from 'node:fs/promises';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { realSleep } from '../../clock/clock.ts';
import { contentTypeOf } from './format.ts';
import { hasTag } from './incoming.ts';

interface Described {
  name: string;
  sha256: string;
  start: string | null;
}

interface Part {
  from: number;
  /** The last byte, as HTTP counts. */
  to: number;
}

/** From the disk, so that a slow client holds nothing but its file. */
export async function sendFile(
  request: IncomingMessage,
  response: ServerResponse,
  frame: Described & { bytes: number },
  open: () => Promise<FileHandle>,
  stallMilliseconds: number,
): Promise<void> {
  const part = begin(request, response, frame, frame.bytes);
  if (!part) return;
  const handle = await open();
  // A client that left meanwhile: the pipeline would refuse at once, and not touch the file.
  if (response.destroyed) return handle.close();
  // Ends the handle with the stream, whether the client stays or leaves.
  const file = handle.createReadStream({ start: part.from, end: part.to, highWaterMark: sliceBytes });
  start(response, part, frame.bytes, stallMilliseconds);
  await pipeline(file, response);
}

/** From memory. */
export async function sendBytes(
  request: IncomingMessage,
  response: ServerResponse,
  frame: Described,
  bytes: Buffer,
  stallMilliseconds: number,
): Promise<void> {
  const part = begin(request, response, frame, bytes.byteLength);
  if (!part) return;
  start(response, part, bytes.byteLength, stallMilliseconds);
  await pipeline(Readable.from(slices(bytes.subarray(part.from, part.to + 1)), { objectMode: false }), response);
}

/** What is handed to the socket at a time; even 5 kB a second move one within a minute. */
const sliceBytes = 1 << 18;

function* slices(bytes: Buffer): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += sliceBytes) yield bytes.subarray(at, at + sliceBytes);
}

/** Sets the headers; null when the answer is complete without a body (304, 412, 416, HEAD, an empty file). */
function begin(request: IncomingMessage, response: ServerResponse, frame: Described, bytes: number): Part | null {
  const etag = `"${frame.sha256}"`;
  const { headers } = request;
  response.setHeader('ETag', etag);
  response.setHeader('Accept-Ranges', 'bytes');
  response.setHeader('Cache-Control', 'private, no-cache');
  response.setHeader('Content-Disposition', `attachment; filename="${frame.name}"`);
  if (frame.start !== null) response.setHeader('Nightflow-Start', frame.start);
  if (request.method !== 'POST' && headers['if-match'] !== undefined && !hasTag(headers['if-match'], etag)) {
    response.writeHead(412, { 'Content-Length': 0 }).end();
    return null;
  }
  if (request.method !== 'POST' && matches(headers['if-none-match'], etag)) {
    response.writeHead(304).end();
    return null;
  }
  response.setHeader('Content-Type', contentTypeOf(frame.name));
  const ranged = request.method === 'GET' && (headers['if-range'] === undefined || headers['if-range'] === etag);
  const part = ranged ? rangeOf(headers.range, bytes) : whole(bytes);
  if (part === null) {
    response.removeHeader('Content-Type');
    response.writeHead(416, { 'Content-Range': `bytes */${bytes}`, 'Content-Length': 0 }).end();
    return null;
  }
  if (request.method === 'HEAD' || bytes === 0) {
    response.writeHead(200, { 'Content-Length': bytes }).end();
    return null;
  }
  return part;
}

function start(response: ServerResponse, { from, to }: Part, bytes: number, stallMilliseconds: number): void {
  void leaveStalled(response, stallMilliseconds);
  const partial = from > 0 || to < bytes - 1;
  if (partial) response.setHeader('Content-Range', `bytes ${from}-${to}/${bytes}`);
  response.writeHead(partial ? 206 : 200, { 'Content-Length': to - from + 1 });
}

/** Where no byte moved for so long, the client is left. A line that is slow, but alive, may take its time. */
async function leaveStalled(response: ServerResponse, stallMilliseconds: number): Promise<void> {
  const closed = new AbortController();
  response.once('close', () => closed.abort());
  for (let before = -1; !response.destroyed; ) {
    const over = await realSleep(stallMilliseconds, closed.signal).catch(() => 'closed');
    const sent = response.socket?.bytesWritten ?? before;
    if (over === 'closed') return;
    if (sent === before) response.destroy();
    before = sent;
  }
}

const whole = (bytes: number): Part => ({ from: 0, to: bytes - 1 });

/** One range; several, and other units, are answered with the whole, as the standard allows. null: can't be satisfied. */
function rangeOf(header: string | undefined, bytes: number): Part | null {
  const [, first, last] = /^bytes=(\d*)-(\d*)$/.exec(header?.replaceAll(' ', '') ?? '') ?? [];
  if (first === undefined || last === undefined || (first === '' && last === '')) return whole(bytes);
  if (first === '') return Number(last) === 0 ? null : { from: Math.max(0, bytes - Number(last)), to: bytes - 1 };
  const from = Number(first);
  const to = last === '' ? bytes - 1 : Math.min(Number(last), bytes - 1);
  if (last !== '' && Number(last) < from) return whole(bytes);
  return from < bytes ? { from, to } : null;
}

const matches = (header: string | undefined, etag: string): boolean =>
  (header?.split(',') ?? []).some((each) => ['*', etag, `W/${etag}`].includes(each.trim()));
