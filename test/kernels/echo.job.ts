/** Jobs for the pool's test. */
import { NightflowError } from '../../lib/process/errors.ts';

export const double = ({ value }: { value: number }): number => value * 2;

export const fill = ({ data, value }: { data: SharedArrayBuffer; value: number }): { data: SharedArrayBuffer } => {
  new Uint8Array(data).fill(value);
  return { data };
};

export function refuse(): never {
  throw new NightflowError('bad-input', 'no such thing', { remedy: 'ask for another' });
}

export function die(): never {
  process.exit(3);
}
