/**
 * The autofocus over real drivers: Debian's CCD simulator draws stars as wide as its focus position makes them, the focuser
 * simulator moves. The truth is the driver's own: FWHM = 0.5625 (20 (position - SIM_FOCUS_POSITION) / SIM_FOCUS_MAX)^2 +
 * SIM_SEEING arc seconds (libindi, ccd_simulator.cpp and focus_simulator.cpp), with SIM_FOCUS_POSITION 36700 of 100000.
 */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { Camera } from '../../lib/camera/camera.ts';
import { indiBackend } from '../../lib/camera/indi.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { autofocus } from '../../lib/night/autofocus.ts';
import { devices, startWorld, type World } from './indi-world.ts';

const bestPosition = 36_700;

/**
 * What the CCD simulator asks for stars, once for each frame: gsc -c RA DEC -r … -m 0 … -n 3000, degrees J2000. Ours answers with the
 * same 60 stars around whatever it is asked for; twelve columns, of which position and magnitude are read.
 */
const catalogue = `#!/usr/bin/python3 -S
import math, random, sys
ra, dec = float(sys.argv[2]), float(sys.argv[3])
random.seed(7)
for n in range(60):
    x, y = random.uniform(-0.19, 0.19), random.uniform(-0.15, 0.15)
    d = dec + y
    r = (ra + x / max(0.01, math.cos(math.radians(d)))) % 360
    print("S%05d %.6f %+.6f 0.2 %.2f 0.1 0 0 +000 +0 1.0 1" % (n, r, d, random.uniform(7.5, 10)))
`;

let world: World;
let camera: Camera;
let programs: string;

beforeAll(async () => {
  programs = await mkdtemp(join(tmpdir(), 'nightflow-gsc-'));
  await writeFile(join(programs, 'gsc'), catalogue);
  await chmod(join(programs, 'gsc'), 0o755);
  world = await startWorld(['mount', 'camera', 'focuser'], {}, { PATH: `${programs}:${process.env.PATH}` });
  camera = indiBackend.create(
    {
      host: '127.0.0.1',
      port: world.port,
      device: devices.camera.device,
      focuser: devices.focuser.device,
      settings: [
        { property: 'SIMULATOR_SETTINGS', values: { SIM_SATURATION: 6, SIM_LIMITINGMAG: 15, SIM_NOISE: 20 } },
        { property: 'SCOPE_INFO', values: { FOCAL_LENGTH: 900, APERTURE: 120 } },
        { property: 'POLLING_PERIOD', values: { PERIOD_MS: 100 } },
      ],
    },
    { clock: realClock, site: null },
  );
  await camera.open();
});
afterAll(async () => {
  await camera?.close();
  await world?.end();
  await rm(programs, { recursive: true, force: true });
});

it('finds the focus of the simulated telescope from 13,300 steps beside it', async () => {
  expect(camera.warnings?.()).toEqual([]);
  const focuser = (await camera.focuser?.())!;
  expect(await focuser.position()).toBe(50_000);
  const result = await autofocus({
    camera,
    focuser,
    clock: realClock,
    exposureSeconds: 0.5,
    stepSize: 4000,
    samples: 7,
    settleSeconds: 0,
  });
  expect(result.reason).toBeNull();
  expect(Math.abs((await focuser.position())! - bestPosition)).toBeLessThan(1500);
  expect(result.hfr!).toBeLessThan(0.6 * result.startHfr!);
}, 150_000);
