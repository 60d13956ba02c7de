import { afterAll, describe, expect, it } from 'vitest';
import { SimulatedCamera, type SimulatorOptions } from '../../lib/camera/simulator.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';

const evening = Date.parse('2026-03-14T22:00:00Z');
const site = { latitude: 69.65, longitude: 18.955, elevation: 10 };

function bench(options: Partial<SimulatorOptions> = {}, rate = Number.POSITIVE_INFINITY) {
  const clock = new RehearsalClock(evening, rate);
  return { clock, camera: new SimulatedCamera({ sensor: 'demo', ...options }, { clock, site }) };
}

afterAll(() => closeSharedPool());

describe('the simulated focuser', () => {
  it('has a scale, begins in focus, and unfocuses the camera as it moves', async () => {
    const { camera } = bench();
    const focuser = (await camera.focuser())!;
    expect(focuser.info).toEqual({
      name: 'Simulated focuser',
      drive: 'absolute',
      minimum: 0,
      maximum: 50_000,
      smallestMove: null,
      largestMove: null,
    });
    expect(await focuser.position()).toBe(25_000);
    expect(await camera.get('defocusPixels')).toBe(0);
    await focuser.moveTo(26_000);
    expect(await focuser.position()).toBe(26_000);
    expect(await camera.get('defocusPixels')).toBe(20);
    await focuser.moveBy(-1500);
    expect(await camera.get('defocusPixels')).toBe(10);
  });

  it('puts the focus as far away as the setting says', async () => {
    const { camera } = bench({ defocusPixels: 24, focusStepsPerPixel: 100 });
    const focuser = (await camera.focuser())!;
    expect(await camera.get('defocusPixels')).toBe(24);
    await focuser.moveTo(22_600);
    expect(await camera.get('defocusPixels')).toBe(0);
    expect(await camera.set('defocusPixels', 3)).toBe(3);
    expect(focuser.bestPosition).toBe(22_300);
  });

  it('shows in the frames: the same star is wider and fainter at its peak', async () => {
    const { camera } = bench({ lens: 'rectilinear', fieldOfViewDegrees: 12, meteorsPerHour: 0, landscape: false });
    const peak = async () => {
      const frame = await camera.expose({ exposureSeconds: 1 });
      let highest = 0;
      for (const pixel of frame.pixels) if (pixel > highest) highest = pixel;
      return highest - frame.blackLevel;
    };
    const focused = await peak();
    await (await camera.focuser())!.moveBy(600);
    expect(await peak()).toBeLessThan(focused / 2);
  });

  it('takes its time', async () => {
    const { camera, clock } = bench({ focuserStepsPerSecond: 500 });
    await (await camera.focuser())!.moveBy(-2000);
    expect(clock.now() - evening).toBe(4000);
  });

  it('has play: after a turn the lens follows only when the gears have gripped', async () => {
    const { camera } = bench({ focusBacklashSteps: 200 });
    const focuser = (await camera.focuser())!;
    await focuser.moveTo(25_500);
    expect(await camera.get('defocusPixels')).toBe(6); // 300 of 500 steps
    await focuser.moveTo(25_400);
    expect(await camera.get('defocusPixels')).toBe(6);
    await focuser.moveTo(25_200);
    expect(await camera.get('defocusPixels')).toBe(4);
  });

  it('drifts with the temperature', async () => {
    const { camera } = bench({ temperatureCelsius: 5, focusDriftStepsPerCelsius: -40 });
    const focuser = (await camera.focuser())!;
    expect(await focuser.temperatureCelsius()).toBe(5);
    await camera.set('temperatureCelsius', 0);
    expect(focuser.bestPosition).toBe(25_200);
    expect(await camera.get('defocusPixels')).toBe(4);
  });

  it('as a relative drive tells no position and stops at its end without a word', async () => {
    const { camera } = bench({ focuserDrive: 'relative' });
    const focuser = (await camera.focuser())!;
    expect(focuser.info).toMatchObject({ drive: 'relative', minimum: null, maximum: null, largestMove: 2000 });
    expect(await focuser.position()).toBeNull();
    await expect(focuser.moveTo(100)).rejects.toMatchObject({ code: 'unsupported' });
    await expect(focuser.moveBy(2001)).rejects.toMatchObject({ code: 'bad-input' });
    for (let move = 0; move < 14; move++) await focuser.moveBy(2000);
    await focuser.moveBy(-1000);
    expect(await camera.get('defocusPixels')).toBe(200); // 24,000 steps from the focus are 480 px, drawn as 200
  });

  it('refuses what is out of range or comes while it moves, and can be absent', async () => {
    const { camera } = bench({}, 1);
    const focuser = (await camera.focuser())!;
    await expect(focuser.moveTo(50_001)).rejects.toMatchObject({
      code: 'bad-input',
      message: "The focuser can't go to 50001.",
      remedy: 'Its range is 0 to 50000.',
    });
    const stop = new AbortController();
    const first = focuser.moveTo(40_000, stop.signal);
    await expect(focuser.moveBy(1)).rejects.toMatchObject({ code: 'busy' });
    stop.abort();
    await expect(first).rejects.toMatchObject({ code: 'aborted' });
    await camera.set('focuserDrive', 'none');
    expect(await camera.focuser()).toBeNull();
  });

  it('stops on its way, and where it stands is known', async () => {
    const { camera, clock } = bench({ focuserStepsPerSecond: 1000 }, 10);
    const focuser = (await camera.focuser())!;
    const stop = new AbortController();
    const moving = focuser.moveTo(45_000, stop.signal);
    await clock.sleep(5_000);
    stop.abort();
    await expect(moving).rejects.toMatchObject({ code: 'aborted' });
    const position = (await focuser.position())!;
    expect(position).toBeGreaterThan(25_000);
    expect(position).toBeLessThan(45_000);
    expect(await focuser.position()).toBe(position);
  });

  it('goes with its camera', async () => {
    const { camera } = bench({}, 1);
    const focuser = (await camera.focuser())!;
    const moving = focuser.moveTo(45_000);
    await camera.close();
    await expect(moving).rejects.toMatchObject({ code: 'aborted' });
    await expect(focuser.position()).rejects.toMatchObject({ code: 'lost' });
  });
});
