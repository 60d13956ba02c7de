/** The conformance suite on the backends that need no program: the simulator, a folder, and INDI on the embedded server. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { folderBackend } from '../../lib/camera/folder.ts';
import { indiBackend } from '../../lib/camera/indi.ts';
import { simulatorBackend } from '../../lib/camera/simulator.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { writeFrame } from '../../lib/frame/write.ts';
import { IndiSimulator, simulatedDeviceNames } from '../../lib/indi/simulator/simulator.ts';
import { describeCamera, type Subject } from './conformance.ts';

const site = { name: 'Dunes', latitude: 52.4, longitude: 4.6, elevation: 12 };
const evening = Date.parse('2026-11-12T20:00:00Z');

async function simulator(): Promise<Subject> {
  const clock = new RehearsalClock(evening, Number.POSITIVE_INFINITY);
  const camera = simulatorBackend.create({ sensor: 'demo' }, { clock, site });
  return { camera, listed: { backend: simulatorBackend, id: 'demo' }, end: async () => {} };
}

describeCamera('simulator', {
  make: simulator,
  exposureSeconds: 5,
  exposureTolerance: 0.0001,
  frames: 4,
  largestGapSeconds: 0.002,
  setting: { name: 'gain', values: [2, 8], refused: [0, 1e6, Number.NaN, 'much', true] },
  refusedExposures: [0, -1, 1e9, Number.NaN],
  whileExposing: 'busy',
  site,
});

/** Ten pictures, 5 s each, back to back. */
async function folder(): Promise<Subject> {
  const path = await mkdtemp(join(tmpdir(), 'nightflow-conformance-'));
  for (let i = 0; i < 10; i++) {
    const at = (seconds: number) => new Date(evening + (i * 5 + seconds) * 1000).toISOString();
    const times = { start: at(0), middle: at(2.5), end: at(5), exposureSeconds: 5 };
    const size = { width: 16, height: 12, pixelType: 'u16' } as const;
    const frame = new Frame({ ...size, ...times, data: allocatePixels(16, 12, 1, 'u16'), camera: 'Old one', site });
    await writeFrame(frame, join(path, `${i}.fits`), { format: 'fits' });
  }
  const clock = new RehearsalClock(evening, Number.POSITIVE_INFINITY);
  const options = { path, pace: 'timestamps', intervalSeconds: 0, watch: false } as const;
  const camera = folderBackend.create(options, { clock, site });
  return { camera, end: () => rm(path, { recursive: true, force: true }) };
}

describeCamera('folder', {
  make: folder,
  exposureSeconds: 5,
  exposureTolerance: 0.001,
  frames: 4,
  largestGapSeconds: 0.001,
  setting: { name: 'intervalSeconds', values: [5, 12.5], refused: [-1, 1e6, Number.NaN, 'soon'] },
  readOnly: 'delivered',
  refusedExposures: [],
  site,
});

async function indi(): Promise<Subject> {
  const clock = new RehearsalClock(evening, 10);
  const server = new IndiSimulator({ devices: ['camera'] }, { clock, site });
  const port = await server.listen(0);
  const device = simulatedDeviceNames.camera;
  const options = { host: '127.0.0.1', port, device };
  const camera = indiBackend.create(options, { clock, site });
  return { camera, listed: { backend: indiBackend, options, id: device }, end: () => server.close() };
}

describeCamera('indi', {
  make: indi,
  exposureSeconds: 4,
  exposureTolerance: 0.01,
  frames: 3,
  // The clock runs ten times faster than this machine works: a hundredth of a second there is a millisecond here.
  largestGapSeconds: 20,
  setting: { name: 'gain', values: [90, 40], refused: [-1, 1e6, Number.NaN, 'much'] },
  refusedExposures: [-1, 1e9, Number.NaN],
  site,
});
