/**
 * Node-RED's settings for the observatory. This repository is its own palette; everything that changes lives in the user
 * directory (.nightflow/, or NIGHTFLOW_HOME). It opens on this computer only until a password is set: `npm run password`,
 * then NIGHTFLOW_HOST=0.0.0.0. HTTPS: NIGHTFLOW_HTTPS=FOLDER with key.pem and cert.pem (`npm start` makes them for 1).
 */
import { randomBytes } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { home, host, openWithoutPassword } from './scripts/home.js';
import { createGate, isLoopback, readLogin } from './scripts/login.js';

// malloc has read it by now (scripts/allocator.js); ffmpeg and the other programs run as their authors meant.
delete process.env.GLIBC_TUNABLES;

const userDir = home();
mkdirSync(userDir, { recursive: true });

const login = readLogin(userDir);
if (login === null && !isLoopback(host())) throw new Error(openWithoutPassword(host()));
const gate = createGate(login);

const settings = {
  userDir,
  flowFile: join(userDir, 'flows.json'),
  credentialSecret: credentialSecret(),
  nodesDir: [import.meta.dirname],

  uiHost: host(),
  uiPort: Number(process.env.NIGHTFLOW_PORT || 1880),
  ...tls(),
  ...(login && {
    adminAuth: { type: 'credentials', users: [{ username: login.user, password: login.hash, permissions: '*' }] },
  }),
  httpNodeAuth: gate.page,
  dashboard: { ioMiddleware: gate.socket },
  ...(login === null && { httpAdminMiddleware: gate.page }),

  telemetry: { enabled: false, updateNotification: false },
  logging: { console: { level: process.env.NIGHTFLOW_LOG || 'info', metrics: false, audit: false } },
  editorTheme: {
    page: { title: 'Nightflow' },
    header: { title: 'Nightflow' },
    tours: false,
    palette: {
      categories: ['Nightflow', 'subflows', 'common', 'function', 'network', 'sequence', 'parser', 'storage'],
      // The palette manager's catalogue is on the internet: asked only when the user wants it.
      ...(process.env.NIGHTFLOW_CATALOGUE !== '1' && { catalogues: [] }),
    },
    projects: { enabled: false },
  },
  // Flow context named "file" outlives a restart: what the phone's page has set.
  contextStorage: {
    default: 'memory',
    memory: { module: 'memory' },
    file: { module: 'localfilesystem', config: { flushInterval: 2 } },
  },
  functionExternalModules: false,
  debugMaxLength: 1000,
};

/** The key of the stored credentials, made once. Whoever copies flows_cred.json elsewhere needs it too. */
function credentialSecret() {
  const file = join(userDir, 'credential-secret');
  if (!existsSync(file)) writeFileSync(file, randomBytes(32).toString('hex'), { mode: 0o600 });
  return readFileSync(file, 'utf8').trim();
}

function tls() {
  const setting = process.env.NIGHTFLOW_HTTPS;
  if (!setting) return {};
  const folder = setting === '1' ? join(userDir, 'https') : setting;
  const read = (name) => readFileSync(join(folder, name));
  return { https: { key: read('key.pem'), cert: read('cert.pem') }, requireHttps: true };
}

export { settings as 'module.exports' };
