/** As what frames come to a client: asked for over HTTP, by JSON-RPC, by the command. */
import { execFile } from 'node:child_process';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../lib/field/appliance/encode.ts';
import { contentTypeOf } from '../../../lib/field/appliance/format.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { packagePath } from '../../../lib/process/package-root.ts';
import { tinyDng } from '../../frame/read/tiny-dng.ts';
import { CountingCamera, exposure, temporaryFolder } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const ofSequences = () => {
  const camera = new CountingCamera();
  camera.originals = 'sequence';
  return camera;
};
const run = (...given: string[]) =>
  promisify(execFile)(process.execPath, [packagePath('lib/field/appliance/nightflow-capture.ts'), ...given]).then(
    ({ stdout, stderr }) => ({ stdout, stderr, code: 0 }),
    ({ stdout, stderr, code }) => ({ stdout, stderr, code }),
  );

describe('the format of a request', () => {
  it('that the camera has not is refused with its remedy, and nothing is exposed', async () => {
    const camera = new CountingCamera();
    const { base } = await serveAppliance(camera);
    const post = (path: string, body: object) =>
      fetch(base + path, {
        method: 'POST',
        headers: { 'Content-Type': 'application/json' },
        body: JSON.stringify(body),
      });
    const shot = await post('/shot?format=original', exposure);
    expect([shot.status, (await shot.json()).error]).toEqual([
      422,
      {
        code: 'unsupported',
        message: 'Counting makes no file of its own.',
        remedy: 'Ask for the format auto or fits.',
      },
    ]);
    expect((await post('/shot?format=raw', exposure)).status).toBe(400);
    const params = { count: 2, ...exposure, format: 'original' };
    const { error } = await (await post('/rpc', { jsonrpc: '2.0', id: 1, method: 'batch', params })).json();
    expect(error).toMatchObject({ code: -32001, data: { code: 'unsupported' } });
    expect(camera.taken).toBe(0);
  });

  it('is described', async () => {
    const { base } = await serveAppliance(new CountingCamera());
    const { methods } = await (await fetch(`${base}/openrpc.json`)).json();
    const { params } = methods.find(({ name }: { name: string }) => name === 'batch');
    const format = params.find(({ name }: { name: string }) => name === 'format');
    expect(format.schema.enum).toEqual(['auto', 'fits', 'original']);
    const { paths } = await (await fetch(`${base}/openapi.json`)).json();
    expect(paths['/shot'].post.parameters[0]).toMatchObject({ name: 'format', in: 'query' });
    expect(Object.keys(paths['/shot'].post.responses[200].content)).toContain('image/*');
  });
});

describe('nightflow-capture --format', () => {
  const at = (port: number, folder: string) => [
    ...['--host', `127.0.0.1:${port}`, '--path', '/', '--exposure', '0.001', '--out', folder],
  ];

  it('fetches what the camera made', async () => {
    const { port } = await serveAppliance(ofSequences());
    const folder = await temporaryFolder();
    expect(await run('2', ...at(port, folder), '--format', 'original')).toMatchObject({ code: 0 });
    const names = (await readdir(folder)).toSorted();
    expect(names.map((name) => name.slice(-4))).toEqual(['.arw', '.arw']);
    expect(await readFile(join(folder, names[1]!), 'utf8')).toBe('file 2');
  });

  it('says what there is, and what a camera has not', async () => {
    const { port } = await serveAppliance(new CountingCamera());
    const folder = await temporaryFolder();
    expect(await run('2', ...at(port, folder), '--format', 'raw')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('--format is auto, fits, original.'),
    });
    expect(await run('2', ...at(port, folder), '--format', 'original')).toMatchObject({
      code: 1,
      stderr: expect.stringContaining('Counting makes no file of its own.'),
    });
  });
});

it('of a camera that is a folder: its RAW files as they are, its FITS as ours', async () => {
  const folder = await temporaryFolder();
  const path = join(folder, 'a.DNG');
  await writeFile(path, tinyDng());
  const frame = await readFrame(path);
  const own = await encodeFrame(frame);
  expect([own.extension, own.bytes.equals(tinyDng())]).toEqual(['.dng', true]);
  const gone = frame.with({ source: join(folder, 'gone.dng') });
  expect((await encodeFrame(gone)).extension).toBe('.fits');
  await expect(encodeFrame(gone, { format: 'original' })).rejects.toMatchObject({ code: 'lost' });
  const fits = frame.with({ source: join(folder, 'a.fits') });
  expect((await encodeFrame(fits)).extension).toBe('.fits');
  await expect(encodeFrame(fits, { format: 'original' })).rejects.toMatchObject({ code: 'unsupported' });
});

it('has a content type for each kind of file', () => {
  const of = ['a.fits', 'shot_2026.000Z.cr3', 'x.jpg', 'x.unknown', 'x'].map(contentTypeOf);
  const unknown = 'application/octet-stream';
  expect(of).toEqual(['application/fits', 'image/x-canon-cr3', 'image/jpeg', unknown, unknown]);
});
