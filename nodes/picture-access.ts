/** Who may see the pictures over HTTP: everyone Node-RED lets in when it asks for a password; otherwise this machine, or who has the token. */
import { createHash, timingSafeEqual } from 'node:crypto';
import type { IncomingMessage } from 'node:http';

export interface PictureAccess {
  /** Node-RED itself asks for a password before any of our routes (httpNodeAuth). */
  passwordProtected: boolean;
  token: string | null;
  /** Node-RED listens on more than loopback, so that refusing others is something the user must know. */
  reachable: boolean;
}

/** The settings that decide; the token is `nightflow: { token: '…' }` in settings.js or the variable NIGHTFLOW_TOKEN. */
export function pictureAccess(
  settings: { httpNodeAuth?: unknown; uiHost?: unknown; nightflow?: unknown },
  environment: NodeJS.ProcessEnv = process.env,
): PictureAccess {
  const configured = (settings.nightflow as { token?: unknown } | undefined)?.token ?? environment.NIGHTFLOW_TOKEN;
  return {
    passwordProtected: Boolean(settings.httpNodeAuth),
    token: typeof configured === 'string' && configured !== '' ? configured : null,
    reachable: !(typeof settings.uiHost === 'string' && isLoopbackName(settings.uiHost)),
  };
}

/** True when others than this machine are kept out although they could reach the server: the node's status says so. */
export const keepsOthersOut = (access: PictureAccess): boolean =>
  access.reachable && !access.passwordProtected && access.token === null;

export type Admission = 'admitted' | 'admitted-by-query' | 'refused';

/**
 * Loopback is judged by the socket; a proxied request and one under a foreign host name (DNS rebinding) count as from outside.
 * The token comes as `Authorization: Bearer`, as the cookie that a first visit with `?token=` sets, or as that query.
 */
export function admit(request: IncomingMessage, query: URLSearchParams, access: PictureAccess): Admission {
  if (access.passwordProtected) return 'admitted';
  if (access.token !== null) {
    const bearer = /^Bearer\s+(\S+)$/i.exec(request.headers.authorization ?? '')?.[1];
    if (sameSecret(bearer, access.token) || sameSecret(cookie(request), access.token)) return 'admitted';
    if (sameSecret(query.get('token'), access.token)) return 'admitted-by-query';
  }
  return isLocal(request) ? 'admitted' : 'refused';
}

export const tokenCookie = 'nightflow_token';

function cookie(request: IncomingMessage): string | null {
  for (const part of (request.headers.cookie ?? '').split(';')) {
    const [name, value = ''] = part.trim().split('=', 2);
    if (name !== tokenCookie) continue;
    try {
      return decodeURIComponent(value);
    } catch {
      return null;
    }
  }
  return null;
}

function isLocal(request: IncomingMessage): boolean {
  const { headers, socket } = request;
  if (headers['x-forwarded-for'] || headers.forwarded || headers['x-real-ip'] || headers.via) return false;
  const name = (headers.host ?? '').replace(/:\d+$/, '');
  return isLoopbackAddress(socket.remoteAddress ?? '') && isLoopbackName(name);
}

const isLoopbackAddress = (address: string): boolean =>
  address === '::1' || /^(::ffff:)?127\.\d+\.\d+\.\d+$/i.test(address);

const isLoopbackName = (name: string): boolean =>
  /^(localhost|.+\.localhost|127\.\d+\.\d+\.\d+|\[?::1\]?)$/i.test(name);

/** Compared as digests of one length, so that the time taken tells nothing. */
function sameSecret(given: string | null | undefined, wanted: string): boolean {
  if (!given) return false;
  const digest = (text: string) => createHash('sha256').update(text).digest();
  return timingSafeEqual(digest(given), digest(wanted));
}
