/** A sequence in a process of its own, to be killed: takes frames, keeps them in the folder given, prints each number accepted. */
import { join } from 'node:path';
import { realClock } from '../../lib/clock/clock.ts';
import { FrameKeeper } from '../../lib/night/keep.ts';
import { Sequence, type SequenceOptions } from '../../lib/night/sequence.ts';
import { ScriptedCamera } from './scripted-camera.ts';

const [root, frames] = [process.argv[2]!, Number(process.argv[3])];
const keeper = new FrameKeeper({ root, policy: 'all' });
const journalPath = join(root, 'sequence.jsonl');
const options: Omit<SequenceOptions, 'plan'> = {
  camera: new ScriptedCamera({ clock: realClock }),
  clock: realClock,
  site: null,
  journalPath,
  onFrame: async ({ frame, run }) => {
    await keeper.keep(frame, run);
  },
  isKept: (run, n) => keeper.has(run, n),
};
const sequence =
  (await Sequence.resume(journalPath, options)) ??
  new Sequence({ ...options, plan: { exposureSeconds: 0.01, frames } });
sequence.on('frame', ({ n }) => console.log(`frame ${n}`));
await sequence.start();
const { reason } = await sequence.finished;
console.log(`end ${reason}`);
process.exit(0);
