/** The configuration of libcamera's pipeline that a program of ours gets. */
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { pipelineEnvironment } from '../../lib/camera/rpicam-pipeline.ts';
import { patienceMilliseconds, readPipeline } from './stand-in/rpicam-pipeline.ts';

const variable = 'LIBCAMERA_RPI_CONFIG_FILE';
const older = '/base/soc/i2c0mux/i2c@1/imx477@1a';
const newer = '/base/axi/pcie@1000120000/rp1/i2c@88000/imx708@1a';
let folder: string;
let installed: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-pipeline-'));
  installed = join(folder, 'rpi_apps.yaml');
});
afterEach(() => rm(folder, { recursive: true }));

const asked = (cameraId: string, environment: NodeJS.ProcessEnv = {}) =>
  pipelineEnvironment({
    cameraId,
    silentSeconds: 48,
    folder,
    environment,
    files: [join(folder, 'no.yaml'), installed],
  });

/** Laid out as the file that Raspberry Pi OS installs for the older boards. */
const usual = (time: string) => `{
        "version": 1.0,
        "target": "bcm2835",

        "pipeline_handler":
        {
                # Buffers of the raw stream come from the application.
                "raw_mandatory_stream": true,
                ${time}
                "output0_mandatory_stream": true,
        }
}
`;

it('names the time for the board that the camera hangs on', async () => {
  const found = await asked(newer);
  expect(readPipeline(found[variable]!)).toEqual({ target: 'pisp', timeoutMilliseconds: 48_000 });
  expect(readPipeline((await asked(older))[variable]!)).toEqual({ target: 'bcm2835', timeoutMilliseconds: 48_000 });
});

it.each([
  ['a comment', '# "camera_timeout_value_ms": 1,'],
  ['nothing', ''],
  ['none', '"camera_timeout_value_ms":    0,'],
])('keeps what rpicam-apps set for the older boards, where its time is %s', async (_what, time) => {
  await writeFile(installed, usual(time));
  const path = (await asked(older))[variable]!;
  expect(readPipeline(path)).toEqual({ target: 'bcm2835', timeoutMilliseconds: 48_000 });
  const text = await readFile(path, 'utf8');
  expect(text).toContain('"raw_mandatory_stream": true');
  expect(text).toContain('"output0_mandatory_stream": true');
  expect(await readFile(installed, 'utf8')).toBe(usual(time));
});

it('leaves alone what the user has set, and boards and layouts that it does not know', async () => {
  expect(await asked(newer, { [variable]: '/home/pi/mine.yaml' })).toEqual({});
  await writeFile(installed, usual('"camera_timeout_value_ms": 60000,'));
  expect(await asked(older)).toEqual({});
  await writeFile(installed, 'pipeline_handler:\n  raw_mandatory_stream: true\n');
  expect(await asked(older)).toEqual({});
  expect(await asked('\\_SB_.PCI0.XHCI-usb-1')).toEqual({});
});

it('is waited for in the place of five frames', () => {
  expect(patienceMilliseconds(null, 5_002_517)).toBeCloseTo(25_013, 0);
  expect(patienceMilliseconds(null, 100_000)).toBe(1000);
  expect(patienceMilliseconds({ target: 'pisp', timeoutMilliseconds: 48_000 }, 5_002_517)).toBe(48_000);
});
