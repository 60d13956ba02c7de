/** What the parser tells, and to whom. */
import type { BlobValue, IndiMessage } from './message.ts';

/** Something that was passed over: one for each stretch of bad input, however long. */
export interface ParserFault {
  kind: 'garbage' | 'malformed' | 'forbidden' | 'unknown' | 'too-large' | 'unfinished' | 'refused';
  /** A sentence. */
  text: string;
}

/** What is said about a BLOB before its content. Numbers that are absent or absurd are null. */
export interface BlobHeader {
  device: string;
  property: string;
  element: string;
  format: string;
  /** `size`: bytes without compression. */
  size: number | null;
  /** `len`: bytes as sent, before base64. */
  length: number | null;
}

/** Takes a BLOB's base64 text as it comes. Views of the socket's buffer: valid only during the call. */
export interface BlobContent {
  write(base64: Buffer): void;
  /** The text is complete. */
  end(): BlobValue;
  /** The rest will never come. */
  abort(): void;
}

export interface ParserSink {
  message(message: IndiMessage): void;
  fault(fault: ParserFault): void;
  /** Where this BLOB's content goes; without one it is passed over. */
  blob?(header: BlobHeader): BlobContent | null;
}
