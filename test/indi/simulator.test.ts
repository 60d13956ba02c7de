/** The simulated server as any client sees it: definitions, subscriptions, BLOB policies, echoes, validation; over raw sockets. */
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { IndiSimulator, type IndiSimulatorOptions } from '../../lib/indi/simulator/simulator.ts';
import { midnight, names, RawClient, setOf, site } from './simulator-world.ts';

let simulator: IndiSimulator;
let raw: RawClient;
const clients: RawClient[] = [];

const start = async (options: IndiSimulatorOptions = {}) => {
  simulator = new IndiSimulator(
    { devices: ['mount', 'wheel', 'camera'], camera: { width: 64, height: 48 }, ...options },
    { clock: new RehearsalClock(midnight, 50), site },
  );
  await simulator.listen(0);
  raw = another();
};
const another = () => {
  const client = new RawClient(simulator.port);
  clients.push(client);
  return client;
};
const turn = (device: string, name: string, element: string) =>
  `<newSwitchVector device="${device}" name="${name}"><oneSwitch name="${element}">On</oneSwitch></newSwitchVector>`;
const connectDevice = async (client: RawClient, device: string, last: string) => {
  client.send(turn(device, 'CONNECTION', 'CONNECT'));
  await client.message((message) => message.tag === 'def' && message.device === device && message.name === last);
};
const numbers = (device: string, name: string, values: Record<string, number | string>) => {
  const elements = Object.entries(values).map(([each, value]) => `<oneNumber name="${each}">${value}</oneNumber>`);
  return `<newNumberVector device="${device}" name="${name}">${elements.join('')}</newNumberVector>`;
};

beforeEach(() => start());
afterEach(async () => {
  for (const client of clients.splice(0)) client.close();
  await simulator.close();
});

describe('definitions', () => {
  it('come for all devices, and again for each question', async () => {
    raw.send('<getProperties version="1.7"/>');
    await raw.settled();
    const first = raw.messages.filter(({ tag }) => tag === 'def').length;
    expect(first).toBe(15);
    raw.send('<getProperties version="1.7"/>');
    await raw.settled();
    expect(raw.messages.filter(({ tag }) => tag === 'def')).toHaveLength(2 * first);
  });

  it('come for one property when it is asked for, and only its updates after that', async () => {
    raw.send(`<getProperties version="1.7" device="${names.wheel}" name="CONNECTION"/>`);
    await raw.settled();
    expect(raw.messages.filter(({ tag }) => tag === 'def')).toMatchObject([
      { device: names.wheel, name: 'CONNECTION' },
    ]);
    const other = another();
    other.send(`<getProperties version="1.7" device="${names.wheel}"/>`);
    await connectDevice(other, names.wheel, 'FILTER_NAME');
    await raw.message(setOf(names.wheel, 'CONNECTION', 'Ok'));
    await raw.settled();
    const heard = raw.messages.filter(({ tag }) => tag === 'def' || tag === 'set');
    expect(new Set(heard.map((message) => ('name' in message ? message.name : '')))).toEqual(new Set(['CONNECTION']));
  });

  it('vanish one by one when a device is disconnected', async () => {
    raw.send('<getProperties version="1.7"/>');
    await connectDevice(raw, names.wheel, 'FILTER_NAME');
    raw.send(turn(names.wheel, 'CONNECTION', 'DISCONNECT'));
    await raw.message(setOf(names.wheel, 'CONNECTION', 'Idle'));
    await raw.settled();
    const gone = raw.messages.filter(({ tag }) => tag === 'delProperty');
    expect(gone.map((message) => 'name' in message && message.name)).toEqual(['FILTER_SLOT', 'FILTER_NAME']);
  });
});

describe('other clients', () => {
  it('hear each other’s wishes, but not their own', async () => {
    raw.send('<getProperties version="1.7"/>');
    const other = another();
    other.send('<getProperties version="1.7"/>');
    await Promise.all([raw.settled(), other.settled()]);
    raw.send(turn(names.wheel, 'CONNECTION', 'CONNECT'));
    await other.message(({ tag }) => tag === 'new');
    await raw.settled();
    expect(raw.messages.some(({ tag }) => tag === 'new')).toBe(false);
  });
});

describe('BLOBs', () => {
  const expose = numbers(names.camera, 'CCD_EXPOSURE', { CCD_EXPOSURE_VALUE: 0.5 });
  const blobs = (client: RawClient) =>
    client.messages.filter((message) => message.tag === 'set' && message.type === 'blob');

  it('go to those that want them, and to nobody else', async () => {
    raw.send('<getProperties version="1.7"/>');
    await connectDevice(raw, names.camera, 'CCD1');
    const also = another();
    also.send(`<getProperties version="1.7"/><enableBLOB device="${names.camera}">Also</enableBLOB>`);
    const only = another();
    only.send(`<enableBLOB device="${names.camera}" name="CCD1">Only</enableBLOB>`);
    const never = another();
    never.send(
      `<getProperties version="1.7"/><enableBLOB device="${names.camera}">Also</enableBLOB>` +
        `<enableBLOB device="${names.camera}" name="CCD1">Never</enableBLOB>`,
    );
    await Promise.all([also, only, never].map((client) => client.settled()));
    raw.send(expose);
    await raw.message(setOf(names.camera, 'CCD_EXPOSURE', 'Ok'));
    await Promise.all([raw, also, only, never].map((client) => client.settled()));
    expect([raw, also, only, never].map((client) => blobs(client).length)).toEqual([0, 1, 1, 0]);
    // A header, 64 x 48 samples of 16 bit, both in blocks of 2880 bytes.
    expect(blobs(only)[0]).toMatchObject({ state: 'Ok', elements: [{ name: 'CCD1', value: { format: '.fits' } }] });
    expect(only.messages.filter(({ tag }) => tag !== 'pingReply')).toHaveLength(1);
  });
});

describe('wishes that can’t be', () => {
  const mistakes: [string, string][] = [
    ['an unknown property', numbers(names.mount, 'NOTHING', { A: 1 })],
    ['an unknown element', numbers(names.mount, 'GUIDE_RATE', { A: 1 })],
    ['a property that is read only', numbers(names.mount, 'TARGET_EOD_COORD', { RA: 1, DEC: 2 })],
    ['the wrong type', turn(names.mount, 'GUIDE_RATE', 'GUIDE_RATE_NS')],
    ['no number', numbers(names.mount, 'GUIDE_RATE', { GUIDE_RATE_NS: 'nan' })],
    ['half a place', numbers(names.mount, 'EQUATORIAL_EOD_COORD', { RA: 3 })],
    ['a place that is none', numbers(names.mount, 'EQUATORIAL_EOD_COORD', { RA: 3, DEC: 95 })],
    ['an unknown device', numbers('Nobody', 'GUIDE_RATE', { GUIDE_RATE_NS: 1 })],
  ];
  it.each(mistakes)('are dropped without a word: %s', async (_what, wish) => {
    raw.send('<getProperties version="1.7"/>');
    await connectDevice(raw, names.mount, 'SIM_POINTING');
    await raw.settled();
    const heard = raw.messages.length;
    raw.send(wish);
    await raw.settled();
    // A mount that stands still tells how the sky passes by.
    const answers = raw.messages
      .slice(heard)
      .filter((message) => message.tag !== 'pingReply' && !setOf(names.mount, 'EQUATORIAL_EOD_COORD', 'Idle')(message));
    expect(answers).toEqual([]);
  });

  it('are refused with the reason when that is wished for', async () => {
    await simulator.close();
    await start({ validation: 'explained' });
    raw.send('<getProperties version="1.7"/>');
    await connectDevice(raw, names.mount, 'SIM_POINTING');
    raw.send(numbers(names.mount, 'TARGET_EOD_COORD', { RA: 1, DEC: 2 }));
    expect(await raw.message(setOf(names.mount, 'TARGET_EOD_COORD', 'Alert'))).toMatchObject({
      message: 'TARGET_EOD_COORD can only be read.',
    });
  });

  it('are refused with Alert when a number is beyond its limits', async () => {
    raw.send('<getProperties version="1.7"/>');
    await connectDevice(raw, names.mount, 'SIM_POINTING');
    raw.send(numbers(names.mount, 'GEOGRAPHIC_COORD', { LAT: 95, LONG: 10, ELEV: 0 }));
    expect(await raw.message(setOf(names.mount, 'GEOGRAPHIC_COORD', 'Alert'))).toMatchObject({
      message: '[ERROR] GEOGRAPHIC_COORD.LAT is from -90 to 90, not 95.',
    });
    raw.send(numbers(names.mount, 'GEOGRAPHIC_COORD', { LAT: -33, LONG: 350, ELEV: 10 }));
    await raw.message(setOf(names.mount, 'GEOGRAPHIC_COORD', 'Ok'));
    expect(simulator.observatory.mount.site).toMatchObject({ latitude: -33, longitude: -10 });
  });

  it('are answered with Idle and a sentence when too many switches are on', async () => {
    raw.send('<getProperties version="1.7"/>');
    await connectDevice(raw, names.mount, 'SIM_POINTING');
    raw.send(
      `<newSwitchVector device="${names.mount}" name="ON_COORD_SET"><oneSwitch name="SLEW">On</oneSwitch>` +
        '<oneSwitch name="SYNC">On</oneSwitch></newSwitchVector>',
    );
    expect(await raw.message(setOf(names.mount, 'ON_COORD_SET', 'Idle'))).toMatchObject({
      message: 'Error: ON_COORD_SET: Too many switches are on.',
    });
  });

  it('don’t disturb the server: what is no XML is passed over', async () => {
    raw.send('<getProperties version="1.7"/><<<&&& </x> <newNumberVector device="a" name=');
    raw.send(`'b'><oneNumber name="c">1</oneNumber></newNumberVector>`);
    await raw.settled();
    expect(raw.closed).toBe(false);
    expect(raw.messages.filter(({ tag }) => tag === 'def')).toHaveLength(15);
  });
});

describe('drivers', () => {
  it('end when a question comes to them without a version, and start again', async () => {
    raw.send('<getProperties version="1.7"/>');
    await connectDevice(raw, names.wheel, 'FILTER_NAME');
    raw.send(`<getProperties device="${names.wheel}"/>`);
    await raw.message((message) => message.tag === 'delProperty' && message.name === null);
    const before = raw.messages.length;
    const defined = await raw.message(
      (message) => message.tag === 'def' && message.device === names.wheel && message.name === 'CONNECTION',
      before,
    );
    expect(defined).toMatchObject({ elements: [{ name: 'CONNECT', value: false }, { value: true }] });
  });

  it('that hang say nothing, while the server answers pings', async () => {
    raw.send('<getProperties version="1.7"/>');
    await raw.settled();
    simulator.hang(names.wheel);
    const heard = raw.messages.length;
    raw.send(turn(names.wheel, 'CONNECTION', 'CONNECT'));
    await raw.settled();
    expect(raw.messages.slice(heard)).toMatchObject([{ tag: 'pingReply' }]);
  });
});

describe('the port', () => {
  it('that is taken is an error with a name', async () => {
    const second = new IndiSimulator({}, { clock: new RehearsalClock(midnight, 1), site });
    await expect(second.listen(simulator.port)).rejects.toMatchObject({ code: 'busy' });
    await second.close();
  });
  it('is free again after the end, and the clients are gone', async () => {
    const { port } = simulator;
    await raw.settled();
    await simulator.close();
    await raw.until(() => raw.closed || null);
    const next = new IndiSimulator({}, { clock: new RehearsalClock(midnight, 1), site });
    expect(await next.listen(port)).toBe(port);
    await next.close();
  });
});
