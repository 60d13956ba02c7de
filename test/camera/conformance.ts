/** What every camera backend must do: one suite, run against each of them. A backend's traits say where cameras may honestly differ. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type {
  Camera,
  CameraBackend,
  CapturedFrame,
  SettingDescription,
  SettingValue,
} from '../../lib/camera/camera.ts';
import type { Frame, FrameSite } from '../../lib/frame/frame.ts';
import { isCameraFile } from '../../lib/frame/original.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { NightflowError } from '../../lib/process/errors.ts';

/** A camera to try, and what stands behind it. */
export interface Subject {
  camera: Camera;
  /** Another program's view of the same device. */
  another?: () => Camera;
  /** What list() should find with these options; absent where there is nothing to list. */
  listed?: { backend: CameraBackend<never>; options?: unknown; id: string };
  end(): Promise<void>;
}

export interface Traits {
  /** Tells two cameras of one backend apart. */
  variant?: string;
  make(): Promise<Subject>;
  exposureSeconds: number;
  /** Seconds that `end - start` of a frame may differ from it. */
  exposureTolerance: number;
  /** Frames of a sequence in the test. */
  frames: number;
  /** Largest time between the end of an exposure and the start of the next, by the frames' own stamps, seconds. */
  largestGapSeconds: number;
  /** A setting to change: two values that it can have, and some that it can't. */
  setting: { name: string; values: readonly [SettingValue, SettingValue]; refused: readonly SettingValue[] };
  /** A setting that can only be read. */
  readOnly?: string;
  /** Exposures that it must refuse. Empty where the length is not the camera's (a folder). */
  refusedExposures: readonly number[];
  /** Its own code for a second exposure while one is under way; absent where it takes its turn. */
  whileExposing?: 'busy';
  /** How a second program fares while the first one exposes; absent where there is no such thing. */
  anotherProgram?: 'busy' | 'takes its turn';
  site: FrameSite | null;
}

const target = { name: 'M 42', raDegrees: 83.822, decDegrees: -5.391 };
const generous = 60_000;

export function describeCamera(name: string, traits: Traits): void {
  describe(`the camera backend ${name}${traits.variant ? `, ${traits.variant}` : ''}`, { timeout: generous }, () => {
    const { exposureSeconds, site } = traits;
    const request = { exposureSeconds };
    let subject: Subject | null = null;
    const opened = async (): Promise<Subject> => {
      subject = await traits.make();
      await subject.camera.open();
      return subject;
    };
    afterEach(async () => {
      await subject?.camera.close();
      await subject?.end();
      subject = null;
    });
    afterAll(() => closeSharedPool());

    it('is found by its list', async () => {
      const { camera, listed } = await opened();
      expect(camera.info).toMatchObject({ name: expect.stringMatching(/./), backend: name });
      if (!listed) return;
      const found = await (listed.backend as CameraBackend<unknown>).list(listed.options);
      expect(found).toContainEqual(expect.objectContaining({ id: listed.id, backend: name }));
      expect(camera.info.id).toBe(listed.id);
    });

    it('describes its settings, and each has a value that fits its description', async () => {
      const { camera } = await opened();
      const described = await camera.settings();
      expect(new Set(described.map((each) => each.name)).size).toBe(described.length);
      expect(described.map((each) => each.name)).toContain(traits.setting.name);
      for (const setting of described) {
        const value = await camera.get(setting.name).catch((error: NightflowError) => error);
        if (value instanceof NightflowError) expect([value.code, setting.readOnly]).toEqual(['unsupported', true]);
        else expect([setting.name, faultOf(setting, value)]).toEqual([setting.name, null]);
      }
    });

    it('gives back what was set', async () => {
      const { camera } = await opened();
      const { name: setting, values } = traits.setting;
      for (const value of [...values, values[0]]) {
        expect(await camera.set(setting, value)).toEqual(value);
        expect(await camera.get(setting)).toEqual(value);
      }
    });

    it('refuses what a setting can not be, and keeps what it was', async () => {
      const { camera } = await opened();
      const { name: setting, values, refused } = traits.setting;
      await camera.set(setting, values[0]);
      for (const value of refused)
        await expect(camera.set(setting, value), String(value)).rejects.toMatchObject({ code: 'bad-input' });
      expect(await camera.get(setting)).toEqual(values[0]);
      await expect(camera.get('flux-capacitor')).rejects.toMatchObject({ code: 'bad-input' });
      await expect(camera.set('flux-capacitor', 1)).rejects.toMatchObject({ code: 'bad-input' });
      if (traits.readOnly)
        await expect(camera.set(traits.readOnly, 1)).rejects.toMatchObject({
          code: expect.stringMatching(/^(bad-input|rejected|unsupported)$/),
        });
    });

    it('takes a frame that knows what it is', async () => {
      const { camera } = await opened();
      const frame = await camera.expose({ ...request, kind: 'light', target });
      expectFrame(frame, camera, traits);
      expect(frame).toMatchObject({ kind: 'light', site });
    });

    it('takes frames one after the other without losing one', async () => {
      const { camera } = await opened();
      const taken = await take(camera.exposures(request), traits.frames);
      expect(taken).toHaveLength(traits.frames);
      for (const [i, { frame, gapSeconds, lostBefore }] of taken.entries()) {
        expectFrame(frame, camera, traits, 'sequence');
        expect(lostBefore).toBe(0);
        if (i === 0) {
          expect(gapSeconds).toBeNull();
          continue;
        }
        const passed = (Date.parse(frame.start!) - Date.parse(taken[i - 1]!.frame.end!)) / 1000;
        expect(passed).toBeGreaterThan(-0.0025);
        expect(passed).toBeLessThanOrEqual(traits.largestGapSeconds);
        expect(Math.abs(gapSeconds! - passed)).toBeLessThan(0.0025);
      }
      // Whoever left the loop has the camera free again.
      expectFrame(await camera.expose(request), camera, traits);
    });

    if (traits.refusedExposures.length > 0)
      it('refuses exposures that it can not take', async () => {
        const { camera } = await opened();
        for (const each of traits.refusedExposures) {
          const refusal = {
            code: 'bad-input',
            message: expect.stringContaining(String(each)),
            remedy: expect.any(String),
          };
          await expect(camera.expose({ exposureSeconds: each }), `${each} s`).rejects.toMatchObject(refusal);
          await expect(take(camera.exposures({ exposureSeconds: each }), 1)).rejects.toMatchObject({
            code: 'bad-input',
          });
        }
        expectFrame(await camera.expose(request), camera, traits);
      });

    it('stops at once when it is told to, and goes on when it is asked', async () => {
      const { camera } = await opened();
      const stop = new AbortController();
      stop.abort();
      await expect(camera.expose(request, stop.signal)).rejects.toMatchObject({ code: 'aborted' });
      const midway = new AbortController();
      const frames = camera.exposures(request, midway.signal)[Symbol.asyncIterator]();
      expect((await frames.next()).done).toBe(false);
      midway.abort();
      await expect(frames.next()).rejects.toMatchObject({ code: 'aborted' });
      expectFrame(await camera.expose(request), camera, traits);
    });

    if (traits.whileExposing)
      it('does one thing at a time', async () => {
        const { camera } = await opened();
        const frames = camera.exposures(request)[Symbol.asyncIterator]();
        await frames.next();
        await expect(camera.expose(request)).rejects.toMatchObject({ code: 'busy' });
        await frames.return?.();
      });

    if (traits.anotherProgram)
      it('is shared with a second program in a known way', async () => {
        const { camera, another } = await opened();
        const second = another!();
        try {
          await second.open();
          const frames = camera.exposures(request)[Symbol.asyncIterator]();
          await frames.next();
          const theirs = second.expose(request);
          if (traits.anotherProgram === 'busy')
            await expect(theirs).rejects.toMatchObject({ code: 'busy', remedy: expect.any(String) });
          else expectFrame(await theirs, second, traits);
          expect((await frames.next()).done).toBe(false);
          await frames.return?.();
        } finally {
          await second.close();
        }
      });

    it('comes back from a recovery that was not needed', async () => {
      const { camera } = await opened();
      await camera.recover();
      expectFrame(await camera.expose(request), camera, traits);
    });

    it('is closed in the middle of a sequence, twice, and takes no more', async () => {
      const { camera } = await opened();
      const frames = camera.exposures(request)[Symbol.asyncIterator]();
      await frames.next();
      const rest = drain(frames);
      await Promise.all([camera.close(), rest]);
      await camera.close();
      await expect(camera.expose(request)).rejects.toBeInstanceOf(NightflowError);
    });
  });
}

function expectFrame(
  frame: Frame,
  camera: Camera,
  { exposureSeconds, exposureTolerance }: Traits,
  way: 'single' | 'sequence' = 'single',
): void {
  const iso = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(\d{3})?Z$/;
  for (const time of [frame.start, frame.middle, frame.end]) expect(time).toMatch(iso);
  const [start, middle, end] = [frame.start, frame.middle, frame.end].map((time) => Date.parse(time!)) as [
    number,
    number,
    number,
  ];
  expect(Math.abs((end - start) / 1000 - exposureSeconds)).toBeLessThanOrEqual(exposureTolerance);
  expect(Math.abs(middle - (start + end) / 2)).toBeLessThanOrEqual(2);
  expect(Math.abs(frame.exposureSeconds! - exposureSeconds)).toBeLessThanOrEqual(exposureTolerance);
  expect(frame.timeSource).toMatch(/./);
  expect(frame.camera).toMatch(/./);
  expect(frame.data).toBeInstanceOf(SharedArrayBuffer);
  expect(frame.whiteLevel).toBeGreaterThan(frame.blackLevel);
  // Its own file, in memory or where the frame came from.
  const { original, source } = frame;
  expect(original !== null || (source !== null && isCameraFile(source))).toBe(camera.bringsOriginals?.(way) ?? false);
  const { sensor } = camera.info;
  if (sensor) expect([frame.width, frame.height, frame.bayer]).toEqual([sensor.width, sensor.height, sensor.bayer]);
}

/** Why a value is none that its description allows; null when it is one. */
function faultOf(
  { type, minimum = -Infinity, maximum = Infinity, choices }: SettingDescription,
  value: SettingValue,
): string | null {
  if (type === 'number')
    return typeof value === 'number' && value >= minimum && value <= maximum
      ? null
      : `${value} is not ${minimum}…${maximum}`;
  if (type === 'boolean') return typeof value === 'boolean' ? null : `${value} is not true or false`;
  if (type === 'choice')
    return choices?.includes(String(value)) ? null : `${value} is not among ${choices?.join(', ')}`;
  return typeof value === 'string' ? null : `${value} is no text`;
}

async function take(frames: AsyncIterable<CapturedFrame>, count: number): Promise<CapturedFrame[]> {
  const taken: CapturedFrame[] = [];
  for await (const captured of frames) {
    taken.push(captured);
    if (taken.length === count) break;
  }
  return taken;
}

/** Goes on until it ends or fails, as it must when the camera is closed. */
async function drain(frames: AsyncIterator<CapturedFrame>): Promise<void> {
  try {
    while (!(await frames.next()).done);
  } catch (error) {
    expect(error).toBeInstanceOf(NightflowError);
  }
}
