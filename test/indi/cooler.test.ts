/** Our cooler on the simulated camera: the ramp's pace and its whole degrees, what can't be reached, warming up, aborts. */
import { afterEach, describe, expect, it } from 'vitest';
import { IndiCooler, type RampOptions, type RampProgress } from '../../lib/indi/devices/cooler.ts';
import { names, type SimulatedWorld, simulatedWorld } from './simulator-world.ts';

let world: SimulatedWorld;
let cooler: IndiCooler;
afterEach(() => world?.end());
const begin = async (rate = 100) => {
  world = await simulatedWorld(['camera'], {}, rate);
  cooler = await new IndiCooler(world.client, names.camera).ready();
};
const ramp = (more: Partial<RampOptions> = {}): RampOptions => ({
  ...{ rampCelsiusPerMinute: 6, toleranceCelsius: 0.5, holdSeconds: 5, patienceSeconds: 600 },
  ...more,
});

describe('a cooler', () => {
  it('goes down in whole degrees, not faster than the ramp, and stays on', async () => {
    await begin();
    const setpoints = new Set<number>();
    const onProgress = ({ setpointCelsius }: RampProgress) => void setpoints.add(setpointCelsius);
    const from = cooler.reading().temperatureCelsius!;
    const result = await cooler.coolTo(from - 6.5, ramp({ onProgress }));
    expect(result).toMatchObject({ outcome: 'reached', reason: '', on: true });
    expect(Math.abs(result.temperatureCelsius! - (from - 6.5))).toBeLessThanOrEqual(0.5);
    const whole = [1, 2, 3, 4, 5, 6].map((steps) => Math.ceil(from) - steps);
    expect([...setpoints]).toEqual([...whole, from - 6.5]);
    // The last set point comes after six waits of ten seconds, and then it is held for five; late is fine, early is not.
    expect(result.seconds).toBeGreaterThan(64.9);
  }, 30_000);

  it('goes straight there without a ramp', async () => {
    await begin();
    const setpoints = new Set<number>();
    const onProgress = ({ setpointCelsius }: RampProgress) => void setpoints.add(setpointCelsius);
    const result = await cooler.coolTo(-5, ramp({ rampCelsiusPerMinute: null, onProgress }));
    expect(result.outcome).toBe('reached');
    expect([...setpoints]).toEqual([-5]);
  }, 30_000);

  it('says what it is when patience is at its end, and cools on', async () => {
    await begin();
    const result = await cooler.coolTo(-49, ramp({ rampCelsiusPerMinute: null, patienceSeconds: 90 }));
    expect(result).toMatchObject({ outcome: 'degraded', on: true });
    expect(result.reason).toContain('instead of -49 °C');
  }, 30_000);

  it('warms up slowly and is then off; one that is off is not switched on', async () => {
    await begin();
    await cooler.coolTo(-4, ramp({ rampCelsiusPerMinute: null }));
    const phases = new Set<string>();
    const result = await cooler.warmUp(2, ramp({ onProgress: ({ phase }) => void phases.add(phase) }));
    expect(result).toMatchObject({ outcome: 'reached', on: false });
    expect(phases).toContain('warming');
    // Six degrees at six a minute.
    expect(result.seconds).toBeGreaterThan(50);
    expect(await cooler.warmUp(2, ramp())).toMatchObject({ outcome: 'reached', on: false, seconds: 0 });
  }, 30_000);

  it('takes a cooler without power for the temperature of the air', async () => {
    await begin();
    await cooler.coolTo(0, ramp({ rampCelsiusPerMinute: null }));
    const result = await cooler.warmUp(40, ramp({ rampCelsiusPerMinute: 60 }));
    expect(result).toMatchObject({ outcome: 'reached', on: false });
    expect(result.temperatureCelsius!).toBeLessThan(30);
  }, 30_000);

  it('leaves the set point where it was when it is stopped', async () => {
    await begin(20);
    const stop = new AbortController();
    const steps: number[] = [];
    const onProgress = ({ setpointCelsius }: RampProgress) => void steps.push(setpointCelsius);
    const run = cooler.coolTo(-20, ramp({ onProgress, signal: stop.signal }));
    await expect.poll(() => new Set(steps).size, { timeout: 20_000 }).toBeGreaterThan(1);
    stop.abort();
    await expect(run).rejects.toMatchObject({ code: 'aborted' });
    expect(cooler.reading().on).toBe(true);
    expect(steps.at(-1)).toBeGreaterThan(-20);
  }, 30_000);

  it('refuses temperatures that the camera does not take, and no numbers', async () => {
    await begin();
    for (const celsius of [-80, Number.NaN])
      await expect(cooler.coolTo(celsius, ramp())).rejects.toMatchObject({ code: 'bad-input' });
    expect(cooler.reading().on).toBe(false);
  });

  it('is lost with its camera', async () => {
    await begin(20);
    const run = cooler.coolTo(-20, ramp());
    const told = expect(run).rejects.toMatchObject({ code: 'lost' });
    await expect.poll(() => cooler.reading().on, { timeout: 20_000 }).toBe(true);
    world.simulator.crash(names.camera);
    await told;
  }, 30_000);
});
