/** The appliance over HTTP, without a web framework: control by JSON-RPC at /rpc, bytes by addresses of their own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { asNightflowError, type ErrorCode, NightflowError } from '../../process/errors.ts';
import type { Appliance } from './appliance.ts';
import { isOver } from './batch-record.ts';
import { applianceMethods, shotParameters } from './methods.ts';
import { openApi } from './open-api.ts';
import { answerRpc, openRpc } from './rpc.ts';
import { sendBytes, sendFile } from './send.ts';

/** Answers a request below the appliance's address; `request.url` starts with what comes after it. Never rejects. */
export type ApplianceHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const maximumBodyBytes = 65_536;
const defaultPreviewWidth = 1280;
/** Longest that an answer waits for something new, seconds: proxies give up after a minute. */
const maximumWaitSeconds = 25;

const statusOf: Record<ErrorCode, number> = {
  'bad-input': 400,
  unsupported: 422,
  rejected: 422,
  timeout: 504,
  aborted: 503,
  lost: 502,
  busy: 409,
  missing: 503,
  'disk-full': 507,
  failed: 500,
};

/** An answer that is no failure of ours. */
class Refusal extends Error {
  readonly status: number;
  constructor(status: number, message: string) {
    super(message);
    this.status = status;
  }
}

export function applianceHandler(appliance: Appliance, version: string): ApplianceHandler {
  const methods = applianceMethods(appliance, version);

  const rpc = async (request: IncomingMessage, response: ServerResponse) => {
    const answer = await answerRpc(await bodyOf(request), methods);
    if (answer === null) response.writeHead(204).end();
    else sendJson(response, 200, answer);
  };

  const shot = async (request: IncomingMessage, response: ServerResponse) => {
    const { exposure, camera } = shotParameters(jsonOf(await bodyOf(request)));
    const gone = new AbortController();
    response.once('close', () => gone.abort());
    const taken = await appliance.shot(exposure, camera, gone.signal);
    response.setHeader('Content-Location', 'shot');
    await sendBytes(request, response, taken, taken.bytes);
  };

  const lastShot = async (request: IncomingMessage, response: ServerResponse) => {
    const taken = appliance.recentShot();
    if (!taken) throw new Refusal(404, 'No shot was taken yet.');
    await sendBytes(request, response, taken, taken.bytes);
  };

  const frame = async (request: IncomingMessage, response: ServerResponse, id: string, number: number) => {
    known(appliance, id);
    const found = appliance.spool.frame(id, number);
    if (!found) throw new Refusal(404, `The batch ${id} has no frame ${number} to fetch.`);
    if (request.method !== 'DELETE') {
      await sendFile(request, response, found, () => appliance.spool.read(id, number));
      return;
    }
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && wanted !== '*' && wanted !== `"${found.sha256}"`)
      throw new Refusal(412, 'The frame is another than the one that is acknowledged.');
    await appliance.acknowledge(id, number);
    response.writeHead(204).end();
  };

  const batch = async (request: IncomingMessage, response: ServerResponse, id: string, query: URLSearchParams) => {
    known(appliance, id);
    if (request.method === 'DELETE') {
      await appliance.forget(id);
      response.writeHead(204).end();
      return;
    }
    // Long polling: with ?kept=12&wait=20 the answer comes when more than 12 frames are there, or the batch has changed.
    const waitSeconds = Math.min(maximumWaitSeconds, numberIn(query, 'wait', 0, 3600) ?? 0);
    const kept = numberIn(query, 'kept', 0, 1e9);
    if (waitSeconds > 0 && kept !== null) await newsOf(appliance, id, kept, waitSeconds, response);
    sendJson(response, 200, appliance.batch(id));
  };

  const preview = async (
    response: ServerResponse,
    of: { batch: string; number: number } | { camera?: string },
    query: URLSearchParams,
  ) => {
    const width = numberIn(query, 'width', 16, 16_384) ?? defaultPreviewWidth;
    const jpeg = await appliance.preview(of, Math.round(width));
    if (!jpeg) throw new Refusal(404, 'There is no such picture.');
    response.setHeader('Cache-Control', 'private, no-cache');
    response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': jpeg.byteLength }).end(jpeg);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { pathname, searchParams: query } = new URL(request.url ?? '/', 'http://localhost');
    const [first = '', id = '', frames, number = '', ...rest] = pathname.split('/').filter((part) => part !== '');
    const of = (...allowed: string[]) => only(request, response, allowed);
    if (frames === undefined) {
      if (first === 'batches' && id !== '') {
        of('GET', 'DELETE');
        return batch(request, response, id, query);
      }
      if (id === '')
        switch (first) {
          case 'rpc':
            of('POST');
            return rpc(request, response);
          case 'shot':
            of('GET', 'POST');
            return request.method === 'POST' ? shot(request, response) : lastShot(request, response);
          case '':
          case 'status':
          case 'batches':
            of('GET');
            return sendJson(response, 200, await appliance.status());
          case 'preview.jpg':
            of('GET');
            return preview(response, { camera: query.get('camera') ?? undefined }, query);
          case 'openrpc.json':
            of('GET');
            return sendJson(response, 200, openRpc(methods, version));
          case 'openapi.json':
            of('GET');
            return sendJson(response, 200, openApi(version));
        }
    }
    if (first === 'batches' && frames === 'frames' && /^\d{1,6}$/.test(number)) {
      if (rest.length === 0) {
        of('GET', 'DELETE');
        return frame(request, response, id, Number(number));
      }
      if (rest.length === 1 && rest[0] === 'preview.jpg') {
        of('GET');
        known(appliance, id);
        return preview(response, { batch: id, number: Number(number) }, query);
      }
    }
    throw new Refusal(404, 'Nothing is here. The addresses are in openapi.json.');
  };

  return async (request, response) => {
    response.on('error', () => {}); // a client that left in the middle
    response.setHeader('X-Content-Type-Options', 'nosniff');
    try {
      checkOrigin(request);
      await answer(request, response);
    } catch (thrown) {
      refuse(response, thrown);
    }
  };
}

/** Another page in the user's browser must not move the camera: it may neither post forms here nor read what comes back. */
function checkOrigin({ headers, method }: IncomingMessage): void {
  const { origin, host } = headers;
  const site = headers['sec-fetch-site'];
  // Behind a proxy the host may be another than the page's; what the browser itself says of the page can't be forged by it.
  const foreign = origin !== undefined && site !== 'same-origin' && origin.replace(/^https?:\/\//, '') !== host;
  if (foreign || (site === 'cross-site' && method !== 'GET'))
    throw new Refusal(403, 'Requests from pages of other addresses are refused.');
  if (method === 'POST' && !/^application\/json\b/i.test(headers['content-type'] ?? ''))
    throw new Refusal(415, 'The body must be JSON, with Content-Type: application/json.');
}

async function bodyOf(request: IncomingMessage): Promise<string> {
  // Somebody's middleware in settings.js may have read it already.
  const { body } = request as IncomingMessage & { body?: unknown };
  if (body !== undefined)
    return Buffer.isBuffer(body) || typeof body === 'string' ? String(body) : JSON.stringify(body);
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of request as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maximumBodyBytes) throw new Refusal(413, `A request has at most ${maximumBodyBytes} bytes.`);
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}

function jsonOf(text: string): unknown {
  try {
    const value = JSON.parse(text === '' ? '{}' : text);
    if (value !== null && typeof value === 'object' && !Array.isArray(value)) return value;
  } catch {}
  throw new NightflowError('bad-input', 'The body is no JSON object.');
}

/** Resolves when more than `kept` frames were kept, the batch is over, the client is gone, or the time is. */
async function newsOf(appliance: Appliance, id: string, kept: number, seconds: number, response: ServerResponse) {
  const over = new AbortController();
  const look = () => {
    const batch = appliance.batch(id);
    if (batch.kept > kept || isOver(batch.state)) over.abort();
  };
  const off = appliance.events.on('progress', (record) => {
    if (record.id === id) look();
  });
  response.once('close', () => over.abort());
  look();
  await appliance.clock.sleep(seconds * 1000 * finite(appliance.clock.rate), over.signal).catch(() => {});
  off();
}

/** A client waits in its own time, however fast the night is rehearsed. */
const finite = (rate: number): number => (Number.isFinite(rate) ? rate : 1);

function numberIn(query: URLSearchParams, name: string, minimum: number, maximum: number): number | null {
  const text = query.get(name);
  if (text === null || text === '') return null;
  const value = Number(text);
  if (value >= minimum && value <= maximum) return value;
  throw new NightflowError('bad-input', `${name} must be a number from ${minimum} to ${maximum}.`);
}

function known(appliance: Appliance, id: string): void {
  if (!appliance.knows(id)) throw new Refusal(404, `There is no batch "${id.slice(0, 64)}".`);
}

function only(request: IncomingMessage, response: ServerResponse, allowed: string[]): void {
  const method = request.method === 'HEAD' ? 'GET' : (request.method ?? '');
  if (allowed.includes(method)) return;
  response.setHeader('Allow', allowed.includes('GET') ? [...allowed, 'HEAD'].join(', ') : allowed.join(', '));
  throw new Refusal(405, `Here is only ${allowed.join(' and ')}.`);
}

function refuse(response: ServerResponse, thrown: unknown): void {
  // In mid-download nothing can be said any more; the client sees that bytes are missing.
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  if (thrown instanceof Refusal) {
    if (thrown.status === 413) response.setHeader('Connection', 'close');
    sendJson(response, thrown.status, { error: { code: 'bad-input', message: thrown.message } });
    return;
  }
  const { code, message, remedy } = asNightflowError(thrown);
  sendJson(response, statusOf[code], { error: { code, message, ...(remedy === undefined ? {} : { remedy }) } });
}

function sendJson(response: ServerResponse, status: number, value: unknown): void {
  const text = Buffer.from(`${JSON.stringify(value)}\n`);
  response.setHeader('Cache-Control', 'no-store');
  response.writeHead(status, { 'Content-Type': 'application/json; charset=utf-8', 'Content-Length': text.length });
  response.end(text);
}
