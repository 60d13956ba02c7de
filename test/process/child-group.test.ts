/** A program that starts others takes them along when it is stopped. */
import { expect, it } from 'vitest';
import { runProgram } from '../../lib/process/child.ts';

const isRunning = (pid: number): boolean => {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
};

it.each(['cancelled', 'timed out'] as const)('ends with its children when it is %s', async (how) => {
  const stop = new AbortController();
  let child = 0;
  const running = runProgram('sh', ['-c', 'sleep 600 & echo $!; wait'], {
    silenceSeconds: 600,
    ...(how === 'timed out' ? { timeoutSeconds: 5 } : {}),
    signal: stop.signal,
    endsItsChildren: true,
    onLine: (line) => {
      child = Number(line);
      expect(isRunning(child)).toBe(true);
      if (how === 'cancelled') stop.abort();
    },
  });
  await expect(running).rejects.toMatchObject({ code: how === 'cancelled' ? 'aborted' : 'timeout' });
  expect(child).toBeGreaterThan(0);
  await expect.poll(() => isRunning(child), { timeout: 20_000 }).toBe(false);
});
