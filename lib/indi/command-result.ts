/** How a command can end: a closed list, each with its sentence, and what a person can do about it. */
import { type ErrorCode, NightflowError } from '../process/errors.ts';
import type { Happening } from './completion.ts';
import type { IndiProperty } from './property.ts';

export type CommandStatus =
  | 'ok'
  | 'rejected'
  /** The driver lives and has read the command, and dropped it without a word. */
  | 'no-ack'
  | 'timeout'
  | 'aborted'
  /** The driver ended, or the property vanished, in the middle of it. */
  | 'device-lost'
  /** The connection to the server broke: nobody knows what the device does. */
  | 'disconnected';

export interface CommandResult {
  status: CommandStatus;
  /** A sentence; empty when ok. */
  reason: string;
  /** What a person can do about it. */
  remedy?: string;
  /** The property as it stood at the end. */
  property: IndiProperty | null;
  /** Since the send, oldest first; repeated Busy and Ok are one. */
  history: readonly Happening[];
}

/** The property at the end. @throws rejected, timeout, aborted, lost */
export function requireOk(result: CommandResult): CommandResult & { status: 'ok' } {
  if (result.status === 'ok') return result as CommandResult & { status: 'ok' };
  const codes: Record<Exclude<CommandStatus, 'ok'>, ErrorCode> = {
    rejected: 'rejected',
    'no-ack': 'rejected',
    timeout: 'timeout',
    aborted: 'aborted',
    'device-lost': 'lost',
    disconnected: 'lost',
  };
  throw new NightflowError(codes[result.status], result.reason, { remedy: result.remedy });
}

export const remedies = {
  stuck: 'Its driver answers, so the device itself is stuck: stop it, then look what holds it up.',
  hangs: 'Restart the driver, or the INDI server; then look to the cable and the power of the device.',
  dropped: 'The log of the INDI server has what the driver found wrong with it.',
} as const;

export const ended = (status: CommandStatus, reason: string): CommandResult => ({
  status,
  reason,
  property: null,
  history: [],
});
