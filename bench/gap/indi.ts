/** The gaps of a real indiserver with libindi's CCD simulator through our INDI backend, by DATE-OBS: what the driver itself says of each start. */
import { indiBackend } from '../../lib/camera/indi.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { devices, startWorld, type World } from '../../test/real/indi-world.ts';
import { type BenchLine, median, unavailable } from '../harness.ts';
import { cpuText, lines, type Run, run } from './run.ts';

const exposureSeconds = 2;
const frames = 15;

export async function indi(): Promise<BenchLine[]> {
  let world: World;
  try {
    world = await startWorld(['camera']);
  } catch (thrown) {
    return [unavailable('gap', `indi: ${(thrown as Error).message}`)];
  }
  try {
    const fast = await sequence(world.port, true);
    const single = await sequence(world.port, false);
    const spacing = spacings(single);
    console.log(
      `indi, one by one, for comparison: ${milliseconds(median(spacing))} between exposures ` +
        `(${milliseconds(Math.min(...spacing))} to ${milliseconds(Math.max(...spacing))}); ${cpuText(single)}`,
    );
    const gaps = spacings(fast);
    const lost = gaps.reduce((sum, gap) => sum + Math.round(gap / (exposureSeconds * 1000)), fast.end.lost);
    const model = `none taken off: the driver's timer and its drawing of 1280 x 1024 are in it; DATE-OBS ${milliseconds(Math.min(...gaps))} to ${milliseconds(Math.max(...gaps))}`;
    const row = { part: 'indi, indiserver in fast mode', model, addedMilliseconds: median(gaps), lost };
    return lines(row, fast);
  } finally {
    await world.end();
  }
}

async function sequence(port: number, fastExposure: boolean): Promise<Run> {
  const options = { host: '127.0.0.1', port, device: devices.camera.device, fastExposure };
  const camera = indiBackend.create(options, { clock: realClock, site: null });
  await camera.open();
  return run(camera, { exposureSeconds, frames }, null);
}

/** Start to start beyond the exposure, milliseconds. */
const spacings = ({ starts }: Run): number[] =>
  starts.slice(1).map((start, i) => (start ?? Number.NaN) - (starts[i] ?? Number.NaN) - exposureSeconds * 1000);

const milliseconds = (value: number): string => `${value.toFixed(0)} ms`;
