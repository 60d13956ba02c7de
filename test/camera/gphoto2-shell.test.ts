/** The shell with a program that floods it. */
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { expect, it, onTestFinished } from 'vitest';
import { Gphoto2Shell } from '../../lib/camera/gphoto2-shell.ts';

it('keeps no more than the beginning of a line without an end', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'nightflow-shell-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  const program = join(folder, 'gphoto2');
  const prompt = "printf 'gphoto2: {/here} /> '";
  const flood = `head -c 4000000 /dev/zero | tr '\\0' x; printf '\\nwhole\\n'; ${prompt}`;
  await writeFile(program, `#!/bin/sh\n${prompt}\nwhile read -r line && [ "$line" != exit ]; do ${flood}; done\n`);
  await chmod(program, 0o755);
  const shell = new Gphoto2Shell({ port: null, folder, program });
  await shell.start();
  onTestFinished(() => shell.end());
  const lengths: number[] = [];
  await shell.send('flood', { timeoutSeconds: 60, onLine: (line) => lengths.push(line.length) });
  expect(lengths).toHaveLength(2);
  expect(lengths[0]).toBeLessThan(1_000_000);
  expect(lengths[1]).toBe('whole'.length);
}, 90_000);
