/** One HTTP route for what the nodes show: the latest picture of each, and the films and pictures of the archive. */
import { randomBytes } from 'node:crypto';
import type { IncomingMessage } from 'node:http';
import { basename, extname, relative, sep } from 'node:path';
import type { Request, RequestHandler, Response } from 'express';
import type { NodeAPI } from 'node-red';
import { findProduct, listProducts, type ProductType, productType } from '../lib/night/product-list.ts';
import { asNightflowError } from '../lib/process/errors.ts';
import { admit, keepsOthersOut, type PictureAccess, pictureAccess, tokenCookie } from './picture-access.ts';
import type { SiteNode } from './types.ts';

export interface Pictures {
  /**
   * Makes this the node's latest picture. @returns its address, with a version so that browsers fetch each once;
   * null when Node-RED serves no pages (httpNodeRoot: false).
   */
  show(bytes: Buffer, contentType?: string): string | null;
  /** The address of a file of the archive; null without a site or without pages. */
  fileUrl(path: string): string | null;
  /** True when only this machine is answered although others could ask: the status should say so. */
  readonly thisMachineOnly: boolean;
  /** Takes the node's pictures off; the last one to close takes the route off. */
  close(): void;
}

interface Shown {
  bytes: Buffer;
  contentType: string;
  version: string;
}

interface Route {
  users: number;
  pictures: Map<string, Shown>;
  /** Archive folders by the id of their site. */
  folders: Map<string, { folder: string; users: number }>;
  handler: RequestHandler;
}

const routes = new WeakMap<object, Route>();
const mountPath = '/nightflow';
/** Differs from start to start, so that no browser shows last night's first picture for tonight's. */
const session = randomBytes(3).toString('hex');
let shownCount = 0;

/** Opens the route for a node (the first one mounts it). @param site Its archive folder is shown too. */
export function openPictures(RED: NodeAPI, nodeId: string, site: SiteNode | null = null): Pictures {
  const settings = RED.settings as unknown as Record<string, unknown>;
  const app = RED.httpNode as unknown as ExpressApp | undefined;
  if (typeof app?.use !== 'function' || settings.httpNodeRoot === false)
    return { show: () => null, fileUrl: () => null, thisMachineOnly: false, close: () => {} };
  const access = pictureAccess(settings);
  const route = routes.get(app) ?? mount(app, access);
  route.users++;
  if (site) {
    const known = route.folders.get(site.id);
    route.folders.set(site.id, { folder: site.archiveFolder, users: (known?.users ?? 0) + 1 });
  }
  const root = `${String(settings.httpNodeRoot ?? '/').replace(/\/+$/, '')}${mountPath}`;
  let open = true;
  return {
    show(bytes, contentType = 'image/jpeg') {
      const version = `${session}-${++shownCount}`;
      if (open) route.pictures.set(nodeId, { bytes, contentType, version });
      return `${root}/pictures/${encodeURIComponent(nodeId)}?v=${version}`;
    },
    fileUrl: (path) => (site ? fileUrl(root, site.id, relative(site.archiveFolder, path)) : null),
    thisMachineOnly: keepsOthersOut(access),
    close() {
      if (!open) return;
      open = false;
      route.pictures.delete(nodeId);
      const known = site ? route.folders.get(site.id) : undefined;
      if (site && known && --known.users === 0) route.folders.delete(site.id);
      if (--route.users === 0) unmount(app, route);
    },
  };
}

interface ExpressApp {
  use(path: string, handler: RequestHandler): void;
  _router?: { stack: { handle: unknown }[] };
  router?: { stack: { handle: unknown }[] };
}

function mount(app: ExpressApp, access: PictureAccess): Route {
  const route: Route = { users: 0, pictures: new Map(), folders: new Map(), handler: () => {} };
  route.handler = (request, response) => {
    answer(route, access, request, response).catch((thrown) => {
      const code = asNightflowError(thrown).code;
      if (!response.headersSent) refuse(response, code === 'bad-input' ? 400 : 500, 'That does not work.');
    });
  };
  app.use(mountPath, route.handler);
  routes.set(app, route);
  return route;
}

/** Express has no call for it; Node-RED's own http-in node takes its routes off in the same way. */
function unmount(app: ExpressApp, route: Route): void {
  const stack = (app._router ?? app.router)?.stack ?? [];
  const at = stack.findIndex((layer) => layer.handle === route.handler);
  if (at >= 0) stack.splice(at, 1);
  routes.delete(app);
}

async function answer(route: Route, access: PictureAccess, request: Request, response: Response): Promise<void> {
  const { searchParams: query, pathname } = new URL(request.url, 'http://localhost');
  response.setHeader('X-Content-Type-Options', 'nosniff');
  response.setHeader('Cross-Origin-Resource-Policy', 'same-origin');
  const admission = admit(request as IncomingMessage, query, access);
  if (admission === 'refused')
    return refuse(response, 403, 'Only this machine may see the pictures. Set httpNodeAuth or a token in settings.js.');
  if (admission === 'admitted-by-query')
    response.setHeader(
      'Set-Cookie',
      `${tokenCookie}=${encodeURIComponent(access.token!)}; HttpOnly; SameSite=Strict; Path=/`,
    );
  if (request.method !== 'GET' && request.method !== 'HEAD') return refuse(response, 405, 'Only GET is answered.');
  const parts = pathParts(pathname);
  if (parts?.[0] === 'pictures' && parts.length === 2)
    return sendPicture(route.pictures.get(parts[1]!), query, response);
  if (parts?.[0] !== 'files') return refuse(response, 404, 'Nothing is here.');
  const known = parts[1] === undefined ? undefined : route.folders.get(parts[1]);
  if (parts.length === 1) return sendList(request, response, [...route.folders], '', query);
  if (!known) return refuse(response, 404, 'Nothing is here.');
  const name = parts.slice(2).join('/');
  if (name === '' || pathname.endsWith('/')) return sendList(request, response, [[parts[1]!, known]], name, query);
  const path = await findProduct(known.folder, name);
  if (path === null) return refuse(response, 404, 'Nothing is here.');
  return sendFile(path, response);
}

function sendPicture(shown: Shown | undefined, query: URLSearchParams, response: Response): void {
  if (!shown) {
    refuse(response, 404, 'No picture yet.');
    return;
  }
  const current = query.get('v') === shown.version;
  response.setHeader('Cache-Control', current ? 'private, max-age=3600, immutable' : 'private, no-cache');
  response.setHeader('ETag', `"${shown.version}"`);
  response.setHeader('Content-Type', shown.contentType);
  response.send(shown.bytes); // answers 304 to a matching If-None-Match
}

const contentTypes: Record<string, string> = {
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.webp': 'image/webp',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
  '.fits': 'application/fits',
  '.fit': 'application/fits',
  '.mp4': 'video/mp4',
  '.avi': 'video/x-msvideo',
  '.mov': 'video/quicktime',
  '.mkv': 'video/x-matroska',
  '.webm': 'video/webm',
};

/** Express answers ranges (a phone's player asks for them), conditions and HEAD. */
function sendFile(path: string, response: Response): Promise<void> {
  if (!['film', 'picture'].includes(productType(path))) {
    response.attachment(basename(path));
    // Not for films: the browser's own player would be shut out as well.
    response.setHeader('Content-Security-Policy', "default-src 'none'; sandbox");
  }
  response.setHeader('Content-Type', contentTypes[extname(path).toLowerCase()] ?? 'application/octet-stream');
  response.setHeader('Cache-Control', 'private, max-age=60');
  return new Promise((resolve) => {
    response.sendFile(path, { dotfiles: 'allow', cacheControl: false }, (error) => {
      const status = (error as { status?: number } | undefined)?.status ?? 404;
      if (error && !response.headersSent)
        refuse(response, status, status === 416 ? 'No such range.' : 'Nothing is here.');
      resolve();
    });
  });
}

async function sendList(
  request: Request,
  response: Response,
  folders: [string, { folder: string }][],
  subfolder: string,
  query: URLSearchParams,
): Promise<void> {
  const type = query.get('type');
  const limit = Math.min(500, Math.max(1, Number(query.get('limit')) || 50));
  const root = `${request.baseUrl}`;
  const narrow = { subfolder, limit, without: query.get('without')?.split(',') };
  const lists = await Promise.all(
    folders.map(async ([siteId, { folder }]) =>
      (await listProducts(folder, { ...narrow, ...(type ? { type: type as ProductType } : {}) })).map((product) => ({
        ...product,
        url: fileUrl(root, siteId, product.name),
      })),
    ),
  );
  const files = lists.flat().sort((a, b) => (a.modified < b.modified ? 1 : -1));
  response.setHeader('Cache-Control', 'private, no-cache');
  response.json({ files: files.slice(0, limit) });
}

/** Null for what is no path (a broken escape, a NUL byte). */
function pathParts(pathname: string): string[] | null {
  try {
    const parts = pathname
      .split('/')
      .filter((part) => part !== '')
      .map(decodeURIComponent);
    return parts.some((part) => part.includes('\0') || part.includes('/')) ? null : parts;
  } catch {
    return null;
  }
}

const fileUrl = (root: string, siteId: string, name: string): string =>
  `${root}/files/${encodeURIComponent(siteId)}/${name.split(sep).join('/').split('/').map(encodeURIComponent).join('/')}`;

function refuse(response: Response, status: number, text: string): void {
  response.removeHeader('Cache-Control');
  response.status(status).type('text/plain').send(text);
}
