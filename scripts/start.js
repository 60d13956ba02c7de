/**
 * `npm start`: installs what is missing, builds, and opens Node-RED 5 under Node 24 with the demo flow. Plain JavaScript for
 * Node 20 with nothing installed. NIGHTFLOW_HOME, NIGHTFLOW_PORT, NIGHTFLOW_HOST, NIGHTFLOW_HTTPS: see settings.js.
 */
import { spawn, spawnSync } from 'node:child_process';
import { copyFileSync, existsSync, mkdirSync, readFileSync } from 'node:fs';
import { request as httpRequest } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { createServer, isIP } from 'node:net';
import { hostname, networkInterfaces } from 'node:os';
import { delimiter, dirname, join } from 'node:path';
import { allocatorEnvironment } from './allocator.js';
import { build } from './build.js';
import { home, host, openWithoutPassword } from './home.js';
import { install, unsuitable } from './install.js';
import { isLoopback, readLogin } from './login.js';
import { claim } from './only-one.js';
import { entry, nodeProgram, root } from './toolchain.js';

const patienceMs = 120_000;

async function start() {
  const remedy = unsuitable();
  if (remedy) return refuse(remedy);
  if (!isLoopback(host()) && readLogin(home()) === null) return refuse(openWithoutPassword(host()));
  if (!(await install()) || !(await build())) return 1;

  mkdirSync(home(), { recursive: true });
  if (!(await claim(home()))) return refuse(runsAlready());
  const flows = layDemo();
  if (process.env.NIGHTFLOW_HTTPS === '1' && !makeCertificate()) return 1;
  const port = await freePort(Number(process.env.NIGHTFLOW_PORT || 1880));
  if (port === null) return 1;

  const nodeRed = spawn(nodeProgram(), [entry('node-red', 'red.js'), '--settings', join(root, 'settings.js')], {
    cwd: root,
    stdio: 'inherit',
    env: {
      ...plainEnvironment(),
      ...allocatorEnvironment(),
      NIGHTFLOW_HOME: home(),
      NIGHTFLOW_PORT: String(port),
      NIGHTFLOW_LOG: process.env.NIGHTFLOW_LOG || 'warn',
    },
  });
  const ended = new Promise((resolve) => {
    nodeRed.on('error', (error) => resolve(refuse(`Node-RED can't be started: ${error.message}`)));
    nodeRed.on('close', (code) => resolve(code ?? 0));
  });
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) process.on(signal, () => nodeRed.kill(signal));

  const address = `${process.env.NIGHTFLOW_HTTPS ? 'https' : 'http'}://${shownHost()}:${port}`;
  const answered = await answers(port, () => nodeRed.exitCode !== null || nodeRed.signalCode !== null);
  if (answered) announce(address, flows);
  else if (nodeRed.exitCode === null && nodeRed.signalCode === null) {
    refuse(`Node-RED does not answer at ${address}.`);
    nodeRed.kill();
  }
  return ended;
}

/** The first start opens the demo; later ones what the user made of it. @returns the flow file's nodes. */
function layDemo() {
  const flowFile = join(home(), 'flows.json');
  const demo = join(root, 'flows', 'star-trails.json');
  if (!existsSync(flowFile) && existsSync(demo)) copyFileSync(demo, flowFile);
  try {
    return JSON.parse(readFileSync(flowFile, 'utf8'));
  } catch {
    return [];
  }
}

function announce(address, flows) {
  const base = flows.find((node) => node.type === 'ui-base')?.path ?? '/dashboard';
  const pages = flows.filter((node) => node.type === 'ui-page').map(({ path, name }) => ({ path, name }));
  const first = `${base}${pages[0]?.path ?? ''}`;
  const phone = networkAddresses().map((ip) => `    Phone:      ${address.replace(shownHost(), ip)}${first}`);
  const others = pages.slice(1).map(({ path, name }) => `                ${address}${base}${path}  (${name})`);
  const lines = [
    ...[
      '',
      '  Nightflow is up.',
      `    Editor:     ${address}/`,
      `    Dashboard:  ${address}${first}`,
      ...others,
      ...phone,
    ],
    ...[`    Files:      ${home()}`, '  Stop it with Ctrl+C.', ''],
  ];
  console.log(lines.join('\n'));
}

/** Node-RED and the npm of its palette manager run under Node 24, and know nothing of the `npm start` around them. */
function plainEnvironment() {
  const plain = Object.entries(process.env).filter(([name]) => !/^npm_/i.test(name));
  return { ...Object.fromEntries(plain), PATH: dirname(nodeProgram()) + delimiter + process.env.PATH };
}

/** The wanted port or the next free one. */
async function freePort(wanted) {
  for (let port = wanted; port < Math.min(wanted + 50, 65536); port++) {
    const code = await tryPort(port);
    if (code === null) {
      if (port !== wanted) console.log(`Port ${wanted} is taken by another program; using ${port}.`);
      return port;
    }
    if (code !== 'EADDRINUSE') {
      refuse(`Nightflow can't listen on ${host()}, port ${port}: ${code}.`);
      return null;
    }
  }
  refuse(`No port from ${wanted} to ${wanted + 49} is free. Choose another: NIGHTFLOW_PORT=8880 npm start`);
  return null;
}

const tryPort = (port) =>
  new Promise((resolve) => {
    const probe = createServer();
    probe.on('error', (error) => resolve(error.code));
    probe.listen(port, host(), () => probe.close(() => resolve(null)));
  });

/** Resolves to true when the editor answers (401 is an answer), to false when Node-RED is over or takes too long. */
async function answers(port, isOver) {
  const request = process.env.NIGHTFLOW_HTTPS ? httpsRequest : httpRequest;
  const ask = () =>
    new Promise((resolve) => {
      const options = { host: connectHost(), port, path: '/settings', timeout: 5000, rejectUnauthorized: false };
      const asked = request(options, (response) => resolve(response.resume().statusCode < 500));
      asked.on('timeout', () => asked.destroy());
      asked.on('error', () => resolve(false));
      asked.end();
    });
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline && !isOver(); ) {
    if (await ask()) return true;
    await new Promise((resolve) => setTimeout(resolve, 200));
  }
  return false;
}

/** Every interface means this computer as well. */
const connectHost = () => ({ '0.0.0.0': '127.0.0.1', '::': '::1' })[host()] ?? host();
const shownHost = () => (connectHost().includes(':') ? `[${connectHost()}]` : connectHost());

/** This computer's addresses for others, when it listens on all interfaces. */
function networkAddresses() {
  if (connectHost() === host()) return [];
  const all = Object.values(networkInterfaces()).flat();
  return all.filter((each) => each.family === 'IPv4' && !each.internal).map((each) => each.address);
}

/** A self-signed certificate: browsers warn once, and the phone's compass and camera work. */
function makeCertificate() {
  const folder = join(home(), 'https');
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  if (existsSync(key) && existsSync(cert)) return true;
  mkdirSync(folder, { recursive: true, mode: 0o700 });
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '3650'];
  const addresses = new Set(['127.0.0.1', connectHost(), ...networkAddresses()]);
  const names = [`DNS:localhost,DNS:${hostname()}`, ...[...addresses].filter(isIP).map((ip) => `IP:${ip}`)];
  args.push('-subj', '/CN=Nightflow', '-addext', `subjectAltName=${names.join(',')}`, '-keyout', key, '-out', cert);
  const made = spawnSync('openssl', args);
  if (made.status === 0) return true;
  const why = made.error ? 'openssl is not installed' : String(made.stderr).trim().split('\n').at(-1);
  refuse(
    `No certificate could be made: ${why}. Install openssl, or name a folder with key.pem and cert.pem: NIGHTFLOW_HTTPS=FOLDER`,
  );
  return false;
}

const runsAlready = () =>
  `Nightflow runs already with the files of ${home()}. Stop it with Ctrl+C where it runs, or give this one files of its own: NIGHTFLOW_HOME=FOLDER npm start`;

function refuse(text) {
  console.error(text);
  return 1;
}

process.exitCode = await start();
