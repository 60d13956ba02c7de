/** The levels of dynamic range compression, the same wherever a picture is made for the eye. */
import type { InputTable } from '../inputs.ts';

export const drcInput = {
  type: 'choice',
  label: 'dynamic range compression',
  choices: ['off', 'low', 'medium', 'high'],
  default: 'off',
} as const satisfies InputTable[string];
