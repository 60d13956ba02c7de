/** A route of one node on Node-RED's pages, with the project's admission: mounted at deploy, taken off at close. */
import type { IncomingMessage, ServerResponse } from 'node:http';
import type { Request, RequestHandler, Response } from 'express';
import { NightflowError } from '../../lib/process/errors.ts';
import { admit, keepsOthersOut, type PictureAccess, pictureAccess, tokenCookie } from '../picture-access.ts';
import type { NodeAPI } from '../types.ts';
import { WrongTokens } from './wrong-tokens.ts';

export interface ApiRoute {
  /** Below the host, with Node-RED's own root: what a client puts behind http://host:port. */
  address: string;
  /** True when only this machine is answered although others could ask: the status should say so. */
  thisMachineOnly: boolean;
  close(): void;
}

export type Answer = (request: IncomingMessage, response: ServerResponse) => Promise<void>;

interface ExpressApp {
  use(path: string, handler: RequestHandler): void;
  _router?: { stack: { handle: unknown }[] };
  router?: { stack: { handle: unknown }[] };
}

/** Which node has which path. */
const taken = new WeakMap<object, Map<string, string>>();

/**
 * @param token Of this node; absent: the one of settings.js or NIGHTFLOW_TOKEN.
 * @throws bad-input for a path that can't be; busy for one that another node has; unsupported without pages (httpNodeRoot: false).
 */
export function openApiRoute(RED: NodeAPI, nodeId: string, path: string, token: string, answer: Answer): ApiRoute {
  const settings = RED.settings as unknown as Record<string, unknown>;
  const app = RED.httpNode as unknown as ExpressApp | undefined;
  if (typeof app?.use !== 'function' || settings.httpNodeRoot === false)
    throw new NightflowError('unsupported', 'Node-RED serves no pages.', {
      remedy: 'Set httpNodeRoot in settings.js.',
    });
  if (!/^(\/[\w-]{1,40}){1,4}$/.test(path) || /^\/(nightflow|dashboard)(\/|$)/.test(path))
    throw new NightflowError('bad-input', `The path "${path.slice(0, 60)}" can't be.`, {
      remedy: 'Take letters, digits and hyphens, such as /appliance; not /nightflow or /dashboard.',
    });
  const paths = taken.get(app) ?? new Map<string, string>();
  taken.set(app, paths);
  for (const [other, owner] of paths)
    if (owner !== nodeId && overlap(other, path))
      throw new NightflowError('busy', `Another node has the path ${other}.`, { remedy: 'Choose another path.' });
  paths.set(path, nodeId);
  const access = { ...pictureAccess(settings), ...(token === '' ? {} : { token }) };
  const wrong = new WrongTokens();
  const handler: RequestHandler = (request, response) => {
    if (admitted(request, response, access, wrong)) void answer(request, response);
  };
  app.use(path, handler);
  return {
    address: `${String(settings.httpNodeRoot ?? '/').replace(/\/+$/, '')}${path}`,
    thisMachineOnly: keepsOthersOut(access),
    close() {
      // Express has no call for it; Node-RED's own http-in node takes its routes off in the same way.
      const stack = (app._router ?? app.router)?.stack ?? [];
      const at = stack.findIndex((layer) => layer.handle === handler);
      if (at >= 0) stack.splice(at, 1);
      if (paths.get(path) === nodeId) paths.delete(path);
    },
  };
}

/** Express finds a path with letters of either case, and everything below it. */
function overlap(one: string, other: string): boolean {
  const [first, second] = [`${one}/`.toLowerCase(), `${other}/`.toLowerCase()];
  return first.startsWith(second) || second.startsWith(first);
}

function admitted(request: Request, response: Response, access: PictureAccess, wrong: WrongTokens): boolean {
  // Not by URL: what a foreign machine asks for need not be one.
  const query = new URLSearchParams(request.url.split('?').slice(1).join('?'));
  const { authorization = '', cookie = '' } = request.headers;
  const given = /^Bearer\s/i.test(authorization) || query.has('token');
  const guess = given || cookie.includes(tokenCookie) ? `${authorization} ${cookie} ${query.get('token')}` : null;
  const address = request.socket.remoteAddress ?? '';
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  if (guess !== null && access.token !== null && !access.passwordProtected && wrong.tooMany(address)) {
    response.setHeader('Retry-After', String(wrong.minutes * 60));
    const message = 'There were too many wrong tokens from this address.';
    const error = { code: 'rejected', message, remedy: `Wait ${wrong.minutes} minutes.` };
    response.status(429).json({ error });
    return false;
  }
  const admission = admit(request as IncomingMessage, query, access);
  if (admission === 'refused') {
    response.setHeader('WWW-Authenticate', 'Bearer');
    if (guess !== null) wrong.add(address, guess);
    const message = given ? 'The token is wrong.' : 'Only this machine is answered without a token.';
    const remedy = given
      ? "Give the token of the node, or of the appliance's settings.js."
      : 'Send Authorization: Bearer TOKEN, or set httpNodeAuth or a token in settings.js.';
    response.status(401).json({ error: { code: 'rejected', message, remedy } });
    return false;
  }
  if (admission === 'admitted-by-query')
    response.setHeader(
      'Set-Cookie',
      `${tokenCookie}=${encodeURIComponent(access.token!)}; HttpOnly; SameSite=Strict; Path=/`,
    );
  return true;
}
