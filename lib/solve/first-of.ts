/** Several engines as one: the next is asked when one does not find the field. */
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { SolveRequest, SolveResult, Solver } from './solver.ts';

/** How much of the time an engine gets while others wait. */
const share = 0.5;

/**
 * One that is not installed is passed over, and named where none found the field; when none answered, the first one's error is thrown.
 * The answer is the match, or the one that says most, with the whole time.
 */
export function firstOf(solvers: readonly Solver[], name: string): Solver {
  return { name, solve: (request) => solve(solvers, request) };
}

async function solve(solvers: readonly Solver[], request: SolveRequest): Promise<SolveResult> {
  const started = performance.now();
  const since = () => (performance.now() - started) / 1000;
  const answers: SolveResult[] = [];
  const failures: NightflowError[] = [];
  for (const [i, solver] of solvers.entries()) {
    const left = request.timeoutSeconds - since();
    if (left <= 0) break;
    const isLast = i === solvers.length - 1;
    try {
      const answer = await solver.solve({ ...request, timeoutSeconds: isLast ? left : left * share });
      answers.push(answer);
      if (answer.status === 'matched' || answer.status === 'cancelled') break;
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (error.code === 'aborted') throw error;
      failures.push(error);
    }
  }
  const last = answers.at(-1);
  const best = last && isFinal(last) ? last : (answers.find(saysMuch) ?? answers[0]);
  if (!best) throw failures[0] ?? new NightflowError('timeout', 'No solver had time to answer.');
  // Each had its part of the time: one engine's sentence alone would not explain the whole of it.
  const said = answers.length > 1 ? answers.map(({ engine, reason }) => `${engine}: ${reason}`) : [best.reason];
  const reason = isFinal(best) ? best.reason : [...said, ...failures.map(sentence)].join(' ');
  return { ...best, reason, seconds: { ...best.seconds, total: since() } };
}

const isFinal = ({ status }: SolveResult): boolean => status === 'matched' || status === 'cancelled';
/** That time ran out says less than that there were no stars, or that none of them matched. */
const saysMuch = ({ status }: SolveResult): boolean => status === 'too-few-stars' || status === 'no-match';
const sentence = ({ message, remedy }: NightflowError): string => (remedy ? `${message} ${remedy}.` : message);
