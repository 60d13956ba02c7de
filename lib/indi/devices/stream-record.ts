/**
 * A film that the driver records (RECORD_STREAM): full depth and its own stamps. Done is Busy, then Idle, then a sentence with the number
 * of frames; only then the film is closed. Its name stands in a sentence, too. Measured on libindi 1.9.9.
 */
import { isAbsolute, join } from 'node:path';
import { NightflowError } from '../../process/errors.ts';
import type { CommandResult } from '../command.ts';
import { requireOk } from '../command.ts';
import { alertIn, type Happening, type Judge, reasonOf, switched, updatesOf } from '../completion.ts';
import { isOn, textOf } from '../property.ts';
import { waitFor } from '../wait.ts';
import { type IndiStream, isRecording, mostPicturesPerSecond } from './stream.ts';

export interface ServerFilm {
  /** On the driver's computer; null when the driver named none. */
  path: string | null;
  frames: number | null;
  ended: 'done' | 'stopped' | 'lost';
  problem: NightflowError | null;
}

export interface ServerFilmOptions {
  /** Without folder and ending. */
  name: string;
  durationSeconds: number;
  /** Where the driver is to put it; its own folder when not given. */
  folder?: string;
}

const settingSeconds = 30;
const previewsPerSecond = 2;
/** Frames that wait in the driver's memory (512 MB) reach even a slow card within this. */
const flushSeconds = 120;
/** For a driver that says nothing of how many frames it wrote. */
const sentenceSeconds = 3;

export const canRecord = (stream: IndiStream): boolean =>
  stream.find('RECORD_STREAM')?.elements.has('RECORD_DURATION_ON') === true &&
  stream.find('RECORD_FILE') !== undefined &&
  stream.find('RECORD_OPTIONS') !== undefined;

/** Names the film and its length, so that what is left is one message. @throws busy, rejected, timeout, lost, aborted */
export async function prepareFilm(stream: IndiStream, options: ServerFilmOptions, signal?: AbortSignal): Promise<void> {
  const { client, device } = stream;
  if (isRecording(stream.find))
    throw new NightflowError('busy', `${device} is recording already.`, { remedy: 'Press RECORD_OFF first.' });
  const set = async (property: string, values: Record<string, string | number>) =>
    requireOk(await client.commandNow({ device, property, values, timeoutSeconds: settingSeconds, signal }));
  const file: Record<string, string> = { RECORD_FILE_NAME: withoutPlaceholders(options.name) };
  if (options.folder !== undefined) file.RECORD_FILE_DIR = options.folder;
  await set('RECORD_FILE', file);
  await set('RECORD_OPTIONS', { RECORD_DURATION: options.durationSeconds });
  // A film begun while the video is on lets pictures through (one begun without does not): a few to look at, so that the film has the bus.
  await stream.limitPictures(previewsPerSecond, signal);
}

/** Records what was prepared. `stop` ends it and keeps it. Never throws: what was recorded until then may be whole. */
export async function recordFilm(stream: IndiStream, durationSeconds: number, stop: AbortSignal): Promise<ServerFilm> {
  const { client, device } = stream;
  const said: string[] = [];
  const off = client.store.on('event', (event) => {
    // A driver may say something at each frame (the simulator does, without a star catalogue): only what is of the film is kept.
    if (event.what !== 'message' || event.device !== device || !/\brecord/i.test(event.message)) return;
    if (said.length < mostSentences) said.push(event.message);
    else said[mostSentences - 1] = event.message;
  });
  stream.whileRecording(true);
  try {
    const result = await client.commandNow({
      device,
      property: 'RECORD_STREAM',
      values: { RECORD_DURATION_ON: true },
      judge: recorded,
      timeoutSeconds: durationSeconds + flushSeconds,
      signal: stop,
    });
    const stopped = result.status === 'aborted';
    if (stopped || result.status === 'timeout') await endRecording(stream);
    const began = stopped || updatesOf(result.history, 'RECORD_STREAM').some(({ state }) => state === 'Busy');
    if (began && client.connected && stream.find('RECORD_STREAM')) await framesTold(stream, said);
    const good = result.status === 'ok' || stopped;
    // Somebody else records the video then: as fast as it comes.
    if (!began && client.connected) await stream.limitPictures(mostPicturesPerSecond).catch(() => {});
    return {
      path: began ? pathIn(said, stream) : null,
      frames: framesIn(said),
      ended: result.status === 'ok' ? 'done' : stopped ? 'stopped' : 'lost',
      problem: good ? null : problemOf(result, device),
    };
  } finally {
    off();
    stream.whileRecording(false);
  }
}

const mostSentences = 100;

/** Busy is the film running; Idle or Ok after it the end. */
const recorded: Judge = (history) => {
  const alert = alertIn(withoutSky(history), 'RECORD_STREAM');
  if (alert) return alert;
  const updates = updatesOf(history, 'RECORD_STREAM');
  const last = updates.at(-1);
  if (!last || last.state === 'Busy') return 'waiting';
  if (updates.some(({ state }) => state === 'Busy')) return { done: true, settleSeconds: 0 };
  if (!isOn(last, 'RECORD_OFF')) return 'waiting';
  return { rejected: reasonOf(withoutSky(history), 'The driver did not begin to record.') };
};

/** The CCD simulator without a star catalogue complains at each frame: that is no reason of anything. */
const withoutSky = (history: readonly Happening[]): Happening[] =>
  history.filter((each) => each.what !== 'message' || !/no stars/i.test(each.message));

async function endRecording(stream: IndiStream): Promise<void> {
  const { client, device } = stream;
  if (!client.connected || !isRecording(stream.find)) return;
  const judge = switched('RECORD_STREAM', 'RECORD_OFF');
  await client
    .commandNow({
      device,
      property: 'RECORD_STREAM',
      values: { RECORD_OFF: true },
      judge,
      timeoutSeconds: flushSeconds,
    })
    .catch(() => {});
}

/** The driver tells the number of frames after it has closed the film. One that tells nothing is given a moment. */
async function framesTold(stream: IndiStream, said: readonly string[]): Promise<void> {
  const { client } = stream;
  const told = () => {
    if (!client.connected || !stream.find('RECORD_STREAM')) return true;
    return framesIn(said) !== null || undefined;
  };
  const flushing = said.some((sentence) => /buffered frames/i.test(sentence));
  await waitFor((listener) => client.store.on('event', listener), told, {
    clock: client.networkClock,
    timeoutSeconds: flushing ? flushSeconds : sentenceSeconds,
  }).catch(() => {});
}

/** "Record file is /tmp/x/film.ser" */
function pathIn(said: readonly string[], stream: IndiStream): string | null {
  const named = said.map((sentence) => /Record file is (.+?)\s*$/.exec(sentence)?.[1]).findLast(Boolean) ?? null;
  if (named === null || isAbsolute(named)) return named;
  const folder = textOf(stream.find('RECORD_FILE'), 'RECORD_FILE_DIR');
  return folder && !/_[DTHM]_/.test(folder) ? join(folder, named) : named;
}

/** "Record Duration: 2053.7 millisec / 21 frames" */
function framesIn(said: readonly string[]): number | null {
  const count = said.map((sentence) => /\/\s*(\d+) frames/.exec(sentence)?.[1]).findLast(Boolean);
  return count === undefined ? null : Number(count);
}

const problemOf = (result: CommandResult, device: string): NightflowError => {
  const { status, reason } = result;
  const code = status === 'rejected' || status === 'no-ack' ? 'rejected' : status === 'timeout' ? 'timeout' : 'lost';
  return new NightflowError(code, `${device} did not record the film to its end: ${reason}`);
};

/** _D_, _T_, _H_ and _F_ would be filled in by the driver. */
const withoutPlaceholders = (name: string): string => name.replace(/_(?=[DTHFM]_)/g, '-').replace(/[/\\]/g, '-');
