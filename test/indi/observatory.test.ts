/** An observatory on somebody else's server: what goes wrong there, and what it keeps and forgets. */
import { afterEach, describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { IndiObservatory, type IndiObservatoryOptions } from '../../lib/indi/observatory.ts';
import { offsetHours } from '../../lib/indi/observatory-place.ts';
import type { ObservatoryEvent } from '../../lib/indi/observatory-report.ts';
import { sentenceOf } from '../../lib/indi/observatory-report.ts';
import { isOn, numberOf, textOf } from '../../lib/indi/property.ts';
import { IndiSimulator } from '../../lib/indi/simulator/simulator.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { midnight, names, site } from './simulator-world.ts';

const patient = { timeout: 30_000 };
let ends: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const end of ends.reverse()) await end();
  ends = [];
});

async function world(options: Partial<IndiObservatoryOptions> = {}) {
  const simulator = new IndiSimulator({ devices: ['mount', 'camera'] }, { clock: realClock, site });
  const port = await simulator.listen(0);
  const server = { kind: 'connect', host: '127.0.0.1', port } as const;
  const observatory = new IndiObservatory({ server, clock: realClock, site: null, ...options });
  const events: ObservatoryEvent[] = [];
  observatory.on('event', (event) => events.push(event));
  ends.push(
    () => simulator.close(),
    () => observatory.stop(),
  );
  return { simulator, observatory, events, port };
}
const told = (events: ObservatoryEvent[], what: ObservatoryEvent['what']) =>
  events.filter((each) => each.what === what).length;

describe('the connection', () => {
  it('is one for all who ask, made when the first asks', async () => {
    const { observatory } = await world();
    expect(observatory.report()).toEqual({ state: 'idle', reason: null, address: null, devices: [] });
    const clients = await Promise.all([observatory.ready(), observatory.ready(), observatory.device(names.mount)]);
    expect(new Set(clients).size).toBe(1);
    expect(observatory.report().state).toBe('running');
  }, 30_000);

  it('comes back, and with it the devices that were in use', async () => {
    const { simulator, observatory, events } = await world();
    const client = await observatory.device(names.mount);
    simulator.dropConnections();
    await expect.poll(() => told(events, 'disconnected'), patient).toBe(1);
    await expect.poll(() => told(events, 'device-connected'), patient).toBe(2);
    expect(observatory.client).toBe(client);
    expect(observatory.report()).toMatchObject({ state: 'running', reason: null });
    // Nobody asked for the camera.
    expect(isOn(client.store.property(names.camera, 'CONNECTION'), 'CONNECT')).toBe(false);
  }, 60_000);

  it('that somebody gives up goes on for the others', async () => {
    const { observatory } = await world();
    const stop = new AbortController();
    const [given, kept] = [observatory.device(names.camera, stop.signal), observatory.device(names.camera)];
    stop.abort();
    await expect(given).rejects.toMatchObject({ code: 'aborted' });
    await kept;
  }, 30_000);
});

describe('a device', () => {
  it('that is released while it is being connected stays disconnected, and whoever waits is told', async () => {
    const { observatory } = await world();
    const client = await observatory.ready();
    const waiting = observatory.device(names.camera);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    await client.waitForProperty(names.camera, 'CONNECTION', { timeoutSeconds: 10 });
    await observatory.disconnectAll();
    await refused;
    expect(isOn(client.store.property(names.camera, 'CONNECTION'), 'CONNECT')).toBe(false);
    await observatory.device(names.camera);
    expect(observatory.report().devices.find(({ name }) => name === names.camera)).toMatchObject({
      ...{ connected: true, ready: true },
    });
  }, 30_000);

  it('gets its settings, and says which it does not take', async () => {
    const settings = [
      {
        device: names.camera,
        settings: [
          { property: 'CCD_GAIN', values: { GAIN: '42' } },
          { property: 'CCD_GAIN', values: { GAIN: 1e9 } },
        ],
      },
    ];
    const { observatory, events } = await world({ settings });
    await observatory.device(names.camera).catch(() => {});
    const client = await observatory.ready();
    await expect.poll(() => numberOf(client.store.property(names.camera, 'CCD_GAIN'), 'GAIN'), patient).toBe(42);
    await expect.poll(() => events.map(sentenceOf).join('\n'), patient).toContain('CCD_GAIN.GAIN is from 0');
  }, 30_000);
});

describe('a mount', () => {
  const place = { ...site, timeZone: 'America/St_Johns' };

  it('is told nothing that the user does not want it told', async () => {
    const { observatory } = await world({ site: place, tellPlace: false, tellTime: false });
    const client = await observatory.device(names.mount);
    expect(textOf(client.store.property(names.mount, 'TIME_UTC'), 'OFFSET')).toBe('0.00');
  }, 30_000);

  it('of a real server is not told the date of a rehearsal', async () => {
    const clock = new RehearsalClock(midnight, 1);
    const { observatory } = await world({ clock, site: place, tellPlace: true, tellTime: true });
    const client = await observatory.device(names.mount);
    const time = client.store.property(names.mount, 'TIME_UTC');
    expect(textOf(time, 'UTC')!.slice(0, 10)).not.toBe('2026-11-12');
    expect(numberOf(client.store.property(names.mount, 'GEOGRAPHIC_COORD'), 'LONG')).toBeCloseTo(357.7, 6);
  }, 30_000);

  it('hears the offset of its zone, with summer time and odd minutes', () => {
    const winter = Date.parse('2026-01-15T12:00:00.250Z');
    const summer = Date.parse('2026-07-15T12:00:00.250Z');
    const at = (timeZone: string | null) => ({ longitude: 0, timeZone });
    expect(offsetHours(at('Europe/Oslo'), winter)).toBe(1);
    expect(offsetHours(at('Europe/Oslo'), summer)).toBe(2);
    expect(offsetHours(at('America/St_Johns'), winter)).toBe(-3.5);
    expect(offsetHours(at('Asia/Kathmandu'), winter)).toBe(5.75);
    expect([offsetHours(at(null), winter), offsetHours(null, winter)]).toEqual([0, 0]);
  });
});

it('a driver that talks without end is cut short, and says how much was left out', async () => {
  const { observatory, events } = await world();
  const client = await observatory.ready();
  const line = (n: number) => ({ tag: 'message', device: names.mount, timestamp: null, message: `line ${n}` }) as const;
  for (let n = 0; n < 5000; n++) client.store.take(line(n));
  expect(told(events, 'message')).toBeLessThan(500);
  await expect
    .poll(() => {
      client.store.take(line(0));
      return events.some((event) => event.what === 'log' && /^\d+ lines were too many/.test(event.line));
    }, patient)
    .toBe(true);
});

it('each event has a sentence, with the remedy where there is one', () => {
  const error = new NightflowError('lost', 'It is gone.', { remedy: 'Look for it.' });
  const sentences = [
    { what: 'server-failed', error, waitSeconds: 1.234 },
    { what: 'driver-gave-up', executable: 'indi_a', waitSeconds: 60 },
    { what: 'device-failure', device: 'D', error },
    { what: 'device-connected', device: 'D', complaints: ['No gain.'] },
    { what: 'device-lost', device: 'D' },
  ] as const;
  expect(sentences.map(sentenceOf)).toEqual([
    'It is gone. Look for it. It is started again in 1.2 s.',
    'The driver indi_a ended again and again; it is started again in 60 s.',
    'D: It is gone. Look for it.',
    'D is connected. No gain.',
    'The driver of D ended; it is connected again when it is back.',
  ]);
});
