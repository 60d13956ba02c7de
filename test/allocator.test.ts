/** What scripts/allocator.js sets makes malloc use the pages of dropped frames again. */
import { execFileSync } from 'node:child_process';
import { afterEach, expect, it, vi } from 'vitest';
import { allocatorEnvironment } from '../scripts/allocator.js';

afterEach(() => vi.unstubAllEnvs());

it('leaves the tunables of the user alone', () => {
  vi.stubEnv('GLIBC_TUNABLES', 'glibc.malloc.check=0');
  expect(allocatorEnvironment()).toEqual({});
});

/** Makes and drops 40 frames of 36 MB (untuned, malloc keeps none above 32); prints the page faults of the last 30. */
const program = `
  let faults = 0;
  for (let i = 0; i < 40; i++) {
    if (i === 10) faults = process.resourceUsage().minorPageFault;
    new Uint8Array(new SharedArrayBuffer(36e6)).fill(1);
    gc();
  }
  console.log(process.resourceUsage().minorPageFault - faults);
`;

it('takes the pages of dropped frames again', () => {
  vi.stubEnv('GLIBC_TUNABLES', undefined);
  const tuned = allocatorEnvironment();
  if (tuned.GLIBC_TUNABLES === undefined) return expect(tuned).toEqual({});
  const faultsWith = (env: object) =>
    Number(execFileSync(process.execPath, ['--expose-gc', '-e', program], { env: { ...process.env, ...env } }));
  expect(faultsWith(tuned)).toBeLessThan(faultsWith({}) / 3);
});
