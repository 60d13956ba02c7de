/** The simulated CCD, focuser, cooler, dome and weather under our client; the stars stand where the catalogue has them. */
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { Frame } from '../../lib/frame/frame.ts';
import { readFrame } from '../../lib/frame/read.ts';
import type { BlobArrival } from '../../lib/indi/blob/traffic.ts';
import { requireOk } from '../../lib/indi/command.ts';
import { arrived, cooled, exposed, focused, pictureIn, shutter, streaming } from '../../lib/indi/completion-devices.ts';
import { numberOf } from '../../lib/indi/property.ts';
import type { WantedValues } from '../../lib/indi/validate.ts';
import { loadCatalogue, starsWithin } from '../../lib/sky/catalogue.ts';
import { radians, type Vector, vectorOf } from '../../lib/sky/coordinates.ts';
import { placeOfDate, placeOfJ2000 } from '../../lib/sky/coordinates-date.ts';
import { measureStars } from '../../lib/stars/measure.ts';
import { names, type SimulatedWorld, simulatedWorld } from './simulator-world.ts';

const device = names.camera;
/** Arcseconds a pixel of 5.2 µm behind 135 mm. */
const scale = (206.264806 * 5.2) / 135;
let world: SimulatedWorld;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-simulator-'));
  const pointing = { raArcminutes: 14, decArcminutes: -8, periodicArcseconds: 30 };
  world = await simulatedWorld(
    ['mount', 'camera', 'focuser', 'dome', 'weather'],
    { pointing, mount: { slewDegreesPerSecond: 100 }, camera: { rotationDegrees: 25 } },
    10,
  );
  await world.client.enableBlobs(device, 'CCD1');
  requireOk(
    await world.client.command({
      device: names.mount,
      property: 'EQUATORIAL_EOD_COORD',
      values: { RA: 4, DEC: 30 },
      judge: arrived({ raHours: 4, decDegrees: 30 }),
      timeoutSeconds: 60,
    }),
  );
});
afterAll(async () => {
  await world?.end();
  if (folder) await rm(folder, { recursive: true, force: true });
});

const set = (property: string, values: WantedValues, timeoutSeconds = 60) =>
  world.client.command({ device, property, values, timeoutSeconds });

async function expose(seconds: number): Promise<Frame> {
  const values = { CCD_EXPOSURE_VALUE: seconds };
  const result = await world.client.command({
    ...{ device, property: 'CCD_EXPOSURE', values, judge: exposed(), timeoutSeconds: seconds + 200 },
  });
  requireOk(result);
  const picture = pictureIn(result.history, 'CCD1')!;
  const path = join(folder, `${world.clock.now()}.fits`);
  await writeFile(path, Buffer.from(picture.data!).subarray(0, picture.byteLength));
  return readFrame(path);
}

const dot = (a: Vector, b: Vector) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];
const minus = (a: Vector, b: Vector, times: number): Vector => [
  a[0] - b[0] * times,
  a[1] - b[1] * times,
  a[2] - b[2] * times,
];
const unit = (v: Vector): Vector => [v[0] / Math.hypot(...v), v[1] / Math.hypot(...v), v[2] / Math.hypot(...v)];
const cross = (a: Vector, b: Vector): Vector => [
  a[1] * b[2] - a[2] * b[1],
  a[2] * b[0] - a[0] * b[2],
  a[0] * b[1] - a[1] * b[0],
];

/** Catalogue stars on the tangent plane about the truth (x east, y north), turned into the picture. */
function predicted(
  frame: Frame,
  rotationDegrees: number,
  turned: boolean,
): { x: number; y: number; magnitude: number }[] {
  const [ra, dec] = [Number(frame.keyword('SIMRA')), Number(frame.keyword('SIMDEC'))];
  const [sinR, cosR] = [Math.sin(rotationDegrees * radians), Math.cos(rotationDegrees * radians)];
  const flip = turned ? -1 : 1;
  const centre = vectorOf(ra, dec);
  // A mount's north is that of date: 0.15° from J2000's here.
  const milliseconds = Date.parse(frame.middle!);
  const now = placeOfDate({ raDegrees: ra, decDegrees: dec }, milliseconds);
  const above = placeOfJ2000({ ...now, decNowDegrees: now.decNowDegrees + 0.5 }, milliseconds);
  const towards = vectorOf(above.raDegrees, above.decDegrees);
  const north = unit(minus(towards, centre, dot(towards, centre)));
  const east = cross(north, centre);
  return starsWithin(loadCatalogue(), ra, dec, 1.9, 9.5).map((star) => {
    const direction = vectorOf(star.raDegrees, star.decDegrees);
    const depth = dot(direction, centre);
    const [xi, eta] = [east, north].map((axis) => (dot(direction, axis) / depth) * (206264.806 / scale));
    // East is left of north up; the camera is turned counter-clockwise from up towards the east.
    const left = xi! * cosR - eta! * sinR;
    const up = eta! * cosR + xi! * sinR;
    return {
      x: (frame.width - 1) / 2 - flip * left,
      y: (frame.height - 1) / 2 - flip * up,
      magnitude: star.magnitude,
    };
  });
}

describe('the simulated CCD', () => {
  let frame: Frame;

  it('draws the stars where the catalogue has them, about the place where the mount truly points', async () => {
    frame = await expose(20);
    expect([frame.width, frame.height, frame.exposureSeconds]).toEqual([1280, 1024, 20]);
    // Reported and true place: 14' of right ascension and 8' of declination apart.
    expect((Number(frame.keyword('SIMRA')) - frame.target!.raDegrees) * 60).toBeCloseTo(14, 0);
    expect((Number(frame.keyword('SIMDEC')) - frame.target!.decDegrees) * 60).toBeCloseTo(-8, 0);
    const stars = await measureStars(frame);
    const turned = frame.keyword('PIERSIDE') === 'EAST';
    const margin = 20;
    const expected = predicted(frame, 25, turned).filter(
      ({ x, y }) => x > margin && y > margin && x < frame.width - margin && y < frame.height - margin,
    );
    expect(expected.length).toBeGreaterThan(12);
    const [xs, ys] = [[...stars.stars.x], [...stars.stars.y]];
    const offsets = expected.map(({ x, y }) => Math.min(...xs.map((each, at) => Math.hypot(each - x, ys[at]! - y))));
    const found = offsets.filter((offset) => offset < 3).sort((a, b) => a - b);
    expect(found.length).toBeGreaterThan(expected.length * 0.85);
    // Refraction squeezes the field by 0.2 pixels at its corners.
    expect(found[found.length >> 1]).toBeLessThan(0.3);
    expect(found.at(-1)).toBeLessThan(0.6);
  });

  it('keeps them round while it tracks and draws trails when it does not', async () => {
    const round = (await measureStars(frame)).eccentricity;
    requireOk(
      await world.client.command({
        device: names.mount,
        property: 'TELESCOPE_TRACK_STATE',
        values: { TRACK_OFF: true },
        judge: (_, current) =>
          current('TELESCOPE_TRACK_STATE')?.state === 'Idle' ? { done: true, settleSeconds: 0 } : 'waiting',
        timeoutSeconds: 30,
      }),
    );
    // 15" a second times cos 30°: 16 pixels in 10 s.
    const trailed = await measureStars(await expose(10));
    expect(round!).toBeLessThan(0.6);
    expect(trailed.eccentricity === null || trailed.eccentricity > 0.8).toBe(true);
  });

  it('reads out a binned window', async () => {
    requireOk(await set('CCD_BINNING', { HOR_BIN: 2, VER_BIN: 2 }));
    requireOk(await set('CCD_FRAME', { X: 100, Y: 40, WIDTH: 400, HEIGHT: 300 }));
    const small = await expose(0.5);
    expect([small.width, small.height, small.keyword('XPIXSZ')]).toEqual([200, 150, 10.4]);
    expect(small.blackLevel).toBe(2000);
    requireOk(await set('CCD_FRAME', { X: 0, Y: 0, WIDTH: 64, HEIGHT: 64 }));
    expect((await set('CCD_BINNING', { HOR_BIN: 1, VER_BIN: 1 })).status).toBe('ok');
  });

  it('compresses, and sends raw samples', async () => {
    requireOk(await set('CCD_COMPRESSION', { INDI_ENABLED: true }));
    expect((await expose(0.5)).width).toBe(64);
    requireOk(await set('CCD_COMPRESSION', { INDI_DISABLED: true }));
    requireOk(await set('CCD_TRANSFER_FORMAT', { FORMAT_NATIVE: true }));
    const result = await set('CCD_EXPOSURE', { CCD_EXPOSURE_VALUE: 0.5 });
    expect(result.status).toBe('ok');
    requireOk(await set('CCD_TRANSFER_FORMAT', { FORMAT_FITS: true }));
  });

  it('runs gapless in fast exposure', async () => {
    const arrivals: BlobArrival[] = [];
    const off = world.client.onBlob((arrival) => arrivals.push(arrival));
    requireOk(await set('CCD_FAST_TOGGLE', { INDI_ENABLED: true }));
    requireOk(await set('CCD_FAST_COUNT', { FRAMES: 4 }));
    world.client.send({
      ...{ tag: 'new', type: 'number', device, name: 'CCD_EXPOSURE', timestamp: null },
      elements: [{ name: 'CCD_EXPOSURE_VALUE', value: 1 }],
    });
    await expect.poll(() => arrivals.length, { timeout: 20_000 }).toBe(4);
    off();
    const starts = await Promise.all(
      arrivals.map(async ({ elements }, at) => {
        const path = join(folder, `fast-${at}.fits`);
        await writeFile(path, Buffer.from(elements[0]!.blob.data!).subarray(0, elements[0]!.blob.byteLength));
        return Date.parse((await readFrame(path)).start!);
      }),
    );
    starts.sort((a, b) => a - b);
    expect(starts.map((each) => each - starts[0]!)).toEqual([0, 1000, 2000, 3000]);
    requireOk(await set('CCD_FAST_TOGGLE', { INDI_DISABLED: true }));
  });

  it('streams pictures of 8 bit until it is told to stop', async () => {
    const sizes: number[] = [];
    const off = world.client.onBlob(({ elements }) => {
      if (elements[0]!.blob.format === '.stream') sizes.push(elements[0]!.blob.byteLength);
    });
    requireOk(await set('CCD_STREAM_FRAME', { X: 600, Y: 400, WIDTH: 160, HEIGHT: 120 }));
    const stream = (on: boolean) =>
      world.client.command({
        ...{ device, property: 'CCD_VIDEO_STREAM', values: { [on ? 'STREAM_ON' : 'STREAM_OFF']: true } },
        ...{ judge: streaming(on), timeoutSeconds: 60 },
      });
    requireOk(await stream(true));
    await expect.poll(() => sizes.length, { timeout: 20_000 }).toBeGreaterThan(3);
    requireOk(await stream(false));
    off();
    expect(new Set(sizes)).toEqual(new Set([160 * 120]));
  });

  it('refuses what is out of range with the reason', async () => {
    const result = await world.client.commandNow({
      ...{ device, property: 'CCD_BINNING', values: { HOR_BIN: 2, VER_BIN: 3 }, timeoutSeconds: 20 },
    });
    expect(result.status).toBe('ok');
    const upload = await set('UPLOAD_MODE', { UPLOAD_LOCAL: true });
    expect(upload).toMatchObject({ status: 'rejected' });
    requireOk(await set('CCD_BINNING', { HOR_BIN: 1, VER_BIN: 1 }));
  });

  it('cools down a ramp and warms up', async () => {
    const judge = cooled(5);
    requireOk(
      await world.client.command({
        device,
        property: 'CCD_TEMPERATURE',
        values: { CCD_TEMPERATURE_VALUE: 5 },
        judge,
        timeoutSeconds: 120,
      }),
    );
    expect(world.simulator.observatory.sensorCelsius).toBeLessThan(5.6);
    await set('CCD_COOLER', { COOLER_OFF: true });
    await expect.poll(() => world.simulator.observatory.sensorCelsius, { timeout: 10_000 }).toBe(10);
  });
});

describe('the other devices', () => {
  it('the focuser says nothing before it is there, and unfocuses the stars', async () => {
    const result = await world.client.command({
      ...{ device: names.focuser, property: 'ABS_FOCUS_POSITION', values: { FOCUS_ABSOLUTE_POSITION: 54_000 } },
      ...{ judge: focused(54_000), timeoutSeconds: 60 },
    });
    requireOk(result);
    expect(result.history.some((each) => each.what === 'updated' && each.property.state === 'Busy')).toBe(false);
    expect(world.simulator.observatory.focuser.defocusPixels).toBe(10);
  });

  it('the dome opens, the rain shows when the station looks again', async () => {
    requireOk(
      await world.client.command({
        ...{ device: names.dome, property: 'DOME_SHUTTER', values: { SHUTTER_OPEN: true } },
        ...{ judge: shutter(true), timeoutSeconds: 60 },
      }),
    );
    expect(world.simulator.observatory.dome.open).toBe(true);
    const { client } = world;
    const status = () => client.store.property(names.weather, 'WEATHER_STATUS')?.state;
    await expect.poll(status).toBe('Ok');
    requireOk(await client.command({ device: names.weather, property: 'WEATHER_CONTROL', values: { Precip: 3 } }));
    expect(status()).toBe('Ok');
    await expect.poll(status, { timeout: 15_000 }).toBe('Alert');
    expect(numberOf(client.store.property(names.weather, 'WEATHER_PARAMETERS'), 'WEATHER_RAIN_HOUR')).toBe(3);
  });
});
