/** With what `nightflow-capture` is let in: from variables, from files, or from the person at the terminal; never from the command line. */
import { readFile } from 'node:fs/promises';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { NightflowError } from '../../process/errors.ts';
import type { CaptureOptions } from './capture-options.ts';
import type { ApplianceAddress } from './connection.ts';

type Login = Omit<ApplianceAddress, 'url'>;

/** @throws bad-input; aborted when the person does not want to */
export async function loginOf(values: CaptureOptions): Promise<Login> {
  const { user, cacert, insecure } = values;
  const tokenFile = values['token-file'];
  const token = tokenFile ? await firstLineOf(tokenFile) : process.env.NIGHTFLOW_TOKEN;
  const ca = cacert ? await textOf(cacert) : null;
  if (ca !== null && !ca.includes('-----BEGIN CERTIFICATE-----'))
    throw new NightflowError('bad-input', `${cacert} is no certificate.`, {
      remedy: "Take the appliance's cert.pem, a text that begins with -----BEGIN CERTIFICATE-----.",
    });
  return {
    ...(user ? { user, password: await passwordOf(user, values['password-file']) } : {}),
    ...(token ? { token } : {}),
    ...(ca === null ? {} : { ca }),
    ...(insecure ? { insecure } : {}),
  };
}

async function passwordOf(user: string, file: string | undefined): Promise<string> {
  if (file) return firstLineOf(file);
  const { NIGHTFLOW_PASSWORD: password } = process.env;
  if (password) return password;
  if (process.stdin.isTTY) return ask(`Password of ${user}: `);
  throw new NightflowError('bad-input', `The password of ${user} is missing.`, {
    remedy: 'Give it in NIGHTFLOW_PASSWORD or --password-file FILE.',
  });
}

/** Asks without showing what is typed. */
function ask(question: string): Promise<string> {
  process.stderr.write(question);
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: true });
  return new Promise((resolve, reject) => {
    lines.once('line', (line) => {
      resolve(line);
      lines.close();
    });
    lines.once('close', () => {
      process.stderr.write('\n');
      reject(new NightflowError('aborted', 'Stopped.'));
    });
  });
}

const firstLineOf = async (file: string): Promise<string> => (await textOf(file)).split(/\r?\n/)[0]!;

const textOf = (file: string): Promise<string> =>
  readFile(file, 'utf8').catch((thrown) => {
    throw new NightflowError('bad-input', `${file} can't be read: ${(thrown as NodeJS.ErrnoException).code}.`, {
      cause: thrown,
    });
  });
