/** What time daemons say of themselves, as text, made into figures: chronyc, ntpq, timedatectl. Their formats, nothing else. */

/** A system clock as its daemon describes it; seconds. null: not told. */
export interface DaemonReport {
  synchronised: boolean;
  /** The server, or the receiver (PPS, GPS). */
  reference: string | null;
  stratum: number | null;
  /** The reference is a receiver on this computer, not a server on the network. */
  receiver: boolean;
  /** The clock was told to trust itself: it is synchronised to nothing. */
  ownClock: boolean;
  /** System clock minus true time: positive is fast. */
  offsetSeconds: number | null;
  /** The daemon's own bound of the error, the offset included. */
  uncertaintySeconds: number | null;
}

/** 127.127.1.x: the clock itself ("local stratum"). */
const ownClockId = /^7F7F01/i;

/**
 * `chronyc -c tracking`: reference id, name, stratum, time, correction that is left (positive: the clock is slow), last and RMS
 * offset, frequency, residual, skew, root delay, root dispersion, interval, leap status. The bound is chrony's own
 * (chronyc(1), tracking): |system time| + root dispersion + root delay / 2. null for what is no such line.
 */
export function parseChronyTracking(text: string): DaemonReport | null {
  const fields = text.trim().split('\n').at(-1)!.split(',');
  if (fields.length < 14 || !/^[0-9A-F]{8}$/i.test(fields[0]!)) return null;
  const [id, name, stratumText] = fields as [string, string, string];
  const [correction, rootDelay, rootDispersion] = [fields[4], fields[10], fields[11]].map(Number) as [
    number,
    number,
    number,
  ];
  const stratum = Number(stratumText);
  if (![correction, rootDelay, rootDispersion, stratum].every(Number.isFinite)) return null;
  const ownClock = ownClockId.test(id);
  const synchronised = fields[13] !== 'Not synchronised' && stratum > 0 && !ownClock;
  const offsetSeconds = correction === 0 ? 0 : -correction;
  return {
    synchronised,
    reference: name || null,
    stratum: stratum > 0 ? stratum : null,
    // A receiver is a source of stratum 0; its name is the reference id itself.
    receiver: synchronised && stratum === 1 && name !== '' && asciiOf(id) === name,
    ownClock,
    offsetSeconds: synchronised ? offsetSeconds : null,
    uncertaintySeconds: synchronised ? Math.abs(offsetSeconds) + rootDispersion + rootDelay / 2 : null,
  };
}

/** Hexadecimal 50505300 is "PPS". */
const asciiOf = (id: string): string => Buffer.from(id, 'hex').toString('latin1').replace(/\0+$/, '');

/**
 * `ntpq -c rv` of ntpd or ntpsec: milliseconds; offset is the server's time minus ours, so negative when the clock is fast.
 * The bound adds root delay / 2, root dispersion, system jitter and the offset (RFC 5905, root distance).
 */
export function parseNtpqVariables(text: string): DaemonReport | null {
  const variables = new Map([...text.matchAll(/\b(\w+)=("[^"]*"|[^,\s]+)/g)].map(([, name, value]) => [name!, value!]));
  const number = (name: string) => {
    const value = Number(variables.get(name));
    return variables.has(name) && Number.isFinite(value) ? value : null;
  };
  const [stratum, offset, delay, dispersion] = ['stratum', 'offset', 'rootdelay', 'rootdisp'].map(number);
  if (stratum === null || stratum === undefined || !variables.has('refid')) return null;
  const reference = variables.get('refid')!;
  const ownClock = /^(?:LOCL?|LCL|127\.127\.1\.)/.test(reference);
  const alarmed = /\bleap_alarm\b|\bsync_unspec\b/.test(text) || number('leap') === 3;
  const synchronised = !alarmed && stratum > 0 && stratum < 16 && !ownClock;
  const known = synchronised && offset != null && delay != null && dispersion != null;
  return {
    synchronised,
    reference,
    stratum: stratum < 16 ? stratum : null,
    receiver: synchronised && stratum === 1,
    ownClock,
    offsetSeconds: synchronised && offset != null ? -offset / 1000 : null,
    uncertaintySeconds: known ? (Math.abs(offset) + delay / 2 + dispersion + (number('sys_jitter') ?? 0)) / 1000 : null,
  };
}

/** systemd-timesyncd does not tell how far off it is; on a good network it stays within some tens of milliseconds. */
const timesyncdSeconds = 0.1;

/**
 * `timedatectl show` and `timedatectl show-timesync`: NAME=value lines. Whether the kernel counts the clock as synchronised, and by whom.
 * A bound is told by nobody: it is taken as 0.1 s, or what the server's own figures come to when that is more.
 */
export function parseTimedatectl(show: string, timesync = ''): DaemonReport | null {
  const value = (text: string, name: string) => new RegExp(`^${name}=(.*)$`, 'm').exec(text)?.[1]?.trim() ?? null;
  const state = value(show, 'NTPSynchronized');
  if (state === null) return null;
  const synchronised = state === 'yes';
  const message = value(timesync, 'NTPMessage') ?? '';
  const part = (name: string) => new RegExp(`\\b${name}=([^,}\\s]+)`).exec(message)?.[1] ?? '';
  const [delay, dispersion, jitter] = ['RootDelay', 'RootDispersion', 'Jitter'].map((name) => secondsOf(part(name)));
  const stratum = Number(part('Stratum'));
  return {
    synchronised,
    reference: value(timesync, 'ServerName') || value(timesync, 'ServerAddress') || null,
    stratum: stratum > 0 ? stratum + 1 : null,
    receiver: false,
    ownClock: false,
    offsetSeconds: null,
    uncertaintySeconds: synchronised
      ? Math.max(timesyncdSeconds, (delay ?? 0) / 2 + (dispersion ?? 0) + (jitter ?? 0))
      : null,
  };
}

const units: Readonly<Record<string, number>> = { us: 1e-6, µs: 1e-6, ms: 1e-3, s: 1, min: 60, '': 1 };

/** systemd's way: 1.525ms, 340us. */
function secondsOf(text: string): number | null {
  const [, number, unit] = /^([\d.]+)([a-zµ]*)$/.exec(text) ?? [];
  const factor = units[unit ?? ''];
  return number === undefined || factor === undefined ? null : Number(number) * factor;
}
