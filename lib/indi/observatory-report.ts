/** What an observatory tells of itself: its state, its devices, and everything that happens. */
import type { NightflowError } from '../process/errors.ts';
import type { IndiDeviceInfo } from './devices/list.ts';

/** 'stopped': by `stop`, and only `start` ends that. 'waiting': the server is away and waited for. */
export type ObservatoryState = 'idle' | 'starting' | 'running' | 'waiting' | 'stopped';

export interface ObservatoryReport {
  state: ObservatoryState;
  /** Why it waits, or could not start. */
  reason: string | null;
  /** `host:port`; null when there is none to connect to yet. */
  address: string | null;
  devices: readonly (IndiDeviceInfo & { ready: boolean })[];
}

export type ObservatoryEvent =
  | { what: 'state'; report: ObservatoryReport }
  /** A line of the server's and its drivers' log, or a sentence of a device. */
  | { what: 'log'; line: string }
  | { what: 'message'; device: string | null; message: string }
  | { what: 'server-failed'; error: NightflowError; waitSeconds: number }
  | { what: 'driver-gave-up'; executable: string; waitSeconds: number }
  | { what: 'connected' }
  | { what: 'disconnected'; reason: string }
  | { what: 'device-connected'; device: string; complaints: readonly string[] }
  | { what: 'device-lost'; device: string }
  | { what: 'device-disconnected'; device: string }
  | { what: 'device-failure'; device: string; error: NightflowError };

/** An event in words; of a change of state the state, of the log its line. */
export function sentenceOf(event: ObservatoryEvent): string {
  switch (event.what) {
    case 'state':
      return event.report.state;
    case 'log':
      return event.line;
    case 'message':
      return event.message;
    case 'server-failed':
      return `${withRemedy(event.error)} It is started again in ${wait(event.waitSeconds)}.`;
    case 'driver-gave-up':
      return `The driver ${event.executable} ended again and again; it is started again in ${wait(event.waitSeconds)}.`;
    case 'connected':
      return 'The INDI server answers.';
    case 'disconnected':
      return event.reason;
    case 'device-connected':
      return [`${event.device} is connected.`, ...event.complaints].join(' ');
    case 'device-lost':
      return `The driver of ${event.device} ended; it is connected again when it is back.`;
    case 'device-disconnected':
      return `${event.device} was disconnected.`;
    case 'device-failure':
      return `${event.device}: ${withRemedy(event.error)}`;
  }
}

export const withRemedy = ({ message, remedy }: NightflowError): string => (remedy ? `${message} ${remedy}` : message);

const wait = (seconds: number): string => `${Number(seconds.toPrecision(2))} s`;
