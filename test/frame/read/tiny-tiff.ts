/** A small TIFF writer for tests: any tags, either byte order, SubIFDs, EXIF; damage is done to the bytes afterwards. */

export type TagType = 'byte' | 'ascii' | 'short' | 'long' | 'rational' | 'srational' | 'float' | 'double';
export type Tag = [tag: number, type: TagType, values: number | number[] | string];

export interface Ifd {
  tags: Tag[];
  /** Strips, or tiles when `tiled`: their offsets and byte counts are added. */
  data?: Buffer[];
  tiled?: boolean;
  children?: Ifd[];
  exif?: Ifd;
  gps?: Ifd;
}

const types = {
  byte: [1, 1],
  ascii: [2, 1],
  short: [3, 2],
  long: [4, 4],
  rational: [5, 8],
  srational: [10, 8],
  float: [11, 4],
  double: [12, 8],
} as const;

export function tinyTiff(chain: Ifd[], littleEndian = true): Buffer {
  let bytes = Buffer.alloc(8);
  bytes.write(littleEndian ? 'II' : 'MM', 'latin1');
  const u16 = (value: number, at: number) =>
    littleEndian ? bytes.writeUInt16LE(value, at) : bytes.writeUInt16BE(value, at);
  const u32 = (value: number, at: number) =>
    littleEndian ? bytes.writeUInt32LE(value, at) : bytes.writeUInt32BE(value, at);
  const append = (block: Buffer): number => {
    const at = bytes.length;
    bytes = Buffer.concat([bytes, block, Buffer.alloc(block.length % 2)]);
    return at;
  };
  const encode = (type: TagType, values: number[]): Buffer => {
    const block = Buffer.alloc(values.length * types[type][1]);
    const put = (method: 'UInt16' | 'UInt32' | 'Int32' | 'Float' | 'Double', value: number, at: number) =>
      block[`write${method}${littleEndian ? 'LE' : 'BE'}`](value, at);
    for (const [i, value] of values.entries()) {
      const at = i * types[type][1];
      if (type === 'byte' || type === 'ascii') block[at] = value;
      else if (type === 'short') put('UInt16', value, at);
      else if (type === 'long') put('UInt32', value, at);
      else if (type === 'float') put('Float', value, at);
      else if (type === 'double') put('Double', value, at);
      else {
        put(type === 'rational' ? 'UInt32' : 'Int32', Math.round(value * 10_000), at);
        put('UInt32', 10_000, at + 4);
      }
    }
    return block;
  };
  const write = (ifd: Ifd): number => {
    const tags = [...ifd.tags];
    if (ifd.data) {
      tags.push([ifd.tiled ? 324 : 273, 'long', ifd.data.map(append)]);
      if (!tags.some(([tag]) => tag === 279 || tag === 325))
        tags.push([ifd.tiled ? 325 : 279, 'long', ifd.data.map((block) => block.length)]);
    }
    if (ifd.children) tags.push([330, 'long', ifd.children.map(write)]);
    if (ifd.exif) tags.push([34665, 'long', write(ifd.exif)]);
    if (ifd.gps) tags.push([34853, 'long', write(ifd.gps)]);
    tags.sort((a, b) => a[0] - b[0]);
    const blocks = tags.map(([, type, values]) =>
      encode(type, typeof values === 'string' ? [...Buffer.from(`${values}\0`)] : [values].flat()),
    );
    const positions = blocks.map((block) => (block.length > 4 ? append(block) : 0));
    const at = append(Buffer.alloc(2 + tags.length * 12 + 4));
    u16(tags.length, at);
    for (const [i, [tag, type]] of tags.entries()) {
      const entry = at + 2 + i * 12;
      u16(tag, entry);
      u16(types[type][0], entry + 2);
      u32(blocks[i]!.length / types[type][1], entry + 4);
      if (blocks[i]!.length > 4) u32(positions[i]!, entry + 8);
      else blocks[i]!.copy(bytes, entry + 8);
    }
    return at;
  };
  u16(42, 2);
  let pointer = 4;
  for (const ifd of chain) {
    const at = write(ifd);
    u32(at, pointer);
    pointer = at + 2 + (littleEndian ? bytes.readUInt16LE(at) : bytes.readUInt16BE(at)) * 12;
  }
  return bytes;
}
