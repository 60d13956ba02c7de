import { describe, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { followRunning, requireOk, runCommand } from '../../lib/indi/command.ts';
import { arrived, exposed } from '../../lib/indi/completion-devices.ts';
import { DeviceLocks } from '../../lib/indi/device-lock.ts';
import { numberOf } from '../../lib/indi/property.ts';
import { waitFor } from '../../lib/indi/wait.ts';
import { number, ScriptedLink, setNumber } from './scripted-link.ts';

function gain(onSend: (link: ScriptedLink) => void): ScriptedLink {
  const link = new ScriptedLink();
  link.says(number('GAIN', { G: [10, 0, 100], H: [3] }));
  link.onSend = (message) => {
    if (message.tag === 'new') onSend(link);
  };
  return link;
}
const request = { device: 'D', property: 'GAIN', values: { G: 20 }, ackSeconds: 0.2, timeoutSeconds: 2 };

describe('a command ends', () => {
  it('ok, having sent the full vector', async () => {
    const link = gain((link) => link.says(setNumber('GAIN', 'Ok', { G: 20 })));
    const result = await runCommand(link, request);
    expect(result).toMatchObject({ status: 'ok', reason: '' });
    expect(numberOf(result.property!, 'G')).toBe(20);
    expect(link.sent).toHaveLength(1);
    expect(link.sent[0]).toMatch(
      /<newNumberVector device="D" name="GAIN">\s*<oneNumber name="G">20<.*\s*<oneNumber name="H">3</,
    );
    expect(link.listeners).toBe(0);
  });

  it('rejected by the first Alert, whatever comes before and after within a moment', async () => {
    const link = gain((link) => {
      link.says(setNumber('GAIN', 'Ok', { G: 10 }));
      link.says(setNumber('GAIN', 'Alert', {}, '[ERROR] too much'));
      link.says(setNumber('GAIN', 'Ok', { G: 10 }));
    });
    expect(await runCommand(link, request)).toMatchObject({ status: 'rejected', reason: '[ERROR] too much' });
  });

  it('not by what was said before it', async () => {
    const link = gain((link) => void setTimeout(() => link.says(setNumber('GAIN', 'Ok', { G: 20 })), 20));
    link.says(setNumber('GAIN', 'Alert', { G: 1 }, 'old'));
    link.says(setNumber('GAIN', 'Ok', { G: 1 }));
    const result = await runCommand(link, request);
    expect(result.status).toBe('ok');
    expect(numberOf(result.property!, 'G')).toBe(20);
  });

  it('no-ack when the driver has read it and does nothing', async () => {
    const link = gain(() => {});
    link.onSend = (message) => {
      if (message.tag === 'getProperties') link.says(number('GAIN', { G: [10, 0, 100], H: [3] }));
    };
    expect(await runCommand(link, request)).toMatchObject({ status: 'no-ack' });
    expect(link.sent.filter((text) => text.startsWith('<new'))).toHaveLength(1);
    expect(link.sent[1]).toContain('version="1.7"');
  });

  it('ok when the driver has it already and only says so when asked', async () => {
    const link = gain(() => {});
    link.onSend = (message) => {
      if (message.tag === 'getProperties') link.says(number('GAIN', { G: [20, 0, 100], H: [3] }));
    };
    expect(await runCommand(link, request)).toMatchObject({ status: 'ok' });
  });

  it('timeout, and says that the driver answers nothing', async () => {
    const link = gain(() => {});
    expect(await runCommand(link, { ...request, timeoutSeconds: 0.5 })).toMatchObject({
      status: 'timeout',
      reason: 'D.GAIN was not done after 0.5 s; its driver answers nothing.',
      remedy: expect.stringContaining('Restart the driver'),
    });
  });

  it('timeout, and says whether the driver or the device hangs, also in the middle of it', async () => {
    for (const answers of [true, false]) {
      const link = gain((link) => link.says(setNumber('GAIN', 'Busy', { G: 10 })));
      link.onSend = (message) => {
        if (message.tag === 'new') link.says(setNumber('GAIN', 'Busy', { G: 10 }));
        else if (answers) link.says(number('GAIN', { G: [10, 0, 100], H: [3] }).replace('"Idle"', '"Busy"'));
      };
      const result = await runCommand(link, { ...request, timeoutSeconds: 0.5 });
      expect(result).toMatchObject({ status: 'timeout', remedy: expect.stringMatching(answers ? /stuck/ : /Restart/) });
      expect(result.reason.includes('answers nothing')).toBe(!answers);
    }
  });

  it('ok, when the answer to the last question has what was missed', async () => {
    const link = gain((link) => link.says(setNumber('GAIN', 'Busy', { G: 10 })));
    link.onSend = (message) => {
      if (message.tag === 'new') link.says(setNumber('GAIN', 'Busy', { G: 10 }));
      else link.says(setNumber('GAIN', 'Ok', { G: 20 }));
    };
    expect(await runCommand(link, { ...request, timeoutSeconds: 0.5 })).toMatchObject({ status: 'ok' });
  });

  it('aborted, at once', async () => {
    const stop = new AbortController();
    const link = gain(() => stop.abort());
    expect(await runCommand(link, { ...request, signal: stop.signal })).toMatchObject({ status: 'aborted' });
    expect(await runCommand(link, { ...request, signal: stop.signal })).toMatchObject({ status: 'aborted' });
    expect(link.sent).toHaveLength(1);
  });

  it.each(['<delProperty device="D"/>', '<delProperty device="D" name="GAIN"/>'])('device-lost by %s', async (xml) => {
    const link = gain((link) => link.says(xml));
    expect(await runCommand(link, request)).toMatchObject({ status: 'device-lost' });
  });

  it('disconnected, not device-lost, when the server goes', async () => {
    const link = gain((link) => link.disconnect());
    expect(await runCommand(link, request)).toMatchObject({ status: 'disconnected', reason: 'The server is gone.' });
    expect(await runCommand(link, request)).toMatchObject({ status: 'disconnected' });
    expect(link.sent).toHaveLength(1);
  });

  it('rejected, unsent, when it may not disturb what somebody else began', async () => {
    const link = gain(() => {});
    link.says(setNumber('GAIN', 'Busy', { G: 10 }));
    expect(await runCommand(link, { ...request, refuseBusy: true })).toMatchObject({
      status: 'rejected',
      reason: expect.stringContaining('busy'),
    });
    expect(link.sent).toEqual([]);
  });

  it('with an error of the house for whoever wants one', () => {
    const end = (status: 'ok' | 'rejected' | 'no-ack' | 'device-lost') => ({
      status,
      reason: 'why',
      property: null,
      history: [],
    });
    expect(requireOk(end('ok')).status).toBe('ok');
    for (const [status, code] of [
      ['rejected', 'rejected'],
      ['no-ack', 'rejected'],
      ['device-lost', 'lost'],
    ] as const)
      expect(() => requireOk(end(status))).toThrow(expect.objectContaining({ code, message: 'why' }));
  });
});

describe('a slew that ends beside its target', () => {
  const slew = (then: (link: ScriptedLink) => void) => {
    const clock = new RehearsalClock(Date.UTC(2026, 0, 1), 20);
    const link = new ScriptedLink(clock);
    link.says(number('EQUATORIAL_EOD_COORD', { RA: [1], DEC: [80] }));
    link.onSend = (message) => {
      if (message.tag !== 'new') return;
      link.says(setNumber('EQUATORIAL_EOD_COORD', 'Busy', { RA: 3, DEC: 60 }));
      then(link);
    };
    const target = { raHours: 3, decDegrees: 20 };
    return runCommand(link, {
      ...{ device: 'D', property: 'EQUATORIAL_EOD_COORD', values: { RA: 3, DEC: 20 } },
      ...{ judge: arrived(target), timeoutSeconds: 60, ackSeconds: 100 },
    });
  };
  const ok = (link: ScriptedLink, DEC: number) => link.says(setNumber('EQUATORIAL_EOD_COORD', 'Ok', { RA: 3, DEC }));

  it('is done once it stands, though its encoders tremble', async () => {
    let over = false;
    const running = slew(async (link) => {
      for (let n = 0; !over; n++) {
        ok(link, 20.0401 + (n % 2) * 1e-4);
        await link.clock.sleep(200);
      }
    });
    expect((await running).status).toBe('ok');
    over = true;
  });

  it('goes on while it still moves, says Ok as it may', async () => {
    const result = await slew(async (link) => {
      for (const dec of [20.4, 20.3, 20.2, 20.1, 20]) {
        ok(link, dec);
        await link.clock.sleep(300);
      }
    });
    expect(result.status).toBe('ok');
    expect(numberOf(result.property!, 'DEC')).toBe(20);
  });

  it('is not done far from it, nor when nothing moved', async () => {
    expect((await slew((link) => ok(link, 22))).status).toBe('timeout');
  });
});

it('a long exposure keeps one line of its countdown, and needs no real time', async () => {
  const clock = new RehearsalClock(Date.UTC(2026, 0, 1), 1e5);
  const link = new ScriptedLink(clock);
  link.says(number('CCD_EXPOSURE', { CCD_EXPOSURE_VALUE: [1, 0, 3600] }));
  link.onSend = () => {
    for (let left = 600; left > 0; left--) link.says(setNumber('CCD_EXPOSURE', 'Busy', { CCD_EXPOSURE_VALUE: left }));
    link.says(setNumber('CCD_EXPOSURE', 'Ok', { CCD_EXPOSURE_VALUE: 0 }));
  };
  const values = { CCD_EXPOSURE_VALUE: 600 };
  const result = await runCommand(link, {
    device: 'D',
    property: 'CCD_EXPOSURE',
    values,
    judge: exposed({ blob: null }),
  });
  expect(result.status).toBe('ok');
  expect(result.history).toHaveLength(3);
});

it('what a device does already is followed; nothing is sent', async () => {
  const link = new ScriptedLink();
  link.says(number('CCD_EXPOSURE', { CCD_EXPOSURE_VALUE: [1] }));
  const follow = { device: 'D', property: 'CCD_EXPOSURE', judge: exposed({ blob: null }), timeoutSeconds: 5 };
  expect(followRunning(link, follow)).toBeNull();
  link.says(setNumber('CCD_EXPOSURE', 'Busy', { CCD_EXPOSURE_VALUE: 1 }));
  const running = followRunning(link, follow)!;
  link.says(setNumber('CCD_EXPOSURE', 'Ok', { CCD_EXPOSURE_VALUE: 0 }));
  expect((await running).status).toBe('ok');
  expect(link.sent).toEqual([]);
});

describe('the lock of a device', () => {
  it('lets one after the other in, and others beside', async () => {
    const locks = new DeviceLocks();
    const order: string[] = [];
    const work = (name: string, key = 'D') =>
      locks.run(key, undefined, async () => {
        order.push(`${name}+`);
        await new Promise(setImmediate);
        order.push(`${name}-`);
      });
    await Promise.all([work('a'), work('b'), work('c', 'E')]);
    expect(order).toEqual(['a+', 'c+', 'a-', 'b+', 'c-', 'b-'].sort((x, y) => order.indexOf(x) - order.indexOf(y)));
    expect(order.indexOf('b+')).toBeGreaterThan(order.indexOf('a-'));
    expect(order.indexOf('c+')).toBeLessThan(order.indexOf('a-'));
    expect(locks.isHeld('D')).toBe(false);
  });

  it('is left by who fails, and by who gives up waiting', async () => {
    const locks = new DeviceLocks();
    const stop = new AbortController();
    const failing = locks.run('D', undefined, () => Promise.reject(new Error('x')));
    const waiting = locks.run('D', stop.signal, async () => 'in');
    stop.abort();
    await expect(failing).rejects.toThrow('x');
    await expect(waiting).rejects.toMatchObject({ code: 'aborted' });
    expect(await locks.run('D', undefined, async () => 'in')).toBe('in');
  });
});

describe('waiting', () => {
  it('looks again at every event, and takes its listener off', async () => {
    const listeners = new Set<() => void>();
    let value = 0;
    const subscribe = (listener: () => void) => {
      listeners.add(listener);
      return () => listeners.delete(listener);
    };
    const options = { clock: realClock, timeoutSeconds: 5 };
    const waiting = waitFor(subscribe, () => (value > 2 ? value : undefined), options);
    for (const next of [1, 2, 3]) {
      value = next;
      for (const listener of listeners) listener();
    }
    expect(await waiting).toBe(3);
    expect(listeners.size).toBe(0);
    await expect(
      waitFor(subscribe, () => undefined, { ...options, timeoutSeconds: 0.01, what: 'rain' }),
    ).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('rain') });
    expect(listeners.size).toBe(0);
  });
});
