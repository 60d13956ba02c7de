/** The first field after a start: the built-in solver's worker, catalogue and index from nothing, blind, against one hinted run of solve-field. */
import { readFrame } from '../../lib/frame/read.ts';
import { builtInSolver, closeBuiltInSolver } from '../../lib/solve/built-in.ts';
import { type BenchLine, cpu, figureLine, median, unavailable } from '../harness.ts';
import { solveFieldOn } from './peer.ts';
import { hintsOf, type KnownPicture } from './pictures.ts';

const leastDegrees = 5;
const mostPictures = 9;

export async function coldStart(pictures: readonly KnownPicture[]): Promise<BenchLine> {
  const part = 'cold start, fields from 5 degrees, built-in';
  const wide = pictures.filter(({ truth }) => truth && truth.widthDegrees >= leastDegrees);
  const chosen = wide.filter((_, i) => i % Math.ceil(wide.length / mostPictures) === 0);
  const solver = builtInSolver();
  const ratios: number[] = [];
  for (const picture of chosen) {
    const frame = await readFrame(picture.path);
    await closeBuiltInSolver();
    let found = false;
    const ours = await cpu(async () => {
      found = (await solver.solve({ frame, timeoutSeconds: 60 })).status === 'matched';
    });
    const peer = await solveFieldOn({ path: picture.path, hints: hintsOf(picture), cpuLimitSeconds: 20 });
    console.log(
      `solve cold ${picture.file}: ${found ? '' : 'not found, '}${(ours.cpuMs / 1000).toFixed(2)} s, solve-field hinted ${peer.cpuSeconds.toFixed(2)} s`,
    );
    if (found) ratios.push(ours.cpuMs / 1000 / peer.cpuSeconds);
  }
  if (ratios.length === 0) return unavailable('solve', `${part}: none was found.`);
  return figureLine({ bench: 'solve', part, figure: median(ratios), goal: 1 });
}
