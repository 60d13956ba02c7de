/** Started by crash.test.ts as a program of its own: gathers a night in the folder it is given until it is killed. */
import { join } from 'node:path';
import { realClock } from '../../lib/clock/clock.ts';
import { Film } from '../../lib/night/film.ts';
import { Keogram } from '../../lib/night/keogram.ts';
import { NightStack } from '../../lib/night/night-stack.ts';
import { smallFrame } from './small-frames.ts';

const folder = process.argv[2]!;
const look = { stretch: 'none', drc: 'off' } as const;
const keogramOptions = { ...look, angleDegrees: 0, position: 0.5, columnWidth: 1, height: 64 };
const filmOptions = { ...look, width: 320, jpegQuality: 80 };
const stackOptions = { hotPixels: 'off', align: 'none', fillGaps: false, cometTail: 0 } as const;
const plan = { ...stackOptions, method: 'max', by: 'night', seconds: 60, frames: 1 } as const;
const night = '2026-01-12';

const stack = await NightStack.open(join(folder, 'stack'), realClock);
const first = smallFrame(0);
const keogram = await Keogram.begin(join(folder, 'keogram'), night, first, keogramOptions);
const film = await Film.begin(join(folder, 'film'), night, first, filmOptions);
for (let index = 0; ; index++) {
  const frame = smallFrame(index * 5, { star: index });
  await stack.advance(frame, night, plan);
  await stack.add(frame, plan);
  await stack.checkpoint();
  await keogram.add(frame, keogramOptions);
  await film.add(frame, filmOptions);
  process.stdout.write(`${index + 1}\n`);
}
