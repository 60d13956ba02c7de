/**
 * Pictures that a body saved to its card and could not send: what lay there at the start is remembered, what came since and was not
 * delivered is fetched once the body is back. They get their times from the camera's own clock, as it ran against ours before.
 */
import { unlink } from 'node:fs/promises';
import type { Clock } from '../clock/clock.ts';
import type { Frame } from '../frame/frame.ts';
import { asNightflowError, NightflowError } from '../process/errors.ts';
import type { ExposureRequest } from './camera.ts';
import type { Taken } from './gphoto2-capture.ts';
import { fetchFromCard, listCard, savesToCard } from './gphoto2-card.ts';
import { isRaw } from './gphoto2-files.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';

/** A picture in memory again, with the exposure that it belongs to. */
export interface FetchedPicture {
  /** In the memory of this computer, until the next is asked for. */
  path: string;
  request: ExposureRequest;
  /** What is known of its time besides its own file; `read` is the frame of that file. */
  timesOf(read: Frame): Omit<Taken, 'path' | 'locations'>;
  /** Whether it came to us before the camera was lost, straight from the camera's memory. */
  isKnown(read: Frame): boolean;
}

/** Of pictures that came from the camera's memory nobody knows the names on the card: so many are compared by their times. */
const compared = 2;
const mostLeft = 1000;
/** Sessions in a row that reading the card ended: the night goes on without what is left there. */
const mostEnded = 4;
/** Stamps of cameras are in whole seconds where they have no fraction. */
const stampSeconds = 1;
const fractionSeconds = 0.1;

/** One run of exposures whose pictures stay on the card. */
class Watch {
  /** UTC ms; of single exposures, the beginning of the last. */
  since: number;
  readonly request: ExposureRequest;
  readonly single: boolean;
  readonly before: ReadonlySet<string>;
  readonly locations = new Set<string>();
  fromMemory = 0;
  stamps: string[] = [];
  lastEnd: number | null = null;
  /** Our clock minus the camera's, and how well that is known. */
  offset: { milliseconds: number; uncertaintySeconds: number } | null = null;

  constructor(since: number, request: ExposureRequest, single: boolean, before: ReadonlySet<string>) {
    this.since = since;
    this.request = request;
    this.single = single;
    this.before = before;
  }
}

/** A watch that an error ended. */
interface Cut {
  watch: Watch;
  lostAt: number;
  /** What lay on the card when exposures began again; null: they did not. */
  until: ReadonlySet<string> | null;
}

interface Left {
  location: string;
  /** From 0, among those of its watch. */
  index: number;
  watch: Watch;
  lostAt: number;
}

export class LeftPictures {
  private readonly clock: Clock;
  private readonly tell: (sentence: string) => void;
  private watch: Watch | null = null;
  private cut: Cut[] = [];
  private left: Left[] = [];
  private unreadable = false;
  private endedInARow = 0;

  constructor(clock: Clock, tell: (sentence: string) => void) {
    this.clock = clock;
    this.tell = tell;
  }

  /** Exposures begin. @param single One of its own, as those before it that were not listed anew. @throws lost, timeout */
  async begin(session: Gphoto2Session, request: ExposureRequest, single: boolean): Promise<void> {
    const { watch } = this;
    if (single && watch?.single && watch.request.exposureSeconds === request.exposureSeconds) {
      watch.since = this.clock.now();
      return;
    }
    this.watch = null;
    if (this.unreadable || !(await savesToCard(session))) return;
    const since = this.clock.now();
    try {
      const before = await listCard(session);
      this.watch = new Watch(since, request, single, before);
      for (const each of this.cut) each.until ??= before;
    } catch (thrown) {
      const error = asNightflowError(thrown);
      // Not again: a body that takes longer than its time for this would never come to an exposure.
      this.unreadable = true;
      this.tell(`What lies on the card can't be listed, so nothing will be fetched from it later: ${error.message}`);
      if (error.code === 'lost' || error.code === 'timeout') throw error;
    }
  }

  /** A picture has arrived. @param read Its frame as the file tells it */
  arrived(taken: Taken, read: Frame): void {
    const { watch } = this;
    if (!watch) return;
    for (const location of taken.locations) watch.locations.add(location);
    if (isFromMemory(taken)) watch.fromMemory++;
    watch.stamps = [...watch.stamps, stampOf(read)].slice(-compared);
    watch.lastEnd = taken.endMilliseconds;
    if (read.start === null) return;
    const milliseconds = taken.startMilliseconds - Date.parse(read.start);
    watch.offset = { milliseconds, uncertaintySeconds: taken.uncertaintySeconds };
  }

  /** So many, this one or those before it, came and are not handed on: too many waited, or a file was damaged. */
  missed(count: number, taken: Taken): void {
    if (this.watch && isFromMemory(taken)) this.watch.fromMemory += count;
  }

  /** The exposures ended with an error: what is on the card by now is looked for when the body is back. */
  lost(): void {
    if (!this.watch) return;
    this.cut.push({ watch: this.watch, lostAt: this.clock.now(), until: null });
    this.watch = null;
  }

  get any(): boolean {
    return this.cut.length > 0 || this.left.length > 0;
  }

  /** Those since that time, oldest first; each is given once. @throws lost, timeout, aborted (what was on its way comes the next time) */
  async *fetch(session: Gphoto2Session, since: number, signal?: AbortSignal): AsyncGenerator<FetchedPicture> {
    this.cut = this.cut.filter(({ watch }) => watch.since >= since);
    this.left = this.left.filter(({ watch }) => watch.since >= since);
    if (this.cut.length > 0) await this.list(session);
    if (this.left.length > 0)
      this.tell(
        this.left.length === 1
          ? 'A picture on the card was not sent before.'
          : `${this.left.length} pictures on the card were not sent before.`,
      );
    for (let next = this.left[0]; next; next = this.left[0]) {
      let path: string | null = null;
      try {
        path = await fetchFromCard(session, next.location, this.clock);
      } catch (thrown) {
        const error = asNightflowError(thrown);
        if (!session.shell.alive) throw this.ended(error);
        this.tell(`${next.location} on the card can't be fetched: ${error.message}`);
      }
      this.endedInARow = 0;
      if (signal?.aborted) {
        if (path !== null) await unlink(path).catch(() => {});
        throw new NightflowError('aborted', 'stopped');
      }
      this.left.shift();
      if (path === null) continue;
      try {
        yield this.fetched(path, next);
      } finally {
        await unlink(path).catch(() => {});
      }
    }
  }

  private async list(session: Gphoto2Session): Promise<void> {
    try {
      this.look(await listCard(session));
    } catch (thrown) {
      const error = asNightflowError(thrown);
      if (!session.shell.alive) throw this.ended(error);
      this.cut = [];
      this.tell(`What lies on the card can't be listed, so nothing is fetched from it: ${error.message}`);
    }
  }

  /** The session ended over the card: by chance, by one picture, which then comes last, or each time. */
  private ended(error: NightflowError): NightflowError {
    this.endedInARow++;
    if (this.endedInARow > 1) this.left.push(...this.left.splice(0, 1));
    if (this.endedInARow >= mostEnded) {
      this.cut = [];
      this.left = [];
      this.endedInARow = 0;
      this.tell(
        `Pictures of the sequence stay on the card: reading it ended the session ${mostEnded} times. Copy them from the card.`,
      );
    }
    return error;
  }

  private look(now: ReadonlySet<string>): void {
    for (const { watch, lostAt, until } of this.cut.splice(0)) {
      const known = new Set([...watch.before, ...watch.locations, ...this.left.map(({ location }) => location)]);
      const all = [...(until ?? now)].filter((location) => !known.has(location)).sort();
      const raws = all.some(isRaw) ? all.filter(isRaw) : all;
      const unsent = raws.slice(Math.max(0, watch.fromMemory - compared));
      const wanted = watch.single ? unsent.slice(-1) : unsent.slice(-mostLeft);
      this.left.push(...wanted.map((location, index) => ({ location, index, watch, lostAt })));
    }
  }

  private fetched(path: string, { watch, index, lostAt }: Left): FetchedPicture {
    const { request } = watch;
    return {
      path,
      request,
      isKnown: (read) => {
        const exposed = read.exposureSeconds;
        // Of another exposure than was asked for: a person's own picture.
        if (watch.single && exposed !== null && Math.abs(exposed / request.exposureSeconds - 1) > 0.2) return true;
        const at = watch.fromMemory > 0 ? watch.stamps.indexOf(stampOf(read)) : -1;
        if (at >= 0) watch.stamps.splice(at, 1);
        return at >= 0;
      },
      timesOf: (read) => {
        const seconds = read.exposureSeconds ?? request.exposureSeconds;
        const now = this.clock.now();
        const [startMilliseconds, uncertaintySeconds] = timeOf(read, watch, index, lostAt, now);
        return { startMilliseconds, endMilliseconds: startMilliseconds + seconds * 1000, uncertaintySeconds };
      },
    };
  }
}

/** Told under a name in the camera's memory ('/capt0000.arw'): the same picture lies on the card under another. */
const isFromMemory = ({ locations }: Taken): boolean => !locations.some((location) => location.includes('/DCIM/'));

const stampOf = ({ start, exposureSeconds }: Frame): string => `${start} ${exposureSeconds}`;

/**
 * Start, UTC ms, and its uncertainty, s: by the camera's clock where that was seen against ours, or tells its zone and a time since the
 * exposures began; else by its place in the row.
 */
function timeOf(read: Frame, watch: Watch, index: number, lostAt: number, now: number): [number, number] {
  const { offset, since, lastEnd, request } = watch;
  const stamp = read.start === null ? null : Date.parse(read.start);
  if (stamp !== null && offset) {
    const resolution = stamp % 1000 === 0 ? stampSeconds : fractionSeconds;
    return [stamp + offset.milliseconds, offset.uncertaintySeconds + resolution];
  }
  const uncertain = read.timeUncertaintySeconds;
  if (stamp !== null && uncertain !== null && uncertain < 3600) {
    const slack = uncertain * 1000;
    if (stamp >= since - slack && stamp <= now + slack) return [stamp, uncertain];
  }
  const from = Math.max(lastEnd ?? since, since);
  const length = request.exposureSeconds * 1000;
  return [from + index * length, Math.max(stampSeconds, (lostAt - from) / 1000)];
}
