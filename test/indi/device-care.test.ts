/** Settings of a device whose driver takes its time: against a server that says what the test lets it say. */
import { type AddressInfo, createServer, type Server, type Socket } from 'node:net';
import { afterEach, describe, expect, it } from 'vitest';
import { type Clock, realClock } from '../../lib/clock/clock.ts';
import { IndiClient } from '../../lib/indi/client.ts';
import { connectDevice, type SavedSetting } from '../../lib/indi/device-care.ts';
import { number, setNumber, switches } from './scripted-link.ts';

const connection = (on: boolean) =>
  switches('CONNECTION', 'OneOfMany', { CONNECT: on ? 'On' : 'Off', DISCONNECT: on ? 'Off' : 'On' });
const connected =
  '<setSwitchVector device="D" name="CONNECTION" state="Ok"><oneSwitch name="CONNECT">On</oneSwitch><oneSwitch name="DISCONNECT">Off</oneSwitch></setSwitchVector>';
const settings: readonly SavedSetting[] = [
  { property: 'GAIN', values: { VALUE: 5 } },
  { property: 'OFFSET', values: { VALUE: 7 } },
];

let server: Server | null = null;
let client: IndiClient | null = null;
const sockets = new Set<Socket>();
afterEach(async () => {
  await client?.close();
  for (const socket of sockets) socket.destroy();
  sockets.clear();
  server?.close();
});

/** @param react Is given each piece that the client sends, and how to answer. */
async function clientOf(
  react: (text: string, say: (xml: string) => void) => void,
  networkClock: Clock = realClock,
): Promise<IndiClient> {
  server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => {});
    socket.setEncoding('utf8').on('data', (text: string) => react(text, (xml) => socket.write(xml)));
  });
  await new Promise<void>((resolve) => server!.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  client = new IndiClient({ host: '127.0.0.1', port, clock: realClock, networkClock });
  await client.start();
  return client;
}

const answers = (text: string, say: (xml: string) => void) => {
  for (const [, name, value] of text.matchAll(/<newNumberVector device="D" name="(\w+)".*?>([\d.]+)<\/oneNumber>/gs))
    say(setNumber(name!, 'Ok', { VALUE: Number(value) }));
};

describe('the settings of a device', () => {
  it('wait for properties that are defined long after the device said that it is connected', async () => {
    const care = await clientOf((text, say) => {
      if (text.includes('<getProperties')) say(connection(false));
      if (text.includes('name="CONNECTION"') && text.includes('<newSwitch')) {
        say(connected);
        // Later than a pause that looks like the end of the definitions; the second only when the first is set.
        void realClock.sleep(1500).then(() => say(number('GAIN', { VALUE: [0, 0, 100] })));
      }
      if (text.includes('name="GAIN"'))
        void realClock.sleep(300).then(() => say(number('OFFSET', { VALUE: [0, 0, 100] })));
      answers(text, say);
    });
    expect(await connectDevice(care, { device: 'D', settings, settingSeconds: 60 })).toEqual([]);
    expect(care.store.property('D', 'OFFSET')?.elements.get('VALUE')?.value).toBe(7);
  }, 90_000);

  it('wait for them also where the device was connected before us', async () => {
    const care = await clientOf((text, say) => {
      if (text.includes('<getProperties')) {
        say(connection(true));
        void realClock.sleep(700).then(() => say(number('GAIN', { VALUE: [0] }) + number('OFFSET', { VALUE: [0] })));
      }
      answers(text, say);
    });
    expect(await connectDevice(care, { device: 'D', settings, settingSeconds: 60 })).toEqual([]);
  }, 90_000);

  it('are not forced upon a camera that exposes on after the connection was away', async () => {
    let sent = '';
    const care = await clientOf((text, say) => {
      if (text.includes('<getProperties')) {
        say(connection(true) + number('GAIN', { VALUE: [0] }) + number('OFFSET', { VALUE: [0] }));
        say(number('CCD_EXPOSURE', { VALUE: [30] }) + setNumber('CCD_EXPOSURE', 'Busy', { VALUE: 30 }));
      }
      sent += text;
      answers(text, say);
    });
    await care.waitForProperty('D', 'CCD_EXPOSURE', { timeoutSeconds: 60, ready: ({ state }) => state === 'Busy' });
    expect(await connectDevice(care, { device: 'D', settings })).toEqual([
      'D is at work: it was left with the settings that it has.',
    ]);
    expect(sent).not.toContain('<new');
  }, 90_000);

  it('that a device does not have are named, and the others set', async () => {
    const care = await clientOf((text, say) => {
      if (text.includes('<getProperties')) say(connection(true) + number('OFFSET', { VALUE: [0] }));
      answers(text, say);
    });
    const complaints = await connectDevice(care, { device: 'D', settings, settingSeconds: 0.3 });
    expect(complaints).toEqual(['The device D has no property GAIN.']);
    expect(care.store.property('D', 'OFFSET')?.elements.get('VALUE')?.value).toBe(7);
  }, 90_000);

  it('for the port are set before the device is connected, also when it is defined after CONNECTION', async () => {
    const order: string[] = [];
    let define = () => {};
    // The definitions come in the first pause that the client makes to see whether there are more.
    const pauses: Clock = {
      rate: 1,
      now: () => realClock.now(),
      hold: () => realClock.hold(),
      sleep: async (milliseconds, signal) => {
        if (milliseconds > 1000 || order.length > 0) return realClock.sleep(milliseconds, signal);
        define();
        await client!.waitForProperty('D', 'OFFSET', { timeoutSeconds: 60 });
      },
    };
    const care = await clientOf((text, say) => {
      if (text.includes('<getProperties')) say(connection(false));
      define = () => say(number('GAIN', { VALUE: [0] }) + number('OFFSET', { VALUE: [0] }));
      for (const [, name] of text.matchAll(/<new\w+ device="D" name="(\w+)"/g)) order.push(name!);
      if (text.includes('<newSwitch')) say(connected);
      answers(text, say);
    }, pauses);
    expect(await connectDevice(care, { device: 'D', settings })).toEqual([]);
    expect(order).toEqual(['GAIN', 'OFFSET', 'CONNECTION']);
  }, 90_000);
});

it('a device whose driver is started anew while it is being connected does not pass for connected', async () => {
  let restart: (() => void) | null = null;
  const pauses: Clock = {
    rate: 1,
    now: () => realClock.now(),
    hold: () => realClock.hold(),
    // In the pause after the device said that it is connected.
    sleep: async (milliseconds, signal) => {
      if (milliseconds > 1000 || !restart) return realClock.sleep(milliseconds, signal);
      restart();
      restart = null;
      await client!.waitForProperty('D', 'CONNECTION', {
        timeoutSeconds: 60,
        ready: ({ elements }) => elements.get('CONNECT')?.value === false,
      });
    },
  };
  const care = await clientOf((text, say) => {
    if (text.includes('<getProperties')) say(connection(false));
    if (!text.includes('<newSwitch')) return;
    restart = () => say(`<delProperty device="D"/>${connection(false)}`);
    say(connected);
  }, pauses);
  await expect(connectDevice(care, { device: 'D' })).rejects.toMatchObject({
    code: 'lost',
    message: expect.stringContaining('disconnected again'),
  });
}, 90_000);
