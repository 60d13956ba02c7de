/** What a request to the appliance may bring: from which page, how large a body, which numbers. All of it is another machine's word. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { NightflowError } from '../../process/errors.ts';

/** An answer that is no failure of ours. */
export class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

const maximumBodyBytes = 65_536;
/** Of a body that is too large so much is read and dropped: a client that is still sending would not see the answer. */
const droppedBytes = 16_000_000;

/** The path, split at its slashes but not decoded, and the query. @throws Refusal */
export function addressIn(request: IncomingMessage): { parts: string[]; query: URLSearchParams } {
  const url = request.url ?? '/';
  // A path that starts with two slashes would be taken for a host.
  const base = 'http://localhost/';
  if (!URL.canParse(url.replace(/^\/+/, '/'), base)) throw new Refusal(400, 'The address can not be read.');
  const { pathname, searchParams } = new URL(url.replace(/^\/+/, '/'), base);
  return { parts: pathname.split('/').filter((part) => part !== ''), query: searchParams };
}

/** Another page in the user's browser must not move the camera: it may neither post forms here nor read what comes back. */
export function checkOrigin({ headers, method }: IncomingMessage): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  // Behind a proxy the host may be another than the page's; what the browser itself says of the page can't be forged by it.
  const foreign = origin !== undefined && site !== 'same-origin' && origin.replace(/^https?:\/\//, '') !== host;
  const changes = method !== 'GET' && method !== 'HEAD';
  if (foreign || (changes && (site === 'cross-site' || site === 'same-site')))
    throw new Refusal(403, 'Requests from pages of other addresses are refused.');
  if (method === 'POST' && !/^application\/json\b/i.test(headers['content-type'] ?? ''))
    throw new Refusal(415, 'The body must be JSON, with Content-Type: application/json.');
}

export async function bodyOf(request: IncomingMessage): Promise<string> {
  // Somebody's middleware in settings.js may have read it already.
  const { body } = request as IncomingMessage & { body?: unknown };
  if (body !== undefined)
    return Buffer.isBuffer(body) || typeof body === 'string' ? String(body) : JSON.stringify(body);
  const tooLarge = new Refusal(413, `A request has at most ${maximumBodyBytes} bytes.`);
  if (Number(request.headers['content-length'] ?? 0) > droppedBytes) throw tooLarge;
  const chunks: Buffer[] = [];
  let bytes = 0;
  // The request stays whole when the loop is left: the answer goes by the same socket.
  for await (const chunk of request.iterator({ destroyOnReturn: false }) as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes <= maximumBodyBytes) chunks.push(chunk);
    else if (bytes > droppedBytes) break;
  }
  if (bytes > maximumBodyBytes) throw tooLarge;
  return Buffer.concat(chunks).toString('utf8');
}

export function jsonOf(text: string): unknown {
  try {
    const value = JSON.parse(text === '' ? '{}' : text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch {}
  throw new NightflowError('bad-input', 'The body is no JSON object.');
}

export function numberIn(query: URLSearchParams, name: string, minimum: number, maximum: number): number | null {
  const text = query.get(name);
  if (text === null || text === '') return null;
  const value = Number(text);
  if (value >= minimum && value <= maximum) return value;
  throw new NightflowError('bad-input', `${name} must be a number from ${minimum} to ${maximum}.`);
}

/** Whether If-Match, a list of entity tags or *, names this one (RFC 9110, strong comparison). */
export const hasTag = (header: string, etag: string): boolean =>
  header.split(',').some((each) => ['*', etag].includes(each.trim()));

/** @throws Refusal for another method; HEAD is allowed where GET is. */
export function only(request: IncomingMessage, response: ServerResponse, allowed: string[]): void {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  if (allowed.includes(method)) return;
  response.setHeader('Allow', allowed.includes('GET') ? [...allowed, 'HEAD'].join(', ') : allowed.join(', '));
  throw new Refusal(405, `Here is only ${allowed.join(' and ')}.`);
}
