/** Discarded frames and forgotten stacks give their memory back, in the main thread and in the workers. */
import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { expect, it } from 'vitest';

const program = fileURLToPath(new URL('./discarded-frames.ts', import.meta.url));

it.each(['main', 'worker', 'fold', 'original'])(
  '200 discarded frames of 48 MB, or 60 with a file as large, stay below 1 GB: %s',
  async (where) => {
    const { stdout } = await promisify(execFile)(process.execPath, [program, where]);
    const peakMegabytes = Number(stdout);
    expect(peakMegabytes).toBeGreaterThan(50);
    expect(peakMegabytes).toBeLessThan(1000);
  },
  120_000,
);
