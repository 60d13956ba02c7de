/**
 * The lines of chronyc are what chrony 4.3 (Debian 12) printed, captured from chronyd run as a plain user with `-x` (it leaves the system
 * clock alone): one following a local server, one without a source, one fed through a SOCK refclock with pulses, one with `local stratum 10`.
 * Those of ntpq and timedatectl follow their manuals (ntpq(1) "rv", systemd's timedatectl(1)); no such daemon could be run here.
 */
import { describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { clockQuality, milliseconds, type RunText, witnessed } from '../../lib/process/clock-quality.ts';
import { parseChronyTracking, parseNtpqVariables, parseTimedatectl } from '../../lib/process/clock-quality-parse.ts';
import { NightflowError } from '../../lib/process/errors.ts';

const chrony = {
  /** chronyc's own words for it: "System time: 0.000001916 seconds fast of NTP time". */
  server:
    '7F000001,127.0.0.1,2,1795275530.835195633,-0.000001916,0.000000304,0.000000304,-0.370,-0.000,81.927,0.000009497,0.000109969,0.1,Normal',
  /** "Reference ID: 00000000 ()", "Leap status: Not synchronised". */
  nothing:
    '00000000,,0,0.000000000,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,1.000000000,1.000000000,0.0,Not synchronised',
  /** "Reference ID: 50505300 (PPS)", "System time: 0.000000710 seconds slow of NTP time". */
  pps: '50505300,PPS,1,1795275915.556584375,0.000000710,0.000000004,0.000001911,-0.007,0.000,0.288,0.000000001,0.000005002,2.0,Normal',
  /** "Reference ID: 7F7F0101 ()": the computer's own clock. */
  local:
    '7F7F0101,,10,1795275916.755761929,0.000000000,0.000000000,0.000000000,0.000,0.000,0.000,0.000000000,0.000000000,0.0,Normal',
};

const ntpq = `associd=0 status=0615 leap_none, sync_ntp, 1 event, clock_sync,
version="ntpd 4.2.8p15", processor="aarch64", system="Linux/6.1.0", leap=00, stratum=3, precision=-22, rootdelay=14.200,
rootdisp=22.600, refid=192.53.103.108, reftime=e9b1c2d3.4, clock=e9b1c3d4.5, peer=1234, tc=6, mintc=3, offset=-0.850000, frequency=-3.1,
sys_jitter=0.400000, clk_jitter=0.2, clk_wander=0.01`;

const timesync = `ServerName=2.debian.pool.ntp.org
ServerAddress=185.125.190.56
PollIntervalUSec=34min 8s
NTPMessage={ Leap=0, Version=4, Mode=4, Stratum=2, Precision=-23, RootDelay=240ms, RootDispersion=90ms, Reference=C0A80001, Ignored=no, PacketCount=9, Jitter=6.200ms }`;

describe('chronyc tracking', () => {
  it('following a server: the bound is |offset| + root dispersion + root delay / 2', () => {
    const report = parseChronyTracking(`${chrony.server}\n`)!;
    expect(report).toMatchObject({ synchronised: true, reference: '127.0.0.1', stratum: 2, receiver: false });
    expect(report.offsetSeconds).toBe(0.000001916);
    expect(report.uncertaintySeconds).toBeCloseTo(0.000001916 + 0.000109969 + 0.000009497 / 2, 12);
  });
  it('with a pulse per second: a receiver, and a clock that is slow', () => {
    const report = parseChronyTracking(chrony.pps)!;
    expect(report).toMatchObject({ synchronised: true, reference: 'PPS', stratum: 1, receiver: true });
    expect(report.offsetSeconds).toBe(-0.00000071);
    expect(report.uncertaintySeconds).toBeLessThan(6e-6);
  });
  it.each(['nothing', 'local'] as const)('%s to follow: not synchronised, and nothing is claimed', (which) => {
    expect(parseChronyTracking(chrony[which])).toMatchObject({
      synchronised: false,
      offsetSeconds: null,
      uncertaintySeconds: null,
      ownClock: which === 'local',
    });
  });
  it.each([
    '506 Cannot talk to daemon\n',
    '',
    '7F000001,127.0.0.1,2',
    `x${chrony.server}`,
    chrony.server.replace('0.000109969', 'nan'),
  ])('is not read from %j', (text) => expect(parseChronyTracking(text)).toBeNull());
});

describe('the others', () => {
  it('ntpq: milliseconds, and its offset has the other sign', () => {
    const report = parseNtpqVariables(ntpq)!;
    expect(report).toMatchObject({
      synchronised: true,
      reference: '192.53.103.108',
      stratum: 3,
      offsetSeconds: 0.00085,
    });
    expect(report.uncertaintySeconds).toBeCloseTo(0.00085 + 0.0071 + 0.0226 + 0.0004, 9);
    const alarmed = ntpq.replace('leap_none, sync_ntp', 'leap_alarm, sync_unspec');
    expect(parseNtpqVariables(alarmed)).toMatchObject({ synchronised: false, uncertaintySeconds: null });
    expect(parseNtpqVariables('ntpq: read: Connection refused')).toBeNull();
  });
  it('timedatectl: whether, by whom, and never better than 0.1 s', () => {
    expect(parseTimedatectl('NTP=yes\nNTPSynchronized=yes\n', timesync)).toMatchObject({
      synchronised: true,
      reference: '2.debian.pool.ntp.org',
      stratum: 3,
      offsetSeconds: null,
      uncertaintySeconds: expect.closeTo(0.12 + 0.09 + 0.0062, 9),
    });
    expect(parseTimedatectl('NTPSynchronized=yes')).toMatchObject({ uncertaintySeconds: 0.1, reference: null });
    expect(parseTimedatectl('NTPSynchronized=no')).toMatchObject({ synchronised: false, uncertaintySeconds: null });
    expect(parseTimedatectl('System has not been booted with systemd as init system')).toBeNull();
  });
});

describe('the verdict', () => {
  const programs =
    (answers: Record<string, string>): RunText =>
    async (program) => {
      const answer = answers[program];
      if (answer === undefined) throw new NightflowError('missing', `${program} is not installed.`);
      if (answer.startsWith('!')) throw new NightflowError('failed', answer);
      return answer;
    };
  const ask = (answers: Record<string, string>, more: object = {}) =>
    clockQuality({ clock: realClock, run: programs(answers), ...more });

  it('takes chrony before the others, and a receiver for GPS', async () => {
    const good = await ask({ chronyc: chrony.server, timedatectl: 'NTPSynchronized=no' });
    expect(good).toMatchObject({ source: 'chrony', computer: null, synchronised: true, warning: null });
    expect(await ask({ chronyc: chrony.pps })).toMatchObject({ source: 'gps', reference: 'PPS' });
    expect(await ask({ chronyc: '!506', ntpq })).toMatchObject({ source: 'ntpd' });
    expect(await ask({ timedatectl: 'NTPSynchronized=yes' })).toMatchObject({ source: 'timesyncd' });
  });
  it('warns with the line to type', async () => {
    expect(await ask({})).toMatchObject({
      source: 'none',
      synchronised: false,
      uncertaintySeconds: null,
      warning: { message: /Nobody/, remedy: /apt install chrony/ },
    });
    expect((await ask({ chronyc: '!506 Cannot talk to daemon' })).warning!.remedy).toMatch(
      /systemctl enable --now chrony/,
    );
    expect((await ask({ chronyc: chrony.nothing })).warning).toMatchObject({
      message: /no source/,
      remedy: /chronyc sources/,
    });
    expect((await ask({ chronyc: chrony.local })).warning!.message).toContain('trusts itself');
    expect((await ask({ timedatectl: 'NTPSynchronized=no' })).warning!.remedy).toContain('apt install chrony');
  });
  it('warns of a clock worse than the limit, and is content below it', async () => {
    expect((await ask({ timedatectl: 'NTPSynchronized=yes' }, { limitSeconds: 0.02 })).warning).toMatchObject({
      message: 'The clock may be off by 100 ms, more than the 20 ms wished for.',
      remedy: /chrony/,
    });
    expect((await ask({ chronyc: chrony.server }, { limitSeconds: 0.02 })).warning).toBeNull();
  });
  it('asks another computer, which stamps, or says that it does not know', async () => {
    const asked: string[] = [];
    const run: RunText = async (_program, parameters) => {
      asked.push(parameters.join(' '));
      return chrony.pps;
    };
    expect(await clockQuality({ clock: realClock, host: 'pi.local', run })).toMatchObject({
      source: 'gps',
      computer: 'pi.local',
    });
    expect(asked).toEqual(['-c -h pi.local -p 323 tracking']);
    expect(await ask({ chronyc: '!506' }, { host: 'pi.local' })).toMatchObject({
      source: 'unknown',
      warning: { message: /pi.local/, remedy: /cmdallow/ },
    });
  });
  it('of a clock that nobody keeps takes a witness, and warns all the same', async () => {
    const alone = await ask({});
    const gps = { device: 'GPS', offsetSeconds: -7.4, uncertaintySeconds: 0.6 };
    const seen = witnessed(alone, gps);
    expect(seen).toMatchObject({ source: 'indi-gps', synchronised: false, reference: 'GPS', offsetSeconds: -7.4 });
    expect(seen.uncertaintySeconds).toBeCloseTo(8, 9);
    expect(seen.warning!.message).toBe('Nobody keeps the clock of this computer. By GPS it is off by 7.4 s.');
    expect(witnessed(alone, { ...gps, offsetSeconds: 0.1 }).warning!.message).toContain('agrees within 600 ms');
    const kept = await ask({ chronyc: chrony.server });
    expect(witnessed(kept, gps)).toBe(kept);
    expect(witnessed(alone, null)).toBe(alone);
  });
  it('a rehearsal has the clock it was given', async () => {
    const clock = new RehearsalClock(Date.UTC(2026, 2, 14, 18), 600);
    expect(await clockQuality({ clock })).toMatchObject({ source: 'rehearsal', uncertaintySeconds: 0, warning: null });
  });
  it('is shown in the unit that fits', () => {
    expect([5.7e-6, 2e-7, 0.00212, 0.1, 1.26].map(milliseconds)).toEqual(['6 µs', '1 µs', '2.1 ms', '100 ms', '1.3 s']);
  });
});
