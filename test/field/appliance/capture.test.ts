/** The command nightflow-capture as a child process: what it shows, with what it ends, and how it goes on after its own death. */
import { execFile, spawn } from 'node:child_process';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { resumeCommand } from '../../../lib/field/appliance/capture-options.ts';
import type { ApplianceHandler } from '../../../lib/field/appliance/http.ts';
import { packagePath } from '../../../lib/process/package-root.ts';
import { CountingCamera, exposure, temporaryFolder } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const patience = { timeout: 20_000 };
const program = packagePath('lib/field/appliance/nightflow-capture.ts');
const files = async (folder: string) => (await readdir(folder)).toSorted();

interface Ended {
  code: number | null;
  stdout: string;
  stderr: string;
}
function run(given: string[], { terminal = false, variables = {}, typed = '' } = {}): Promise<Ended> {
  const { NIGHTFLOW_TOKEN: _token, NIGHTFLOW_PASSWORD: _password, ...rest } = process.env;
  const env = { ...rest, NODE_OPTIONS: '', ...variables };
  // `script` of Debian's bsdutils gives it a terminal; what both streams show comes together.
  const command = [process.execPath, program, ...given].map((word) => `'${word}'`).join(' ');
  const [file, args] = terminal
    ? ['script', ['-qec', `stty cols 70; ${command}`, '/dev/null']]
    : [process.execPath, [program, ...given]];
  return new Promise((resolve) => {
    const child = execFile(file, args, { env }, (error, stdout, stderr) =>
      resolve({ code: error ? (error.code as unknown as number) : 0, stdout, stderr }),
    );
    if (typed !== '')
      child.stdout!.on('data', (chunk: string) => {
        if (/Password of/.test(chunk)) child.stdin!.write(`${typed}\n`);
      });
    else if (!terminal) child.stdin!.end();
  });
}

async function serve(around?: (handler: ApplianceHandler) => ApplianceHandler, camera = new CountingCamera()) {
  const served = await serveAppliance(camera, {}, around);
  const host = `127.0.0.1:${served.port}`;
  return { ...served, camera, host: ['--host', host, '--path', '/'] };
}

describe('nightflow-capture', () => {
  it('takes a batch into a folder, with a line for each frame where there is no terminal', async () => {
    const { appliance, host } = await serve();
    const folder = await temporaryFolder();
    const answer = await run(['3', ...host, '--exposure', '0.001', '--out', folder, '--parallel', '1']);
    expect(answer).toMatchObject({ code: 0, stdout: `3 frames are in ${folder}.\n` });
    const names = await files(folder);
    expect(names).toHaveLength(3);
    const lines = answer.stderr.trimEnd().split('\n');
    expect(lines.map((line) => line.slice(0, 4))).toEqual(['1/3 ', '2/3 ', '3/3 ']);
    expect(lines.map((line) => line.slice(4)).toSorted()).toEqual(names.map((name) => join(folder, name)));
    expect((await appliance.spool.room()).frames).toBe(0);
  });

  it('draws a bar on a terminal, never wider than it', async () => {
    const { host } = await serve();
    const folder = await temporaryFolder();
    const { code, stdout } = await run(['4', ...host, '--exposure', '0.001', '--out', folder], { terminal: true });
    expect(code).toBe(0);
    const lines = stdout.replaceAll('\u001b[K', '').split(/[\r\n]+/);
    expect(
      lines.some((line) => /^█{30} 4\/4 here, 4 taken, \d+\.\d MB\/s$/.test(line)),
      stdout,
    ).toBe(true);
    for (const line of lines) if (/[█▒·]/.test(line)) expect([...line].length).toBeLessThan(70);
    expect(lines).toContain(`4 frames are in ${folder}.`);
  });

  it('leaves no half file when it is killed in mid-download, and goes on there when it is called again', async () => {
    const ranges: (string | undefined)[] = [];
    const half = 10_000_000;
    // The first download stops half-way, for good.
    const around =
      (handler: ApplianceHandler): ApplianceHandler =>
      async (request, response) => {
        const [, id, number] = /^\/batches\/([^/]+)\/frames\/(\d)$/.exec(request.url ?? '') ?? [];
        if (request.method !== 'GET' || !id) return handler(request, response);
        ranges.push(request.headers.range);
        if (ranges.length > 1) return handler(request, response);
        const bytes = await readFile(appliance.spool.path(id, Number(number))!);
        response.writeHead(200, { 'Nightflow-Api': '1', 'Content-Length': bytes.length });
        response.write(bytes.subarray(0, half));
      };
    const { appliance, host } = await serve(around, new CountingCamera(4000, 2500));
    const folder = await temporaryFolder();
    const args = [...host, '--out', folder];
    const killed = spawn(process.execPath, [program, '1', ...args, '--exposure', '0.001'], { stdio: 'ignore' });
    const part = async () => (await files(folder)).find((name) => name.endsWith('.part'));
    const size = async () => {
      const name = await part();
      return name ? (await stat(join(folder, name))).size : 0;
    };
    await expect.poll(size, patience).toBe(half);
    const ended = new Promise((resolve) => killed.once('close', resolve));
    killed.kill('SIGKILL');
    await ended;
    expect(await files(folder)).toEqual([await part()]);
    const [batch] = (await appliance.status()).batches;
    expect(batch).toMatchObject({ state: 'done', acknowledged: 0 });
    const again = await run(['--resume', batch!.id, ...args]);
    expect(again, again.stderr).toMatchObject({ code: 0 });
    expect(ranges).toEqual([undefined, `bytes=${half}-`]);
    const [name, ...more] = await files(folder);
    expect(more).toEqual([]);
    expect(name).toMatch(/\.fits$/);
    expect(appliance.batch(batch!.id)).toMatchObject({ acknowledged: 1, frames: [] });
  });

  it('counts what an earlier run had fetched, and may leave the frames there', async () => {
    const { appliance, host } = await serve();
    const { id } = await appliance.start(3, exposure);
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    await appliance.acknowledge(id, 1);
    const [first, second] = [await temporaryFolder(), await temporaryFolder()];
    const kept = await run(['--resume', id, ...host, '--out', first, '--keep', '--parallel', '1']);
    expect(kept.stderr.split('\n').map((line) => line.slice(0, 4))).toEqual(['2/3 ', '3/3 ', '']);
    expect(await run(['--resume', id, ...host, '--out', second])).toMatchObject({ code: 0 });
    expect(await files(first)).toEqual(await files(second));
  });

  it('ends with 130 at Ctrl-C and says how to go on; the batch goes on by itself', async () => {
    const camera = new CountingCamera();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    camera.before = (n) => (n === 2 ? held : Promise.resolve());
    const { appliance, host } = await serve(undefined, camera);
    const folder = await temporaryFolder();
    const child = spawn(process.execPath, [program, '2', ...host, '--exposure', '0.001', '--out', folder]);
    let text = '';
    child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
      text += chunk;
    });
    await expect.poll(() => text, patience).toMatch(/^1\/2 /);
    const ended = new Promise((resolve) => child.once('close', resolve));
    child.kill('SIGINT');
    expect(await ended).toBe(130);
    const [batch] = (await appliance.status()).batches;
    expect(text).toContain(`1 frame is in ${folder}. The rest comes with: nightflow-capture --resume ${batch!.id} `);
    release();
    await expect.poll(() => appliance.batch(batch!.id).state, patience).toBe('done');
    expect(await run(['--resume', batch!.id, ...host, '--out', folder])).toMatchObject({ code: 0 });
    expect(await files(folder)).toHaveLength(2);
  });

  it('ends with 2 when the batch was stopped, 1 when it is refused, 3 when nobody answers', async () => {
    const camera = new CountingCamera();
    camera.before = (n, signal) =>
      n < 2
        ? Promise.resolve()
        : new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    const { appliance, host } = await serve(undefined, camera);
    const folder = await temporaryFolder();
    const { id } = await appliance.start(5, exposure);
    await expect.poll(() => appliance.batch(id).kept, patience).toBe(1);
    const busy = await run(['1', ...host, '--out', folder]);
    expect(busy).toMatchObject({
      code: 1,
      stderr: expect.stringMatching(/busy with a batch of 5 \([0-9t]+-[0-9a-f]{6}\)/),
    });
    expect(await run(['--abort', id, ...host])).toMatchObject({ code: 0 });
    const early = await run(['--resume', id, ...host, '--out', folder]);
    expect(early).toMatchObject({ code: 2, stderr: expect.stringContaining('The batch ended after 1 of 5: aborted') });
    expect(await files(folder)).toHaveLength(1);
    const none = await run(['--resume', 'none', ...host, '--out', folder]);
    expect(none).toMatchObject({ code: 1, stderr: expect.stringContaining('There is no batch "none"') });
    expect(await run(['3', '--host', '127.0.0.1:9'])).toMatchObject({
      code: 3,
      stderr: expect.stringContaining('connection refused'),
    });
  });

  it('asks for the password on a terminal, without showing it', async () => {
    const seen: (string | undefined)[] = [];
    const around =
      (handler: ApplianceHandler): ApplianceHandler =>
      (request, response) => {
        seen.push(request.headers.authorization);
        return handler(request, response);
      };
    const { host } = await serve(around);
    const folder = await temporaryFolder();
    const args = ['1', ...host, '--user', 'eva', '--exposure', '0.001', '--out', folder];
    const answer = await run(args, { terminal: true, typed: 'öffne dich' });
    expect(answer, answer.stdout).toMatchObject({ code: 0 });
    expect(new Set(seen)).toEqual(new Set([`Basic ${Buffer.from('eva:öffne dich').toString('base64')}`]));
    expect(await run(args)).toMatchObject({ code: 1, stderr: expect.stringContaining('password of eva is missing') });
  });

  it.each([
    [['3'], '--host is missing'],
    [['x', '--host', 'pi'], '"x"'],
    [['--host', 'pi'], 'Say how many frames'],
    [['3', '4', '--host', 'pi'], 'Say how many frames'],
    [['0', '--host', 'pi'], 'the number of frames can\'t be "0"'],
    [['3', '--host', 'pi', '--exposure', '-1'], "Option '--exposure' argument is ambiguous"],
    [['3', '--host', 'pi', '--exposure', 'long'], 'exposure can\'t be "long"'],
    [['3', '--host', 'pi', '--parallel', '99'], 'parallel can\'t be "99"'],
    [['3', '--host', 'pi', '--password', 'x'], "Unknown option '--password'"],
    [['3', '--host', 'pi', '--token-file', '/no/such'], "/no/such can't be read: ENOENT"],
    [['3', '--host', 'http://pi/observatory'], 'belongs behind --path'],
  ])('refuses %j and says why', async (args, sentence) => {
    const answer = await run(args);
    expect(answer).toMatchObject({ code: 1, stdout: '', stderr: expect.stringContaining(sentence) });
  });

  it('explains itself, its exit codes too', async () => {
    const { code, stdout } = await run(['--help']);
    expect(code).toBe(0);
    for (const word of ['nightflow-capture N --host HOST', '--cacert', '--password-file', 'NIGHTFLOW_TOKEN', '130'])
      expect(stdout).toContain(word);
    for (const line of stdout.split('\n')) expect(line.length).toBeLessThanOrEqual(80);
  });
});

describe('the line that goes on', () => {
  it('has all that is needed, quoted for a shell, and no secret', () => {
    const values = { host: 'https://pi:1880', path: '/north', out: "Eva's frames", user: 'eva', keep: true };
    const rest = { insecure: true, exposure: '1', parallel: '2', help: false };
    expect(resumeCommand('b-1', { ...values, ...rest } as Parameters<typeof resumeCommand>[1])).toBe(
      "nightflow-capture --resume b-1 --host https://pi:1880 --path /north --user eva --out 'Eva'\\''s frames' --insecure --keep",
    );
  });
});
