/** Clients that leave, that stop reading, that come in twos or too late: no frame is lost, and nothing is held. */
import { type FileHandle, readdir, readFile, readlink, truncate, unlink, writeFile } from 'node:fs/promises';
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApplianceClient, type FetchProgress } from '../../../lib/field/appliance/client.ts';
import type { ApplianceHandler } from '../../../lib/field/appliance/http.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { CountingCamera, exposure, pixelBlocks, temporaryFolder } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const patience = { timeout: 20_000 };
/** 20 MB: more than what the sockets of both sides hold (Linux gives them up to 4 and 6 MB). */
const large = () => new CountingCamera(4000, 2500);
const files = async (folder: string) => (await readdir(folder)).toSorted();
const firstPixels = async (folder: string) =>
  Promise.all((await files(folder)).map(async (name) => (await readFrame(join(folder, name))).pixels[0]));

/** Open files of this process below a folder: Linux tells. */
async function openBelow(folder: string): Promise<number> {
  const handles = await readdir('/proc/self/fd');
  const paths = await Promise.all(handles.map((each) => readlink(`/proc/self/fd/${each}`).catch(() => '')));
  return paths.filter((path) => path.startsWith(folder)).length;
}

/** Begins a download and stops reading after the first bytes. */
const download = (port: number, path: string) =>
  new Promise<IncomingMessage>((resolve, reject) => {
    const sent = httpRequest({ port, path, host: '127.0.0.1', agent: false }, (answer) => {
      answer.on('error', () => {});
      answer.once('data', () => resolve(answer.pause()));
    });
    sent.on('error', reject).end();
  });

describe('a client that leaves in mid-download', () => {
  it('has acknowledged nothing and holds nothing; the camera goes on, and the next one resumes', async () => {
    const folder = await temporaryFolder();
    const ranges: (string | undefined)[] = [];
    const { appliance, port, base } = await serveAppliance(large(), { folder }, (handler) => (request, response) => {
      if (request.method === 'GET' && /frames\/1$/.test(request.url ?? '')) ranges.push(request.headers.range);
      return handler(request, response);
    });
    const { id } = await appliance.start(3, exposure);
    await expect.poll(() => appliance.batch(id).kept, patience).toBeGreaterThan(0);
    const leaving = await download(port, `/batches/${id}/frames/1`);
    expect(await openBelow(folder)).toBeGreaterThan(0);
    leaving.destroy();
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    await expect.poll(() => openBelow(folder), patience).toBe(0);
    expect(appliance.batch(id)).toMatchObject({ kept: 3, lost: 0, acknowledged: 0 });
    expect(appliance.batch(id).frames).toHaveLength(3);
    // The next has what the first had got.
    const [frame] = appliance.batch(id).frames;
    const out = await temporaryFolder();
    await writeFile(join(out, `${frame!.name}.part`), (await readFile(appliance.spool.path(id, 1)!)).subarray(0, 1e6));
    await new ApplianceClient({ url: base }).fetchAll(id, { folder: out });
    expect(ranges).toEqual([undefined, 'bytes=1000000-']);
    expect(await firstPixels(out)).toEqual([1, 2, 3]);
  });
});

describe('a client that takes no byte', () => {
  it('is left after a while with its file; the camera never waits for it', async () => {
    const folder = await temporaryFolder();
    const served = await serveAppliance(large(), { folder }, undefined, { stallSeconds: 2 });
    const { appliance, port } = served;
    const { id } = await appliance.start(3, exposure);
    await expect.poll(() => appliance.batch(id).kept, patience).toBeGreaterThan(0);
    const stalled = await Promise.all([1, 1, 1].map((n) => download(port, `/batches/${id}/frames/${n}`)));
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    expect(appliance.batch(id)).toMatchObject({ kept: 3, lost: 0 });
    await expect.poll(() => openBelow(folder), patience).toBe(0);
    const ends = stalled.map(
      (answer) =>
        new Promise<boolean>((resolve) => {
          answer.once('close', () => resolve(answer.complete));
          answer.resume();
        }),
    );
    expect(await Promise.all(ends)).toEqual([false, false, false]);
    expect(appliance.batch(id).frames).toHaveLength(3);
  });

  it('does not hold a shot either', async () => {
    const { port, base, server } = await serveAppliance(large(), {}, undefined, { stallSeconds: 2 });
    await new ApplianceClient({ url: base }).shot(exposure);
    await download(port, '/shot');
    const connections = () => new Promise((resolve) => server.getConnections((_error, count) => resolve(count)));
    expect(await connections()).toBe(1);
    await expect.poll(connections, patience).toBe(0);
    const again = await new ApplianceClient({ url: base }).shot(exposure);
    expect(again.bytes.byteLength).toBeGreaterThan(20e6 - 1);
  });
});

describe('more clients than the machine can serve', () => {
  it('are told to come again, and get their frame then', async () => {
    const folder = await temporaryFolder();
    const served = await serveAppliance(large(), { folder }, undefined, { downloads: 2, previews: 0 });
    const { appliance, port, base } = served;
    const { id } = await appliance.start(1, exposure);
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    const address = `/batches/${id}/frames/1`;
    const slow = await Promise.all([download(port, address), download(port, address)]);
    const refused = await fetch(base + address);
    expect([refused.status, refused.headers.get('retry-after'), refused.headers.get('etag')]).toEqual([503, '2', null]);
    expect((await refused.json()).error).toMatchObject({ code: 'busy' });
    expect((await fetch(`${base}${address}/preview.jpg`)).status).toBe(503);
    expect((await fetch(`${base}/status`)).status).toBe(200);
    const problems: string[] = [];
    const onProgress = ({ problem }: FetchProgress) => {
      if (!problem) return;
      problems.push(problem);
      for (const each of slow) each.destroy();
    };
    const out = await temporaryFolder();
    await new ApplianceClient({ url: base }).fetchAll(id, { folder: out, onProgress });
    expect(problems[0]).toContain('2 downloads already');
    expect(await firstPixels(out)).toEqual([1]);
  });

  it('hold nothing of a client that leaves while its file is being opened', async () => {
    const folder = await temporaryFolder();
    const around =
      (handler: ApplianceHandler): ApplianceHandler =>
      (request, response) => {
        response.once('close', () => left());
        return handler(request, response);
      };
    const { appliance, port } = await serveAppliance(new CountingCamera(), { folder }, around);
    const { id } = await appliance.start(1, exposure);
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    const read = appliance.spool.read.bind(appliance.spool);
    let opened: FileHandle | null = null;
    appliance.spool.read = async (batch, number) => {
      const handle = await read(batch, number);
      const gone = new Promise((resolve) => (left = resolve));
      leaving.destroy();
      await gone;
      // Held here, so that no garbage collection closes it.
      opened = handle;
      return handle;
    };
    let left: (value?: unknown) => void = () => {};
    const leaving = httpRequest({ port, path: `/batches/${id}/frames/1`, host: '127.0.0.1', agent: false });
    leaving.on('error', () => {}).end();
    await expect.poll(() => opened?.fd, patience).toBe(-1);
  });

  it('hold nothing of a file that has gone from the disk or is empty there', async () => {
    const folder = await temporaryFolder();
    const { appliance, base } = await serveAppliance(new CountingCamera(), { folder });
    const { id } = await appliance.start(2, exposure);
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    await unlink(appliance.spool.path(id, 1)!);
    const lost = await fetch(`${base}/batches/${id}/frames/1`);
    expect([lost.status, lost.headers.get('etag'), lost.headers.get('content-disposition')]).toEqual([502, null, null]);
    expect((await lost.json()).error.code).toBe('lost');
    await truncate(appliance.spool.path(id, 2)!, 0);
    const again = await serveAppliance(new CountingCamera(), { folder });
    const empty = await fetch(`${again.base}/batches/${id}/frames/2`);
    expect([empty.status, (await empty.arrayBuffer()).byteLength]).toEqual([200, 0]);
    expect(await openBelow(folder)).toBe(0);
  });
});

describe('two clients of one batch', () => {
  const whole = { whenFull: 'pause' as const, count: 6, exposure };

  it('get each frame at least once between them, and neither fails', async () => {
    const { appliance, base } = await serveAppliance(new CountingCamera());
    const [first, second] = [await temporaryFolder(), await temporaryFolder()];
    const client = new ApplianceClient({ url: base });
    const id = await client.start(whole);
    const seen: FetchProgress[] = [];
    const onProgress = (progress: FetchProgress) => void seen.push(progress);
    const ends = await Promise.all([
      client.fetchAll(id, { folder: first, onProgress }),
      new ApplianceClient({ url: base }).fetchAll(id, { folder: second, onProgress }),
    ]);
    expect(ends.map(({ state }) => state)).toEqual(['done', 'done']);
    const here = new Set([...(await firstPixels(first)), ...(await firstPixels(second))]);
    expect([...here].toSorted()).toEqual([1, 2, 3, 4, 5, 6]);
    expect((await appliance.spool.room()).frames).toBe(0);
    expect(appliance.batch(id).acknowledged).toBe(6);
  });

  it('both get all when one of them leaves the frames there', async () => {
    const { appliance, base } = await serveAppliance(new CountingCamera());
    const [first, second] = [await temporaryFolder(), await temporaryFolder()];
    const client = new ApplianceClient({ url: base });
    const id = await client.start(whole);
    await client.fetchAll(id, { folder: first, keepThere: true });
    expect(appliance.batch(id).frames).toHaveLength(6);
    await client.fetchAll(id, { folder: second });
    expect(await firstPixels(first)).toEqual(await firstPixels(second));
    expect(appliance.batch(id).frames).toEqual([]);
  });

  it('may write into one folder', async () => {
    const { base } = await serveAppliance(new CountingCamera());
    const folder = await temporaryFolder();
    const client = new ApplianceClient({ url: base });
    const id = await client.start(whole);
    await Promise.all([client.fetchAll(id, { folder }), client.fetchAll(id, { folder })]);
    expect(await firstPixels(folder)).toEqual([1, 2, 3, 4, 5, 6]);
  });
});

describe('a spool that is full in mid-batch', () => {
  const room = { maximumBytes: 3 * (pixelBlocks + 2) * 2880 };

  it('pauses the camera until the client has fetched, and every frame arrives', async () => {
    const { appliance, base } = await serveAppliance(new CountingCamera(), room);
    const client = new ApplianceClient({ url: base });
    // As many as fit into the spool when it is empty; another batch's frames are in the way.
    const earlier = await client.start({ count: 2, exposure });
    await expect.poll(() => appliance.batch(earlier).state, patience).toBe('done');
    const id = await client.start({ count: 3, exposure, whenFull: 'pause' });
    await expect.poll(() => appliance.batch(id).state, patience).toBe('waiting-for-space');
    expect(await client.batch(id)).toMatchObject({ message: expect.stringContaining('spool is full') });
    const [first, second] = [await temporaryFolder(), await temporaryFolder()];
    await client.fetchAll(earlier, { folder: first });
    expect(await client.fetchAll(id, { folder: second })).toMatchObject({ state: 'done', taken: 3, lost: 0 });
    expect([...(await firstPixels(first)), ...(await firstPixels(second))]).toEqual([1, 2, 3, 4, 5]);
  });

  it('ends the batch that wants it so, and says how much of it is there', async () => {
    // A frame turns out larger than the camera said: known only when the first is there.
    const camera = new CountingCamera();
    const { appliance, base } = await serveAppliance(camera, room);
    const client = new ApplianceClient({ url: base });
    const earlier = await client.start({ count: 1, exposure });
    await expect.poll(() => appliance.batch(earlier).state, patience).toBe('done');
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    camera.before = (n) => (n === 2 ? held : Promise.resolve());
    const id = await client.start({ count: 2, exposure, whenFull: 'end' });
    // Meanwhile the space goes to somebody else.
    await appliance.spool.record('others', {});
    const others = { bytes: Buffer.alloc(12_000), sha256: '0'.repeat(64), start: null, extension: '.fits' };
    await appliance.spool.add('others', 1, others);
    release();
    const folder = await temporaryFolder();
    const end = await client.fetchAll(id, { folder });
    expect(end).toMatchObject({ state: 'spool-full', message: expect.stringContaining('of 2 frames') });
    expect(await files(folder)).toHaveLength(end.kept);
  });
});

describe('an appliance that is restarted under its client', () => {
  it('answers as Node-RED does meanwhile, and the client goes on with what was taken', async () => {
    let starting = false;
    const around =
      (handler: ApplianceHandler): ApplianceHandler =>
      async (request, response) => {
        if (!starting) return handler(request, response);
        response.writeHead(404, { 'Content-Type': 'text/html' }).end('Cannot GET /appliance');
      };
    const { appliance, base } = await serveAppliance(new CountingCamera(), {}, around);
    const client = new ApplianceClient({ url: base });
    const id = await client.start({ count: 3, exposure });
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    const folder = await temporaryFolder();
    const problems: string[] = [];
    const onProgress = ({ problem, fetched }: FetchProgress) => {
      if (fetched === 1 && problems.length === 0) starting = true;
      if (problem) {
        problems.push(problem);
        starting = false;
      }
    };
    await client.fetchAll(id, { folder, onProgress, parallel: 1 });
    expect(problems[0]).toMatch(/No RAW appliance is at .* \(it answers 404\)\. Again in \d+ s\./);
    expect(await firstPixels(folder)).toEqual([1, 2, 3]);
  });
});
