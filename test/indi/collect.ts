/** Feeds a parser and keeps what it tells. */
import { Base64Decoder } from '../../lib/indi/blob/base64.ts';
import type { ProtocolLimits } from '../../lib/indi/protocol/limits.ts';
import type { IndiMessage } from '../../lib/indi/protocol/message.ts';
import { IndiParser } from '../../lib/indi/protocol/parser.ts';
import type { ParserFault } from '../../lib/indi/protocol/sink.ts';

export interface Collected {
  messages: IndiMessage[];
  faults: ParserFault[];
}

/** @param cuts Lengths of the pieces, used again and again; without any, in one piece. */
export function parse(
  input: string | Buffer,
  cuts: readonly number[] = [],
  limits: Partial<ProtocolLimits> = {},
): Collected {
  const collected: Collected = { messages: [], faults: [] };
  const parser = new IndiParser(
    { message: (message) => collected.messages.push(message), fault: (fault) => collected.faults.push(fault) },
    limits,
  );
  const bytes = typeof input === 'string' ? Buffer.from(input) : input;
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const length = cuts.length > 0 ? cuts[piece % cuts.length]! : bytes.length;
    // A copy that is overwritten afterwards, as the socket's buffer is.
    const chunk = Buffer.from(bytes.subarray(at, at + length));
    parser.push(chunk);
    chunk.fill(0x21);
    at += length;
  }
  parser.end();
  return collected;
}

/** What the decoder makes of pieces, and its complaint. */
export function decodeBase64(pieces: readonly Buffer[]): { bytes: Buffer; error: string | null } {
  const out: Buffer[] = [];
  const decoder = new Base64Decoder((text, characters) => {
    const bytes = Buffer.alloc(Math.floor((characters * 3) / 4));
    if (bytes.write(text, 'base64') < bytes.length) return false;
    out.push(bytes);
    return true;
  });
  for (const piece of pieces) decoder.write(piece);
  decoder.end();
  return { bytes: Buffer.concat(out), error: decoder.error };
}

/** Numbers from 0 to below 1 that are the same in every run. */
export function seeded(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return state / 2 ** 32;
  };
}
