/** The settings of `astro-autofocus`, and what it is told. */
import type { AutofocusOptions } from '../../lib/night/autofocus.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { InputTable, Settings } from '../inputs.ts';
import type { AstroMessage } from '../types.ts';

export const runInputs = {
  exposureSeconds: { type: 'number', label: 'exposure', default: 4, minimum: 0.0001, maximum: 600, unit: 's' },
  gain: { type: 'number', label: 'gain', default: null, minimum: 0 },
  stepSize: { type: 'number', label: 'step', default: 100, minimum: 1, maximum: 1e6, integer: true, unit: 'steps' },
  samples: { type: 'number', label: 'number of positions', default: 9, minimum: 5, maximum: 51, integer: true },
  exposuresPerPosition: {
    type: 'number',
    label: 'number of exposures at a position',
    default: 1,
    minimum: 1,
    maximum: 20,
    integer: true,
  },
  minimumStars: { type: 'number', label: 'least number of stars', default: 5, minimum: 1, maximum: 1e6, integer: true },
  model: {
    type: 'choice',
    label: 'curve',
    choices: ['auto', 'hyperbola', 'v-curve', 'parabola'],
    default: 'auto',
  },
  backlash: { type: 'choice', label: 'backlash', choices: ['none', 'overshoot', 'absolute'], default: 'none' },
  backlashSteps: {
    type: 'number',
    label: 'backlash',
    default: 0,
    minimum: 0,
    maximum: 1e6,
    integer: true,
    unit: 'steps',
  },
  approach: { type: 'choice', label: 'approach', choices: ['inwards', 'outwards'], default: 'inwards' },
  inverted: { type: 'boolean', label: 'inverted direction', default: false },
  minimumPosition: { type: 'number', label: 'least position', default: null },
  maximumPosition: { type: 'number', label: 'largest position', default: null },
} as const satisfies InputTable;

export const watchInputs = {
  watch: { type: 'choice', label: 'watch', choices: ['off', 'ask', 'run'], default: 'off' },
  tolerancePercent: { type: 'number', label: 'tolerance', default: 10, minimum: 1, maximum: 500, unit: '%' },
} as const satisfies InputTable;

export type RunSettings = Settings<typeof runInputs>;
export type WatchSettings = Settings<typeof watchInputs>;

export const commands = ['start', 'stop', 'abort', 'reset'] as const;
export type Command = (typeof commands)[number];

/** What an autofocus runs with, but for its camera, clock and signals. */
export function autofocusOptions(
  settings: RunSettings,
): Omit<AutofocusOptions, 'camera' | 'focuser' | 'clock' | 'signal'> {
  const { gain, minimumPosition, maximumPosition, ...same } = settings;
  return { ...same, ...(gain === null ? {} : { gain }), minimum: minimumPosition, maximum: maximumPosition };
}

/**
 * `msg.command`, or a text in `msg.payload`. Stars and results of focus runs are no command; whatever else comes (an Inject's timestamp)
 * starts. @throws bad-input
 */
export function commandOf(msg: AstroMessage): Command | null {
  const { command, payload } = msg;
  if (command === undefined && (msg.measurement !== undefined || msg.stars !== undefined || msg.focus !== undefined))
    return null;
  const word = command ?? (typeof payload === 'string' ? payload : payload === false ? 'stop' : 'start');
  const known = commands.find((each) => each === (String(word).trim().toLowerCase() || 'start'));
  if (known) return known;
  throw new NightflowError('bad-input', `The command "${String(word).slice(0, 40)}" is unknown.`, {
    remedy: `Send ${commands.join(', ')} as msg.command or msg.payload.`,
  });
}
