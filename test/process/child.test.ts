import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { realSleep } from '../../lib/clock/clock.ts';
import { feedProgram, runProgram } from '../../lib/process/child.ts';

const node = process.execPath;
const script = (source: string) => ['-e', source];
let folder: string;
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-child-'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('returns what the program printed, and the end of its error output', async () => {
  const result = await runProgram(node, script('console.log("hello"); console.error("beware")'), {
    silenceSeconds: 30,
  });
  expect(result).toEqual({ stdout: 'hello\n', stderrTail: 'beware' });
});

it('hands over arguments as they are: no shell expands them', async () => {
  const nasty = `$(touch ${join(folder, 'owned')}); \`id\` | * "quote"`;
  const { stdout } = await runProgram(node, ['-e', 'process.stdout.write(process.argv[1])', nasty], {
    silenceSeconds: 30,
  });
  expect(stdout).toBe(nasty);
  await expect(readFile(join(folder, 'owned'))).rejects.toThrow('ENOENT');
});

it('says how to install a program that is missing', async () => {
  await expect(
    runProgram('nightflow-no-such-program', [], { silenceSeconds: 5, aptPackage: 'ffmpeg' }),
  ).rejects.toMatchObject({
    code: 'missing',
    message: 'The program nightflow-no-such-program is not installed.',
    remedy: 'Install it with: sudo apt install ffmpeg',
  });
});

it('tells the exit code with the last lines of the error output', async () => {
  await expect(
    runProgram(node, script('for (let i = 0; i < 9; i++) console.error("line " + i); process.exitCode = 3'), {
      silenceSeconds: 30,
    }),
  ).rejects.toMatchObject({
    code: 'failed',
    message: expect.stringContaining('failed with exit code 3: line 6 / line 7 / line 8'),
  });
});

it('keeps only a bounded tail of a long error output', async () => {
  const { stderrTail } = await runProgram(node, script('process.stderr.write("x".repeat(1e6) + "end")'), {
    silenceSeconds: 30,
  });
  expect(stderrTail.length).toBe(4096);
  expect(stderrTail.endsWith('end')).toBe(true);
});

it('refuses an endless output', async () => {
  await expect(
    runProgram(node, script('setInterval(() => process.stdout.write("y".repeat(1e5)), 1)'), {
      silenceSeconds: 30,
      maximumOutputBytes: 1e6,
    }),
  ).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('printed more than 1000000 bytes') });
});

it('stops a program that shows no sign of life', async () => {
  await expect(runProgram(node, script('setInterval(() => {}, 1000)'), { silenceSeconds: 0.5 })).rejects.toMatchObject({
    code: 'timeout',
  });
});

it('stops a busy program at its limit', async () => {
  await expect(
    runProgram(node, script('setInterval(() => console.log("."), 20)'), { silenceSeconds: 30, timeoutSeconds: 0.6 }),
  ).rejects.toMatchObject({ code: 'timeout', message: expect.stringContaining('was not ready after') });
});

it('stops at once when aborted, even a program that ignores SIGTERM', async () => {
  const stop = new AbortController();
  const pidFile = join(folder, 'pid');
  const source = `process.on('SIGTERM', () => {}); require('fs').writeFileSync(${JSON.stringify(pidFile)}, String(process.pid)); console.log('up'); setInterval(() => {}, 1000)`;
  const running = runProgram(node, script(source), {
    silenceSeconds: 60,
    signal: stop.signal,
    onLine: () => stop.abort(),
  });
  await expect(running).rejects.toMatchObject({ code: 'aborted' });
  const pid = Number(await readFile(pidFile, 'utf8'));
  expect(() => process.kill(pid, 0)).toThrow('ESRCH');
});

it('reads the output line by line', async () => {
  const lines: string[] = [];
  await runProgram(
    node,
    script('process.stdout.write("a\\nb"); setTimeout(() => process.stdout.write("c\\nd\\n"), 50)'),
    {
      silenceSeconds: 30,
      onLine: (line) => lines.push(line),
    },
  );
  expect(lines).toEqual(['a', 'bc', 'd']);
});

async function* chunks(count: number, bytes: number, at: (index: number) => void = () => {}) {
  for (let index = 0; index < count; index++) {
    at(index);
    yield Buffer.alloc(bytes, index);
  }
}

it('feeds no faster than the program reads', async () => {
  let furthest = 0;
  const slow = `let n = 0; process.stdin.on('data', (c) => { n += c.length; process.stdin.pause(); setTimeout(() => process.stdin.resume(), 5) }); process.stdin.on('end', () => console.log(n))`;
  const running = feedProgram(
    node,
    script(slow),
    chunks(100, 100_000, (index) => {
      furthest = index;
    }),
    { silenceSeconds: 30 },
  );
  await realSleep(100);
  expect(furthest).toBeLessThan(60);
  expect((await running).stdout).toBe('10000000\n');
});

it('fails once, clearly, when the program dies in the middle of its input', async () => {
  await expect(
    feedProgram(
      node,
      script('process.stdin.once("data", () => process.kill(process.pid, "SIGKILL"))'),
      chunks(1000, 100_000),
      {
        silenceSeconds: 30,
      },
    ),
  ).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('was ended by SIGKILL') });
});

it('fails when the program stops reading early', async () => {
  await expect(
    feedProgram(node, script('process.stdin.once("data", () => process.exit(0))'), chunks(1000, 100_000), {
      silenceSeconds: 30,
    }),
  ).rejects.toMatchObject({ code: 'failed', message: expect.stringContaining('ended before it had read everything') });
});

it('throws what its input throws, and leaves no program behind', async () => {
  async function* broken() {
    yield Buffer.from('start');
    throw new Error('the spool is gone');
  }
  await expect(
    feedProgram(node, script('process.stdin.resume(); setInterval(() => {}, 1000)'), broken(), { silenceSeconds: 30 }),
  ).rejects.toThrow('the spool is gone');
});

it('lowers the priority of work in the background', async () => {
  const { stdout } = await runProgram(node, script('setTimeout(() => console.log(os.getPriority()), 200)'), {
    silenceSeconds: 30,
    background: true,
  });
  expect(Number(stdout)).toBeGreaterThan(0);
});

it('takes a file path with a leading dash as an argument, not as an option of ours', async () => {
  const file = join(folder, '-rf');
  await writeFile(file, 'kept');
  const { stdout } = await runProgram('cat', ['--', '-rf'], { silenceSeconds: 30, cwd: folder });
  expect(stdout).toBe('kept');
});
