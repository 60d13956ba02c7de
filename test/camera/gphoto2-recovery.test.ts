/** The way back of a lost body, step by step, as the stand-in needs it. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { afterAll, afterEach, describe, expect, it } from 'vitest';
import type { RecoveryState } from '../../lib/camera/camera.ts';
import { type Gphoto2Options, gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import type { Gphoto2Camera } from '../../lib/camera/gphoto2-camera.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { type Gphoto2StandIn, type Gphoto2Traps, makeGphoto2StandIn } from './stand-in/gphoto2-bin.ts';

const limits = { timeout: 120_000 };
let standIn: Gphoto2StandIn;
let camera: Gphoto2Camera;
let told: (RecoveryState | null)[] = [];

/** A camera whose cable comes out with its second picture. */
async function loseIt(traps: Partial<Gphoto2Traps>, options: Partial<Gphoto2Options> = {}): Promise<void> {
  standIn = await makeGphoto2StandIn({ pulledAt: 1, ...traps });
  camera = gphoto2Backend.create(
    { program: standIn.program, usb: standIn.usb, ...options },
    { clock: realClock, site: null },
  ) as Gphoto2Camera;
  told = [];
  camera.onRecovery((state) => told.push(state));
  await camera.open();
  const taking = (async () => {
    for await (const _ of camera.exposures({ exposureSeconds: 0.1 }));
  })();
  await expect(taking).rejects.toMatchObject({ code: 'lost' });
}
afterEach(async () => {
  await camera?.close();
  await standIn?.remove();
});
afterAll(() => closeSharedPool());

const steps = () => told.map((state) => state && `${state.step}/${state.of} ${state.what}`);
const one = async () => expect((await camera.expose({ exposureSeconds: 0.1 })).exposureSeconds).toBe(0.1);

const session = 'the session is opened anew, wherever the camera is now';
const reset = 'the USB port is reset by gphoto2';
const device = 'the USB device is reset';

describe('a body on the bus that does not answer', limits, () => {
  it.each([
    ['gphoto2', [`1/3 ${session}`, `2/3 ${reset}`, null]],
    ['usbreset', [`1/3 ${session}`, `2/3 ${reset}`, `3/3 ${device}`, null]],
  ] as const)('is brought back by %s, under another address', async (needsReset, expected) => {
    await loseIt({ needsReset, portAfterReset: 'usb:001,017' });
    await standIn.set({ pulledAt: null });
    // Neither step waits the whole time that a dead body would be given.
    await camera.recover();
    expect(steps()).toEqual(expected);
    expect(told[1]).toMatchObject({ attempt: 1, needsPerson: false, problem: expect.stringContaining('broke') });
    expect((await standIn.calls()).findLast((line) => line.includes('--shell'))).toContain('usb:001,017');
    await one();
  });

  it('is brought back by the kernel where usbreset does not help', async () => {
    await loseIt({ needsReset: 'authorized' });
    await standIn.set({ pulledAt: null });
    await camera.recover();
    expect(steps().at(-2)).toBe(`3/3 ${device}`);
    expect(await readFile(join(standIn.usb.devicesFolder, '1-1', 'authorized'), 'utf8')).toBe('1');
    await one();
  });

  it('is brought back by the power of the hub that was named', async () => {
    await loseIt({ needsReset: 'hub', portAfterReset: 'usb:002,003' }, { hub: '1-1' });
    await standIn.set({ pulledAt: null });
    await camera.recover();
    expect(steps().at(-2)).toBe('4/4 the power of the USB hub 1-1 is switched off and on');
    expect(await standIn.calls()).toContain('uhubctl -a cycle -l 1-1');
    await one();
  });
});

it('that hangs in an exposure is left at once, and its session ended by force', async () => {
  standIn = await makeGphoto2StandIn({ body: 'nikon' });
  const options = { program: standIn.program, usb: standIn.usb };
  camera = gphoto2Backend.create(options, { clock: realClock, site: null }) as Gphoto2Camera;
  await camera.open();
  await standIn.set({ hangs: true });
  const stop = new AbortController();
  const hanging = camera.expose({ exposureSeconds: 0.1 }, stop.signal);
  hanging.catch(() => {});
  const asked = async () => (await standIn.calls()).includes('> capture-image-and-download');
  await expect.poll(asked, { timeout: 30_000 }).toBe(true);
  stop.abort();
  await expect(hanging).rejects.toMatchObject({ code: 'aborted' });
  await standIn.set({ hangs: false });
  told = [];
  camera.onRecovery((state) => told.push(state));
  await camera.recover();
  expect(steps()).toEqual([`1/3 ${session}`, null]);
  await one();
}, 120_000);

describe('a body that is gone', limits, () => {
  it('needs a person, and is there again as soon as it is plugged in', async () => {
    await loseIt({}, { hub: '1-1' });
    const lost = realClock.now();
    const failure = await camera.recover().catch((error) => error);
    expect(failure).toMatchObject({
      code: 'lost',
      message: 'No camera is connected by USB.',
      remedy: 'Switch the camera off and on; look at its battery, its cable and its USB setting.',
    });
    expect(told).toHaveLength(5);
    const last = told.at(-1)!;
    expect(last).toMatchObject({ step: 4, of: 4, attempt: 1, needsPerson: true });
    expect(last.what).toBe('Switch the camera off and on; look at its battery, its cable and its USB setting');
    expect(last.since).toBeGreaterThanOrEqual(lost);
    // The hub has had its turn: not every minute of the night.
    await expect(camera.recover()).rejects.toMatchObject({ code: 'lost' });
    expect(told.at(-1)).toMatchObject({ step: 3, of: 3, attempt: 2, since: last.since });
    expect((await standIn.calls()).filter((line) => line.startsWith('uhubctl'))).toHaveLength(1);
    await standIn.set({ pulledAt: null, port: 'usb:003,002' });
    await camera.recover();
    expect(told.at(-1)).toBeNull();
    await one();
  });

  it('and then works without a recovery is said to be there again', async () => {
    await loseIt({});
    await expect(camera.recover()).rejects.toMatchObject({ code: 'lost' });
    expect(told.at(-1)).toMatchObject({ needsPerson: true });
    const steps = told.length;
    await standIn.set({ pulledAt: null });
    await one();
    await one();
    expect(told.slice(steps)).toEqual([null]);
  });

  it('is given up at once when nobody wants it any more', async () => {
    await loseIt({}, { hub: '1-1' });
    const stop = new AbortController();
    const off = camera.onRecovery((state) => {
      if (state?.step === 4) stop.abort();
    });
    await expect(camera.recover(stop.signal)).rejects.toMatchObject({ code: 'aborted' });
    off();
    expect(told.at(-1)).toMatchObject({ step: 4, needsPerson: false });
  });

  it('and taken by another program meanwhile: that program is named', async () => {
    await loseIt({});
    await standIn.set({ pulledAt: null, claimed: true });
    await expect(camera.recover()).rejects.toMatchObject({ code: 'busy', remedy: expect.stringContaining('gvfs') });
    expect(told.at(-1)).toMatchObject({ step: 1, needsPerson: true, what: expect.stringContaining('gvfs') });
    // A reset would take it from that program.
    expect((await standIn.calls()).filter((line) => line.includes('--reset'))).toEqual([]);
  });
});

it('whose session one caller gives up is opened for the others', async () => {
  standIn = await makeGphoto2StandIn({ openMilliseconds: 1500 });
  const options = { program: standIn.program, usb: standIn.usb };
  camera = gphoto2Backend.create(options, { clock: realClock, site: null }) as Gphoto2Camera;
  const [first, third] = [new AbortController(), new AbortController()];
  const opening = camera.open(first.signal);
  opening.catch(() => {});
  const begun = async () => (await standIn.calls()).some((line) => line.includes('--shell'));
  await expect.poll(begun, { timeout: 30_000 }).toBe(true);
  const second = camera.get('iso');
  const givenUp = camera.open(third.signal);
  third.abort();
  await expect(givenUp).rejects.toMatchObject({ code: 'aborted' });
  first.abort();
  await expect(opening).rejects.toMatchObject({ code: 'aborted' });
  expect(await second).toBeDefined();
}, 120_000);

it('resets no other camera of the same model', async () => {
  const twins = await makeGphoto2StandIn({ twinPort: 'usb:001,005', pulledAt: 0, needsReset: 'hub' });
  const make = (name: string) =>
    gphoto2Backend.create(
      { program: twins.program, usb: twins.usb, camera: name },
      { clock: realClock, site: null },
    ) as Gphoto2Camera;
  const other = make('other');
  await other.open();
  camera = make('00000000000000003282933003678470');
  standIn = twins;
  await camera.open();
  await expect(camera.expose({ exposureSeconds: 0.1 })).rejects.toMatchObject({ code: 'lost' });
  await twins.set({ pulledAt: null });
  await expect(camera.recover()).rejects.toMatchObject({ code: 'lost' });
  const resets = (await twins.calls()).filter((line) => line.includes('--reset') || line.startsWith('usbreset'));
  expect(resets).toEqual(['--port usb:001,004 --reset', 'usbreset 001/004']);
  expect(await other.get('serialnumber')).toBe('other');
  await other.close();
}, 120_000);
