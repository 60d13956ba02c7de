/** The whole chain without hardware: rendered stars, the real measurement, a drive with play, a cloud, and a cold night. */
import { afterAll, describe, expect, it } from 'vitest';
import { SimulatedCamera, type SimulatorOptions } from '../../lib/camera/simulator.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { type AutofocusOptions, autofocus } from '../../lib/night/autofocus.ts';
import type { FocusProgress } from '../../lib/night/autofocus-result.ts';

const site = { latitude: 40, longitude: 0, elevation: 10 };
/** Steps that unfocus a star by a pixel, as the simulator has them unless told: 0.4 px are within what the seeing hides. */
const stepsPerPixel = 50;
const closeSteps = 0.4 * stepsPerPixel;

function bench(changes: Partial<SimulatorOptions> = {}) {
  const clock = new RehearsalClock(Date.parse('2026-03-14T22:00:00Z'), Number.POSITIVE_INFINITY);
  const options: SimulatorOptions = {
    sensor: 'demo',
    lens: 'rectilinear',
    fieldOfViewDegrees: 10,
    altitudeDegrees: 60,
    fNumber: 2.8,
    landscape: false,
    meteorsPerHour: 0,
    ...changes,
  };
  return { clock, camera: new SimulatedCamera(options, { clock, site }) };
}

async function focused({ clock, camera }: ReturnType<typeof bench>, options: Partial<AutofocusOptions> = {}) {
  const focuser = (await camera.focuser())!;
  const result = await autofocus({ camera, focuser, clock, exposureSeconds: 6, stepSize: 100, ...options });
  return { result, focuser, left: await camera.get('defocusPixels') };
}

afterAll(() => closeSharedPool());

describe('an autofocus under the simulated sky', () => {
  it.each([6, 14, 22, 30])('finds the focus from stars %d px wide', async (defocusPixels) => {
    const { result, focuser, left } = await focused(bench({ defocusPixels }));
    expect(result.reason).toBeNull();
    expect(Math.abs(result.position! - focuser.bestPosition)).toBeLessThan(closeSteps);
    expect(left).toBeLessThan(0.4);
    expect(result.hfr).toBeLessThan(1.6);
  });

  it('from the other side, with play in the gears', async () => {
    const night = bench({ focusBacklashSteps: 180 });
    await (await night.camera.focuser())!.moveTo(24_000);
    const { result, left } = await focused(night, { backlash: 'overshoot', backlashSteps: 250 });
    expect(result.reason).toBeNull();
    expect(left).toBeLessThan(0.4);
  });

  it('by a drive without a scale', async () => {
    const { result, left } = await focused(bench({ defocusPixels: 8, focuserDrive: 'relative' }));
    expect(result.reason).toBeNull();
    expect(left).toBeLessThan(0.4);
    expect(Math.abs(result.position! + 8 * stepsPerPixel)).toBeLessThan(closeSteps);
  });

  it('although a cloud passes in the middle', async () => {
    const night = bench({ defocusPixels: 5 });
    const covers: number[] = [];
    const onProgress = ({ phase, n, sweep }: FocusProgress) => {
      if (phase !== 'moving' || sweep !== 1) return;
      covers.push(n >= 4 && n <= 6 ? 1 : 0);
      void night.camera.set('cloudCover', covers.at(-1)!);
    };
    const { result, left } = await focused(night, { onProgress, cloudLooks: 1 });
    expect(covers.filter((cover) => cover === 1)).toHaveLength(3);
    expect(result.reason).toBeNull();
    expect(left).toBeLessThan(0.5);
  });

  it('again after the night has become 5 degrees colder', async () => {
    const night = bench({ temperatureCelsius: 5, focusDriftStepsPerCelsius: 60 });
    const before = await focused(night);
    await night.camera.set('temperatureCelsius', 0);
    expect(await night.camera.get('defocusPixels')).toBeGreaterThan(5);
    const after = await focused(night);
    expect(after.result).toMatchObject({ outcome: 'focused', temperatureCelsius: 0 });
    expect(after.left).toBeLessThan(0.4);
    expect((after.result.position! - before.result.position!) / -5).toBeCloseTo(60, -1);
  });

  it('or goes back under a closed sky', async () => {
    const { result } = await focused(bench({ cloudCover: 1, zenithMagnitude: 17 }));
    expect(result).toMatchObject({ outcome: 'failed', returned: true, position: 25_000 });
    expect(result.reason!.code).toBe('no-stars');
  });
});
