/** astro-indi-server: starts and stops an INDI server, restarts a driver, connects and disconnects its devices, and tells what happens there. */
import type { NodeAPI } from 'node-red';
import type { IndiObservatory } from '../../lib/indi/observatory.ts';
import { type ObservatoryEvent, type ObservatoryReport, sentenceOf } from '../../lib/indi/observatory-report.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { handleInput } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { type StatusState, showStatus } from '../status.ts';
import { type AstroMessage, indiOf, type Node } from '../types.ts';

export const serverInputs = {
  command: {
    type: 'choice',
    label: 'command',
    choices: [
      'start',
      'stop',
      'connect-all',
      'disconnect-all',
      'start-driver',
      'stop-driver',
      'restart-driver',
      'state',
    ],
    default: 'start',
  },
  driver: { type: 'text', label: 'driver', default: '' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-indi-server', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const indi = indiOf(RED, config.indi);
    const withLog = config.log !== false;
    const show = (report: ObservatoryReport) => showStatus(this, ...lineOf(RED, report));
    let told = '';
    const off = indi?.observatory?.on('event', (event) => {
      if (event.what === 'state') {
        show(event.report);
        // A report comes at each change of a device, too.
        const state = `${event.report.state} ${event.report.reason}`;
        if (state === told) return;
        told = state;
      }
      if (event.what !== 'log' || withLog) this.send([null, messageOf(event, indi.observatory!.report())] as never);
    });
    if (indi?.observatory) show(indi.observatory.report());
    else if (indi?.problem) showStatus(this, 'failed', indi.problem.message);
    else showStatus(this, 'waiting', RED._('astro-indi-server.status.unset'));

    handleInput(RED, this, {
      config,
      inputs: serverInputs,
      // A stop ends a start that waits.
      parallel: true,
      run: async ({ msg, settings, signal, send }) => {
        if (!indi)
          throw new NightflowError('bad-input', 'No INDI server is chosen.', { remedy: 'Choose one in the node.' });
        const { observatory } = indi;
        if (!observatory) throw indi.problem;
        await perform[settings.command](observatory, signal, settings.driver.trim());
        const report = observatory.report();
        show(report);
        send(Object.assign(msg, { payload: report.state, indi: report }));
      },
      close: () => off?.(),
    });
  });
}

const perform: Readonly<
  Record<
    (typeof serverInputs.command.choices)[number],
    (observatory: IndiObservatory, signal: AbortSignal, driver: string) => Promise<unknown>
  >
> = {
  start: (observatory, signal) => observatory.start(signal),
  stop: (observatory) => observatory.stop(),
  'start-driver': (observatory, _, driver) => observatory.startDriver({ executable: named(driver) }),
  'stop-driver': (observatory, _, driver) => observatory.stopDriver(named(driver)),
  'restart-driver': (observatory, _, driver) => observatory.restartDriver(named(driver)),
  'connect-all': async (observatory, signal) => complain('connected', await observatory.connectAll(signal)),
  'disconnect-all': async (observatory, signal) => complain('disconnected', await observatory.disconnectAll(signal)),
  state: async () => {},
};

/** @throws bad-input */
function named(driver: string): string {
  if (driver) return driver;
  throw new NightflowError('bad-input', 'Which driver?', { remedy: 'Give its device or its program as msg.driver.' });
}

/** @throws failed with all devices that could not be, and why */
function complain(what: string, failures: Record<string, NightflowError>): void {
  const all = Object.entries(failures);
  const [first] = all;
  if (!first) return;
  const names = all.map(([device]) => device).join(', ');
  const text = `Not ${what}: ${names}. ${all.map(([, { message }]) => message).join(' ')}`;
  throw new NightflowError('failed', text, { cause: first[1], remedy: first[1].remedy });
}

/** `msg.event` is the event's name, `msg.payload` its sentence, `msg.device` whom it is about, `msg.indi` the state of it all. */
function messageOf(event: ObservatoryEvent, report: ObservatoryReport): Partial<AstroMessage> {
  const device = 'device' in event && event.device !== null ? { device: event.device } : {};
  const state = event.what === 'log' || event.what === 'message' ? {} : { indi: report };
  return { event: event.what, ...device, payload: sentenceOf(event), ...state };
}

function lineOf(RED: NodeAPI, { state, reason, devices }: ObservatoryReport): [StatusState, string] {
  const connected = devices.filter((each) => each.connected).length;
  const look = { idle: 'idle', starting: 'working', running: 'done', waiting: 'waiting', stopped: 'idle' } as const;
  const values = { devices: devices.length, connected, reason: reason ?? '' };
  return [look[state], RED._(`astro-indi-server.status.${state}`, values)];
}
