import { createHash } from 'node:crypto';
import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { encodeFrame } from '../../../lib/field/appliance/encode.ts';
import { Spool } from '../../../lib/field/appliance/spool.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { writeFrame } from '../../../lib/frame/write.ts';
import { CountingCamera, exposure, temporaryFolder } from './counting-camera.ts';

const content = (text: string) => ({
  bytes: Buffer.from(text),
  sha256: createHash('sha256').update(text).digest('hex'),
  start: '2026-03-14T20:00:00.500Z',
  extension: '.fits',
});

describe('a frame encoded in memory', () => {
  it('is the file that writeFrame writes, byte for byte, with its SHA-256', async () => {
    const frame = await new CountingCamera().expose(exposure);
    const path = join(await temporaryFolder(), 'a.fits');
    await writeFrame(frame, path, { format: 'fits' });
    const encoded = await encodeFrame(frame);
    const file = await readFile(path);
    const { pixels } = await readFrame(path);
    expect(pixels[0]).toBe(1);
    // The header says when it was written.
    const timeless = (bytes: Buffer) => bytes.toString('latin1').replace(/(DATE|CHECKSUM)( *= )'[^']*'/g, '$1$2');
    expect(timeless(encoded.bytes) === timeless(file)).toBe(true);
    expect(encoded.sha256).toBe(createHash('sha256').update(encoded.bytes).digest('hex'));
    const again = join(await temporaryFolder(), 'b.fits');
    await writeFile(again, encoded.bytes);
    expect((await readFrame(again)).pixels).toEqual(pixels);
  });
});

describe('the spool', () => {
  it('keeps frames over a restart, and clears away what a power cut tore', async () => {
    const folder = await temporaryFolder();
    const first = await Spool.open({ folder, maximumBytes: 1000, reserveBytes: 0 });
    await first.record('b1', { count: 3 });
    await first.add('b1', 2, content('second'));
    await first.add('b1', 1, content('first'));
    await writeFile(join(folder, 'b1', '000003_x.fits.12345678.nightflow-part'), 'tor');
    await mkdir(join(folder, 'Not a batch'));
    const second = await Spool.open({ folder, maximumBytes: 1000, reserveBytes: 0 });
    expect(second.names()).toEqual(['b1']);
    expect(second.frames('b1')).toEqual(first.frames('b1'));
    expect(second.frames('b1')[0]).toEqual({
      batch: 'b1',
      number: 1,
      name: 'b1_000001_20260314T200000.500Z.fits',
      bytes: 5,
      sha256: content('first').sha256,
      start: '2026-03-14T20:00:00.500Z',
    });
    expect(await second.room()).toMatchObject({ usedBytes: 11, roomBytes: 989, frames: 2, full: false });
    expect(await second.recorded('b1')).toEqual({ count: 3 });
    expect((await readdir(join(folder, 'b1'))).filter((name) => name.includes('part'))).toEqual([]);
  });

  it('is bounded, says so, and has room again when a frame is acknowledged', async () => {
    const spool = await Spool.open({ folder: await temporaryFolder(), maximumBytes: 10, reserveBytes: 0 });
    await spool.record('b1', {});
    await spool.add('b1', 1, content('123456'));
    await expect(spool.add('b1', 2, content('12345'))).rejects.toMatchObject({
      code: 'disk-full',
      remedy: expect.stringContaining('DELETE'),
    });
    let freed = 0;
    spool.events.on('freed', () => freed++);
    expect(await spool.acknowledge('b1', 1)).toBe(true);
    expect(await spool.acknowledge('b1', 1)).toBe(false);
    expect(freed).toBe(1);
    await spool.add('b1', 2, content('12345'));
    expect((await spool.room()).usedBytes).toBe(5);
  });

  it('lets who reads a frame read it to its end although it is acknowledged meanwhile', async () => {
    const spool = await Spool.open({ folder: await temporaryFolder(), maximumBytes: 1000 });
    await spool.record('b1', {});
    await spool.add('b1', 1, content('whole'));
    const handle = await spool.read('b1', 1);
    await spool.acknowledge('b1', 1);
    expect(await handle.readFile('utf8')).toBe('whole');
    await handle.close();
    await expect(spool.read('b1', 1)).rejects.toMatchObject({ code: 'lost' });
  });

  it('remembers how far a batch was with one empty file, whatever was acknowledged', async () => {
    const folder = await temporaryFolder();
    const spool = await Spool.open({ folder, maximumBytes: 1000, reserveBytes: 0 });
    await spool.record('b1', {});
    for (const number of [1, 2, 3]) {
      await spool.add('b1', number, content('x'));
      await spool.acknowledge('b1', number);
    }
    expect((await readdir(join(folder, 'b1'))).toSorted()).toEqual(['000003.acknowledged', 'batch.json']);
    const again = await Spool.open({ folder, maximumBytes: 1000, reserveBytes: 0 });
    expect([again.highest('b1'), again.frames('b1').length, (await again.room()).usedBytes]).toEqual([3, 0, 0]);
  });

  it("leaves somebody's own folder alone, and clears away one that never became a batch", async () => {
    const folder = await temporaryFolder();
    await mkdir(join(folder, 'holiday'));
    await writeFile(join(folder, 'holiday', 'beach.jpg'), 'sand');
    await mkdir(join(folder, 'torn'));
    await writeFile(join(folder, 'torn', 'batch.json.12345678.nightflow-part'), '{');
    const spool = await Spool.open({ folder, maximumBytes: 1000, reserveBytes: 0 });
    expect(spool.names()).toEqual([]);
    expect(await readdir(folder)).toEqual(['holiday']);
  });

  it('refuses names that lead out of it, and passes over a damaged record', async () => {
    const folder = await temporaryFolder();
    const spool = await Spool.open({ folder, maximumBytes: 1000 });
    await expect(spool.record('../x', {})).rejects.toMatchObject({ code: 'bad-input' });
    await spool.record('b1', {});
    await writeFile(join(folder, 'b1', 'batch.json'), '{"cou');
    expect(await spool.recorded('b1')).toBeNull();
  });
});
