/** Debian's Python for tests: its astropy is the authority on FITS. A test fails when it is missing (npm test installs it). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll } from 'vitest';
import type { Frame, Pixels } from '../../../lib/frame/frame.ts';

/** A folder of the test file's own below the system's temporary one, removed at its end. */
export function temporaryFolder(): string {
  const folder = mkdtempSync(join(tmpdir(), 'nightflow-fits-'));
  afterAll(() => rmSync(folder, { recursive: true, force: true }));
  return folder;
}

/** Runs a script in `folder`; answers what it printed. Warnings are errors when `strict`. */
export function python(folder: string, script: string, { strict = false } = {}): string {
  const flags = strict ? ['-W', 'error'] : ['-W', 'ignore'];
  return execFileSync('/usr/bin/python3', [...flags, '-c', script], { cwd: folder, encoding: 'utf8' });
}

/** Samples that a script wrote with numpy's tofile: little-endian, top row first. */
export function reference(folder: string, name: string, type: Frame['pixelType']): Pixels {
  const bytes = readFileSync(join(folder, name));
  const memory = new ArrayBuffer(bytes.length);
  new Uint8Array(memory).set(bytes);
  return type === 'u8' ? new Uint8Array(memory) : type === 'u16' ? new Uint16Array(memory) : new Float32Array(memory);
}

/** The first sample that differs, or null: NaN equals NaN. (A deep comparison of a million numbers is too slow.) */
export function firstDifference(actual: Pixels, expected: Pixels): string | null {
  if (actual.length !== expected.length) return `${actual.length} samples, not ${expected.length}`;
  for (let i = 0; i < actual.length; i++)
    if (!Object.is(actual[i], expected[i]) && actual[i] !== expected[i])
      return `sample ${i} is ${actual[i]}, not ${expected[i]}`;
  return null;
}
