/** The target that a message is about: `msg.target`, or a payload that is a place of the sky. */
import { NightflowError } from '../../lib/process/errors.ts';
import { type Target, targetOf } from '../../lib/sky/target.ts';
import { readTargets } from '../../lib/sky/target-list.ts';
import type { AstroMessage } from '../types.ts';

/** @throws bad-input when there is none or it is wrong */
export function targetOfMessage(msg: AstroMessage): Target {
  if (typeof msg.coordinates === 'string' && msg.coordinates.trim() !== '')
    return targetOf({ name: msg.targetName, coordinates: msg.coordinates });
  const given = [msg.target, msg.payload].find(
    (value) => value !== null && typeof value === 'object' && !Array.isArray(value),
  );
  if (given === undefined)
    throw new NightflowError('bad-input', 'The message has no target.', {
      remedy: 'Wire an astro-target in front, or give msg.target with name, ra and dec.',
    });
  const { targets, broken } = readTargets(given);
  if (broken[0]) throw new NightflowError('bad-input', broken[0].reason);
  const { line: _, ...target } = targets[0]!;
  return { ...(given as object), ...target };
}

/** `msg.time` as UTC ms: an ISO text, or milliseconds since 1970; `now` without one. @throws bad-input */
export function timeOfMessage(msg: AstroMessage, now: number): number {
  const { time } = msg;
  if (time === undefined || time === null || time === '') return now;
  const text = typeof time === 'string' && /^\d{4}-\d\d-\d\dT[\d:.]+$/.test(time) ? `${time}Z` : time;
  const at = typeof text === 'number' ? text : text instanceof Date ? text.getTime() : Date.parse(String(text));
  if (!Number.isFinite(at) || Math.abs(at) > 8e15)
    throw new NightflowError('bad-input', `msg.time "${String(time).slice(0, 40)}" is no time.`, {
      remedy: 'Write it in UTC as 2026-11-21T22:15:00Z.',
    });
  return at;
}
