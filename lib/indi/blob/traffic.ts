/** What the main thread and the BLOB worker say to each other. */
import type { ErrorCode } from '../../process/errors.ts';
import type { BlobValue, PropertyState } from '../protocol/message.ts';
import type { SocketOptions } from '../socket.ts';

/** One vector of BLOBs as it arrived: nearly always with one element. */
export interface BlobArrival {
  device: string;
  property: string;
  state: PropertyState | null;
  /** The driver's, ISO 8601 without Z, whole seconds. */
  timestamp: string | null;
  message: string | null;
  elements: readonly { name: string; blob: BlobValue }[];
}

export type ToWorker =
  | { what: 'open'; options: Omit<SocketOptions, 'signal'>; unreadBytes: number }
  | { what: 'write'; text: string }
  /** So many bytes of BLOBs were received by the main thread. */
  | { what: 'received'; bytes: number }
  | { what: 'close' };

export type FromWorker =
  | { what: 'opened' }
  | { what: 'blob'; arrival: BlobArrival; bytes: number }
  | { what: 'pong'; uid: string }
  | { what: 'fault'; text: string }
  | { what: 'closed'; code: ErrorCode; text: string; remedy?: string };
