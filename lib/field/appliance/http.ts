/** The appliance over HTTP, without a web framework: control by JSON-RPC at /rpc, bytes by addresses of their own. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import { asNightflowError, type ErrorCode } from '../../process/errors.ts';
import { apiVersion, apiVersionHeader, packageVersionHeader } from './api-version.ts';
import type { Appliance } from './appliance.ts';
import { atMost } from './at-once.ts';
import { isOver } from './batch-record.ts';
import { addressIn, bodyOf, checkOrigin, hasTag, jsonOf, numberIn, only, Refusal } from './incoming.ts';
import { applianceMethods, shotParameters } from './methods.ts';
import { openApi } from './open-api.ts';
import { answerRpc, openRpc } from './rpc.ts';
import { sendBytes, sendFile } from './send.ts';

/** Answers a request below the appliance's address; `request.url` starts with what comes after it. Never rejects. */
export type ApplianceHandler = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

const defaultPreviewWidth = 1280;
const defaultStallSeconds = 60;
/** Longest that an answer waits for something new, seconds: proxies give up after a minute. */
const maximumWaitSeconds = 25;
/** At the same time. A download holds a megabyte and a file, a preview a frame and a core, one who waits a socket. */
const usualDownloads = 32;
const usualPreviews = 8;
const mostWaiting = 64;
const comeAgainSeconds = 2;

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

export interface HandlerOptions {
  /** A client that takes no byte for so long is left, so that it holds neither file nor socket; 60. */
  stallSeconds?: number;
  /** Downloads, and previews, at the same time; 32 and 8. */
  downloads?: number;
  previews?: number;
}

export function applianceHandler(
  appliance: Appliance,
  version: string,
  { stallSeconds = defaultStallSeconds, downloads = usualDownloads, previews = usualPreviews }: HandlerOptions = {},
): ApplianceHandler {
  const download = atMost(downloads, 'downloads');
  const rendering = atMost(previews, 'previews');
  const waiting = atMost(mostWaiting, 'clients that wait');
  const stallMilliseconds = stallSeconds * 1000;
  const methods = applianceMethods(appliance, version);

  const rpc = async (request: IncomingMessage, response: ServerResponse) => {
    const answer = await answerRpc(await bodyOf(request), methods);
    if (answer === null) response.writeHead(204).end();
    else sendJson(response, 200, answer);
  };

  const shot = async (request: IncomingMessage, response: ServerResponse, query: URLSearchParams) => {
    const { exposure, camera, format } = shotParameters(jsonOf(await bodyOf(request)), query);
    const gone = new AbortController();
    if (response.destroyed) return;
    response.once('close', () => gone.abort());
    // Its place first: what is exposed must be sent.
    await download(async () => {
      const taken = await appliance.shot(exposure, camera, gone.signal, format);
      response.setHeader('Content-Location', 'shot');
      await sendBytes(request, response, taken, taken.bytes, stallMilliseconds);
    });
  };

  const lastShot = async (request: IncomingMessage, response: ServerResponse) => {
    const taken = appliance.recentShot();
    if (!taken) throw new Refusal(404, 'No shot was taken yet.');
    await download(() => sendBytes(request, response, taken, taken.bytes, stallMilliseconds));
  };

  const frame = async (request: IncomingMessage, response: ServerResponse, id: string, number: number) => {
    known(appliance, id);
    const found = appliance.spool.frame(id, number);
    if (!found)
      throw new Refusal(
        404,
        `The batch ${id} has no frame ${number} to fetch: it was acknowledged, or is not taken yet.`,
      );
    if (request.method !== 'DELETE') {
      const open = () => appliance.spool.read(id, number);
      await download(() => sendFile(request, response, found, open, stallMilliseconds));
      return;
    }
    const wanted = request.headers['if-match'];
    if (wanted !== undefined && !hasTag(wanted, `"${found.sha256}"`))
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
    if (waitSeconds > 0 && kept !== null) await waiting(() => newsOf(appliance, id, kept, waitSeconds, response));
    // Somebody may have thrown it away meanwhile.
    known(appliance, id);
    sendJson(response, 200, appliance.batch(id));
  };

  const preview = async (
    response: ServerResponse,
    of: { batch: string; number: number } | { camera?: string },
    query: URLSearchParams,
  ) => {
    const width = numberIn(query, 'width', 16, 16_384) ?? defaultPreviewWidth;
    const jpeg = await rendering(() => appliance.preview(of, Math.round(width)));
    if (!jpeg) throw new Refusal(404, 'There is no such picture.');
    response.setHeader('Cache-Control', 'private, no-cache');
    response.writeHead(200, { 'Content-Type': 'image/jpeg', 'Content-Length': jpeg.byteLength }).end(jpeg);
  };

  const answer = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const { parts, query } = addressIn(request);
    const [first = '', id = '', frames, number = '', ...rest] = parts;
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
            return request.method === 'POST' ? shot(request, response, query) : lastShot(request, response);
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
    response.setHeader(apiVersionHeader, apiVersion);
    response.setHeader(packageVersionHeader, version);
    try {
      checkOrigin(request);
      await answer(request, response);
    } catch (thrown) {
      refuse(response, thrown);
    }
  };
}

/** Resolves when more than `kept` frames were kept, the batch is over, the client is gone, or the time is. */
async function newsOf(appliance: Appliance, id: string, kept: number, seconds: number, response: ServerResponse) {
  const over = new AbortController();
  const look = () => {
    if (!appliance.knows(id)) return over.abort();
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

function known(appliance: Appliance, id: string): void {
  if (!appliance.knows(id)) throw new Refusal(404, `There is no batch "${id.slice(0, 64)}".`);
}

const ofFiles = ['ETag', 'Accept-Ranges', 'Content-Disposition', 'Content-Location', 'Nightflow-Start'];

function refuse(response: ServerResponse, thrown: unknown): void {
  // In mid-download nothing can be said any more; the client sees that bytes are missing.
  if (response.headersSent || response.destroyed) {
    response.destroy();
    return;
  }
  // What was said of the file already is not true of the refusal.
  for (const name of ofFiles) response.removeHeader(name);
  if (thrown instanceof Refusal) {
    const { status, message } = thrown;
    if (status === 413) response.setHeader('Connection', 'close');
    if (status === 503) response.setHeader('Retry-After', comeAgainSeconds);
    sendJson(response, status, { error: { code: status === 503 ? 'busy' : 'bad-input', message } });
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
