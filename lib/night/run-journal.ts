/** What a sequence writes down so that it can go on after a crash: its plan, when it began, each frame accepted, its end. */
import type { NightflowError } from '../process/errors.ts';
import { Journal, journalEntries } from '../process/journal.ts';
import { type GapState, GapStatistics } from './gaps.ts';
import type { PlanInput, SequencePlan } from './plan.ts';

type Entry =
  | { type: 'start'; run: string; plan: SequencePlan; startAt: number }
  | { type: 'begin'; run: string; at: number; endAt: number | null }
  | {
      type: 'frame';
      run: string;
      at: number;
      n: number;
      end: number | null;
      exposed: number;
      gap: number | null;
      lost: number;
    }
  | { type: 'paused'; run: string; paused: boolean }
  | { type: 'failure'; run: string; failures: number }
  | {
      type: 'so-far';
      run: string;
      at: number | null;
      n: number;
      end: number | null;
      lost: number;
      failures: number;
      gaps: GapState;
    }
  | { type: 'end'; run: string; reason: string };

/** How far a run has come. */
export interface RunState {
  run: string;
  plan: PlanInput;
  /** UTC ms of the planned start, of the first exposure (null: not begun) and of the planned end. */
  startAt: number;
  beganAt: number | null;
  endAt: number | null;
  /** Frames accepted so far; the next is n + 1. */
  n: number;
  /** UTC ms of the last accepted exposure's end. */
  lastEnd: number | null;
  /** The clock when the last frame was accepted, UTC ms: a replayed picture may itself be of any year. */
  lastAt: number | null;
  lost: number;
  failures: number;
  paused: boolean;
  gaps: GapStatistics;
}

/** Beyond this the journal is written anew in four lines; a frame takes some 120 bytes. */
const compactAboveBytes = 1_000_000;

export class RunJournal {
  private readonly state: RunState;
  private journal: Journal<Entry> | null = null;

  /** @param state Kept up to date by the caller. */
  constructor(state: RunState) {
    this.state = state;
  }

  async open(path: string | null): Promise<void> {
    if (path === null) return;
    this.journal = await Journal.open<Entry>(path, {
      compact: { aboveBytes: compactAboveBytes, entries: () => this.everything() },
    });
  }

  start = () => this.append({ type: 'start', run: this.state.run, ...this.head() });
  begin = (at: number, endAt: number | null) => this.append({ type: 'begin', run: this.state.run, at, endAt });
  paused = (paused: boolean) => this.append({ type: 'paused', run: this.state.run, paused });
  failure = () => this.append({ type: 'failure', run: this.state.run, failures: this.state.failures });
  end = (reason: string) => this.append({ type: 'end', run: this.state.run, reason });

  frame(frame: {
    at: number;
    n: number;
    end: number | null;
    exposed: number;
    gap: number | null;
    lost: number;
  }): Promise<void> {
    return this.append({ type: 'frame', run: this.state.run, ...frame });
  }

  async close(): Promise<void> {
    await this.journal?.close();
    this.journal = null;
  }

  private async append(entry: Entry): Promise<void> {
    await this.journal?.append(entry);
  }

  private head() {
    return { plan: this.state.plan as SequencePlan, startAt: this.state.startAt };
  }

  private everything(): Entry[] {
    const { run, beganAt, endAt, n, lastEnd, lastAt, lost, failures, paused, gaps } = this.state;
    return [
      { type: 'start', run, ...this.head() },
      ...(beganAt === null ? [] : [{ type: 'begin' as const, run, at: beganAt, endAt }]),
      { type: 'so-far', run, at: lastAt, n, end: lastEnd, lost, failures, gaps: gaps.state() },
      { type: 'paused', run, paused },
    ];
  }
}

/** The unfinished run of a journal, or null when there is none. Entries that make no sense are passed over. */
export async function readRun(path: string): Promise<RunState | null> {
  let state: RunState | null = null;
  for await (const entry of journalEntries<Entry>(path)) {
    if (entry.type === 'start' && typeof entry.run === 'string' && typeof entry.startAt === 'number')
      state = newRun(entry.run, entry.plan, entry.startAt);
    else if (state && entry.run === state.run) state = follow(state, entry);
  }
  return state;
}

export const newRun = (run: string, plan: PlanInput, startAt: number): RunState => ({
  run,
  plan,
  startAt,
  beganAt: null,
  endAt: null,
  n: 0,
  lastEnd: null,
  lastAt: null,
  lost: 0,
  failures: 0,
  paused: false,
  gaps: new GapStatistics(),
});

function follow(state: RunState, entry: Entry): RunState | null {
  switch (entry.type) {
    case 'begin':
      state.beganAt = entry.at;
      state.endAt = entry.endAt;
      break;
    case 'frame':
      // A frame that a compacted journal says twice counts once.
      if (!(entry.n > state.n)) break;
      state.n = entry.n;
      state.lastEnd = entry.end;
      state.lastAt = entry.at;
      state.lost += entry.lost;
      state.gaps.addExposure(entry.exposed);
      if (entry.gap !== null) state.gaps.addGap(entry.gap);
      break;
    case 'failure':
      // The exposure under way was lost with each failure.
      state.lost += Math.max(0, entry.failures - state.failures);
      state.failures = Math.max(state.failures, entry.failures);
      break;
    case 'so-far':
      state.n = entry.n;
      state.lastEnd = entry.end;
      state.lastAt = entry.at;
      state.lost = entry.lost;
      state.failures = entry.failures;
      state.gaps.restore(entry.gaps);
      break;
    case 'paused':
      state.paused = entry.paused;
      break;
    case 'end':
      return null;
  }
  return state;
}

/** A full disk or one that was unplugged is no end of the run: it can be gone on with. A wrong setting stays wrong. */
export const isMendable = ({ code }: NightflowError): boolean =>
  code !== 'bad-input' && code !== 'unsupported' && code !== 'missing';
