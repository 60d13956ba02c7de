/** One request to an appliance over HTTP or HTTPS. Whatever does not answer as it should is an error that says what to do about it. */
import { Agent as HttpAgent, request as httpRequest, type IncomingMessage, type RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { NightflowError, throwIfAborted } from '../../process/errors.ts';
import { apiVersionHeader } from './api-version.ts';
import { lost, mismatch, refusalOf, unreachable } from './connection-errors.ts';

export interface ApplianceAddress {
  /** http://pi:1880/appliance */
  url: string;
  token?: string;
  /** For a Node-RED that asks for a password (httpNodeAuth). */
  user?: string;
  password?: string;
  /** PEM: the certificate (of the authority) to trust, besides those that are trusted anyway. */
  ca?: string;
  /** HTTPS without a look at the certificate: whoever sits on the line can read along. */
  insecure?: boolean;
}

export interface Request {
  method?: 'GET' | 'POST' | 'DELETE';
  headers?: Record<string, string>;
  body?: string;
  signal?: AbortSignal | undefined;
  /** Nothing heard for so long, and the line counts as broken; 60. */
  idleSeconds?: number;
  /** Refusals that the caller understands. */
  allowed?: readonly number[];
}

const usualIdleSeconds = 60;
const longestJson = 64e6;

export class Connection {
  private readonly address: ApplianceAddress;
  private readonly url: string;
  private readonly headers: Record<string, string> = {};
  private readonly agent: HttpAgent | HttpsAgent;
  private readonly tls: { ca?: string; rejectUnauthorized?: boolean };

  /** @throws bad-input for an address that is none */
  constructor(address: ApplianceAddress) {
    const { url, token, user, password, ca, insecure } = address;
    if (!URL.canParse(url) || !/^https?:/.test(url))
      throw new NightflowError('bad-input', `"${url}" is no address.`, { remedy: 'Such as http://pi:1880/appliance.' });
    this.address = address;
    this.url = url.replace(/\/+$/, '');
    if (user) this.headers.Authorization = `Basic ${Buffer.from(`${user}:${password ?? ''}`).toString('base64')}`;
    else if (token) this.headers.Authorization = `Bearer ${token}`;
    this.tls = { ...(ca ? { ca } : {}), ...(insecure ? { rejectUnauthorized: false } : {}) };
    this.agent = this.secure ? new HttpsAgent({ keepAlive: true, ...this.tls }) : new HttpAgent({ keepAlive: true });
  }

  /** The answer with its body still to be read. @throws what the appliance said, with its code; lost when it does not answer; aborted */
  async request(path: string, request: Request = {}): Promise<IncomingMessage> {
    const answer = await this.send(path, request).catch((thrown) => {
      throwIfAborted(request.signal);
      throw unreachable(thrown, this.url);
    });
    const status = answer.statusCode ?? 0;
    const wrong = mismatch(answer.headers, this.url);
    const fine = status >= 200 && status < 300;
    if ((fine || request.allowed?.includes(status)) && !wrong) return answer;
    // What has no version is no appliance: a gate before it, another program, or Node-RED while it starts.
    if (wrong && apiVersionHeader.toLowerCase() in answer.headers) throw drained(answer, wrong);
    const text = await textOf(answer, 65_536).catch(() => '');
    throw fine ? wrong : refusalOf(status, answer.headers, text, this.url, this.address);
  }

  /** The answer's JSON. @throws as `request`; failed when it is none */
  async json(path: string, request: Request = {}): Promise<unknown> {
    const answer = await this.request(path, request);
    const text = await textOf(answer, longestJson).catch((thrown) => {
      throwIfAborted(request.signal);
      throw this.broken(thrown);
    });
    try {
      return JSON.parse(text);
    } catch (cause) {
      throw new NightflowError('failed', `${this.url} answers with what is no JSON.`, { cause });
    }
  }

  /** An answer's body ended before its end. */
  broken(thrown: unknown): NightflowError {
    return lost(this.url, thrown);
  }

  private get secure(): boolean {
    return this.url.startsWith('https:');
  }

  /** @param anew By a connection of its own. */
  private send(path: string, asked: Request, anew = asked.method === 'POST'): Promise<IncomingMessage> {
    const { method = 'GET', headers, body, signal, idleSeconds } = asked;
    const milliseconds = (idleSeconds ?? usualIdleSeconds) * 1000;
    const options: RequestOptions = {
      method,
      timeout: milliseconds,
      headers: {
        ...this.headers,
        ...headers,
        ...(body === undefined ? {} : { 'Content-Length': Buffer.byteLength(body) }),
      },
      // A connection that waits may be closed by the other side just now; what can't be asked twice takes a new one.
      agent: anew ? false : this.agent,
      ...(anew ? this.tls : {}),
      ...(signal ? { signal } : {}),
    };
    return new Promise((resolve, reject) => {
      let answer: IncomingMessage | null = null;
      const request = (this.secure ? httpsRequest : httpRequest)(`${this.url}${path}`, options, (begun) => {
        answer = begun;
        // Heard by whoever reads it; without a reader it must not end the program.
        begun.on('error', () => {});
        resolve(begun);
      });
      request.on('error', (error: NodeJS.ErrnoException) => {
        const closedMeanwhile = !anew && request.reusedSocket && error.code === 'ECONNRESET';
        if (closedMeanwhile && !answer) resolve(this.send(path, asked, true));
        else reject(error);
      });
      request.on('timeout', () => {
        const silence = new Error(`nothing was heard for ${milliseconds / 1000} s`);
        (answer ?? request).destroy(silence);
      });
      request.end(body);
    });
  }
}

function drained(answer: IncomingMessage, error: NightflowError): NightflowError {
  answer.resume();
  return error;
}

async function textOf(answer: IncomingMessage, maximumBytes: number): Promise<string> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  for await (const chunk of answer as AsyncIterable<Buffer>) {
    bytes += chunk.byteLength;
    if (bytes > maximumBytes) throw new NightflowError('failed', 'The answer is too long.');
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString('utf8');
}
