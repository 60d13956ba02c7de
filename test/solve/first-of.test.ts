import { describe, expect, it } from 'vitest';
import { allocatePixels, Frame } from '../../lib/frame/frame.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { firstOf } from '../../lib/solve/first-of.ts';
import type { SolveRequest, SolveResult, Solver, SolveStatus } from '../../lib/solve/solver.ts';

const frame = new Frame({ data: allocatePixels(8, 8, 1, 'u8'), width: 8, height: 8, pixelType: 'u8' });
const asked: [string, number][] = [];
const engine = (name: string, answer: SolveStatus | NightflowError): Solver => ({
  name,
  solve: async (request: SolveRequest): Promise<SolveResult> => {
    asked.push([name, request.timeoutSeconds]);
    if (answer instanceof NightflowError) throw answer;
    const seconds = { detect: 0, search: 0, total: 0 };
    const reason = `${name} says ${answer}.`;
    return { status: answer, reason, solution: null, engine: name, stars: 9, withoutHints: false, seconds };
  },
});
const absent = new NightflowError('missing', 'B is not installed.', { remedy: 'Install it' });
const ask = (...solvers: Solver[]) => firstOf(solvers, 'auto').solve({ frame, timeoutSeconds: 100 });

describe('several engines as one', () => {
  it('ask the next when one does not find the field, and stop at a match', async () => {
    asked.length = 0;
    const result = await ask(engine('a', 'no-match'), engine('b', 'matched'), engine('c', 'matched'));
    expect(result).toMatchObject({ status: 'matched', engine: 'b' });
    expect(asked.map(([name]) => name)).toEqual(['a', 'b']);
    expect(asked[0]![1]).toBeLessThanOrEqual(50);
  });

  it('pass over what is not installed, and name it when no other found the field', async () => {
    expect(await ask(engine('b', absent), engine('a', 'matched'))).toMatchObject({
      engine: 'a',
      reason: 'a says matched.',
    });
    const result = await ask(engine('a', 'no-match'), engine('b', absent));
    expect(result).toMatchObject({ status: 'no-match', reason: 'a says no-match. B is not installed. Install it.' });
    await expect(ask(engine('b', absent), engine('b', absent))).rejects.toBe(absent);
  });

  it('answer with what says most, and stop when cancelled', async () => {
    expect(await ask(engine('a', 'too-few-stars'), engine('b', 'timed-out'))).toMatchObject({
      engine: 'a',
      reason: 'a: a says too-few-stars. b: b says timed-out.',
    });
    expect(await ask(engine('a', 'timed-out'), engine('b', 'no-match'))).toMatchObject({ engine: 'b' });
    expect(await ask(engine('a', 'cancelled'), engine('b', 'matched'))).toMatchObject({ status: 'cancelled' });
  });
});
