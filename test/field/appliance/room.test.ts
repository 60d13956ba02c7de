import { describe, expect, it } from 'vitest';
import type { Appliance } from '../../../lib/field/appliance/appliance.ts';
import { CountingCamera, exposure, openAppliance } from './counting-camera.ts';

const patience = { timeout: 20_000 };
const state = (appliance: Appliance, id: string) => expect.poll(() => appliance.batch(id).state, patience);
/** A file's bytes with one header block (2880 bytes) up to four. */
const fileBytes = async () => {
  const appliance = await openAppliance(new CountingCamera());
  return (await appliance.shot(exposure)).bytes.byteLength;
};

describe('a batch and the room for it', () => {
  it('waits in a full spool, and goes on when a client makes room; no frame is lost', async () => {
    const size = await fileBytes();
    const appliance = await openAppliance(new CountingCamera(), { maximumBytes: size * 6 });
    const { id } = await appliance.start(3, exposure);
    await state(appliance, id).toBe('done');
    const second = await appliance.start(5, exposure);
    await state(appliance, second.id).toBe('waiting-for-space');
    expect(appliance.batch(second.id).message).toContain('DELETE');
    for (const { number } of appliance.batch(id).frames) await appliance.acknowledge(id, number);
    await state(appliance, second.id).toBe('done');
    expect(appliance.batch(second.id).frames).toHaveLength(5);
  });

  it('says that it waits when a frame turns out larger than the room that is left', async () => {
    const camera = new CountingCamera(8, 8);
    const appliance = await openAppliance(camera, { maximumBytes: 48_000 });
    const kept = () => appliance.status().then(({ batches }) => batches[0]?.kept);
    camera.before = async (n) => {
      if (n !== 2) return;
      // Two frames on their way to the disk may overtake each other.
      await expect.poll(kept, { timeout: 20_000 }).toBe(1);
      Object.assign(camera, { size: { width: 200, height: 100 } });
    };
    const { id } = await appliance.start(2, exposure);
    await state(appliance, id).toBe('waiting-for-space');
    expect(appliance.batch(id)).toMatchObject({ kept: 1, message: expect.stringContaining('DELETE') });
    await appliance.acknowledge(id, 1);
    await state(appliance, id).toBe('done');
    expect(appliance.batch(id)).toMatchObject({ kept: 2, message: null });
  });

  it('ends with what it has where it is to end, and says why', async () => {
    const camera = new CountingCamera();
    // Nobody knows before its first frame how large they are.
    Object.assign(camera.info, { sensor: null });
    const appliance = await openAppliance(camera, { maximumBytes: 4 * (await fileBytes()) });
    const { id } = await appliance.start(9, exposure, undefined, 'end');
    await state(appliance, id).toBe('spool-full');
    const { taken, kept, frames, message } = appliance.batch(id);
    expect(kept).toBeGreaterThan(0);
    expect([kept, frames.length]).toEqual([taken, taken]);
    expect(message).toContain('DELETE');
    await expect(appliance.start(9, exposure, undefined, 'end')).rejects.toMatchObject({ code: 'disk-full' });
  });

  it('that is larger than the disk is refused before it begins', async () => {
    const camera = new CountingCamera();
    const appliance = await openAppliance(camera, { maximumBytes: 100_000 });
    await expect(appliance.start(1000, exposure)).rejects.toMatchObject({
      code: 'disk-full',
      remedy: expect.stringContaining('space'),
    });
    expect(camera.taken).toBe(0);
    expect((await appliance.status()).batches).toEqual([]);
  });
});
