#!/usr/bin/env node
/** `nightflow-capture --help`: takes a batch on a RAW appliance and fetches it, frame by frame, while the next are exposed. */
import { parseArgs } from 'node:util';
import { asNightflowError, NightflowError } from '../../process/errors.ts';
import { ApplianceClient, type BatchOptions, type FetchProgress } from './client.ts';

const help = `nightflow-capture N --host HOST [--exposure SECONDS] [--out FOLDER]

Takes N frames on a RAW appliance, and fetches them while the next are exposed.

  --host pi:1880         or https://pi:1880; the port is 1880 when absent
  --path /appliance      the address of the node
  --token TOKEN          or the variable NIGHTFLOW_TOKEN
  --user NAME            of Node-RED; its password in the variable NIGHTFLOW_PASSWORD
  --exposure 1           seconds
  --gain G --offset O    the camera's own when absent
  --kind light           or dark, flat, bias
  --camera NAME          the first when absent
  --when-full pause      or end
  --out .                the folder for the frames
  --parallel 2           frames that are fetched at the same time
  --resume BATCH         fetches the rest of a batch instead of starting one
  --abort BATCH          stops a batch; with --resume its frames come afterwards

Ctrl-C ends the fetching only: the batch goes on, and --resume fetches the rest.`;

const text = { type: 'string' } as const;
const options = {
  host: text,
  path: { ...text, default: '/appliance' },
  token: text,
  user: text,
  exposure: { ...text, default: '1' },
  gain: text,
  offset: text,
  kind: text,
  camera: text,
  'when-full': text,
  out: { ...text, default: '.' },
  parallel: { ...text, default: '2' },
  resume: text,
  abort: text,
  help: { type: 'boolean', short: 'h' },
} as const;

async function main(): Promise<number> {
  const { values, positionals } = parse();
  if (values.help) {
    console.log(help);
    return 0;
  }
  if (!values.host) throw bad('--host is missing.');
  const client = new ApplianceClient({
    url: urlOf(values.host, values.path),
    ...given('token', values.token ?? process.env.NIGHTFLOW_TOKEN),
    ...given('user', values.user),
    ...given('password', process.env.NIGHTFLOW_PASSWORD),
  });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const { signal } = stop;
  if (values.abort) {
    await client.abort(values.abort);
    if (!values.resume) return 0;
  }
  const id = values.resume ?? (await client.start(batchOf(values, positionals), signal));
  const parallel = number('parallel', values.parallel, 1, 16);
  const again = `nightflow-capture --resume ${id} --host ${values.host} --out ${values.out}`;
  const bar = new Bar();
  try {
    const batch = await client.fetchAll(id, {
      folder: values.out,
      parallel,
      signal,
      onProgress: (progress) => bar.show(progress),
    });
    bar.end();
    const lost = batch.lost > 0 ? ` The camera lost ${batch.lost} frames besides.` : '';
    console.log(`${bar.fetched} frames are in ${values.out}.${lost}`);
    if (batch.state === 'done') return 0;
    console.error(`The batch ended after ${batch.taken} of ${batch.count}: ${batch.message ?? batch.state}`);
    return 2;
  } catch (thrown) {
    bar.end();
    console.error(`The batch is still there: ${again}`);
    if (signal.aborted) return 130;
    throw thrown;
  }
}

type Values = ReturnType<typeof parse>['values'];

function parse() {
  try {
    return parseArgs({ options, allowPositionals: true });
  } catch (thrown) {
    throw bad((thrown as Error).message);
  }
}

function batchOf(values: Values, positionals: string[]): BatchOptions {
  if (positionals.length !== 1) throw bad('Say how many frames.');
  const { kind, camera } = values;
  const whenFull = values['when-full'];
  if (whenFull !== undefined && whenFull !== 'pause' && whenFull !== 'end') throw bad('--when-full is pause or end.');
  if (kind !== undefined && kind !== 'light' && kind !== 'dark' && kind !== 'flat' && kind !== 'bias')
    throw bad('--kind is light, dark, flat or bias.');
  return {
    count: number('the number of frames', positionals[0]!, 1, 1_000_000),
    exposure: {
      exposureSeconds: number('exposure', values.exposure, 0, 86_400),
      ...(values.gain === undefined ? {} : { gain: number('gain', values.gain) }),
      ...(values.offset === undefined ? {} : { offset: number('offset', values.offset) }),
      ...(kind === undefined ? {} : { kind }),
    },
    ...(camera === undefined ? {} : { camera }),
    ...(whenFull === undefined ? {} : { whenFull }),
  };
}

function urlOf(host: string, path: string): string {
  const whole = /^https?:\/\//.test(host) ? host : `http://${host}`;
  if (!URL.canParse(whole)) throw bad(`"${host}" is no host.`);
  const url = new URL(whole);
  if (url.port === '' && !/:\d+\/?$/.test(host)) url.port = '1880';
  return `${url.origin}/${path.replace(/^\/+/, '')}`;
}

/** A bar on a terminal; a line for each frame elsewhere. */
class Bar {
  fetched = 0;
  private readonly start = performance.now();
  private readonly terminal = process.stderr.isTTY;

  show({ batch, fetched, bytes, file }: FetchProgress): void {
    this.fetched = fetched;
    const total = Math.max(1, batch.count);
    if (!this.terminal) {
      if (file) console.error(`${fetched}/${total} ${file}`);
      return;
    }
    const width = 30;
    const done = Math.round((fetched / total) * width);
    const taken = Math.round((batch.taken / total) * width);
    const bar = `${'█'.repeat(done)}${'▒'.repeat(Math.max(0, taken - done))}`.padEnd(width, '·');
    const speed = bytes / 1e3 / Math.max(1, performance.now() - this.start);
    const state = batch.state === 'running' || batch.state === 'done' ? '' : ` ${batch.state}`;
    process.stderr.write(
      `\r\x1b[K${bar} ${fetched}/${total} here, ${batch.taken} taken, ${speed.toFixed(1)} MB/s${state}`,
    );
  }

  end(): void {
    if (this.terminal) process.stderr.write('\n');
  }
}

function number(name: string, value: string, minimum = Number.NEGATIVE_INFINITY, maximum = Infinity): number {
  const result = Number(value);
  if (value.trim() !== '' && result >= minimum && result <= maximum) return result;
  throw bad(`${name} can't be "${value}".`);
}

const given = <Name extends string>(name: Name, value: string | undefined) =>
  (value === undefined ? {} : { [name]: value }) as Partial<Record<Name, string>>;

const bad = (message: string): NightflowError =>
  new NightflowError('bad-input', message, { remedy: 'nightflow-capture --help says how.' });

try {
  process.exitCode = await main();
} catch (thrown) {
  const { message, remedy } = asNightflowError(thrown);
  console.error([message, remedy].filter(Boolean).join(' '));
  process.exitCode = 1;
}
