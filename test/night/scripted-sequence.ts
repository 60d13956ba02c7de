/** A sequence over the scripted camera, with everything it said. */
import type { Clock } from '../../lib/clock/clock.ts';
import { RehearsalClock } from '../../lib/clock/rehearsal.ts';
import type { Progress } from '../../lib/night/progress.ts';
import { Sequence, type SequenceFrame, type SequenceOptions } from '../../lib/night/sequence.ts';
import { type Script, ScriptedCamera } from './scripted-camera.ts';

export const evening = Date.parse('2026-03-20T17:00:00Z');
export const tromso = { latitude: 69.65, longitude: 18.95, elevation: 50, timeZone: 'Europe/Oslo' };

export function setUp(
  plan: SequenceOptions['plan'],
  more: Partial<SequenceOptions> & { script?: Partial<Script>; clock?: Clock } = {},
) {
  const clock = more.clock ?? new RehearsalClock(evening, Infinity);
  const camera = new ScriptedCamera({ clock, ...more.script });
  const frames: SequenceFrame[] = [];
  const warnings: string[] = [];
  const progress: Progress[] = [];
  const sequence = new Sequence({ camera, site: tromso, ...more, clock, plan });
  sequence.on('frame', (frame) => frames.push(frame));
  sequence.on('warning', ({ message }) => warnings.push(message));
  sequence.on('progress', (state) => progress.push(state));
  return { clock, camera, sequence, frames, warnings, progress };
}

export const numbers = (frames: readonly SequenceFrame[]) => frames.map(({ n }) => n);
export const upTo = (n: number) => Array.from({ length: n }, (_, i) => i + 1);
