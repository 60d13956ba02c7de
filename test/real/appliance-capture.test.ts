/** nightflow-capture as a child process in another folder, against the appliance behind password and HTTPS. */
import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { readFrame } from '../../lib/frame/read.ts';
import {
  captureProgram,
  environment,
  framesIn,
  makeCertificate,
  password,
  SecuredAppliance,
} from './secured-appliance.ts';

const appliance = new SecuredAppliance();
const patience = { timeout: 90_000 };

beforeAll(() => appliance.open(), 240_000);
afterAll(() => appliance.close());

const host = () => ['--host', appliance.origin];
const login = ['--user', 'observer', '--cacert', 'cert.pem'];

describe('nightflow-capture from another folder', { timeout: 240_000 }, () => {
  it('fetches a batch by HTTPS with user and password', async () => {
    const out = appliance.folder();
    const answer = await appliance.capture(['3', ...host(), ...login, '--exposure', '0.2', '--out', out]);
    expect(answer, answer.stderr).toMatchObject({
      code: 0,
      stdout: expect.stringContaining(`3 frames are in ${out}.`),
    });
    const names = framesIn(out);
    expect(names).toHaveLength(3);
    expect(readdirSync(out)).toEqual(names);
    expect((await readFrame(join(out, names[0]!))).exposureSeconds).toBe(0.2);
    // Without a terminal: a line for each frame.
    expect(answer.stderr.trim().split('\n').toSorted()).toEqual(
      [1, 2, 3].map((n) => expect.stringMatching(`^${n}/3 `)),
    );
    expect((await appliance.ask('/status')).json().spool.frames).toBe(0);
  });

  it('takes the password from a file, and looks at no certificate where it is told not to', async () => {
    const out = appliance.folder();
    const secret = join(appliance.folder(), 'password');
    writeFileSync(secret, `${password}\n`, { mode: 0o600 });
    const given = ['1', ...host(), '--user', 'observer', '--password-file', secret, '--insecure', '--exposure', '0.2'];
    expect(await appliance.capture([...given, '--out', out], null)).toMatchObject({ code: 0 });
    expect(framesIn(out)).toHaveLength(1);
  });

  it('says which of all that can be wrong is', async () => {
    const page = createServer((_request, response) => response.end('<h1>It works!</h1>'));
    const strange = createServer((_request, response) =>
      response.setHeader('Nightflow-Api', '2').setHeader('Nightflow-Version', '9.0.0').end('{}'),
    );
    await Promise.all(
      [page, strange].map((each) => new Promise<void>((resolve) => each.listen(0, '127.0.0.1', resolve))),
    );
    const at = (server: typeof page) => ['--host', `127.0.0.1:${(server.address() as AddressInfo).port}`];
    const there = host();
    const plain = ['--host', `http://127.0.0.1:${appliance.running.port}`];
    const otherCert = appliance.folder();
    makeCertificate(otherCert, 'DNS:pi.local');
    const [key, other] = ['key.pem', 'cert.pem'].map((name) => readFileSync(join(otherCert, name)));
    const elsewhere = createSecureServer({ key: key!, cert: other! }, (_request, response) => response.end());
    await new Promise<void>((resolve) => elsewhere.listen(0, '127.0.0.1', resolve));
    const { port: secure } = elsewhere.address() as AddressInfo;
    const mine = ['--cacert', 'cert.pem'];
    const cases: [string, string[], string | undefined, number, RegExp][] = [
      [
        'wrong password',
        [...there, ...login],
        'guess',
        1,
        /does not know the user "observer" with this password.*NIGHTFLOW_PASSWORD/,
      ],
      ['no password', [...there, ...mine], '', 1, /asks for user and password\. Give --user/],
      ['a password that is nowhere', [...there, ...login], '', 1, /password of observer is missing.*--password-file/],
      [
        'unknown certificate',
        [...there, '--user', 'observer'],
        password,
        1,
        /certificate of 127.* is not trusted.*--cacert/,
      ],
      [
        'another certificate',
        [...there, '--user', 'observer', '--cacert', join(otherCert, 'cert.pem')],
        password,
        1,
        /is not trusted/,
      ],
      ['no certificate at all', [...there, ...login.slice(0, 3), captureProgram], password, 1, /is no certificate/],
      [
        'a name it is not for',
        ['--host', `https://127.0.0.1:${secure}`, '--cacert', join(otherCert, 'cert.pem')],
        password,
        1,
        /certificate of 127.* is for another name\. It is for DNS:pi\.local/,
      ],
      ['HTTP for HTTPS', [...plain, ...login], password, 3, /does not answer.*take https:/],
      ['HTTPS for HTTP', ['--host', `https://${at(page)[1]}`], password, 1, /does not speak HTTPS\. Take http:/],
      ['nobody there', ['--host', '127.0.0.1:9'], password, 3, /Nothing answers at 127\.0\.0\.1:9: connection refused/],
      ['no appliance, another page', at(page), password, 3, /No RAW appliance is at .*Check host, port and path/],
      [
        'no appliance, another path',
        [...there, ...login, '--path', '/camera'],
        password,
        3,
        /No RAW appliance is at .*\(it answers 404\)/,
      ],
      [
        'another version',
        at(strange),
        password,
        1,
        /is of Nightflow 9\.0\.0 and speaks version 2, this program version 1/,
      ],
      ['a password on the command line', ['--host', 'https://a:b@pi'], password, 1, /could be read by others/],
    ];
    for (const [what, args, secret, code, sentence] of cases) {
      const answer = await appliance.capture(['1', '--exposure', '0.2', ...args], secret);
      expect(answer.stderr, what).toMatch(sentence);
      expect([answer.code, answer.stdout], what).toEqual([code, '']);
    }
    page.close();
    strange.close();
    elsewhere.close();
    expect((await appliance.ask('/status')).json().cameras[0].busy).toBeNull();
  });

  it('goes on after a crash of Node-RED in mid-batch with what was taken, and says that the batch ended early', async () => {
    const out = appliance.folder();
    const child = spawn(
      process.execPath,
      [captureProgram, '200', ...host(), ...login, '--exposure', '0.3', '--out', out],
      {
        env: environment(password),
        cwd: appliance.certificates,
        stdio: ['ignore', 'pipe', 'pipe'],
      },
    );
    const text = textOf(child);
    await expect.poll(() => framesIn(out).length, patience).toBeGreaterThanOrEqual(3);
    const { pid, port, exitCode } = appliance.running;
    process.kill(pid, 'SIGKILL');
    await exitCode();
    await appliance.start(port);
    const code = await new Promise((resolve) => child.once('close', resolve));
    const names = framesIn(out);
    expect(text()).toContain(
      `The batch ended after ${names.length} of 200: Nightflow was stopped while this batch ran.`,
    );
    expect(code).toBe(2);
    expect(readdirSync(out)).toEqual(names);
    const { batches, spool } = (await appliance.ask('/status')).json();
    const batch = batches.find(({ count }: { count: number }) => count === 200);
    expect(batch).toMatchObject({ state: 'interrupted' });
    expect(spool.frames).toBe(0);
    // None is missing but those that were on their way to the disk when it crashed.
    const last = Number(/_(\d{6})_/.exec(names.at(-1)!)![1]);
    expect(last - names.length).toBeLessThanOrEqual(4);
  });
});

function textOf(child: ChildProcess): () => string {
  let text = '';
  for (const stream of [child.stdout!, child.stderr!])
    stream.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
  return () => text;
}
