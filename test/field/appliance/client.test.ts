import { createHash } from 'node:crypto';
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { ApplianceClient, type FetchProgress } from '../../../lib/field/appliance/client.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { CountingCamera, exposure, temporaryFolder } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const patience = { timeout: 20_000 };
const files = async (folder: string) => (await readdir(folder)).toSorted();

describe('the client', () => {
  it('fetches a batch while it is exposed, checks and acknowledges it', async () => {
    const camera = new CountingCamera();
    let release = () => {};
    const held = new Promise<void>((resolve) => (release = resolve));
    camera.before = (n) => (n === 4 ? held : Promise.resolve());
    const { appliance, base } = await serveAppliance(camera);
    const folder = await temporaryFolder();
    const client = new ApplianceClient({ url: `${base}/` });
    const id = await client.start({ count: 5, exposure });
    const seen: FetchProgress[] = [];
    const all = client.fetchAll(id, { folder, onProgress: (progress) => seen.push(progress) });
    await expect
      .poll(async () => (await files(folder)).filter((name) => name.endsWith('.fits')).length, patience)
      .toBe(3);
    expect(appliance.batch(id).state).toBe('running');
    release();
    expect(await all).toMatchObject({ state: 'done', taken: 5 });
    expect(seen.filter(({ file }) => file)).toHaveLength(5);
    expect(seen.at(-1)).toMatchObject({ fetched: 5 });
    expect((await appliance.spool.room()).frames).toBe(0);
    const names = await files(folder);
    expect(names).toHaveLength(5);
    for (const [index, name] of names.entries())
      expect((await readFrame(join(folder, name))).pixels[0]).toBe(index + 1);
  });

  it('goes on where a broken line left it, with the same bytes', async () => {
    const asked: (string | undefined)[] = [];
    const { appliance, base } = await serveAppliance(
      new CountingCamera(),
      {},
      (handler) => async (request, response) => {
        if (request.method === 'GET' && /frames\/1$/.test(request.url ?? '')) asked.push(request.headers.range);
        await handler(request, response);
      },
    );
    const folder = await temporaryFolder();
    const client = new ApplianceClient({ url: base });
    const id = await client.start({ count: 1, exposure });
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    const [frame] = appliance.batch(id).frames;
    const whole = await readFile(appliance.spool.path(id, 1)!);
    await writeFile(join(folder, `${frame!.name}.part`), whole.subarray(0, 5000));
    await client.fetchAll(id, { folder, keepThere: true });
    expect(asked).toEqual(['bytes=5000-']);
    expect(await files(folder)).toEqual([frame!.name]);
    expect(
      createHash('sha256')
        .update(await readFile(join(folder, frame!.name)))
        .digest('hex'),
    ).toBe(frame!.sha256);
    // Here already: nothing comes again, and it is acknowledged.
    await client.fetchAll(id, { folder });
    expect(asked).toHaveLength(1);
    expect(appliance.batch(id).frames).toEqual([]);
  });

  it('does not take damaged bytes for the frame, and has another try', async () => {
    const { appliance, base } = await serveAppliance(new CountingCamera());
    const folder = await temporaryFolder();
    const client = new ApplianceClient({ url: base });
    const id = await client.start({ count: 1, exposure });
    await expect.poll(() => appliance.batch(id).state, patience).toBe('done');
    const [frame] = appliance.batch(id).frames;
    await writeFile(join(folder, `${frame!.name}.part`), 'x'.repeat(100));
    await client.fetchAll(id, { folder });
    expect((await readFrame(join(folder, frame!.name))).pixels[0]).toBe(1);
  });

  it('says what the appliance says', async () => {
    const { base } = await serveAppliance(new CountingCamera(), { maximumBytes: 100_000 });
    const client = new ApplianceClient({ url: base });
    await expect(client.start({ count: 1000, exposure })).rejects.toMatchObject({ code: 'disk-full' });
    await expect(client.batch('none')).rejects.toMatchObject({ code: 'bad-input' });
    const nobody = new ApplianceClient({ url: 'http://127.0.0.1:9' });
    await expect(nobody.call('status')).rejects.toMatchObject({ code: 'lost' });
    expect(() => new ApplianceClient({ url: 'pi' })).toThrow('no address');
  });
});
