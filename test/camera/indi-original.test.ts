/** The backend `indi` with the driver of a DSLR, which sends its pictures as the camera made them: a simulator whose BLOBs are exchanged on the way. */
import { createHash } from 'node:crypto';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';
import { afterAll, expect, it, onTestFinished } from 'vitest';
import { indiBackend } from '../../lib/camera/indi.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { encodeFrame } from '../../lib/field/appliance/encode.ts';
import { requireFormat } from '../../lib/field/appliance/format.ts';
import { IndiSimulator, simulatedDeviceNames } from '../../lib/indi/simulator/simulator.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { tinyDng } from '../frame/read/tiny-dng.ts';

const limits = { timeout: 60_000 };
const site = { latitude: 51, longitude: -2.3, elevation: 72 };
const native = { property: 'CCD_TRANSFER_FORMAT', values: { FORMAT_NATIVE: true } };
const exposure = { exposureSeconds: 0.05 };
afterAll(() => closeSharedPool());

interface SentFile {
  format: string;
  bytes: Buffer;
}

/** Text of the server with each whole BLOB element exchanged; what may be the beginning of one is held back. */
function exchanging({ format, bytes }: SentFile): (text: string) => string {
  const tag = '<oneBLOB';
  const element = `${tag} name='CCD1' size='${bytes.length}' format='${format}'>\n${bytes.toString('base64')}\n</oneBLOB>`;
  let held = '';
  return (text) => {
    held = (held + text).replace(/<oneBLOB[\s\S]*?<\/oneBLOB>/g, element.replaceAll('oneBLOB', 'doneBLOB'));
    const open = held.indexOf(tag);
    const cut = held.lastIndexOf('<');
    const partial = cut >= 0 && tag.startsWith(held.slice(cut)) ? cut : held.length;
    const until = open >= 0 ? open : partial;
    const passed = held.slice(0, until).replaceAll('doneBLOB', 'oneBLOB');
    held = held.slice(until);
    return passed;
  };
}

async function openCamera(file: SentFile | null, settings: (typeof native)[] = [native]) {
  const options = { devices: ['camera' as const], camera: { width: 64, height: 48 } };
  const simulator = new IndiSimulator(options, { clock: realClock, site });
  const behind = await simulator.listen(0);
  const sockets = new Set<Socket>();
  const server = createServer((client) => {
    const upstream = connect(behind, '127.0.0.1');
    const pass = file ? exchanging(file) : (text: string) => text;
    client.pipe(upstream);
    upstream.on('data', (chunk) => client.write(pass(chunk.toString('latin1')), 'latin1'));
    for (const each of [client, upstream]) {
      sockets.add(each);
      each.on('error', () => {}).on('close', () => [client, upstream].forEach((either) => void either.destroy()));
    }
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as AddressInfo;
  const device = simulatedDeviceNames.camera;
  const camera = indiBackend.create({ host: '127.0.0.1', port, device, settings }, { clock: realClock, site: null });
  onTestFinished(async () => {
    await camera.close();
    for (const socket of sockets) socket.destroy();
    server.close();
    await simulator.close();
  });
  await camera.open();
  return camera;
}

const sha256 = (bytes: Uint8Array) => createHash('sha256').update(bytes).digest('hex');

it("has the driver's own files beside the pixels, single and one after the other", limits, async () => {
  const bytes = tinyDng();
  const camera = await openCamera({ format: '.DNG', bytes });
  expect(await camera.get('transferFormat')).toBe('native');
  expect(() => requireFormat('original', camera, 'sequence')).not.toThrow();
  const before = realClock.now();
  const frame = await camera.expose(exposure);
  expect(frame).toMatchObject({ camera: simulatedDeviceNames.camera, timeSource: 'host', source: null });
  // By the arrival of the file: a DSLR's own clock is set by hand.
  expect(Math.abs(Date.parse(frame.end!) - before)).toBeLessThan(realClock.now() - before + 4000);
  expect(frame.timeUncertaintySeconds).toBe(2);
  expect(frame.original?.extension).toBe('.dng');
  expect(sha256(new Uint8Array(frame.original!.data))).toBe(sha256(bytes));
  for await (const { frame: next } of camera.exposures(exposure)) {
    const encoded = await encodeFrame(next);
    expect([encoded.sha256, encoded.contentType]).toEqual([sha256(bytes), 'image/x-adobe-dng']);
    break;
  }
});

it('shows a file that nobody can decode by one black pixel at least, says so, and has the file', limits, async () => {
  const bytes = Buffer.from('a RAW format of the year after next');
  const camera = await openCamera({ format: '.cr3', bytes });
  const frame = await camera.expose(exposure);
  expect([frame.width, Buffer.from(frame.original!.data as unknown as ArrayBuffer).equals(bytes)]).toEqual([1, true]);
  expect(camera.warnings?.().join(' ')).toContain("The pixels of the camera's CR3 file can't be read");
});

it('refuses what is no file, and is FITS as long as nobody asks for another', limits, async () => {
  const raw = await openCamera(null);
  await expect(raw.expose(exposure)).rejects.toMatchObject({
    code: 'unsupported',
    remedy: expect.stringContaining('FITS'),
  });
  const fits = await openCamera(null, []);
  expect(await fits.get('transferFormat')).toBe('fits');
  expect((await fits.expose(exposure)).original).toBeNull();
  expect(() => requireFormat('original', fits, 'single')).toThrow('makes no file of its own');
  await fits.set('transferFormat', 'native');
  expect(fits.bringsOriginals?.('single')).toBe(true);
});
