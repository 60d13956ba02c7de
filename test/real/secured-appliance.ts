/** The RAW appliance as a user has it: the flow in the real Node-RED with our settings.js, a password of `npm run password`, and HTTPS. */
import { execFile, spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { request } from 'node:https';
import { join } from 'node:path';
import { buildPackage, inPackage, type Running, startOurs, temporaryFolder } from '../house/node-red.ts';

export interface Asked {
  method?: string;
  headers?: Record<string, string>;
  body?: object;
  /** USER:PASSWORD; null for none. */
  login?: string | null;
}

export interface Answer {
  status: number;
  headers: NodeJS.Dict<string | string[]>;
  bytes: Buffer;
  // biome-ignore lint/suspicious/noExplicitAny: each test looks at what it asked for
  json(): any;
}

export interface Ended {
  code: number;
  stdout: string;
  stderr: string;
}

export const user = 'observer';
export const password = 'Polaris & Kochab';
export const captureProgram = inPackage('dist/lib/field/appliance/nightflow-capture.js');

export class SecuredAppliance {
  readonly certificates = temporaryFolder();
  running!: Running;
  private readonly home = temporaryFolder();
  private readonly folders: string[] = [this.home, this.certificates];

  /** Resolves when the flow answers. */
  async open(): Promise<void> {
    buildPackage();
    writeFileSync(join(this.home, 'flows.json'), readFileSync(inPackage('flows/raw-appliance.json')));
    const set = spawnSync(process.execPath, [inPackage('scripts/password.js')], {
      input: `${user}\n${password}\n${password}\n`,
      env: { ...process.env, NIGHTFLOW_HOME: this.home },
      encoding: 'utf8',
    });
    if (set.status !== 0) throw new Error(set.stderr);
    makeCertificate(this.certificates);
    await this.start();
  }

  /** Once more with the same files, after it has ended. @param port The old one for clients that wait. */
  async start(port: number | null = null): Promise<void> {
    this.running = await startOurs(this.home, { NIGHTFLOW_HTTPS: this.certificates }, port);
    while ((await this.ask('/status')).status !== 200) await new Promise((resolve) => setTimeout(resolve, 200));
  }

  async close(): Promise<void> {
    await this.running?.stop();
    for (const folder of this.folders) rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  }

  get origin(): string {
    return `https://127.0.0.1:${this.running.port}`;
  }
  get certificate(): string {
    return readFileSync(join(this.certificates, 'cert.pem'), 'utf8');
  }
  folder(): string {
    const folder = temporaryFolder();
    this.folders.push(folder);
    return folder;
  }

  /** With the certificate checked, and as the user unless said otherwise. */
  ask(path: string, { method, headers = {}, body, login = `${user}:${password}` }: Asked = {}): Promise<Answer> {
    const authorization = login === null ? {} : { Authorization: `Basic ${Buffer.from(login).toString('base64')}` };
    const type = body ? { 'Content-Type': 'application/json' } : {};
    const options = {
      method: method ?? (body ? 'POST' : 'GET'),
      headers: { ...authorization, ...type, ...headers },
      ca: this.certificate,
    };
    return new Promise((resolve, reject) => {
      const sent = request(`${this.origin}/appliance${path}`, options, async (answer) => {
        const chunks: Buffer[] = [];
        for await (const chunk of answer) chunks.push(chunk);
        const bytes = Buffer.concat(chunks);
        const json = () => JSON.parse(String(bytes));
        resolve({ status: answer.statusCode ?? 0, headers: answer.headers, bytes, json });
      });
      sent.on('error', reject).end(body && JSON.stringify(body));
    });
  }

  async rpc(method: string, params: object = {}) {
    return (await this.ask('/rpc', { body: { jsonrpc: '2.0', id: 1, method, params } })).json();
  }

  /** The command nightflow-capture, in the folder with the certificate. @param secret null: the variable is not set */
  capture(args: string[], secret: string | null = password): Promise<Ended> {
    const options = { env: environment(secret), cwd: this.certificates };
    return new Promise((resolve) => {
      execFile(process.execPath, [captureProgram, ...args], options, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
      );
    });
  }
}

export function environment(secret: string | null): NodeJS.ProcessEnv {
  const { NIGHTFLOW_TOKEN: _token, NIGHTFLOW_PASSWORD: _password, ...rest } = process.env;
  return { ...rest, NODE_OPTIONS: '', ...(secret === null ? {} : { NIGHTFLOW_PASSWORD: secret }) };
}

/** As `npm start` makes it: key.pem and cert.pem. */
export function makeCertificate(folder: string, names = 'DNS:localhost,IP:127.0.0.1'): void {
  const [key, cert] = [join(folder, 'key.pem'), join(folder, 'cert.pem')];
  const args = ['req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:prime256v1', '-nodes', '-days', '30'];
  args.push('-subj', '/CN=Nightflow', '-addext', `subjectAltName=${names}`, '-keyout', key, '-out', cert);
  const made = spawnSync('openssl', args, { encoding: 'utf8' });
  if (made.status !== 0) throw new Error(`openssl: ${made.stderr}`);
}

export const framesIn = (folder: string): string[] =>
  readdirSync(folder)
    .filter((name) => name.endsWith('.fits'))
    .toSorted();
