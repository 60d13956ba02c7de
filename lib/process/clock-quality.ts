/** How good a computer's clock is: who keeps it, how far off it is at most, and what to do when nobody does. */
import { type Clock, isoTime } from '../clock/clock.ts';
import { RehearsalClock } from '../clock/rehearsal.ts';
import { runProgram } from './child.ts';
import { type DaemonReport, parseChronyTracking, parseNtpqVariables, parseTimedatectl } from './clock-quality-parse.ts';
import { asNightflowError, throwIfAborted } from './errors.ts';

export type ClockSource =
  /** A receiver on that computer, with or without its pulse per second, through chrony or ntpd. */
  | 'gps'
  | 'chrony'
  | 'ntpd'
  /** systemd-timesyncd: keeps the clock, but does not tell how well. */
  | 'timesyncd'
  /** Nobody keeps it. */
  | 'none'
  /** Nobody keeps it, but a GPS device of an INDI server told how far off it is, to a second. */
  | 'indi-gps'
  /** The clock of another computer, which does not say. */
  | 'unknown'
  | 'rehearsal';

export interface ClockQuality {
  source: ClockSource;
  /** Whose clock; null: this computer's. */
  computer: string | null;
  synchronised: boolean;
  /** The server or receiver it follows. */
  reference: string | null;
  stratum: number | null;
  /** The clock minus true time: positive is fast. null: not known. */
  offsetSeconds: number | null;
  /** True time is within this of what the clock shows. null: not known. */
  uncertaintySeconds: number | null;
  /** When it was looked at, ISO 8601 UTC by that clock. */
  at: string;
  warning: { message: string; remedy: string } | null;
}

export interface ClockQualityOptions {
  clock: Clock;
  /** Another computer, whose chrony allows to be asked (`cmdallow`). */
  host?: string | null;
  /** An uncertainty above this is a warning, s. */
  limitSeconds?: number;
  signal?: AbortSignal;
  /** For tests: a chronyd on another port, other programs. */
  chronyPort?: number;
  run?: RunText;
}

/** Runs a program and returns what it printed. @throws missing, failed, timeout, aborted */
export type RunText = (program: string, parameters: readonly string[], signal?: AbortSignal) => Promise<string>;

/** Daemons answer at once; a computer that is away answers never. */
const answerSeconds = 4;

const runText: RunText = async (program, parameters, signal) =>
  (await runProgram(program, parameters, { silenceSeconds: answerSeconds, timeoutSeconds: answerSeconds, signal }))
    .stdout;

const install =
  'Install chrony: sudo apt install chrony && sudo systemctl enable --now chrony. Then chronyc tracking shows how good the clock is.';
const start = 'Start it: sudo systemctl enable --now chrony.';
const look = 'Is there a network, or a view of the sky for the receiver? chronyc sources -v shows what it tries.';
const better = 'For timing install chrony instead: sudo apt install chrony.';

/** Never throws but aborted: a clock that nobody can vouch for is a result, too. */
export async function clockQuality(options: ClockQualityOptions): Promise<ClockQuality> {
  const { clock, host = null, limitSeconds = Infinity, signal } = options;
  throwIfAborted(signal);
  if (clock instanceof RehearsalClock) return qualityOf('rehearsal', rehearsal, options);
  const asked = host === null ? await askThis(options) : await askOther(host, options);
  throwIfAborted(signal);
  const { uncertaintySeconds } = asked;
  if (asked.warning || uncertaintySeconds === null || uncertaintySeconds <= limitSeconds) return asked;
  return {
    ...asked,
    warning: {
      message: `The clock may be off by ${milliseconds(uncertaintySeconds)}, more than the ${milliseconds(limitSeconds)} wished for.`,
      remedy: asked.source === 'timesyncd' ? better : 'Give it some minutes, a nearer time server, or a GPS receiver.',
    },
  };
}

/** A clock that nobody keeps, with what another device says of it. The warning stays: it can be a second off. */
export function witnessed(
  quality: ClockQuality,
  witness: { device: string; offsetSeconds: number; uncertaintySeconds: number } | null,
): ClockQuality {
  if (!witness || quality.source !== 'none' || !quality.warning) return quality;
  const { device, offsetSeconds, uncertaintySeconds } = witness;
  const { message, remedy } = quality.warning;
  const off = Math.abs(offsetSeconds) > uncertaintySeconds ? 'it is off by' : 'it agrees within';
  const figure = Math.max(Math.abs(offsetSeconds), uncertaintySeconds);
  return {
    ...quality,
    source: 'indi-gps',
    reference: device,
    offsetSeconds,
    uncertaintySeconds: Math.abs(offsetSeconds) + uncertaintySeconds,
    warning: { message: `${message} By ${device} ${off} ${milliseconds(figure)}.`, remedy },
  };
}

/** ± 2.1 ms, ± 5 µs: for a status line. */
export function milliseconds(seconds: number): string {
  const size = Math.abs(seconds);
  if (size < 1e-4) return `${Math.max(1, Math.round(size * 1e6))} µs`;
  return size < 1 ? `${Number((size * 1000).toPrecision(2))} ms` : `${Number(size.toPrecision(2))} s`;
}

const rehearsal: DaemonReport = {
  synchronised: true,
  reference: null,
  stratum: null,
  receiver: false,
  ownClock: false,
  offsetSeconds: 0,
  uncertaintySeconds: 0,
};

async function askThis(options: ClockQualityOptions): Promise<ClockQuality> {
  const { run = runText, chronyPort, signal } = options;
  const port = chronyPort === undefined ? [] : ['-h', '127.0.0.1', '-p', `${chronyPort}`];
  const chrony = await answerOf(run('chronyc', ['-c', ...port, 'tracking'], signal), parseChronyTracking);
  if (chrony.report) return ofDaemon('chrony', chrony.report, options);
  const ntpd = await answerOf(run('ntpq', ['-c', 'rv'], signal), parseNtpqVariables);
  if (ntpd.report) return ofDaemon('ntpd', ntpd.report, options);
  const timesync = await run('timedatectl', ['show-timesync', '--all'], signal).catch(() => '');
  const systemd = await answerOf(run('timedatectl', ['show'], signal), (text) => parseTimedatectl(text, timesync));
  if (systemd.report) return ofDaemon('timesyncd', systemd.report, options);
  return nobody('Nobody keeps the clock of this computer.', chrony.installed ? start : install, options);
}

/** chrony alone answers over the network, where it is told to. */
async function askOther(host: string, options: ClockQualityOptions): Promise<ClockQuality> {
  const { run = runText, chronyPort = 323, signal } = options;
  const parameters = ['-c', '-h', host, '-p', `${chronyPort}`, 'tracking'];
  const { report } = await answerOf(run('chronyc', parameters, signal), parseChronyTracking);
  if (report) return ofDaemon('chrony', report, options);
  return qualityOf('unknown', null, options, {
    message: `How good the clock of ${host} is, is not known: it stamps the frames.`,
    remedy: `Let its chrony answer this computer: the line "cmdallow" with this computer's address in its /etc/chrony/chrony.conf, and chronyc here.`,
  });
}

function ofDaemon(source: 'chrony' | 'ntpd' | 'timesyncd', report: DaemonReport, options: ClockQualityOptions) {
  if (report.ownClock) return nobody('The clock trusts itself ("local") and follows nobody.', look, options);
  if (!report.synchronised) {
    const remedy = source === 'timesyncd' ? install : look;
    return nobody(
      `The clock is not synchronised${source === 'timesyncd' ? '' : ` yet: ${source} has no source`}.`,
      remedy,
      options,
    );
  }
  return qualityOf(report.receiver ? 'gps' : source, report, options);
}

const nobody = (message: string, remedy: string, options: ClockQualityOptions): ClockQuality =>
  qualityOf('none', null, options, { message, remedy });

function qualityOf(
  source: ClockSource,
  report: DaemonReport | null,
  { clock, host = null }: ClockQualityOptions,
  warning: ClockQuality['warning'] = null,
): ClockQuality {
  return {
    source,
    computer: host,
    synchronised: report?.synchronised ?? false,
    reference: report?.reference ?? null,
    stratum: report?.stratum ?? null,
    offsetSeconds: report?.offsetSeconds ?? null,
    uncertaintySeconds: report?.uncertaintySeconds ?? null,
    at: isoTime(clock.now()),
    warning,
  };
}

/** What a program that may not be there says; whether it is. */
async function answerOf(
  running: Promise<string>,
  parse: (text: string) => DaemonReport | null,
): Promise<{ report: DaemonReport | null; installed: boolean }> {
  try {
    return { report: parse(await running), installed: true };
  } catch (thrown) {
    return { report: null, installed: asNightflowError(thrown).code !== 'missing' };
  }
}
