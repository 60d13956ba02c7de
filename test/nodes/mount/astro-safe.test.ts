/** astro-safe on the simulated observatory: a gate, a watch, and what it does with settings that are wrong. */
import { afterEach, describe, expect, it } from 'vitest';
import astroIndi from '../../../nodes/config/astro-indi.ts';
import astroIndiProperty from '../../../nodes/mount/astro-indi-property.ts';
import astroSafe from '../../../nodes/mount/astro-safe.ts';
import { startFlow, stopFlow } from '../harness.ts';

afterEach(stopFlow);

const weather = { device: 'Weather Simulator', property: 'WEATHER_STATUS', element: '', test: 'ok' };
const shutter = { device: 'Dome Simulator', property: 'DOME_SHUTTER', element: 'SHUTTER_OPEN', test: 'on' };

const start = (settings: Record<string, unknown>) =>
  startFlow(
    [astroIndi, astroIndiProperty, astroSafe],
    [
      { id: 'indi', type: 'astro-indi', mode: 'simulator' },
      { id: 'node', type: 'astro-safe', indi: 'indi', goodMinutes: 0, ...settings, wires: [['safe'], ['unsafe']] },
      { id: 'set', type: 'astro-indi-property', indi: 'indi', command: 'set', valueType: 'msg', wires: [[], []] },
      ...['safe', 'unsafe'].map((id) => ({ id, type: 'helper', wires: [] })),
    ],
  );

describe('a gate', () => {
  it('loads with the right defaults: shut until something is known, and a message keeps its payload', async () => {
    const running = await start({ rules: [weather, shutter] });
    running.send('node', { payload: 'slew', topic: 'M 31' });
    const stopped = await running.sink('unsafe').first();
    running.send('set', { device: 'Dome Simulator', property: 'DOME_SHUTTER', payload: 'SHUTTER_OPEN' });
    expect(stopped).toMatchObject({ event: 'unsafe', payload: 'slew', topic: 'M 31', safe: { safe: false } });
    // No message of its own: only what came in goes out.
    await running.status('node', 'green', 'safe');
    expect([running.sink('safe').messages, running.sink('unsafe').messages.length]).toEqual([[], 1]);
    running.send('node', { payload: 'slew' });
    expect(await running.sink('safe').first()).toMatchObject({ payload: 'slew', safe: { safe: true, reasons: [] } });
  }, 60_000);

  it('stays shut for as long as it was good too shortly', async () => {
    const running = await start({ rules: [weather], goodMinutes: '30' });
    await running.status('node', 'yellow', 'All is good; safe once it was so for 1800 s.');
    running.send('node', { payload: 1 });
    await running.sink('unsafe').first();
  }, 60_000);
});

describe('a watch', () => {
  it('tells each change with the reason, and answers a message', async () => {
    const running = await start({ mode: 'watch', rules: [weather, shutter] });
    const shut = await running
      .sink('unsafe')
      .first(({ safe }) => (safe as { reasons: string[] }).reasons.some((reason) => reason.endsWith(' is off.')));
    expect(shut).toMatchObject({ event: 'unsafe', payload: false });
    await running.status('node', 'red', 'is off.');
    running.send('set', { device: 'Dome Simulator', property: 'DOME_SHUTTER', payload: 'SHUTTER_OPEN' });
    expect(await running.sink('safe').first()).toMatchObject({ payload: true, safe: { safe: true } });
    running.send('node', { payload: 'well?' });
    expect((await running.sink('safe').take(2))[1]).toMatchObject({ payload: true });
  }, 60_000);
});

describe('wrong settings', () => {
  it.each([
    ['no rule', { rules: [] }, 'There is no rule that says what is safe.'],
    ['a rule without an element', { rules: [{ ...shutter, element: '' }] }, 'needs an element'],
    [
      'a limit that is none',
      { rules: [{ ...shutter, test: 'range', low: 'low' }] },
      'The lowest value must be a number',
    ],
    ['no server', { indi: '', rules: [weather] }, 'No INDI server is chosen.'],
  ])('keep the gate shut and say so: %s', async (_, settings, reason) => {
    const running = await start(settings);
    await running.status('node', 'red', reason);
    running.send('node', { payload: 1 });
    expect(await running.sink('unsafe').first()).toMatchObject({ safe: { safe: false } });
  });
});
