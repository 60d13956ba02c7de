/** The gaps of the backends that run a program, with the stand-ins of the tests in the place of camera and program: what we add to them. */
import { join } from 'node:path';
import { gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { makeGphoto2StandIn } from '../../test/camera/stand-in/gphoto2-bin.ts';
import { makeRpicamStandIn } from '../../test/camera/stand-in/rpicam-bin.ts';
import { type BenchLine, figureLine } from '../harness.ts';
import { lines, run } from './run.ts';

/** The stand-in's sensor is blind for so long between two frames of a sequence. */
const rpicamDeadSeconds = 50e-6;

/** 12 Mpx in 16 bits through the RAM disk. Gaps by the sensor's own stamps; what the program costs is not counted. */
export async function rpicam(folder: string): Promise<BenchLine[]> {
  const { programFolder, remove } = await makeRpicamStandIn({ startMilliseconds: 200 });
  const camera = rpicamBackend.create({ programFolder }, { clock: realClock, site: null });
  try {
    await camera.open();
    const before = process.cpuUsage();
    const { end } = await run(camera, { exposureSeconds: 1, frames: 20 }, join(folder, 'rpicam'));
    const { user, system } = process.cpuUsage(before);
    const each = (user + system) / 1000 / Math.max(1, end.frames);
    console.log(`rpicam: ${each.toFixed(1)} ms CPU a frame of 12 Mpx, unpacked and kept durably`);
    return lines('rpicam (stand-in)', Math.max(0, (end.gaps.median ?? Infinity) - rpicamDeadSeconds) * 1000, end);
  } finally {
    await remove();
  }
}

/**
 * A Sony whose shutter is held: one press for all frames, so the body alone makes the gaps. Only the arrival of a file is known, which is too
 * coarse for milliseconds: no figure is made of it, but no frame may be lost.
 */
export async function gphoto2Held(folder: string): Promise<BenchLine[]> {
  const { program, remove } = await makeGphoto2StandIn();
  const camera = gphoto2Backend.create({ program }, { clock: realClock, site: null });
  try {
    await camera.open();
    const { end } = await run(camera, { exposureSeconds: 1, frames: 15 }, join(folder, 'gphoto2'));
    console.log(`gphoto2, shutter held: ${end.frames} frames by one press`);
    const part = 'gphoto2, shutter held (stand-in), frames lost';
    return [figureLine({ bench: 'gap', part, figure: end.error ? Infinity : end.lost, goal: 0 })];
  } finally {
    await remove();
  }
}
