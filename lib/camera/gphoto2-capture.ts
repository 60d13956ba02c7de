/** The ways of taking pictures with a body: its own timer, the shutter held open by us, the shutter held down for a burst without a gap. */
import { unlink } from 'node:fs/promises';
import type { Clock } from '../clock/clock.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../process/errors.ts';
import type { ExposurePlan } from './gphoto2-exposure.ts';
import { isRaw } from './gphoto2-files.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';

/** A picture in memory and when it was exposed, by the computer's clock. */
export interface Taken {
  path: string;
  /** Where the body had its files: on its card, or under a name in its memory. */
  locations: readonly string[];
  startMilliseconds: number;
  endMilliseconds: number;
  uncertaintySeconds: number;
}

/** The download of a large RAW, and the camera's own noise reduction, which takes as long as the exposure. */
const transferSeconds = 60;
/** For the picture of an exposure that nobody wants any more. */
const cutSeconds = 15;
/** USB and the shutter, where nothing tells better. */
const lagSeconds = 0.1;

/** Collects the files that the shell says it saves. One is whole when another line, or the prompt, follows. */
export class Downloads {
  readonly paths: string[] = [];
  /** Of each file in turn: when the body said that it has it. */
  readonly arrivals: number[] = [];
  /** Of those that the body announced: where it had them. */
  readonly locations: string[] = [];
  private location: string | null = null;
  private pending: string | null = null;
  private announced: number | null = null;
  private readonly clock: Clock;
  private readonly onFile: (path: string, arrival: number, location: string | null) => void;

  constructor(clock: Clock, onFile: (path: string, arrival: number, location: string | null) => void = () => {}) {
    this.clock = clock;
    this.onFile = onFile;
  }

  readonly line = (line: string): void => {
    this.settle();
    const saving = /^Saving file as (.+)$/.exec(line);
    const announced = /^New file is in location (.+) on the camera/.exec(line);
    if (saving) this.pending = saving[1]!;
    else if (announced || line.startsWith('FILEADDED ')) this.announced ??= this.clock.now();
    if (announced) this.location = announced[1]!;
  };

  /** The prompt is there. */
  settle(): void {
    if (this.pending === null) return;
    const arrival = this.announced ?? this.clock.now();
    this.paths.push(this.pending);
    this.arrivals.push(arrival);
    if (this.location) this.locations.push(this.location);
    this.onFile(this.pending, arrival, this.location);
    this.pending = null;
    this.announced = null;
    this.location = null;
  }
}

/** One exposure. Aborted, it goes on in the body to its end, and what it makes is thrown away. @throws aborted, lost, timeout, rejected, … */
export async function takeOne(
  session: Gphoto2Session,
  plan: ExposurePlan,
  clock: Clock,
  signal: AbortSignal | undefined,
): Promise<Taken> {
  throwIfAborted(signal);
  const downloads = new Downloads(clock);
  const work =
    plan.by === 'timer' ? byTimer(session, plan, clock, downloads) : byBulb(session, plan, clock, downloads, signal);
  const discard = () => Promise.all(downloads.paths.map((path) => unlink(path).catch(() => {})));
  const taken = await unlessAborted(work, signal).catch((thrown) => {
    work.then(discard, discard);
    throw thrown;
  });
  const path = await chooseRaw(downloads.paths);
  if (path) return { ...taken, path, locations: downloads.locations };
  throw new NightflowError('lost', 'The camera exposed and sent no picture.', {
    remedy: 'Look whether its card is full, and whether it saves RAW files.',
  });
}

type Times = Omit<Taken, 'path' | 'locations'>;

/** The body exposes between our command and its word that there is a file: that bounds the time. */
async function byTimer(
  session: Gphoto2Session,
  plan: ExposurePlan,
  clock: Clock,
  downloads: Downloads,
): Promise<Times> {
  const asked = clock.now();
  const timeoutSeconds = plan.exposureSeconds * 2.2 + transferSeconds;
  await session.shell.send('capture-image-and-download', { timeoutSeconds, onLine: downloads.line });
  downloads.settle();
  const told = downloads.arrivals[0] ?? clock.now();
  const slack = Math.max(0, told - asked - plan.exposureSeconds * 1000);
  const start = asked + slack / 2;
  return {
    startMilliseconds: start,
    endMilliseconds: start + plan.exposureSeconds * 1000,
    uncertaintySeconds: slack / 2000 + lagSeconds / 2,
  };
}

async function byBulb(
  session: Gphoto2Session,
  plan: ExposurePlan,
  clock: Clock,
  downloads: Downloads,
  signal: AbortSignal | undefined,
): Promise<Times> {
  const canon = session.first('bulb') === null;
  const shutter = (open: boolean) =>
    canon
      ? session.act('eosremoterelease', open ? 'Press Full MF' : 'Release Full')
      : session.act('bulb', open ? '1' : '0');
  const asked = clock.now();
  await shutter(true);
  const start = clock.now();
  const open = async () => {
    const left = plan.exposureSeconds * 1000 - (clock.now() - start);
    const cut = await clock.sleep(left, signal).catch(asNightflowError);
    await shutter(false);
    return cut;
  };
  const cut = await session.holding(open());
  const end = clock.now();
  // An exposure that was cut short makes a picture too; left in the body, it would be taken for the next one.
  const limit = end + (cut ? cutSeconds : plan.exposureSeconds * 1.2 + transferSeconds) * 1000;
  while (downloads.paths.length === 0 && clock.now() < limit) await collect(session, downloads, 500);
  if (cut) throw cut;
  return { startMilliseconds: start, endMilliseconds: end, uncertaintySeconds: (start - asked) / 1000 + lagSeconds };
}

async function collect(session: Gphoto2Session, downloads: Downloads, milliseconds: number): Promise<void> {
  const timeoutSeconds = milliseconds / 1000 + transferSeconds;
  await session.shell.send(`wait-event-and-download ${milliseconds}ms`, { timeoutSeconds, onLine: downloads.line });
  downloads.settle();
}

/** Bodies whose shutter can be held down while files come: what presses and what lets go. */
function holdActions(session: Gphoto2Session): { press: () => Promise<void>; release: () => Promise<void> } | null {
  if (session.has('capture'))
    return { press: () => session.act('capture', '1'), release: () => session.act('capture', '0') };
  if (session.has('eosremoterelease'))
    return {
      press: () => session.act('eosremoterelease', 'Press Full MF'),
      release: () => session.act('eosremoterelease', 'Release Full'),
    };
  return null;
}

/** Whether frames can follow each other without a command for each: a drive that goes on while the shutter is down. */
export async function canHold(session: Gphoto2Session, plan: ExposurePlan): Promise<boolean> {
  if (plan.by === 'bulb' || !holdActions(session)) return false;
  const name = session.first('capturemode', 'drivemode');
  if (!name) return false;
  const drive = await session.prefer(name, (choice) => /^continuous\b/i.test(choice));
  return drive !== null && /^continuous\b/i.test(drive);
}

/**
 * Holds the shutter down until `stop` aborts; each picture is told as it arrives. Resolves when the shutter is up again.
 * The body says when a file is there, not when it was exposed: the delay of the first one is taken for that of all.
 */
export function hold(
  session: Gphoto2Session,
  plan: ExposurePlan,
  clock: Clock,
  stop: AbortSignal,
  onTaken: (taken: Taken) => void,
): Promise<void> {
  return session.holding(burst(session, plan, clock, stop, onTaken));
}

async function burst(
  session: Gphoto2Session,
  plan: ExposurePlan,
  clock: Clock,
  stop: AbortSignal,
  onTaken: (taken: Taken) => void,
): Promise<void> {
  const { press, release } = holdActions(session)!;
  const length = plan.exposureSeconds * 1000;
  let previousEnd = 0;
  let delay = Number.POSITIVE_INFINITY;
  let count = 0;
  let pressed = 0;
  const downloads = new Downloads(clock, (path, arrival, location) => {
    // What comes after the release is the body's rest. The pair of RAW and JPEG can't be told from two frames, so only RAW files count.
    if (stop.aborted || !isRaw(path)) return void unlink(path).catch(() => {});
    count++;
    delay = Math.max(0, Math.min(delay, arrival - pressed - count * length));
    const start = Math.max(arrival - delay - length, previousEnd);
    previousEnd = start + length;
    onTaken({
      path,
      locations: location === null ? [] : [location],
      startMilliseconds: start,
      endMilliseconds: previousEnd,
      uncertaintySeconds: delay / 2000 + lagSeconds,
    });
  });
  await press();
  pressed = clock.now();
  let lastSign = pressed;
  try {
    while (!stop.aborted) {
      const before = downloads.paths.length;
      await collect(session, downloads, 500);
      if (downloads.paths.length > before) lastSign = clock.now();
      else if (clock.now() - lastSign > length * 2.2 + transferSeconds * 1000)
        throw new NightflowError('timeout', 'The camera holds its shutter and sends no pictures.', {
          remedy: 'Set its drive to continuous, its focus to manual and long-exposure noise reduction to off.',
        });
    }
  } finally {
    await release();
    await collect(session, downloads, 500).catch(() => {});
  }
}

/** A body that saves RAW and JPEG sends both. Alone, a JPEG is taken as it is. */
async function chooseRaw(paths: readonly string[]): Promise<string | null> {
  const raw = paths.find(isRaw) ?? paths[0] ?? null;
  await Promise.all(paths.filter((path) => path !== raw).map((path) => unlink(path).catch(() => {})));
  return raw;
}

export function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return work;
  return new Promise((resolve, reject) => {
    const stop = () => reject(new NightflowError('aborted', 'stopped'));
    if (signal.aborted) stop();
    signal.addEventListener('abort', stop, { once: true });
    work.then(resolve, reject).finally(() => signal.removeEventListener('abort', stop));
  });
}
