/** The words of the command `nightflow-capture`: its help, its options, and what is wrong with them. */
import { parseArgs } from 'node:util';
import { NightflowError } from '../../process/errors.ts';
import type { BatchOptions } from './client.ts';
import { formats } from './format.ts';

export const help = `nightflow-capture N --host HOST [--exposure SECONDS] [--out FOLDER]

Takes N frames on a RAW appliance, and fetches them while the next are exposed.

  --host pi:1880         or https://pi:1880; the port is 1880 when absent
  --path /appliance      the address of the node
  --exposure 1           seconds
  --gain G --offset O    the camera's own when absent
  --kind light           or dark, flat, bias
  --camera NAME          the first when absent
  --format auto          the camera's own RAW files where it makes some (ARW,
                         CR3, NEF …), else FITS; or original, or fits
  --when-full pause      or end
  --out .                the folder for the frames
  --parallel 2           frames that are fetched at the same time
  --keep                 leaves the frames there, for another machine
  --resume BATCH         fetches the rest of a batch instead of starting one
  --abort BATCH          stops a batch; with --resume its frames come afterwards

Who may (never as an option: other users of this machine could read it)
  NIGHTFLOW_TOKEN        the node's token, or --token-file FILE
  --user NAME            of Node-RED; its password is NIGHTFLOW_PASSWORD,
                         or --password-file FILE, or is asked for on a terminal
  --cacert cert.pem      trusts a certificate of the appliance's own making
  --insecure             does not look at the certificate

It ends with
  0    all frames are here
  1    wrong options, or refused: password, certificate, no room, busy camera
  2    the batch ended early; what was taken is here
  3    the appliance does not answer, or the line broke for good
  130  stopped with Ctrl-C

Ctrl-C ends the fetching only: the batch goes on, and --resume fetches the rest.`;

const text = { type: 'string' } as const;
const flag = { type: 'boolean', default: false } as const;
const options = {
  host: text,
  path: { ...text, default: '/appliance' },
  'token-file': text,
  user: text,
  'password-file': text,
  cacert: text,
  insecure: flag,
  exposure: { ...text, default: '1' },
  gain: text,
  offset: text,
  kind: text,
  camera: text,
  format: text,
  'when-full': text,
  out: { ...text, default: '.' },
  parallel: { ...text, default: '2' },
  keep: flag,
  resume: text,
  abort: text,
  help: { ...flag, short: 'h' },
} as const;

export type CaptureOptions = ReturnType<typeof parse>['values'];

/** @throws bad-input */
export function readOptions(args: string[]) {
  const { values, positionals } = parse(args);
  return { values, positionals };
}

function parse(args: string[]) {
  try {
    return parseArgs({ args, options, allowPositionals: true });
  } catch (thrown) {
    throw badOption((thrown as Error).message);
  }
}

/** @throws bad-input */
export function batchOf(values: CaptureOptions, positionals: string[]): BatchOptions {
  if (positionals.length !== 1) throw badOption('Say how many frames.');
  const { kind, camera } = values;
  const format = formats.find((each) => each === values.format);
  if (values.format !== undefined && !format) throw badOption(`--format is ${formats.join(', ')}.`);
  const whenFull = values['when-full'];
  if (whenFull !== undefined && whenFull !== 'pause' && whenFull !== 'end')
    throw badOption('--when-full is pause or end.');
  if (kind !== undefined && kind !== 'light' && kind !== 'dark' && kind !== 'flat' && kind !== 'bias')
    throw badOption('--kind is light, dark, flat or bias.');
  return {
    count: numberOf('the number of frames', positionals[0]!, 1, 999_999),
    exposure: {
      exposureSeconds: numberOf('exposure', values.exposure, 0, 86_400),
      ...(values.gain === undefined ? {} : { gain: numberOf('gain', values.gain) }),
      ...(values.offset === undefined ? {} : { offset: numberOf('offset', values.offset) }),
      ...(kind === undefined ? {} : { kind }),
    },
    ...(camera === undefined ? {} : { camera }),
    ...(format === undefined ? {} : { format }),
    ...(whenFull === undefined ? {} : { whenFull }),
  };
}

/** @throws bad-input */
export function urlOf({ host, path }: CaptureOptions): string {
  if (!host) throw badOption('--host is missing.');
  const whole = /^https?:\/\//.test(host) ? host : `http://${host}`;
  if (!URL.canParse(whole)) throw badOption(`"${host}" is no host.`);
  const url = new URL(whole);
  if (url.username || url.password)
    throw badOption('A password in the address could be read by others on this machine: give --user NAME.');
  if (url.pathname !== '/') throw badOption(`The path of "${host}" belongs behind --path.`);
  if (url.port === '' && !/:\d+\/?$/.test(host)) url.port = '1880';
  return `${url.origin}/${path.replace(/^\/+/, '')}`;
}

/** What fetches the rest of a batch, in words for a shell; secrets are asked for again. */
export function resumeCommand(batch: string, values: CaptureOptions): string {
  const { host = '', path, out, user, cacert, insecure, keep } = values;
  const named = {
    host,
    path: path === options.path.default ? undefined : path,
    'token-file': values['token-file'],
    user,
    'password-file': values['password-file'],
    cacert,
    out,
  };
  const words = Object.entries(named).flatMap(([name, value]) => (value === undefined ? [] : [`--${name}`, value]));
  const flags = [insecure ? '--insecure' : '', keep ? '--keep' : ''].filter(Boolean);
  return ['nightflow-capture', '--resume', batch, ...words, ...flags].map(quoted).join(' ');
}

const quoted = (word: string): string =>
  /^[\w@%+=:,./[\]-]+$/.test(word) ? word : `'${word.replaceAll("'", "'\\''")}'`;

/** @throws bad-input */
export function numberOf(name: string, value: string, minimum = Number.NEGATIVE_INFINITY, maximum = Infinity): number {
  const result = Number(value);
  if (value.trim() !== '' && result >= minimum && result <= maximum) return result;
  throw badOption(`${name} can't be "${value}".`);
}

export const badOption = (message: string): NightflowError =>
  new NightflowError('bad-input', message, { remedy: 'nightflow-capture --help says how.' });
