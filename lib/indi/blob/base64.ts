/**
 * Base64 from a stream of pieces cut anywhere, with or without line breaks. Node's native decoder does the work on pieces of
 * 64 KB (larger ones fall out of the cache: four times slower, measured); that it gave fewer bytes than the characters
 * promised is how line breaks, padding and foul characters are noticed.
 */

/** Decodes `text`; false, and nothing taken, when it does not hold `characters` plain characters of base64 (a multiple of 4). */
export type AppendBase64 = (text: string, characters: number) => boolean;

const pieceCharacters = 65_536;
const [lineFeed, blank, padding] = [0x0a, 0x20, 0x3d];

export class Base64Decoder {
  /** What makes the text invalid, as the end of a sentence. */
  error: string | null = null;
  private readonly append: AppendBase64;
  /** Characters of a group of four that is not complete. */
  private readonly group = Buffer.alloc(4);
  private groupLength = 0;
  private hasLines = false;
  private padded = false;
  private scratch: Buffer | null = null;

  constructor(append: AppendBase64) {
    this.append = append;
  }

  write(chunk: Buffer): void {
    for (
      let at = this.beginGroup(chunk, 0);
      at < chunk.length && this.error === null;
      at = this.beginGroup(chunk, at)
    ) {
      const to = Math.min(chunk.length, at + pieceCharacters);
      const whole = (to - at) & ~3;
      if (!this.hasLines && !this.padded && whole > 0 && this.append(chunk.toString('latin1', at, at + whole), whole))
        at += whole;
      else at = this.appendLines(chunk, at, to) || this.appendSlowly(chunk, at, to);
    }
  }

  end(): void {
    if (this.error !== null || this.groupLength === 0) return;
    if (this.groupLength === 1) this.error = 'is cut off in the middle of a byte';
    else this.append(this.group.toString('latin1', 0, this.groupLength), this.groupLength);
    this.groupLength = 0;
  }

  /** Completes the group under way. @returns where the next one begins */
  private beginGroup(chunk: Buffer, from: number): number {
    let at = from;
    while (this.groupLength > 0 && this.error === null && at < chunk.length) {
      this.takeCharacter(chunk[at++]!);
      if (this.groupLength < 4) continue;
      this.groupLength = 0;
      this.append(this.group.toString('latin1'), 4);
    }
    while (at < chunk.length && chunk[at]! <= blank) at++;
    return at;
  }

  /** Whole lines of one length, as libindi wrote them before 1.9: counted by looking where the breaks must be. */
  private appendLines(chunk: Buffer, from: number, to: number): number {
    const first = chunk.indexOf(lineFeed, from);
    const second = first < 0 ? -1 : chunk.indexOf(lineFeed, first + 1);
    if (second < 0 || second >= to || this.padded) return 0;
    this.hasLines = true;
    const [length, last] = [second - first, chunk.lastIndexOf(lineFeed, to - 1)];
    for (let at = first; at <= last; at += length) if (chunk[at] !== lineFeed) return 0;
    if ((last - first) % length !== 0) return 0;
    const characters = last + 1 - from - ((last - first) / length + 1);
    if (characters % 4 !== 0 || !this.append(chunk.toString('latin1', from, last + 1), characters)) return 0;
    return last + 1;
  }

  private appendSlowly(chunk: Buffer, from: number, to: number): number {
    this.scratch ??= Buffer.allocUnsafeSlow(pieceCharacters + 4);
    const { scratch } = this;
    let length = 0;
    for (let at = from; at < to; at++) {
      this.takeCharacter(chunk[at]!);
      if (this.error !== null) return to;
      if (this.groupLength < 4) continue;
      this.groupLength = 0;
      for (let i = 0; i < 4; i++) scratch[length++] = this.group[i]!;
    }
    if (length > 0) this.append(scratch.toString('latin1', 0, length), length);
    return to;
  }

  private takeCharacter(byte: number): void {
    if (byte <= blank) return;
    if (byte === padding) this.padded = true;
    else if (this.padded) this.error = 'goes on after its end';
    else if (!isBase64(byte)) this.error = 'is not base64';
    else this.group[this.groupLength++] = byte;
  }
}

const isBase64 = (byte: number): boolean =>
  (byte >= 0x61 && byte <= 0x7a) ||
  (byte >= 0x41 && byte <= 0x5a) ||
  (byte >= 0x30 && byte <= 0x39) ||
  byte === 0x2b ||
  byte === 0x2f;
