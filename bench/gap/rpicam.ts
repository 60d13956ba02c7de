/** The gaps of a Raspberry Pi's camera through our rpicam backend, with the tests' stand-in in the place of sensor and program. */
import { join } from 'node:path';
import { rpicamBackend } from '../../lib/camera/rpicam.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { makeRpicamStandIn } from '../../test/camera/stand-in/rpicam-bin.ts';
import { type BenchLine, median } from '../harness.ts';
import { lines, run } from './run.ts';

/** The IMX477 in its long-exposure mode: 22 lines of 28.6 µs, four times longer. */
const rpicamDeadMicroseconds = Math.round(22 * 28.6 * 4);

/** 12 Mpx in 16 bits through the RAM disk, gaps by the sensor's own stamps: a second start of the program would show as a long one. */
export async function rpicam(folder: string): Promise<BenchLine[]> {
  const standIn = await makeRpicamStandIn({ startMilliseconds: 200, deadMicroseconds: rpicamDeadMicroseconds });
  const { programFolder, remove } = standIn;
  const camera = rpicamBackend.create({ programFolder }, { clock: realClock, site: null });
  try {
    await camera.open();
    const taken = await run(camera, { exposureSeconds: 1, frames: 20 }, join(folder, 'rpicam'));
    const starts = (await standIn.calls()).filter(([program]) => program === 'rpicam-raw').length;
    console.log(
      `rpicam: ${starts} start of rpicam-raw; a frame is in the flow ${median(taken.latencies).toFixed(0)} ms after its end`,
    );
    const { gaps, lost } = taken.end;
    const addedMilliseconds = (gaps.median ?? Infinity) * 1000 - rpicamDeadMicroseconds / 1000;
    const model = `IMX477, 22 lines x 28.6 µs x 4 = ${(rpicamDeadMicroseconds / 1000).toFixed(2)} ms`;
    return lines({ part: 'rpicam (stand-in)', model, addedMilliseconds, lost }, taken);
  } finally {
    await remove();
  }
}
