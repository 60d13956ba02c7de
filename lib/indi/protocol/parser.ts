/**
 * The byte parser of INDI's XML. It keeps nothing but the message under way, believes nothing beyond its limits, and after
 * garbage goes on with the next root element, also when that begins in the middle of a broken one.
 */
import { type Attributes, buildMessage, type Child } from './build.ts';
import { defaultLimits, type ProtocolLimits } from './limits.ts';
import { type RootTag, rootTags } from './message.ts';
import type { BlobContent, BlobHeader, ParserFault, ParserSink } from './sink.ts';
import { parseTag, shorten, type Tag } from './tag.ts';
import { TagCollector } from './tag-collector.ts';
import { unescapeXml } from './text.ts';

interface OpenChild {
  attributes: Attributes;
  text: string[];
  textBytes: number;
  blob: BlobContent | null;
}

interface OpenRoot {
  name: string;
  root: RootTag;
  attributes: Attributes;
  children: Child[];
  child: OpenChild | null;
  text: string[];
  bytes: number;
}

const lessThan = 0x3c;

export class IndiParser {
  private readonly sink: ParserSink;
  private readonly limits: ProtocolLimits;
  private readonly tag: TagCollector;
  private inTag = false;
  private open: OpenRoot | null = null;
  /** After a fault, until the next root element: what stands there was reported already. */
  private lost = false;

  constructor(sink: ParserSink, limits: Partial<ProtocolLimits> = {}) {
    this.sink = sink;
    this.limits = { ...defaultLimits, ...limits };
    this.tag = new TagCollector(this.limits.tagBytes);
  }

  push(chunk: Buffer): void {
    for (let at = 0; at < chunk.length; ) at = this.inTag ? this.takeTag(chunk, at) : this.takeText(chunk, at);
  }

  /** The connection has ended. */
  end(): void {
    if (this.open || this.inTag) this.fail('unfinished', 'The connection ended in the middle of a message.');
    this.inTag = false;
    this.lost = false;
  }

  private takeText(chunk: Buffer, from: number): number {
    const found = chunk.indexOf(lessThan, from);
    const to = found < 0 ? chunk.length : found;
    if (to > from) this.text(chunk, from, to);
    if (found < 0) return to;
    this.tag.start();
    this.inTag = true;
    return to + 1;
  }

  private text(chunk: Buffer, from: number, to: number): undefined {
    const { open } = this;
    const child = open?.child;
    if (child?.blob) {
      child.blob.write(chunk.subarray(from, to));
      return;
    }
    if (!open) {
      if (!this.lost && !isBlank(chunk, from, to))
        this.fail(
          'garbage',
          `«${shorten(chunk.toString('latin1', from, Math.min(to, from + 60)))}» stands outside of any message.`,
        );
      return;
    }
    open.bytes += to - from;
    if (child) child.textBytes += to - from;
    const size = child ? child.textBytes : open.bytes;
    if (size > this.limits.textBytes || open.bytes > this.limits.messageBytes)
      return this.fail('too-large', `<${open.name}> is larger than is believed.`);
    // Latin-1 keeps each byte of a letter that is cut in two; it is decoded when complete.
    (child ?? open).text.push(chunk.toString('latin1', from, to));
  }

  private takeTag(chunk: Buffer, from: number): number {
    const { tag } = this;
    for (let at = from; at < chunk.length; at++) {
      const event = tag.take(chunk[at]!);
      if (event === 'more') continue;
      if (event === 'complete') {
        this.inTag = false;
        this.finishTag();
        return at + 1;
      }
      if (event === 'passed-over' || event === 'too-long') {
        this.inTag = false;
        if (event === 'too-long') this.fail('too-large', `A tag is longer than ${this.limits.tagBytes} bytes.`);
        return at + 1;
      }
      this.fail('malformed', `<${shorten(tag.broken)}> is not closed.`);
      if (event === 'restarted-complete') {
        this.inTag = false;
        this.finishTag();
        return at + 1;
      }
    }
    return chunk.length;
  }

  private finishTag(): undefined {
    const text = this.tag.text();
    if (text.startsWith('!')) return this.fail('forbidden', `<${shorten(text)}> is not allowed.`);
    if (this.open) {
      this.open.bytes += this.tag.length;
      if (this.open.bytes > this.limits.messageBytes)
        this.fail('too-large', `<${this.open.name}> is larger than is believed.`);
    }
    const tag = parseTag(text, this.limits);
    if (typeof tag === 'string') return this.fail('malformed', tag);
    if (tag.kind === 'close') this.close(tag.name);
    else if (rootTags.has(tag.name)) this.openRoot(tag);
    else if (this.open) this.openChild(this.open, tag);
    else if (!this.lost) this.fail('unknown', `<${shorten(tag.name)}> is no message of INDI.`);
  }

  private openRoot(tag: Tag): void {
    if (this.open) this.fail('unfinished', `<${this.open.name}> is not complete.`);
    this.lost = false;
    const root = rootTags.get(tag.name)!;
    const { name, attributes } = tag;
    this.open = { name, root, attributes, children: [], child: null, text: [], bytes: this.tag.length };
    if (tag.kind === 'empty') this.closeRoot(this.open);
  }

  private openChild(open: OpenRoot, tag: Tag): undefined {
    if (open.child || tag.name !== open.root.child)
      return this.fail('malformed', `<${shorten(tag.name)}> may not stand in <${open.name}>.`);
    if (open.children.length === this.limits.elements)
      return this.fail('too-large', `<${open.name}> has more than ${this.limits.elements} elements.`);
    const blob = open.root.type === 'blob' && open.root.tag !== 'def' ? this.openBlob(open, tag.attributes) : null;
    if (this.open !== open) return;
    open.child = { attributes: tag.attributes, text: [], textBytes: 0, blob };
    if (tag.kind === 'empty') this.closeChild(open, open.child);
  }

  private openBlob(open: OpenRoot, attributes: Attributes): BlobContent | null {
    // Only a file descriptor sent along over a Unix socket would hold the content.
    if (attributes.get('attached') === 'true') {
      this.fail('refused', 'A BLOB is attached to a local socket instead of being sent.');
      return null;
    }
    const text = (name: string) => attributes.get(name) ?? '';
    const count = (name: string) => (/^\s*\d{1,15}\s*$/.test(text(name)) ? Number(text(name)) : null);
    const header: BlobHeader = {
      device: open.attributes.get('device') ?? '',
      property: open.attributes.get('name') ?? '',
      element: text('name'),
      format: text('format').trim(),
      size: count('size'),
      length: count('len'),
    };
    return this.sink.blob?.(header) ?? passOver(header);
  }

  private close(name: string): void {
    const { open } = this;
    if (!open) {
      if (!this.lost) this.fail('malformed', `</${shorten(name)}> closes nothing.`);
    } else if (open.child && name === open.root.child) this.closeChild(open, open.child);
    else if (!open.child && name === open.name) this.closeRoot(open);
    else this.fail('malformed', `</${shorten(name)}> does not close what is open in <${open.name}>.`);
  }

  private closeChild(open: OpenRoot, child: OpenChild): void {
    open.child = null;
    open.children.push({ attributes: child.attributes, text: decode(child.text), blob: child.blob?.end() ?? null });
  }

  private closeRoot(open: OpenRoot): void {
    this.open = null;
    const built = buildMessage(open.root, open.attributes, open.children, decode(open.text), this.limits);
    if (typeof built === 'string') this.sink.fault({ kind: 'refused', text: `<${open.name}>: ${built}` });
    else this.sink.message(built);
  }

  private fail(kind: ParserFault['kind'], text: string): undefined {
    const known = this.lost && !this.open;
    this.open?.child?.blob?.abort();
    this.open = null;
    this.lost = true;
    if (!known) this.sink.fault({ kind, text });
  }
}

const decode = (pieces: readonly string[]): string => {
  const text = pieces.join('');
  // Bytes beyond ASCII are rare: only then the detour.
  return unescapeXml(/[\x80-\xff]/.test(text) ? Buffer.from(text, 'latin1').toString('utf8') : text);
};

function isBlank(chunk: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) if (chunk[at]! > 0x20) return false;
  return true;
}

/** A BLOB that nobody on this socket wants. */
const passOver = ({ format, size }: BlobHeader): BlobContent => ({
  write: () => {},
  end: () => ({
    format,
    declaredBytes: size ?? 0,
    data: null,
    byteLength: 0,
    error: null,
    firstByteAt: null,
    arrivedAt: null,
  }),
  abort: () => {},
});
