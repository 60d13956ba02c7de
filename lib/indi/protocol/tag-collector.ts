/** Collects the bytes of one tag up to its `>`, with quotes, comments and instructions, and notices a lost quote or bracket. */
import { rootTags } from './message.ts';

/**
 * `restarted`: the tag was broken off by the beginning of another, which is now collected; `broken` holds what came before.
 * `restarted-complete`: the other one is complete, too. `passed-over`: it was a comment or an instruction.
 */
export type CollectorEvent = 'more' | 'complete' | 'restarted' | 'restarted-complete' | 'passed-over' | 'too-long';

const [lessThan, greaterThan, quotation, apostrophe] = [0x3c, 0x3e, 0x22, 0x27];
const [exclamation, question, dash] = [0x21, 0x3f, 0x2d];
const longestRootName = Math.max(...[...rootTags.keys()].map((name) => name.length));

export class TagCollector {
  /** The beginning of a tag that was never closed. */
  broken = '';
  /** Bytes collected. */
  length = 0;
  private readonly limit: number;
  private bytes = Buffer.alloc(512);
  private kind: 'tag' | 'comment' | 'instruction' = 'tag';
  /** The quote that the tag is in, or 0. */
  private quote = 0;
  /** Where a `<` stood inside quotes: perhaps the beginning of the next message after a lost quote. */
  private quotedOpening = -1;

  constructor(limitBytes: number) {
    this.limit = limitBytes;
  }

  /** A `<` was read. */
  start(): void {
    this.length = 0;
    this.kind = 'tag';
    this.quote = 0;
    this.quotedOpening = -1;
  }

  /** What stands between `<` and `>`. */
  text(): string {
    return this.bytes.toString('utf8', 0, this.length);
  }

  take(byte: number): CollectorEvent {
    if (this.length === this.limit) return 'too-long';
    if (this.kind !== 'tag') return this.passOver(byte);
    if (this.quote === 0) {
      if (byte === greaterThan) return 'complete';
      if (byte === lessThan) return this.restart(this.length);
    }
    this.append(byte);
    if (this.quote !== 0) return this.inQuotes(byte);
    if (byte === quotation || byte === apostrophe) this.quote = byte;
    else if (this.length <= 3) this.recognise();
    return 'more';
  }

  private append(byte: number): void {
    if (this.length === this.bytes.length) {
      const larger = Buffer.alloc(Math.min(this.limit, this.bytes.length * 4));
      this.bytes.copy(larger);
      this.bytes = larger;
    }
    this.bytes[this.length++] = byte;
  }

  private recognise(): void {
    const { bytes, length } = this;
    if (length === 1 && bytes[0] === question) this.kind = 'instruction';
    else if (length === 3 && bytes[0] === exclamation && bytes[1] === dash && bytes[2] === dash) this.kind = 'comment';
    else return;
    bytes.fill(0, 0, 2);
  }

  /** The first two bytes hold the last two seen. */
  private passOver(byte: number): CollectorEvent {
    const { bytes, kind } = this;
    this.length++;
    if (byte === greaterThan && (kind === 'comment' ? bytes[0] === dash && bytes[1] === dash : bytes[1] === question))
      return 'passed-over';
    bytes[0] = bytes[1]!;
    bytes[1] = byte;
    return 'more';
  }

  private inQuotes(byte: number): CollectorEvent {
    if (byte === this.quote) this.quote = 0;
    else if (byte === lessThan) this.quotedOpening = this.length - 1;
    else if (this.quotedOpening >= 0 && !isNameByte(byte)) {
      const [begin, end] = [this.quotedOpening + 1, this.length - 1];
      this.quotedOpening = -1;
      const isRoot = end - begin <= longestRootName && rootTags.has(this.bytes.toString('latin1', begin, end));
      if (isRoot) return this.resume(begin, byte);
    }
    return 'more';
  }

  /** What was collected of the next message becomes the tag. */
  private resume(begin: number, byte: number): CollectorEvent {
    const tail = Buffer.from(this.bytes.subarray(begin, this.length));
    this.restart(begin - 1);
    tail.copy(this.bytes);
    this.length = tail.length;
    if (byte !== greaterThan) return 'restarted';
    this.length--;
    return 'restarted-complete';
  }

  private restart(brokenLength: number): CollectorEvent {
    this.broken = this.bytes.toString('latin1', 0, brokenLength);
    this.start();
    return 'restarted';
  }
}

const isNameByte = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) || (byte >= 0x41 && byte <= 0x5a) || (byte >= 0x30 && byte <= 0x39);
