/** The backend `gphoto2`: live view, the lens as a focuser, and what it makes of the program's words. */
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import { type Gphoto2Options, gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import type { Gphoto2Camera } from '../../lib/camera/gphoto2-camera.ts';
import { gphoto2Error } from '../../lib/camera/gphoto2-errors.ts';
import { secondsOf } from '../../lib/camera/gphoto2-exposure.ts';
import { parseDetected } from '../../lib/camera/gphoto2-find.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { type Gphoto2StandIn, type Gphoto2Traps, makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';

const limits = { timeout: 60_000 };
let standIn: Gphoto2StandIn;
let camera: Gphoto2Camera;

async function start(traps: Partial<Gphoto2Traps> = {}, options: Partial<Gphoto2Options> = {}): Promise<void> {
  standIn = await makeGphoto2StandIn(traps);
  const context = { clock: realClock, site: null };
  camera = gphoto2Backend.create({ program: standIn.program, ...options }, context) as Gphoto2Camera;
  await camera.open();
}
afterEach(async () => {
  await camera?.close();
  await standIn?.remove();
});
afterAll(() => closeSharedPool());

/** What was typed into the shell. */
const typed = async () => (await standIn.calls()).filter((line) => line.startsWith('> ')).map((line) => line.slice(2));

describe('live view', limits, () => {
  it('comes from the idle body with its viewfinder up, and gives way to exposures', async () => {
    await start({ body: 'nikon' });
    const seen: string[] = [];
    const stop = new AbortController();
    const watching = (async () => {
      for await (const { jpeg, from } of camera.livePictures({ width: 64, signal: stop.signal })) {
        expect([jpeg[0], jpeg[1]]).toEqual([0xff, 0xd8]);
        if (seen.at(-1) !== from) seen.push(from);
      }
    })();
    await expect.poll(() => seen, { timeout: 20_000 }).toEqual(['live']);
    await camera.expose({ exposureSeconds: 0.1 });
    await expect.poll(() => seen, { timeout: 20_000 }).toContain('frame');
    await expect.poll(() => seen.at(-1), { timeout: 20_000 }).toBe('live');
    stop.abort();
    await watching;
    const finder = (await typed()).filter((line) => line.includes('viewfinder=')).map((line) => line.at(-1));
    expect(finder.join('')).toMatch(/^(10)+$/);
  });
});

describe('a camera that is closed', limits, () => {
  it('in the middle of a held exposure lets go of the shutter first', async () => {
    await start();
    const exposure = camera.expose({ exposureSeconds: 40 });
    exposure.catch(() => {});
    await expect.poll(typed, { timeout: 20_000 }).toContain('set-config /main/actions/bulb=1');
    await camera.close();
    await expect(exposure).rejects.toMatchObject({ code: 'aborted' });
    expect(await typed()).toContain('set-config /main/actions/bulb=0');
  });

  it('in the middle of a burst too, even when nobody takes its pictures', async () => {
    await start();
    const frames = camera.exposures({ exposureSeconds: 0.1 })[Symbol.asyncIterator]();
    await frames.next();
    await camera.close();
    expect((await typed()).at(-1)).toBe('exit');
    expect(await typed()).toContain('set-config /main/actions/capture=0');
    await frames.return?.(undefined);
  });
});

describe('the lens', limits, () => {
  it.each([
    ['sony', 7, 10, ['manualfocus=7', 'manualfocus=3']],
    ['canon', 3, -4, ['manualfocusdrive=Near 3', 'manualfocusdrive=Near 1']],
    ['nikon', 32767, 500, ['manualfocusdrive=500']],
  ] as const)('of %s is a focuser without a scale', async (body, largestMove, steps, commands) => {
    await start({ body });
    const lens = (await camera.focuser())!;
    expect(lens.info).toMatchObject({ drive: 'relative', largestMove });
    expect(await lens.position()).toBeNull();
    await lens.moveBy(steps);
    const moves = (await typed()).filter((line) => line.startsWith('set-config /main/actions/manualfocus'));
    expect(moves.map((line) => line.replace('set-config /main/actions/', ''))).toEqual(commands);
    await expect(lens.moveTo(5)).rejects.toMatchObject({ code: 'unsupported' });
    await expect(lens.moveBy(0.5)).rejects.toMatchObject({ code: 'bad-input' });
  });
});

describe('what gphoto2 prints', () => {
  it('as a list of bodies', () => {
    const text =
      'Model                          Port            \n----------------------------------------------------------\n' +
      'Sony Alpha-A7 IV (Control)     usb:001,012     \nPTP/IP Camera                  ptpip:192.168.1.1\n';
    expect(parseDetected(text)).toEqual([
      { model: 'Sony Alpha-A7 IV (Control)', port: 'usb:001,012' },
      { model: 'PTP/IP Camera', port: 'ptpip:192.168.1.1' },
    ]);
    expect(parseDetected(text.split('\n').slice(0, 2).join('\n'))).toEqual([]);
  });

  it('as exposure times', () => {
    const times = ['1/100', '0.0100s', '30', '1/1.3', '2.5', 'Bulb', 'Auto', '1/0', ''].map(secondsOf);
    expect(times).toEqual([0.01, 0.01, 30, 1 / 1.3, 2.5, null, null, null, null]);
  });

  it.each([
    ["*** Error (-7: 'I/O problem') ***\nPTP I/O Error", 'lost'],
    ["*** Error (-10: 'Timeout reading from or writing to the port') ***", 'timeout'],
    ["*** Error (-52: 'Could not find the requested device on the USB port') ***", 'lost'],
    ["*** Error (-53: 'Could not claim the USB device') ***", 'busy'],
    ["*** Error (-105: 'Unknown model') ***", 'lost'],
    ["*** Error (-110: 'I/O in progress') ***", 'busy'],
    ["*** Error (-6: 'Unsupported operation') ***", 'unsupported'],
    ["*** Error (-1: 'Unspecified error') ***\nSomething new", 'rejected'],
  ])('as %s', (text, code) => {
    expect(gphoto2Error(text)).toMatchObject({ code, remedy: expect.any(String) });
  });
});
