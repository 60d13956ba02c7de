import { afterAll, describe, expect, it } from 'vitest';
import { deadSeconds } from '../../lib/camera/sensors.ts';
import { SimulatedCamera, type SimulatorOptions, simulatorBackend } from '../../lib/camera/simulator.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';

const site = { latitude: 69.65, longitude: 18.955, elevation: 10 };
const evening = Date.parse('2026-03-14T22:00:00Z');

function camera(
  options: Partial<SimulatorOptions> = {},
  clock = new RehearsalClock(evening, Number.POSITIVE_INFINITY),
) {
  return new SimulatedCamera({ sensor: 'demo', ...options }, { clock, site });
}

afterAll(() => closeSharedPool());

describe('simulated camera', () => {
  it('lists every sensor with its limits', async () => {
    const list = await simulatorBackend.list();
    expect(list.find((each) => each.id === 'imx477')?.sensor).toEqual({
      width: 4056,
      height: 3040,
      pixelSizeMicrometres: 1.55,
      bayer: 'BGGR',
      bitsPerSample: 12,
      minimumExposureSeconds: 0.000114,
      maximumExposureSeconds: 670.74,
    });
  });

  it('takes a frame that knows when, where and how it was taken', async () => {
    const frame = await camera().expose({ exposureSeconds: 5, gain: 4 });
    expect(frame).toMatchObject({
      width: 960,
      height: 720,
      pixelType: 'u16',
      bayer: 'RGGB',
      blackLevel: 512,
      whiteLevel: 16383,
      start: '2026-03-14T22:00:00.000000Z',
      middle: '2026-03-14T22:00:02.500000Z',
      end: '2026-03-14T22:00:05.000000Z',
      exposureSeconds: 5,
      gain: 4,
      temperatureCelsius: 5,
      camera: 'Simulated Demo all-sky sensor',
      site,
      timeSource: 'simulator',
    });
    expect(frame.keyword('SIMSEED')).toBe(1);
  });

  it('keeps the clock: a frame is delivered when its exposure is over', async () => {
    const clock = new RehearsalClock(evening, Number.POSITIVE_INFINITY);
    await camera({}, clock).expose({ exposureSeconds: 30 });
    expect(clock.now()).toBe(evening + 30_000);
  });

  it("leaves only the sensor's own lines between two exposures, and loses nothing while the clock waits", async () => {
    const clock = new RehearsalClock(evening, Number.POSITIVE_INFINITY);
    const gaps: (number | null)[] = [];
    let lost = 0;
    let previousEnd: string | null = null;
    for await (const { frame, gapSeconds, lostBefore } of camera({}, clock).exposures({ exposureSeconds: 5 })) {
      if (previousEnd !== null) {
        const byTimes = microseconds(frame.start!) - microseconds(previousEnd);
        expect(byTimes / 1e6).toBeCloseTo(gapSeconds!, 5);
      }
      previousEnd = frame.end;
      gaps.push(gapSeconds);
      lost += lostBefore;
      if (gaps.length === 4) break;
    }
    expect(gaps[0]).toBeNull();
    for (const gap of gaps.slice(1)) expect(gap).toBeCloseTo(deadSeconds('demo', 5), 6);
    expect(deadSeconds('demo', 5)).toBeLessThan(0.001);
    expect(lost).toBe(0);
  });

  it('says how many frames a consumer that was away for too long has lost', async () => {
    const clock = new RehearsalClock(evening, Number.POSITIVE_INFINITY);
    const losses: number[] = [];
    const starts: number[] = [];
    for await (const { frame, lostBefore } of camera({ bufferFrames: 2 }, clock).exposures({ exposureSeconds: 2 })) {
      losses.push(lostBefore);
      starts.push(Date.parse(frame.start!));
      if (losses.length === 1) await clock.sleep(20_000);
      if (losses.length === 4) break;
    }
    const total = losses.reduce((sum, each) => sum + each, 0);
    expect(total).toBeGreaterThan(4);
    expect(Math.round((starts.at(-1)! - starts[0]!) / 2000)).toBe(losses.length - 1 + total);
  });

  it('has the dead time of an IMX477 in long-exposure mode: 22 lines of 28.6 us, times 4 at 5 s', () => {
    expect(deadSeconds('imx477', 5)).toBeCloseTo(0.00252, 5);
    expect(deadSeconds('imx477', 1)).toBeCloseTo(0.00063, 5);
  });

  it.each([
    ['imx219', 11.77, "IMX219 (Camera Module 2) can't expose for 11.77 s."],
    ['ov5647', 5, "OV5647 (Camera Module 1) can't expose for 5 s."],
    ['imx477', 671, "IMX477 (HQ Camera) can't expose for 671 s."],
    ['imx477', 0, "IMX477 (HQ Camera) can't expose for 0 s."],
    ['demo', Number.NaN, "Demo all-sky sensor can't expose for NaN s."],
  ] as const)("refuses what the %s can't take: %d s", async (sensor, exposureSeconds, message) => {
    const refused = camera({ sensor }).expose({ exposureSeconds });
    await expect(refused).rejects.toMatchObject({
      code: 'bad-input',
      message,
      remedy: expect.stringContaining('Choose between'),
    });
  });

  it('describes its settings, and keeps what is set', async () => {
    const simulated = camera();
    for (const { name, type, minimum, maximum } of await simulated.settings()) {
      const value = await simulated.get(name);
      expect(typeof value).toBe({ number: 'number', choice: 'string', boolean: 'boolean', text: 'string' }[type]);
      if (type === 'number') expect(value).toSatisfy((number: number) => number >= minimum! && number <= maximum!);
    }
    expect(await simulated.set('cloudCover', 0.5)).toBe(0.5);
    expect(await simulated.get('cloudCover')).toBe(0.5);
  });

  it("refuses settings that can't be, and says what can", async () => {
    const simulated = camera();
    await expect(simulated.set('gain', 31)).rejects.toMatchObject({
      code: 'bad-input',
      remedy: 'Give a number from 1 to 30.',
    });
    await expect(simulated.set('lens', 'pinhole')).rejects.toThrow('Lens can\'t be "pinhole".');
    await expect(simulated.set('speed', 1)).rejects.toThrow('no setting "speed"');
    await simulated.set('lens', 'rectilinear');
    await expect(simulated.set('fieldOfViewDegrees', 200)).rejects.toThrow(
      "A rectilinear lens can't show 200 degrees.",
    );
    expect(() => camera({ sensor: 'imx999' as never })).toThrow('There is no simulated sensor "imx999".');
  });

  it('stops at once, in an exposure and between frames', async () => {
    const clock = new RehearsalClock(evening, 1);
    const stop = new AbortController();
    const exposing = camera({}, clock).expose({ exposureSeconds: 600 }, stop.signal);
    stop.abort();
    await expect(exposing).rejects.toMatchObject({ code: 'aborted' });

    const streaming = camera({}, clock);
    const frames = streaming.exposures({ exposureSeconds: 600 })[Symbol.asyncIterator]();
    const next = frames.next();
    await streaming.close();
    await expect(next).rejects.toMatchObject({ code: 'aborted' });
  });

  it('is busy while it exposes, and free again afterwards', async () => {
    const simulated = camera();
    const first = simulated.expose({ exposureSeconds: 1 });
    await expect(simulated.expose({ exposureSeconds: 1 })).rejects.toMatchObject({ code: 'busy' });
    await first;
    expect((await simulated.expose({ exposureSeconds: 1 })).exposureSeconds).toBe(1);
  });
});

const microseconds = (time: string): number => Date.parse(`${time.slice(0, 23)}Z`) * 1000 + Number(time.slice(23, 26));
