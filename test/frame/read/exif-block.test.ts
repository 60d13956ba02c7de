/** Where JPEG, PNG, RAF and CR3 keep their EXIF data; damage there costs the facts, never more. */
import { describe, expect, it } from 'vitest';
import { exifFields } from '../../../lib/frame/exif.ts';
import { exifBlock } from '../../../lib/frame/exif-block.ts';
import { bufferSource } from '../../../lib/frame/tiff/source.ts';
import { type Tag, tinyTiff } from './tiny-tiff.ts';

const camera: Tag[] = [
  [271, 'ascii', 'Canon'],
  [272, 'ascii', 'Canon EOS R6'],
];
const exif: Tag[] = [
  [33434, 'rational', 8],
  [36867, 'ascii', '2026:01:15 21:30:00'],
  [36881, 'ascii', 'Z'],
];
const gps: Tag[] = [
  [1, 'ascii', 'N'],
  [2, 'rational', [69, 30, 0]],
  [3, 'ascii', 'E'],
  [4, 'rational', [18, 0, 0]],
];
const facts = { camera: 'Canon EOS R6', exposureSeconds: 8, start: '2026-01-15T21:30:00.000Z' };

type Format = Parameters<typeof exifBlock>[1];
const fieldsOf = (bytes: Buffer, format: Format) => {
  const tiff = exifBlock(bufferSource('x', bytes), format);
  return tiff && exifFields(tiff);
};

const u16 = (value: number) => Buffer.of(value >> 8, value & 255);
const u32 = (value: number) => Buffer.concat([u16(value >>> 16), u16(value & 65535)]);
const text = (value: string) => Buffer.from(value, 'latin1');

const segment = (marker: number, body: Buffer) => Buffer.concat([Buffer.of(0xff, marker), u16(body.length + 2), body]);
const jpeg = (...segments: Buffer[]) =>
  Buffer.concat([Buffer.of(0xff, 0xd8), ...segments, Buffer.of(0xff, 0xda, 0, 2)]);
const app1 = segment(
  0xe1,
  Buffer.concat([text('Exif\0\0'), tinyTiff([{ tags: camera, exif: { tags: exif } }], false)]),
);

describe('in a JPEG', () => {
  it('after other segments', () => {
    expect(
      fieldsOf(jpeg(segment(0xe0, text('JFIF\0')), segment(0xe1, text('http://ns.adobe.com/xap/')), app1), 'jpeg'),
    ).toMatchObject(facts);
  });
  it('never behind the beginning of the picture', () => {
    expect(fieldsOf(jpeg(segment(0xda, text('scan')), app1), 'jpeg')).toBeNull();
  });
  it('cut off counts as none', () => {
    const whole = jpeg(app1);
    for (const length of [3, 10, 40, whole.length - 60]) expect(fieldsOf(whole.subarray(0, length), 'jpeg')).toBeNull();
  });
});

it('in a RAF, in the JPEG that its header points at', () => {
  const head = Buffer.alloc(200);
  const picture = jpeg(app1);
  head.writeUInt32BE(200, 84);
  head.writeUInt32BE(picture.length, 88);
  expect(fieldsOf(Buffer.concat([head, picture]), 'raf')).toMatchObject(facts);
  head.writeUInt32BE(1e9, 84);
  expect(fieldsOf(Buffer.concat([head, picture]), 'raf')).toBeNull();
});

describe('in a CR3', () => {
  const box = (type: string, ...bodies: Buffer[]) => {
    const body = Buffer.concat(bodies);
    return Buffer.concat([u32(body.length + 8), text(type), body]);
  };
  const boxes = (): Buffer[] => [
    box('CMT1', tinyTiff([{ tags: camera }])),
    box('CMT2', tinyTiff([{ tags: exif }])),
    box('CMT4', tinyTiff([{ tags: gps }])),
  ];
  const cr3 = (inner: Buffer[]) =>
    Buffer.concat([
      box('ftyp', text('crx \0\0\0\x01crx isom')),
      box('moov', box('uuid', Buffer.alloc(16, 0x85), ...inner)),
      box('mdat', Buffer.alloc(9)),
    ]);
  it('in the CMT boxes of the camera, the exposure and the place', () => {
    expect(fieldsOf(cr3(boxes()), 'cr3')).toMatchObject({ ...facts, site: { latitude: 69.5, longitude: 18 } });
  });
  it('without the exposure, the camera alone', () => {
    expect(fieldsOf(cr3(boxes().slice(0, 1)), 'cr3')).toMatchObject({ camera: 'Canon EOS R6', start: null });
  });
  it('with a box larger than the file, or of no size, none', () => {
    const bytes = cr3(boxes());
    bytes.writeUInt32BE(1e9, bytes.indexOf('moov') - 4);
    expect(fieldsOf(bytes, 'cr3')).toBeNull();
    bytes.writeUInt32BE(4, bytes.indexOf('moov') - 4);
    expect(fieldsOf(bytes, 'cr3')).toBeNull();
  });
  it('with boxes in boxes without end, none', () => {
    let nested = box('CMT1', tinyTiff([{ tags: camera }]));
    for (let i = 0; i < 5000; i++) nested = box('moov', nested);
    expect(fieldsOf(nested, 'cr3')).toBeNull();
  });
});

it('a PNG chunk longer than the file counts as none', () => {
  const png = Buffer.concat([text('\x89PNG\r\n\x1a\n'), u32(1e9), text('eXIf'), Buffer.alloc(50)]);
  expect(fieldsOf(png, 'png')).toBeNull();
});
