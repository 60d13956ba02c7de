/** What our palette adds to Node-RED's start: seconds until it listens and memory at rest, with and without the package. */
import { mkdirSync, readFileSync, rmSync, symlinkSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { buildPackage, inPackage, startPlain, temporaryFolder } from '../test/house/node-red.ts';
import { type BenchLine, figureLine, median, unavailable } from './harness.ts';

const pairs = 7;
/** Milliseconds after the start in which Node-RED settles. */
const settleMs = 1000;

interface Start {
  seconds: number;
  megabytes: number;
}

export default async function palette(): Promise<BenchLine[]> {
  if (process.platform !== 'linux') return [unavailable('palette', 'It reads memory from /proc: Linux only.')];
  buildPackage();
  const [plain, ours] = [temporaryFolder(), temporaryFolder()];
  try {
    mkdirSync(join(ours, 'node_modules', '@nightflow'), { recursive: true });
    symlinkSync(inPackage(), join(ours, 'node_modules', '@nightflow', 'node-red'));
    await start(plain);
    await start(ours);
    const more: Start[] = [];
    for (let pair = 0; pair < pairs; pair++) {
      const loaded = await start(ours);
      const without = await start(plain);
      more.push({ seconds: loaded.seconds - without.seconds, megabytes: loaded.megabytes - without.megabytes });
    }
    const middle = (of: keyof Start) => median(more.map((each) => each[of]));
    return [
      figureLine({ bench: 'palette', part: 'start', figure: middle('seconds'), goal: 1, unit: 's more' }),
      figureLine({ bench: 'palette', part: 'memory', figure: middle('megabytes'), goal: 60, unit: 'MB more' }),
    ];
  } finally {
    for (const folder of [plain, ours]) rmSync(folder, { recursive: true, force: true });
  }
}

async function start(userDir: string): Promise<Start> {
  const before = performance.now();
  const running = await startPlain('node-red', userDir);
  const seconds = (performance.now() - before) / 1000;
  await setTimeout(settleMs);
  const status = readFileSync(`/proc/${running.pid}/status`, 'utf8');
  await running.stop();
  return { seconds, megabytes: Number(/VmRSS:\s+(\d+) kB/.exec(status)?.[1]) / 1024 };
}
