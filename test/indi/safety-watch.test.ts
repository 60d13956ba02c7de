/** Safe or not, over the simulated weather station and dome, an hour in a minute. */
import { afterEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { requireOk } from '../../lib/indi/command.ts';
import { IndiObservatory } from '../../lib/indi/observatory.ts';
import { SafetyWatch, type Verdict } from '../../lib/indi/safety-watch.ts';
import { IndiSimulator } from '../../lib/indi/simulator/simulator.ts';
import { midnight, names, site } from './simulator-world.ts';

const weather = {
  device: names.weather,
  property: 'WEATHER_STATUS',
  element: '',
  test: 'ok',
  low: null,
  high: null,
} as const;
const shutter = {
  device: names.dome,
  property: 'DOME_SHUTTER',
  element: 'SHUTTER_OPEN',
  test: 'on',
  low: null,
  high: null,
} as const;
const patient = { timeout: 30_000, interval: 20 };

let ends: (() => Promise<void> | void)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

/** A minute of the clock lasts a second. */
async function world(options: Partial<ConstructorParameters<typeof SafetyWatch>[2]> = {}) {
  const clock = new RehearsalClock(midnight, 60);
  const simulator = new IndiSimulator({ devices: ['weather', 'dome'] }, { clock, site });
  const port = await simulator.listen(0);
  const server = { kind: 'connect', host: '127.0.0.1', port } as const;
  const observatory = new IndiObservatory({ server, clock, site: null });
  const watch = new SafetyWatch(observatory, clock, {
    ...{ rules: [weather], goodSeconds: 120, staleSeconds: null, busyIsSafe: false, askSeconds: 0.2, answerSeconds: 1 },
    ...options,
  });
  const verdicts: Verdict[] = [];
  watch.on('changed', (verdict) => verdicts.push(verdict));
  ends.push(
    () => simulator.close(),
    () => observatory.stop(),
    () => watch.stop(),
  );
  watch.start();
  const set = async (property: string, values: Record<string, number | boolean>, device: string = names.weather) => {
    requireOk(await (await observatory.device(device)).command({ device, property, values }));
  };
  const refresh = () => set('WEATHER_REFRESH', { REFRESH: true });
  const wind = async (Wind: number) => {
    await set('WEATHER_CONTROL', { Wind });
    await refresh();
  };
  const safe = () => watch.verdict().safe;
  const kinds = () => watch.verdict().troubles.map(({ kind }) => kind);
  return { simulator, observatory, watch, verdicts, set, wind, safe, kinds };
}

describe('safe', () => {
  it('only after it was good for long enough, unsafe at once, and the time begins anew', async () => {
    const { observatory, watch, verdicts, wind, safe, kinds } = await world();
    expect([safe(), watch.verdict().reasons]).toEqual([false, ['The INDI server is not connected.']]);
    await observatory.device(names.weather);
    await expect.poll(safe, patient).toBe(true);
    const [good] = verdicts.filter((each) => each.safe);
    const waiting = verdicts.find(({ reasons }) => reasons[0]?.startsWith('All is good'))!;
    expect(Date.parse(good!.since) - midnight).toBeGreaterThanOrEqual(120_000);
    expect(waiting.safe).toBe(false);
    await wind(30);
    await expect.poll(kinds, patient).toEqual(['alert']);
    expect([safe(), watch.verdict().reasons[0]]).toEqual([false, expect.stringContaining('is at Alert: ')]);
    const bad = Date.parse(watch.verdict().since);
    await wind(0);
    await expect.poll(safe, patient).toBe(true);
    expect(Date.parse(watch.verdict().since) - bad).toBeGreaterThanOrEqual(120_000);
  }, 90_000);

  it('counts a warning as it is told to', async () => {
    const strict = await world({ goodSeconds: 0 });
    await strict.wind(18);
    await expect.poll(strict.kinds, patient).toEqual(['warning']);
    const lenient = await world({ goodSeconds: 0, busyIsSafe: true });
    await lenient.wind(18);
    await expect.poll(lenient.safe, patient).toBe(true);
  }, 60_000);
});

describe('unsafe', () => {
  it('when the weather is not looked at any more, though its last word was good', async () => {
    const { set, safe, kinds } = await world({ goodSeconds: 0 });
    await set('WEATHER_UPDATE', { PERIOD: 20 });
    await expect.poll(safe, patient).toBe(true);
    await set('WEATHER_UPDATE', { PERIOD: 0 });
    await expect.poll(kinds, patient).toEqual(['stale']);
  }, 60_000);

  it('when a driver hangs, crashes, is disconnected, or the server is gone', async () => {
    const { simulator, observatory, watch, verdicts, set, safe, kinds } = await world({
      goodSeconds: 0,
      rules: [shutter],
    });
    await set('DOME_SHUTTER', { SHUTTER_OPEN: true }, names.dome);
    await expect.poll(safe, patient).toBe(true);
    simulator.hang(names.dome);
    await expect.poll(kinds, patient).toEqual(['stale']);
    expect(watch.verdict().reasons).toEqual([`The driver of ${names.dome} does not answer.`]);
    simulator.hang(names.dome, false);
    await expect.poll(safe, patient).toBe(true);
    const before = verdicts.length;
    simulator.crash(names.dome);
    await expect.poll(() => verdicts.slice(before).some((each) => !each.safe), patient).toBe(true);
    await expect.poll(safe, patient).toBe(true);
    await observatory.disconnectAll();
    await expect.poll(kinds, patient).toEqual(['disconnected']);
    await observatory.device(names.dome);
    await expect.poll(safe, patient).toBe(true);
    await observatory.stop();
    expect(watch.verdict()).toMatchObject({ safe: false, reasons: ['The INDI server is not connected.'] });
  }, 90_000);

  it('while a shutter moves, and with the longest age that the user gave', async () => {
    const { set, safe, kinds, verdicts } = await world({ goodSeconds: 0, rules: [shutter], staleSeconds: 60 });
    await set('DOME_SHUTTER', { SHUTTER_OPEN: true }, names.dome);
    expect(verdicts.flatMap(({ troubles }) => troubles.map(({ kind }) => kind))).toContain('warning');
    await expect.poll(() => verdicts.some((each) => each.safe), patient).toBe(true);
    await expect.poll(kinds, patient).toEqual(['stale']);
    expect(safe()).toBe(false);
  }, 60_000);

  it('without a rule', async () => {
    const { watch } = await world({ rules: [] });
    expect(watch.verdict()).toMatchObject({ safe: false, reasons: ['There is no rule that says what is safe.'] });
  });
});
