/** Who may come in: the password file of the user directory, and one gate for pages, pictures and the dashboard's socket. */
import { createHash, timingSafeEqual } from 'node:crypto';
import { existsSync, readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { join } from 'node:path';

/** Made by `npm run password`: {"user": …, "hash": bcrypt}. */
export const passwordFile = (home) => join(home, 'password.json');

export function readLogin(home) {
  const file = passwordFile(home);
  if (!existsSync(file)) return null;
  const { user, hash } = JSON.parse(readFileSync(file, 'utf8'));
  if (typeof user !== 'string' || !/^\$2[aby]\$/.test(hash))
    throw new Error(`${file} is damaged. Set the password again: npm run password`);
  return { user, hash };
}

export const isLoopback = (host) => host === 'localhost' || host === '::1' || /^127\.\d+\.\d+\.\d+$/.test(host);

/** bcrypt comes with Node-RED: the native one, which works off the main thread, where there is one. */
export function bcrypt() {
  const require = createRequire(createRequire(import.meta.url).resolve('node-red/red.js'));
  try {
    return require('@node-rs/bcrypt');
  } catch {
    return require('bcryptjs');
  }
}

const failureLimit = 10;
const failureWindowMs = 5 * 60_000;

/**
 * @param login what readLogin found; null on a loopback address, where everyone on this computer may come in, but no foreign
 * web page: requests for another host name (DNS rebinding) and the sockets of other origins are refused.
 * @param now milliseconds, for tests.
 */
export function createGate(login, now = Date.now) {
  const failures = new Map();
  let known = null;
  let tail = Promise.resolve(false);

  /** @returns 'ok', 'no' (ask for the password) or 'later' (too many wrong ones from this address). */
  async function judge(headers, address) {
    if (login === null) return isLoopback(hostName(headers.host)) ? 'ok' : 'no';
    const given = basicLogin(headers.authorization);
    if (given === null) return 'no';
    const key = createHash('sha256').update(`${given.user}\0${given.password}`).digest();
    if (known !== null && timingSafeEqual(known, key)) return 'ok';
    tail = tail.then(
      () => compare(given, key, address),
      () => compare(given, key, address),
    );
    return tail;
  }

  async function compare({ user, password }, key, address) {
    const recent = (failures.get(address) ?? []).filter((time) => time > now() - failureWindowMs);
    if (recent.length >= failureLimit) return 'later';
    if ((await bcrypt().compare(password, login.hash)) && user === login.user) {
      known = key;
      failures.delete(address);
      return 'ok';
    }
    if (failures.size > 1000) failures.clear();
    failures.set(address, [...recent, now()]);
    return 'no';
  }

  return {
    /** Express middleware. */
    async page(request, response, next) {
      const verdict = await judge(request.headers, request.socket.remoteAddress).catch(() => 'no');
      if (verdict === 'ok') return next();
      if (verdict === 'later')
        response.writeHead(429, { 'Retry-After': '300' }).end('Too many wrong passwords. Wait 5 minutes.');
      else if (login === null) response.writeHead(403).end('This address is not for other host names.');
      else
        response
          .writeHead(401, { 'WWW-Authenticate': 'Basic realm="Nightflow", charset="UTF-8"' })
          .end('Password, please.');
    },
    /** socket.io middleware: Dashboard would otherwise send its whole configuration to anyone. */
    async socket(socket, next) {
      const { headers, address } = socket.handshake;
      const verdict = sameOrigin(headers) ? await judge(headers, address).catch(() => 'no') : 'no';
      next(verdict === 'ok' ? undefined : new Error('unauthorized'));
    },
  };
}

const hostName = (host = '') =>
  host
    .replace(/:\d+$/, '')
    .replace(/^\[(.*)\]$/, '$1')
    .toLowerCase();

/** Programs send no Origin; a browser sends that of the page. */
function sameOrigin({ origin, host }) {
  if (origin === undefined) return true;
  try {
    return new URL(origin).host === host;
  } catch {
    return false;
  }
}

function basicLogin(header) {
  const match = /^Basic ([A-Za-z0-9+/=]{1,1024})$/i.exec(header ?? '');
  if (!match) return null;
  const text = Buffer.from(match[1], 'base64').toString('utf8');
  const colon = text.indexOf(':');
  return colon < 0 ? null : { user: text.slice(0, colon), password: text.slice(colon + 1) };
}
