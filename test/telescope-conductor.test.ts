/** What stands between the buttons of the page Telescope, four devices and one camera for two jobs. */
import { describe, expect, it } from 'vitest';
import { conduct } from '../scripts/flows/indi-devices-conductor.js';

// biome-ignore lint/suspicious/noExplicitAny: orders and the page's state are plain JSON
type Plain = any;

/** The function node: its context outlives messages. */
function conductor() {
  const memory: Record<string, unknown> = {};
  const context = {
    get: (name: string) => memory[name],
    set: (name: string, value: unknown) => (memory[name] = value),
  };
  // As the flow has it: from its text, so that nothing outside of the function can be used.
  const run = new Function('msg', 'context', `${conduct}\nreturn conduct(msg, context);`);
  const tell = (topic: string, msg: Record<string, unknown> = {}) => {
    const [mount, focuser, filter, cooler, camera, page, settings] = run({ topic, ...msg }, context) as Plain[];
    return { mount, focuser, filter, cooler, camera, settings, page: structuredClone(page.payload) as Plain };
  };
  const press = (device: string, command: string, more = {}) =>
    tell('press', { payload: { device, command, ...more } });
  return { tell, press };
}
const m31 = { name: 'M 31', raDegrees: 10.68, decDegrees: 41.27 };

describe('the mount', () => {
  it('gets a target of the list by its name, and anything else as coordinates', () => {
    const { tell, press } = conductor();
    tell('targets', { payload: [m31] });
    expect(press('mount', 'slew', { place: ' m31 ' }).mount).toEqual({ command: 'slew', target: m31 });
    expect(press('mount', 'sync', { place: '5h -5d' }).mount).toMatchObject({ command: 'sync', coordinates: '5h -5d' });
    expect(press('mount', 'park', { place: 'm31' }).mount).toEqual({ command: 'park' });
  });

  it('is sent nowhere by a word that is neither a name of the list nor coordinates', () => {
    const { tell, press } = conductor();
    tell('targets', { payload: [m31] });
    for (const place of ['Sirius', 'M 99', 'NGC7000']) {
      const { mount, page } = press('mount', 'slew', { place });
      expect(mount).toBeNull();
      expect(page.text).toBe(
        `"${place}" is not among your targets, and is no right ascension and declination. These are: M 31.`,
      );
      expect(page.doing.mount).toBeUndefined();
    }
    expect(press('mount', 'slew', { place: 'J0042+4116' }).page.text).toBe('');
  });

  it('shows what it does, and is free again when a command ends in any way', () => {
    const { tell, press } = conductor();
    for (const event of ['done', 'failed', 'aborted']) {
      expect(press('mount', 'slew', { place: '5h -5d' }).page.doing.mount).toBe('slew');
      tell('mount', { event: 'progress', payload: { command: 'slew', moving: true } });
      const payload = { command: 'slew', target: 'x', message: 'It is low.' };
      expect(tell('mount', { event, payload }).page.doing.mount).toBeNull();
    }
    expect(tell('mount', { event: 'failed', payload: { command: 'slew', message: 'It is low.' } }).page.text).toBe(
      'It is low.',
    );
    expect(tell('mount', { event: 'lost', payload: { message: 'gone' } }).page.mount).toEqual({ lost: 'gone' });
  });

  it('is stopped whatever it does, and its end is the end of the slew, not of the abort', () => {
    const { tell, press } = conductor();
    press('mount', 'slew', { place: '5h -5d' });
    expect(press('mount', 'abort').mount).toEqual({ command: 'abort' });
    expect(tell('mount', { event: 'done', payload: { command: 'abort' } }).page.doing.mount).toBe('slew');
    expect(tell('mount', { event: 'aborted', payload: { command: 'slew' } }).page).toMatchObject({
      ...{ doing: { mount: null }, text: 'Stopped.' },
    });
  });
});

describe('the camera', () => {
  it('goes from the live picture to the centring and back', () => {
    const { tell, press } = conductor();
    expect(press('camera', 'start', { exposureSeconds: 3 }).camera).toEqual({ command: 'start', exposureSeconds: 3 });
    const asked = press('mount', 'centre', { place: '5h 5d' });
    expect([asked.mount, asked.camera, asked.page.live]).toEqual([null, { command: 'abort' }, 'pausing']);
    const begun = tell('free');
    expect(begun.mount).toMatchObject({ command: 'centre', coordinates: '5h 5d' });
    expect(begun.page.live).toBe('paused');
    const over = tell('mount', { event: 'done', payload: { command: 'centre', reason: 'Centred to 3.0".' } });
    expect(over.camera).toEqual({ command: 'start', exposureSeconds: 3 });
    expect(over.page).toMatchObject({ live: 'on', text: 'Centred to 3.0".' });
  });

  it('is given back also when the centring fails, and stays off when nobody wanted it', () => {
    const { tell, press } = conductor();
    expect(press('mount', 'centre', { place: '5h 5d' }).mount).toMatchObject({ command: 'centre' });
    expect(tell('mount', { event: 'failed', payload: { command: 'centre', message: 'no' } }).camera).toBeNull();
    press('camera', 'start');
    press('mount', 'centre', { place: '5h 5d' });
    tell('free');
    expect(tell('mount', { event: 'aborted', payload: { command: 'centre' } }).camera).toEqual({ command: 'start' });
  });

  it('does not begin a centring that was aborted while the live picture ended', () => {
    const { tell, press } = conductor();
    press('camera', 'start');
    press('mount', 'centre', { place: '5h 5d' });
    const aborted = press('mount', 'abort');
    expect([aborted.mount, aborted.page.doing.mount]).toEqual([{ command: 'abort' }, null]);
    const free = tell('free');
    expect([free.mount, free.page.live]).toEqual([null, 'off']);
  });

  it('is stopped also when it was still opened at the first try', () => {
    const { tell, press } = conductor();
    press('camera', 'start');
    press('camera', 'stop');
    const started = tell('camera', { event: 'started', payload: { goesOn: false } });
    expect([started.camera, started.page.live]).toEqual([{ command: 'abort' }, 'stopping']);
    press('camera', 'start');
    expect(tell('free').page.live).toBe('off');
    press('camera', 'start');
    expect(tell('camera', { event: 'started', payload: { goesOn: false } }).camera).toBeNull();
  });

  it('is free when it fails, and a centring that waits for it begins', () => {
    const { tell, press } = conductor();
    const failed = { error: { message: 'gone', source: { type: 'astro-capture' } } };
    press('camera', 'start');
    expect(tell('error', { error: { source: { type: 'astro-mount' } } }).page.live).toBe('on');
    expect(tell('error', failed).page.live).toBe('off');
    press('camera', 'start');
    press('mount', 'centre', { place: '5h 5d' });
    expect(tell('error', failed).mount).toMatchObject({ command: 'centre' });
  });

  it('stops when it is told to, and when it goes on by itself after a restart', () => {
    const { tell, press } = conductor();
    press('camera', 'start');
    expect(press('camera', 'stop').camera).toEqual({ command: 'abort' });
    expect(tell('free').page.live).toBe('off');
    expect(tell('camera', { event: 'started', payload: { goesOn: true } }).camera).toEqual({ command: 'abort' });
  });
});

describe('the weather', () => {
  const safe = { safe: { safe: true, reasons: [] } };
  const unsafe = { safe: { safe: false, reasons: ['It rains.'] } };

  it('parks the telescope when it turns bad, stopping what runs', () => {
    const { tell, press } = conductor();
    tell('mount', { event: 'status', payload: { parked: false } });
    expect(tell('weather', unsafe).mount).toBeNull();
    expect(tell('weather', safe).page.weather).toMatchObject({ safe: true, reason: '' });
    expect(tell('weather', unsafe).mount).toEqual({ command: 'park' });
    tell('mount', { event: 'done', payload: { command: 'park', parked: false } });
    tell('weather', safe);
    press('mount', 'slew', { place: '5h -5d' });
    const { mount, page } = tell('weather', unsafe);
    expect(mount).toEqual([{ command: 'abort' }, { command: 'park' }]);
    expect(page.text).toBe('The telescope is parked: It rains.');
  });

  it('leaves a parked telescope alone, and says why an order was kept back', () => {
    const { tell, press } = conductor();
    tell('mount', { event: 'status', payload: { parked: true } });
    tell('weather', safe);
    expect(tell('weather', unsafe).mount).toBeNull();
    press('mount', 'unpark');
    const kept = tell('weather', { ...unsafe, command: 'unpark', event: 'unsafe' });
    expect([kept.page.text, kept.page.doing.mount]).toEqual(['Not safe: It rains.', null]);
    expect(tell('air', { payload: { WEATHER_TEMPERATURE: 4 } }).page.weather.air).toEqual({ WEATHER_TEMPERATURE: 4 });
  });
});

it('brings each device its figures, and keeps what it tells', () => {
  const { tell, press } = conductor();
  expect(press('focuser', 'move-by', { steps: -100 }).focuser).toEqual({ command: 'move-by', steps: -100 });
  expect(press('filter', 'select', { filter: 'Red' }).filter).toEqual({ command: 'select', filter: 'Red' });
  expect(press('cooler', 'cool', { targetCelsius: -5 }).cooler).toEqual({ command: 'cool', targetCelsius: -5 });
  const focuser = { position: 4900, moving: false };
  expect(tell('focuser', { event: 'done', payload: 4900, focuser }).page).toMatchObject({
    ...{ focuser, doing: { focuser: null, filter: 'select', cooler: 'cool' } },
  });
  tell('filter', { event: 'done', payload: 'Red', filter: 'Red', filters: ['Red', 'Blue'] });
  tell('cooler', { event: 'progress', payload: { phase: 'cooling', setpointCelsius: 2 } });
  const { page } = tell('begin');
  expect(page.filter.filters).toEqual(['Red', 'Blue']);
  expect(page.cooler.phase).toBe('cooling');
  expect(page.doing).toEqual({});
});

describe('the settings of the camera', () => {
  const offered = [
    { name: 'gain', minimum: 0, maximum: 300, value: 0 },
    { name: 'offset', value: 10 },
  ];

  it('are asked for once the camera is open, and shown with its profiles', () => {
    const { tell } = conductor();
    expect(tell('camera', { event: 'started', payload: {} }).settings).toEqual({ command: 'list' });
    const { page } = tell('settings', { event: 'done', command: 'list', payload: offered, profiles: ['faint'] });
    expect(page.settings).toEqual({ offered, profiles: ['faint'], profile: null, values: { gain: 0, offset: 10 } });
    expect(tell('camera', { event: 'started', payload: {} }).settings).toBeNull();
  });

  it('show the profile that is in force, until one of them is set by itself', () => {
    const { tell, press } = conductor();
    tell('settings', { payload: offered, profiles: ['faint'] });
    const pressed = press('settings', 'profile', { profile: 'faint' });
    expect(pressed.settings).toEqual({ command: 'profile', profile: 'faint' });
    expect(pressed.page.doing.settings).toBe('profile');
    const { page } = tell('settings', { command: 'profile', profile: 'faint', payload: { gain: 120 } });
    expect(page.settings).toMatchObject({ profile: 'faint', values: { gain: 120, offset: 10 } });
    expect(page.doing.settings).toBeNull();
    expect(press('settings', 'set', { settings: { gain: 5 } }).settings).toEqual({
      command: 'set',
      settings: { gain: 5 },
    });
    const after = tell('settings', { command: 'set', payload: { gain: 5 } }).page.settings;
    expect(after).toMatchObject({ profile: null, profiles: ['faint'], values: { gain: 5, offset: 10 } });
  });

  it('can be set again after a refusal', () => {
    const { tell, press } = conductor();
    press('settings', 'set', { settings: { gain: 900 } });
    const { page } = tell('error', { error: { message: 'no', source: { type: 'astro-camera-settings' } } });
    expect(page.doing.settings).toBeNull();
  });
});
