import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import sharp from 'sharp';
import { afterAll, expect, it } from 'vitest';
import { realClock } from '../../lib/clock/clock.ts';
import { closeSharedPool } from '../../lib/kernels/pool.ts';
import { Film } from '../../lib/night/film.ts';
import { Keogram } from '../../lib/night/keogram.ts';
import { NightStack } from '../../lib/night/night-stack.ts';

afterAll(closeSharedPool);

/** Kills the night's process without warning once it has gathered `frames`. @returns how many it said it had. */
async function gatherAndKill(folder: string, frames: number): Promise<number> {
  const night = spawn(process.execPath, [join(import.meta.dirname, 'crash-night.ts'), folder], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let gathered = 0;
  const lines = createInterface({ input: night.stdout });
  lines.on('line', (line) => {
    gathered = Number(line);
    if (gathered === frames) night.kill('SIGKILL');
  });
  await once(night, 'close');
  return gathered;
}

it.each([3, 8, 20])('a night killed without warning after %d frames has them all', async (frames) => {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-crash-'));
  const gathered = await gatherAndKill(folder, frames);
  expect(gathered).toBeGreaterThanOrEqual(frames);

  const stack = await NightStack.open(join(folder, 'stack'), realClock);
  const { frame, summary } = (await stack.finish())!;
  // One more may have got in between its being on the disk and its being said.
  expect(summary.frames - gathered).toBeOneOf([0, 1]);
  expect([...frame.pixels].filter((value) => value === 60000).length).toBe(summary.frames);

  const keogram = (await Keogram.open(join(folder, 'keogram')))!;
  expect(keogram.frames - gathered).toBeOneOf([0, 1]);
  expect((await sharp((await keogram.draw(null)).png).metadata()).height).toBe(64 + 60);

  const film = (await Film.open(join(folder, 'film')))!;
  expect(film.frames - gathered).toBeOneOf([0, 1]);
  for (const name of await readdir(join(folder, 'film', 'frames')))
    if (name.endsWith('.jpg')) {
      // Decoded to its last row, else sharp would complain.
      const picture = sharp(join(folder, 'film', 'frames', name), { failOn: 'truncated' }).raw();
      expect((await picture.toBuffer({ resolveWithObject: true })).info).toMatchObject({ width: 32, height: 24 });
    }
  await rm(folder, { recursive: true, force: true });
});
