/** The gaps of a Sony's stand-in through our gphoto2 backend: what we add between two exposures, by the commands that its shell gets. */
import { chmod, mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { gphoto2Backend } from '../../lib/camera/gphoto2.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { makeGphoto2StandIn } from '../../test/camera/stand-in/gphoto2-bin.ts';
import { type BenchLine, median } from '../harness.ts';
import { lines, run } from './run.ts';

/** Milliseconds since 1970: given to the shell, and its prompt back again. */
interface Command {
  command: string;
  begin: number;
  end: number;
}

/** The shutter is held down: what we add is the time that nobody holds it between the first press and the last frame. */
export function gphoto2Held(folder: string): Promise<BenchLine[]> {
  return gphoto2(join(folder, 'held'), true, (commands) => {
    const presses = commands.filter(({ command }) => /capture=1$/.test(command));
    const releases = commands.filter(({ command }) => /capture=0$/.test(command));
    console.log(`gphoto2, shutter held: ${presses.length} press for all frames`);
    if (presses.length === 0) return Infinity;
    return presses.slice(1).reduce((sum, { begin }, i) => sum + begin - releases[i]!.begin, 0);
  });
}

/** The same body asked for each frame: what we add is the time from the prompt that ends one to the command for the next. */
export function gphoto2OneByOne(folder: string): Promise<BenchLine[]> {
  return gphoto2(join(folder, 'one-by-one'), false, (commands) => {
    const shots = commands.filter(({ command }) => command === 'capture-image-and-download');
    return shots.length < 2 ? Infinity : median(shots.slice(1).map(({ begin }, i) => begin - shots[i]!.end));
  });
}

async function gphoto2(
  folder: string,
  holdShutter: boolean,
  added: (commands: readonly Command[]) => number,
): Promise<BenchLine[]> {
  const { program, remove } = await makeGphoto2StandIn();
  const watched = await watch(program, folder);
  const camera = gphoto2Backend.create({ program: watched.program, holdShutter }, { clock: realClock, site: null });
  try {
    await camera.open();
    const taken = await run(camera, { exposureSeconds: 1, frames: 15 }, join(folder, 'frames'));
    const part = `gphoto2, ${holdShutter ? 'shutter held' : 'one by one'} (stand-in)`;
    const model = holdShutter
      ? 'the 1 ms of its continuous drive'
      : 'its shell fetches the file before it takes the next command: 30 ms here, a second and more with a Sony';
    const row = { part, model, addedMilliseconds: added(await watched.commands()), lost: taken.end.lost };
    return lines(row, taken);
  } finally {
    await remove();
  }
}

async function watch(program: string, folder: string): Promise<{ program: string; commands(): Promise<Command[]> }> {
  await mkdir(folder, { recursive: true });
  const [script, log] = [join(folder, 'gphoto2'), join(folder, 'commands.jsonl')];
  const watcher = join(import.meta.dirname, 'watched-shell.js');
  await writeFile(script, `#!/bin/sh\nexec '${process.execPath}' '${watcher}' '${log}' '${program}' "$@"\n`);
  await chmod(script, 0o755);
  const commands = async () =>
    (await readFile(log, 'utf8')).split('\n').flatMap((line) => (line === '' ? [] : [JSON.parse(line) as Command]));
  return { program: script, commands };
}
