/** Our client on a real indiserver with the telescope, CCD, focuser and filter wheel simulators of Debian's indi-bin. */
import { createHash } from 'node:crypto';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { requireOk } from '../../lib/indi/command.ts';
import type { Judge } from '../../lib/indi/completion.ts';
import {
  arrived,
  exposed,
  filterSelected,
  focused,
  motionStopped,
  parked,
  pictureIn,
  streaming,
} from '../../lib/indi/completion-devices.ts';
import { numberOf, switchOf } from '../../lib/indi/property.ts';
import { waitFor } from '../../lib/indi/wait.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const [mount, camera, focuser, wheel] = [
  devices.mount.device,
  devices.camera.device,
  devices.focuser.device,
  devices.wheel.device,
];
let world: World;

beforeAll(async () => {
  world = await startWorld(['mount', 'camera', 'focuser', 'wheel']);
});
afterAll(() => world?.end());

const slew = (raHours: number, decDegrees: number, signal?: AbortSignal) =>
  world.client.command({
    device: mount,
    property: 'EQUATORIAL_EOD_COORD',
    values: { RA: raHours, DEC: decDegrees },
    judge: arrived({ raHours, decDegrees }),
    timeoutSeconds: 60,
    signal,
  });

describe('the mount', () => {
  /** Somewhere a few degrees beside where it stands, off the pole. */
  const beside = (degrees: number) => {
    const now = world.client.store.property(mount, 'EQUATORIAL_EOD_COORD');
    return { ra: numberOf(now, 'RA')!, dec: Math.min(80, numberOf(now, 'DEC')! - degrees) };
  };

  it('slews, and is done when it is there', async () => {
    requireOk(await world.client.command({ device: mount, property: 'TELESCOPE_PARK', values: { UNPARK: true } }));
    const { ra, dec } = beside(10);
    const result = await slew(ra, dec);
    expect(result.reason).toBe('');
    expect(result.status).toBe('ok');
    expect(numberOf(result.property!, 'DEC')).toBeCloseTo(dec, 2);
    const states = result.history.flatMap((each) =>
      each.what === 'updated' && each.property.name === 'EQUATORIAL_EOD_COORD' ? [each.property.state] : [],
    );
    expect(states[0]).toBe('Busy');
  });

  it('stops when it is told to, past the queue, and the slew does not pass for done', async () => {
    const { ra, dec } = beside(60);
    const running = slew(ra, dec);
    await world.client.waitForProperty(mount, 'EQUATORIAL_EOD_COORD', {
      timeoutSeconds: 30,
      ready: ({ state }) => state === 'Busy',
    });
    const abort = { device: mount, property: 'TELESCOPE_ABORT_MOTION', values: { ABORT: true } };
    const stopped = await world.client.commandNow({ ...abort, judge: motionStopped() });
    expect(stopped.status).toBe('ok');
    const result = await running;
    expect(result.status).toBe('rejected');
    expect(result.reason).toMatch(/abort/i);
  });

  it('ends what runs and what waits when it is interrupted', async () => {
    const { ra, dec } = beside(30);
    const both = [slew(ra, dec), slew(ra, dec - 5)];
    await world.client.waitForProperty(mount, 'EQUATORIAL_EOD_COORD', {
      timeoutSeconds: 30,
      ready: ({ state }) => state === 'Busy',
    });
    world.client.interrupt(mount);
    expect((await Promise.all(both)).map(({ status }) => status)).toEqual(['aborted', 'aborted']);
    const abort = { device: mount, property: 'TELESCOPE_ABORT_MOTION', values: { ABORT: true } };
    expect((await world.client.commandNow({ ...abort, judge: motionStopped() })).status).toBe('ok');
    // The second never left.
    const target = world.client.store.property(mount, 'TARGET_EOD_COORD');
    expect(numberOf(target, 'DEC')).toBeCloseTo(dec, 6);
  });

  it('says why when it is parked', async () => {
    const park = { device: mount, property: 'TELESCOPE_PARK', values: { PARK: true }, judge: parked('PARK') };
    requireOk(await world.client.command({ ...park, timeoutSeconds: 120 }));
    const result = await slew(3, 40);
    expect(result.status).toBe('rejected');
    expect(result.reason).toMatch(/unpark/i);
  }, 130_000);
});

describe('what indiserver drops without a word', () => {
  it.each([
    ['a property that is not there', 'NO_SUCH', { X: 1 }, /has no property NO_SUCH/],
    ['an element that is not there', 'EQUATORIAL_EOD_COORD', { RA: 1, DEC: 2, ALT: 3 }, /has no element ALT/],
    ['what can only be read', 'TARGET_EOD_COORD', { RA: 1, DEC: 2 }, /can only be read/],
    ['a declination of 95', 'EQUATORIAL_EOD_COORD', { RA: 1, DEC: 95 }, /from -90 to 90, not 95/],
  ])('%s is refused before it is sent', async (_what, property, values, sentence) => {
    await expect(world.client.command({ device: mount, property, values })).rejects.toThrow(sentence);
  });

  it('is told from a driver that hangs: the driver answers, and has done nothing', async () => {
    // The definition is made up, so that it passes our own check.
    const elements = [{ name: 'X', label: 'X', value: 0, format: '%g', minimum: 0, maximum: 0, step: 0 }];
    const real = world.client.store.property(mount, 'TARGET_EOD_COORD')!;
    const { elements: _, revision: __, at: ___, ...rest } = real;
    world.client.store.take({ ...rest, tag: 'def', message: null, permission: 'rw', elements });
    const values = { X: 1 };
    const result = await world.client.command({ device: mount, property: 'TARGET_EOD_COORD', values, ackSeconds: 0.5 });
    expect(result).toMatchObject({ status: 'no-ack', reason: expect.stringContaining('did nothing') });
  });
});

describe('the camera', () => {
  it('exposes: the BLOB is the file that the driver saves, byte for byte', async () => {
    const { client, home } = world;
    const disable = await client.enableBlobs(camera, 'CCD1');
    const set = async (property: string, values: Record<string, string | boolean | number>) =>
      requireOk(await client.command({ device: camera, property, values }));
    await set('UPLOAD_SETTINGS', { UPLOAD_DIR: home, UPLOAD_PREFIX: 'both_XXX' });
    await set('UPLOAD_MODE', { UPLOAD_BOTH: true });
    const exposure = {
      device: camera,
      property: 'CCD_EXPOSURE',
      values: { CCD_EXPOSURE_VALUE: 0.3 },
      judge: exposed(),
    };
    const result = requireOk(await client.command({ ...exposure, timeoutSeconds: 20 }));
    const blob = pictureIn(result.history, 'CCD1')!;
    expect(blob).toMatchObject({ format: '.fits', error: null, byteLength: blob.declaredBytes });
    expect(blob.data).toBeInstanceOf(SharedArrayBuffer);
    const saved = (await readdir(home)).filter((name) => name.startsWith('both_'));
    expect(saved).toHaveLength(1);
    const hash = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');
    expect(hash(new Uint8Array(blob.data!, 0, blob.byteLength))).toBe(hash(await readFile(join(home, saved[0]!))));
    await set('UPLOAD_MODE', { UPLOAD_CLIENT: true });
    disable();
  });

  it('sends compressed pictures, whose padding is cut off', async () => {
    const { client } = world;
    const disable = await client.enableBlobs(camera, 'CCD1');
    const compress = (element: string) =>
      client.command({ device: camera, property: 'CCD_COMPRESSION', values: { [element]: true } });
    requireOk(await compress('INDI_ENABLED'));
    const exposure = {
      device: camera,
      property: 'CCD_EXPOSURE',
      values: { CCD_EXPOSURE_VALUE: 0.1 },
      judge: exposed(),
    };
    const result = requireOk(await client.command(exposure));
    requireOk(await compress('INDI_DISABLED'));
    const blob = pictureIn(result.history, 'CCD1')!;
    expect(blob.format).toBe('.fits.fz');
    expect(blob.error).toBeNull();
    expect(blob.byteLength).toBeLessThan(blob.declaredBytes);
    expect(blob.byteLength % 2880).toBe(0);
    disable();
  });

  it('takes a run of pictures in fast mode, where Ok comes before the picture', async () => {
    const { client } = world;
    const disable = await client.enableBlobs(camera, 'CCD1');
    const set = async (property: string, values: Record<string, string | boolean | number>) =>
      requireOk(await client.command({ device: camera, property, values }));
    // The driver gives up when sending a picture takes longer than exposing it.
    await set('CCD_FRAME', { X: 0, Y: 0, WIDTH: 160, HEIGHT: 128 });
    await set('CCD_FAST_TOGGLE', { INDI_ENABLED: true });
    await set('CCD_FAST_COUNT', { FRAMES: 3 });
    const sizes: number[] = [];
    const off = client.onBlob(({ elements }) => sizes.push(elements[0]!.blob.byteLength));
    const exposure = {
      device: camera,
      property: 'CCD_EXPOSURE',
      values: { CCD_EXPOSURE_VALUE: 1 },
      judge: exposed(),
    };
    requireOk(await client.command({ ...exposure, timeoutSeconds: 20 }));
    await waitFor(client.onBlob.bind(client), () => sizes.length >= 3 || undefined, {
      clock: realClock,
      timeoutSeconds: 30,
    });
    off();
    expect(sizes).toEqual(Array(3).fill(sizes[0]));
    await set('CCD_FAST_TOGGLE', { INDI_DISABLED: true });
    await set('CCD_FRAME', { X: 0, Y: 0, WIDTH: 1280, HEIGHT: 1024 });
    disable();
  });

  it('streams at its full rate; every frame is whole and in order', async () => {
    const { client, log } = world;
    const disable = await client.enableBlobs(camera, 'CCD1');
    const set = async (property: string, values: Record<string, string | boolean | number>, judge?: Judge) =>
      requireOk(await client.command({ device: camera, property, values, judge }));
    // The driver shows no more frames than this, however many it takes.
    await set('LIMITS', { LIMITS_PREVIEW_FPS: 100 });
    await set('STREAMING_EXPOSURE', { STREAMING_EXPOSURE_VALUE: 0.02 });
    const frames: { format: string; byteLength: number; at: number }[] = [];
    const off = client.onBlob(({ elements }) => {
      const { format, byteLength, error, arrivedAt } = elements[0]!.blob;
      frames.push({ format, byteLength, at: error ? Number.NaN : arrivedAt! });
    });
    try {
      await set('CCD_VIDEO_STREAM', { STREAM_ON: true }, streaming(true));
      // The driver starts a program for each of its frames: on a busy machine that takes as long as it takes.
      await waitFor(client.onBlob.bind(client), () => frames.length >= 60 || undefined, {
        clock: realClock,
        timeoutSeconds: 90,
      });
    } finally {
      await set('CCD_VIDEO_STREAM', { STREAM_OFF: true }, streaming(false));
    }
    off();
    expect(new Set(frames.map(({ format, byteLength }) => `${format} ${byteLength}`))).toEqual(
      new Set(['.stream 1310720']),
    );
    expect(frames.map(({ at }) => at)).toEqual(frames.map(({ at }) => at).sort((a, b) => a - b));
    expect(log.filter((line) => /drop|behind/i.test(line))).toEqual([]);
    disable();
  }, 120_000);

  it('keeps the first Alert, although the driver says Ok after it, and does not blame it on the next command', async () => {
    const bin = (HOR_BIN: number, VER_BIN: number) =>
      world.client.command({ device: camera, property: 'CCD_BINNING', values: { HOR_BIN, VER_BIN } });
    const refused = await bin(3, 4);
    expect(refused).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('3x4 binning is not supported'),
    });
    expect((await bin(1, 1)).status).toBe('ok');
  });

  it('stops an exposure', async () => {
    const request = { device: camera, property: 'CCD_EXPOSURE', values: { CCD_EXPOSURE_VALUE: 30 }, judge: exposed() };
    const running = world.client.command(request);
    await world.client.waitForProperty(camera, 'CCD_EXPOSURE', {
      timeoutSeconds: 30,
      ready: ({ state }) => state === 'Busy',
    });
    const abort = { device: camera, property: 'CCD_ABORT_EXPOSURE', values: { ABORT: true } };
    expect((await world.client.commandNow(abort)).status).toBe('ok');
    expect((await running).status).toBe('rejected');
  });
});

describe('focuser and filter wheel', () => {
  it('goes to a position, though the driver says nothing until it is there', async () => {
    const at = numberOf(world.client.store.property(focuser, 'ABS_FOCUS_POSITION'), 'FOCUS_ABSOLUTE_POSITION')!;
    const target = at > 50_000 ? at - 13_300 : at + 13_300;
    const values = { FOCUS_ABSOLUTE_POSITION: target };
    const request = { device: focuser, property: 'ABS_FOCUS_POSITION', values, judge: focused(target) };
    const result = await world.client.command({ ...request, ackSeconds: 0.3 });
    expect(result.status).toBe('ok');
    expect(numberOf(result.property!, 'FOCUS_ABSOLUTE_POSITION')).toBe(target);
  });

  it('selects a filter, and the one that is already there', async () => {
    for (const slot of [4, 4, 1]) {
      const request = { device: wheel, property: 'FILTER_SLOT', values: { FILTER_SLOT_VALUE: slot } };
      const result = await world.client.command({ ...request, judge: filterSelected(slot) });
      expect(result.status).toBe('ok');
      expect(numberOf(result.property!, 'FILTER_SLOT_VALUE')).toBe(slot);
    }
    const request = { device: wheel, property: 'FILTER_SLOT', values: { FILTER_SLOT_VALUE: 99 } };
    await expect(world.client.command(request)).rejects.toThrow(/from 1 to 8/);
  });

  it('sets a switch of a rule', async () => {
    const values = { FOCUS_OUTWARD: true };
    const result = requireOk(await world.client.command({ device: focuser, property: 'FOCUS_MOTION', values }));
    expect(switchOf(result.property!)).toBe('FOCUS_OUTWARD');
    const both = { FOCUS_OUTWARD: true, FOCUS_INWARD: true };
    await expect(world.client.command({ device: focuser, property: 'FOCUS_MOTION', values: both })).rejects.toThrow(
      /only one can be on/,
    );
  });
});

it('passed over nothing that the server sent', () => expect(world.faults).toEqual([]));
