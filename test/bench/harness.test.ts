import { describe, expect, it, vi } from 'vitest';
import { cpu, figureLine, median, pairedBench, python3Peer, summary } from '../../bench/harness.ts';

vi.spyOn(console, 'log').mockImplementation(() => {});

const costs = (values: number[]) => {
  let next = 0;
  return async () => ({ cpuMs: values[next++ % values.length]!, wallMs: 1 });
};

describe('a paired bench', () => {
  it('takes the median of the pairwise ratios and passes at the goal', async () => {
    const line = await pairedBench({
      bench: 'x',
      goal: 0.5,
      ours: costs([1]),
      peer: costs([2, 2, 2, 2, 2, 2, 2, 100]),
      agree: async () => true,
    });
    expect(line).toMatchObject({ bench: 'x', ratio: 0.5, goal: 0.5, pass: true });
  });

  it('fails when the outputs disagree, whatever the speed', async () => {
    const line = await pairedBench({
      bench: 'x',
      goal: 10,
      ours: costs([1]),
      peer: costs([2]),
      agree: async () => 'pixel 3 differs',
    });
    expect(line).toMatchObject({ pass: false, ratio: null, reason: 'pixel 3 differs' });
  });

  it('measures at least 7 pairs after a warm-up', async () => {
    let runs = 0;
    const ours = async () => ({ cpuMs: ++runs, wallMs: 1 });
    await pairedBench({ bench: 'x', goal: 1, pairs: 2, ours, peer: costs([1]), agree: async () => true });
    expect(runs).toBe(8);
  });
});

it('a bench with several rows passes when all do and shows the row furthest from its goal', () => {
  const good = figureLine({ bench: 'b', part: 'one', figure: 1, goal: 2 });
  const recall = figureLine({ bench: 'b', part: 'recall', figure: 0.8, goal: 0.9, atLeast: true });
  expect(good.pass).toBe(true);
  expect(recall.pass).toBe(false);
  expect(summary([good, recall])).toMatchObject({ part: 'recall', pass: false, parts: [good, recall] });
  expect(summary([good])).toBe(good);
});

it('counts CPU of finished child processes on Linux', async () => {
  const peer = python3Peer('def run(n):\n    return sum(i * i for i in range(n))');
  const { cpuMs, result } = await peer.run(400_000);
  expect(result).toBe(21333253333400000);
  const closing = await cpu(() => peer.close());
  if (process.platform === 'linux') expect(closing.cpuMs).toBeGreaterThan(cpuMs / 2);
});

it('a Python peer that fails rejects instead of hanging', async () => {
  const peer = python3Peer('import sys\ndef run(_):\n    sys.exit(3)');
  await expect(peer.run()).rejects.toThrow('exit code 3');
  await peer.close();
});

it('the median of an even count is the mean of the middle two', () => {
  expect(median([4, 1, 3, 2])).toBe(2.5);
});
