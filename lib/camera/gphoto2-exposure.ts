/** Exposure times and sensitivities as bodies spell them: '1/100', '0.0100s', '5', '30', 'Bulb'. */
import { NightflowError } from '../process/errors.ts';
import type { ExposureRequest } from './camera.ts';
import type { Gphoto2Session } from './gphoto2-session.ts';

/** How the body is made to expose. */
export interface ExposurePlan {
  /** By the body's own timer, or by us: the shutter is held open. */
  by: 'timer' | 'bulb';
  exposureSeconds: number;
}

/** A body's step is a third of a stop; a value that is further off is another one. */
const sameTime = 0.015;
/** Holding the shutter by commands over USB is a tenth of a second off. */
const shortestBulbSeconds = 1;

/** Seconds of a choice; null for Bulb, Time, Auto and the like. */
export function secondsOf(choice: string): number | null {
  const match = /^(\d+(?:\.\d+)?)(?:\/(\d+(?:\.\d+)?))?\s*(?:s|sec|"|'')?$/.exec(choice.trim());
  if (!match) return null;
  const seconds = Number(match[1]) / Number(match[2] ?? 1);
  return Number.isFinite(seconds) && seconds > 0 ? seconds : null;
}

const isBulb = (choice: string): boolean => /^bulb$/i.test(choice.trim());

/** The entry that sets the exposure time. */
export const shutterName = (session: Gphoto2Session): string | null =>
  session.first('shutterspeed', 'shutterspeed2', 'exptime');

/** Sets time and sensitivity. @throws bad-input naming what the body offers instead */
export async function prepareExposure(session: Gphoto2Session, request: ExposureRequest): Promise<ExposurePlan> {
  const { exposureSeconds, gain, offset } = request;
  if (offset !== undefined)
    throw new NightflowError('unsupported', 'This camera has no offset.', { remedy: 'Leave the offset empty.' });
  if (!(Number.isFinite(exposureSeconds) && exposureSeconds > 0))
    throw wrongTime(exposureSeconds, 'Give a time above 0 s.');
  const plan = await prepareTime(session, exposureSeconds);
  if (gain !== undefined) await prepareIso(session, gain);
  return plan;
}

async function prepareTime(session: Gphoto2Session, exposureSeconds: number): Promise<ExposurePlan> {
  const name = shutterName(session);
  if (!name)
    throw new NightflowError('unsupported', 'The exposure time of this camera can’t be set over USB.', {
      remedy: 'Turn its mode dial to M (Sony, Nikon, Canon: manual exposure).',
    });
  const entry = await session.entry(name);
  const offered = entry.choices.map((choice) => ({ choice, seconds: secondsOf(choice) }));
  const near = offered.find(({ seconds }) => seconds !== null && Math.abs(seconds / exposureSeconds - 1) <= sameTime);
  if (near) {
    await setUnlessInForce(session, name, entry.current, near.choice);
    return { by: 'timer', exposureSeconds: near.seconds! };
  }
  const bulb = entry.choices.find(isBulb);
  if (bulb !== undefined && exposureSeconds >= shortestBulbSeconds && session.first('bulb', 'eosremoterelease')) {
    await setUnlessInForce(session, name, entry.current, bulb);
    return { by: 'bulb', exposureSeconds };
  }
  const times = offered.flatMap(({ seconds }) => seconds ?? []).sort((a, b) => a - b);
  const below = times.filter((seconds) => seconds < exposureSeconds).at(-1);
  const above = times.find((seconds) => seconds > exposureSeconds);
  const neighbours = [below, above].filter((seconds) => seconds !== undefined);
  throw wrongTime(
    exposureSeconds,
    neighbours.length > 0 ? `It offers ${neighbours.join(' s and ')} s next to it.` : 'Turn its mode dial to M.',
  );
}

async function prepareIso(session: Gphoto2Session, gain: number): Promise<void> {
  const name = session.first('iso', 'eos-iso', 'isospeed');
  if (!name)
    throw new NightflowError('unsupported', 'The sensitivity of this camera can’t be set over USB.', {
      remedy: 'Leave the gain empty.',
    });
  const entry = await session.entry(name);
  const choice = entry.choices.find((each) => Number(each) === gain);
  if (choice === undefined)
    throw new NightflowError('bad-input', `The camera has no ISO ${gain}.`, {
      remedy: `The gain of this camera is its ISO: ${entry.choices.join(', ')}.`,
    });
  await setUnlessInForce(session, name, entry.current, choice);
}

async function setUnlessInForce(session: Gphoto2Session, name: string, current: string, choice: string): Promise<void> {
  if (current !== choice) await session.set(name, choice);
}

const wrongTime = (exposureSeconds: number, remedy: string): NightflowError =>
  new NightflowError('bad-input', `The camera can't expose for ${exposureSeconds} s.`, { remedy });
