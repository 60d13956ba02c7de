/** A sequence whose camera is lost: what it says of the way back, that it never gives up, and the pictures that lay on the card. */
import { describe, expect, it } from 'vitest';
import type { CapturedFrame, RecoveryState } from '../../lib/camera/camera.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import { Sequence, type SequenceFrame } from '../../lib/night/sequence.ts';
import { asNightflowError, NightflowError } from '../../lib/process/errors.ts';
import { frameOf, lostError, type Script, ScriptedCamera } from './scripted-camera.ts';
import { evening, tromso, upTo } from './scripted-sequence.ts';

/** Tells two steps, and keeps pictures on a card. */
class CardCamera extends ScriptedCamera {
  onCard: (() => Promise<CapturedFrame>)[] = [];
  readonly asked: number[] = [];
  private readonly listeners = new Set<(state: RecoveryState | null) => void>();

  onRecovery(listener: (state: RecoveryState | null) => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }

  tell(state: Partial<RecoveryState> | null): void {
    const whole = { step: 1, of: 2, what: 'a step', since: 0, attempt: 1, needsPerson: false, problem: null };
    for (const listener of [...this.listeners]) listener(state && { ...whole, ...state });
  }

  override async recover(): Promise<void> {
    this.tell({ step: 1 });
    this.tell({ step: 2 });
    try {
      await super.recover();
    } catch (error) {
      this.tell({ step: 2, needsPerson: true, what: asNightflowError(error).remedy ?? 'Plug it in' });
      throw error;
    }
    this.tell(null);
  }

  async *leftBehind(since: number): AsyncGenerator<CapturedFrame> {
    this.asked.push(since);
    for (let next = this.onCard.shift(); next; next = this.onCard.shift()) yield await next();
  }
}

function setUp(plan: ConstructorParameters<typeof Sequence>[0]['plan'], script: Partial<Script>) {
  const clock = new RehearsalClock(evening, Infinity);
  const camera = new CardCamera({ clock, ...script });
  const frames: SequenceFrame[] = [];
  const told: (RecoveryState | null)[] = [];
  const warnings: string[] = [];
  const sequence = new Sequence({ camera, site: tromso, clock, plan });
  sequence.on('frame', (frame) => frames.push(frame));
  sequence.on('recovery', (state) => told.push(state));
  sequence.on('warning', ({ message }) => warnings.push(message));
  return { clock, camera, sequence, frames, told, warnings };
}

const picture =
  (start: number, before: () => Promise<void> = async () => {}) =>
  async (): Promise<CapturedFrame> => {
    await before();
    return { frame: frameOf(start, 10), gapSeconds: null, lostBefore: 0 };
  };
const seconds = ({ frame }: SequenceFrame) => (Date.parse(frame.start!) - evening) / 1000;

describe('a sequence whose camera is lost', () => {
  it('takes over what lay on the card, in its order, and takes the loss back', async () => {
    const { sequence, camera, frames } = setUp(
      { exposureSeconds: 10, frames: 8 },
      {
        before: (k) => {
          if (k !== 4) return 0;
          camera.onCard = [picture(evening + 30_000), picture(evening + 40_000)];
          throw lostError();
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(end).toMatchObject({ reason: 'count', frames: 8, lost: 0, failures: 1, error: null });
    expect(frames.map(({ n }) => n)).toEqual(upTo(8));
    expect(frames.map(({ recovered }) => recovered)).toEqual([false, false, false, true, true, false, false, false]);
    expect(frames.map(({ regained }) => regained)).toEqual([0, 0, 0, 1, 0, 0, 0, 0]);
    expect(frames.slice(0, 5).map(seconds)).toEqual([0, 10, 20, 30, 40]);
    expect(frames[3]!.frame).toMatchObject({ number: 4, night: '2026-03-20' });
    expect(frames[3]!.gapSeconds).toBeNull();
    // From the end of the last picture on the card.
    expect(frames[5]!.gapSeconds).toBeCloseTo(seconds(frames[5]!) - 50, 3);
    expect(camera.asked[0]).toBe(evening);
  });

  it('takes back frames that it was told were lost, when they lay on the card', async () => {
    const { sequence, camera, frames } = setUp(
      { exposureSeconds: 10, frames: 6 },
      {
        before: (k) => {
          if (k === 2) return 2;
          if (k !== 3) return 0;
          camera.onCard = [10, 20, 40].map((at) => picture(evening + at * 1000));
          throw lostError();
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(frames.filter(({ recovered }) => recovered)).toHaveLength(3);
    expect(end).toMatchObject({ reason: 'count', lost: 0, failures: 1 });
  });

  it('goes on where the card can not be read', async () => {
    const { sequence, camera, warnings } = setUp(
      { exposureSeconds: 10, frames: 4 },
      {
        before: (k) => {
          if (k !== 2) return 0;
          const refuses = async () => {
            throw new NightflowError('failed', 'The card is damaged.');
          };
          camera.onCard = [picture(0, refuses), picture(0, refuses)];
          throw lostError();
        },
      },
    );
    await sequence.start();
    expect(await sequence.finished).toMatchObject({ reason: 'count', frames: 4, lost: 1, failures: 1 });
    expect(camera.recoveries).toBe(1);
    expect(warnings).toContain("Pictures may be left on the camera's card: The card is damaged.");
  });

  it('goes on after a minute of that, and hands the rest over at its end', async () => {
    const { sequence, camera, frames, clock } = setUp(
      { exposureSeconds: 10, frames: 6 },
      {
        before: (k) => {
          if (k !== 3) return 0;
          const slowly = () => clock.sleep(40_000);
          camera.onCard = [20, 30, 40].map((at) => picture(evening + at * 1000, slowly));
          throw lostError();
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(frames.map(({ recovered }) => recovered)).toEqual([false, false, true, true, false, false, true]);
    expect(frames.map(({ n }) => n)).toEqual(upTo(7));
    expect(seconds(frames[6]!)).toBe(40);
    expect(end).toMatchObject({ reason: 'count', frames: 7, lost: 0 });
    expect(end.gaps.minimum).toBeGreaterThanOrEqual(0);
  });

  it('is lost again while the card is read: what was not read comes later, and nothing is counted twice', async () => {
    const { sequence, camera, frames } = setUp(
      { exposureSeconds: 10, frames: 5 },
      {
        before: (k) => {
          if (k !== 2) return 0;
          const broken = async () => {
            throw lostError();
          };
          camera.onCard = [picture(evening + 10_000), picture(0, broken), picture(evening + 20_000)];
          throw lostError();
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(frames.map(({ recovered }) => recovered)).toEqual([false, true, true, false, false]);
    expect(end).toMatchObject({ frames: 5, lost: 0, failures: 1 });
    expect(camera.recoveries).toBe(2);
  });

  it('tells each step, since when and the how-manieth time, and asks for a person; it never gives up', async () => {
    let away = true;
    const { sequence, camera, told, warnings, clock } = setUp(
      { exposureSeconds: 10, frames: 3 },
      {
        before: (k) => {
          if (k === 2) throw lostError();
          return 0;
        },
        recover: async () => {
          // Three hours later somebody comes by.
          if (clock.now() > evening + 3 * 3600_000) away = false;
          if (away) throw new NightflowError('lost', 'No camera.', { remedy: 'Switch it on.' });
        },
      },
    );
    await sequence.start();
    const end = await sequence.finished;
    expect(end).toMatchObject({ reason: 'count', frames: 3, lost: 1, failures: 1 });
    expect(told.slice(0, 3)).toMatchObject([
      { step: 1, of: 2, attempt: 1, since: evening + 10_000 },
      { step: 2, of: 2, attempt: 1, needsPerson: false },
      { needsPerson: true, what: 'Switch it on.' },
    ]);
    expect(told.at(-1)).toBeNull();
    expect(told.at(-2)).toMatchObject({ attempt: camera.recoveries, since: evening + 10_000 });
    // Growing pauses: a minute at most.
    expect(camera.recoveries).toBeGreaterThan(180);
    expect(camera.recoveries).toBeLessThan(500);
    expect(warnings.length).toBeGreaterThan(100);
  });

  it('ends the attempt at once when it is stopped', async () => {
    let entered = () => {};
    const trying = new Promise<void>((resolve) => {
      entered = resolve;
    });
    const { sequence, camera } = setUp(
      { exposureSeconds: 10 },
      {
        before: (k) => {
          if (k === 2) throw lostError();
          return 0;
        },
      },
    );
    camera.recover = (signal?: AbortSignal) => {
      entered();
      return new Promise((_, reject) => signal!.addEventListener('abort', () => reject(signal!.reason)));
    };
    await sequence.start();
    await trying;
    expect(await sequence.stop()).toMatchObject({ reason: 'stopped', frames: 1, lost: 1 });
  });
});
