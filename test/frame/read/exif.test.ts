import { describe, expect, it } from 'vitest';
import { cameraName, exifFields } from '../../../lib/frame/exif.ts';
import { readTiff } from '../../../lib/frame/tiff/directories.ts';
import { bufferSource } from '../../../lib/frame/tiff/source.ts';
import { type Ifd, type Tag, tinyTiff } from './tiny-tiff.ts';

const fieldsOf = (exif: Tag[], rest: Partial<Ifd> = {}) =>
  exifFields(readTiff(bufferSource('x.tif', tinyTiff([{ tags: [[256, 'long', 1]], exif: { tags: exif }, ...rest }]))));

const stamp: Tag = [36867, 'ascii', '2026:01:15 21:30:00'];
const fraction: Tag = [37521, 'ascii', '25'];
const exposure: Tag = [33434, 'rational', 6];

describe('the time of an exposure', () => {
  it('with its offset is UTC, good to a second and the exposure', () => {
    expect(fieldsOf([stamp, fraction, exposure, [36881, 'ascii', '+02:00']])).toMatchObject({
      start: '2026-01-15T19:30:00.250Z',
      middle: '2026-01-15T19:30:03.250Z',
      end: '2026-01-15T19:30:06.250Z',
      timeSource: 'file',
      timeUncertaintySeconds: 7,
      exposureSeconds: 6,
    });
    expect(fieldsOf([stamp, [36880, 'ascii', '-09:30']]).start).toBe('2026-01-16T07:00:00.000Z');
  });
  it('without a zone is taken as UTC, good to 14 hours', () => {
    expect(fieldsOf([stamp])).toMatchObject({
      start: '2026-01-15T21:30:00.000Z',
      middle: null,
      end: null,
      timeUncertaintySeconds: 50_400,
    });
  });
  it('takes its zone from the GPS time, near a quarter of an hour', () => {
    const gps = (time: number[], date = '2026:01:15'): Partial<Ifd> => ({
      gps: {
        tags: [
          [7, 'rational', time],
          [29, 'ascii', date],
        ],
      },
    });
    expect(fieldsOf([stamp], gps([15, 44, 58.5]))).toMatchObject({
      start: '2026-01-15T15:45:00.000Z',
      timeUncertaintySeconds: 1,
    });
    expect(fieldsOf([stamp], gps([3, 30, 0], '2026:01:16')).start).toBe('2026-01-16T03:30:00.000Z');
    // A fix from minutes before says nothing.
    expect(fieldsOf([stamp], gps([15, 37, 0])).timeUncertaintySeconds).toBe(50_400);
  });
  it('takes the whole hours of TIFF/EP', () => {
    const main: Tag[] = [
      [256, 'long', 1],
      [34858, 'short', 2],
    ];
    expect(fieldsOf([stamp], { tags: main }).start).toBe('2026-01-15T19:30:00.000Z');
  });
  it('falls back on the time it was digitised, and is null when none can be', () => {
    expect(fieldsOf([[36868, 'ascii', '2026:01:15 21:30:01']]).start).toBe('2026-01-15T21:30:01.000Z');
    for (const text of ['0000:00:00 00:00:00', '    :  :     :  :  ', '2026:13:01 00:00:00', 'yesterday'])
      expect(fieldsOf([[36867, 'ascii', text]])).toMatchObject({ start: null, timeSource: null });
  });
});

it('gain is the ISO speed, or the analogue gain of a Raspberry Pi', () => {
  const iso: Tag = [34855, 'short', 800];
  const make = (name: string): Partial<Ifd> => ({ tags: [[271, 'ascii', name]] });
  expect(fieldsOf([iso], make('Canon')).gain).toBe(800);
  expect(fieldsOf([iso], make('Raspberry Pi')).gain).toBe(8);
  expect(fieldsOf([]).gain).toBeNull();
  expect(fieldsOf([iso]).keywords).toContainEqual({ name: 'ISOSPEED', value: 800, comment: 'ISO speed' });
});

it('names a camera once', () => {
  expect(cameraName('NIKON CORPORATION', 'NIKON D70s')).toBe('NIKON D70s');
  expect(cameraName('Canon', 'Canon EOS 350D DIGITAL')).toBe('Canon EOS 350D DIGITAL');
  expect(cameraName('SONY', 'ILCE-7M4')).toBe('SONY ILCE-7M4');
  expect(cameraName(null, 'ov5647')).toBe('ov5647');
  expect(cameraName('Sony', null)).toBe('Sony');
  expect(cameraName(null, null)).toBeNull();
  expect(cameraName(null, 'Sternwarte Köln')).toBe('Sternwarte K?ln');
});

it('keeps orientation, lens and the like as keywords and leaves out what is not there', () => {
  const { keywords } = fieldsOf([
    [33437, 'rational', 2.8],
    [37386, 'rational', 14],
    [42036, 'ascii', 'Samyang 14mm'],
  ]);
  expect(keywords.map(({ name, value }) => [name, value])).toEqual([
    ['FNUMBER', 2.8],
    ['FOCALLEN', 14],
    ['LENS', 'Samyang 14mm'],
  ]);
});

it('knows the place from the GPS tags, and none from half of them', () => {
  const place: Tag[] = [
    [1, 'ascii', 'S'],
    [2, 'rational', [33, 30, 36]],
    [3, 'ascii', 'W'],
    [4, 'rational', [70, 0, 0]],
    [5, 'byte', 0],
    [6, 'rational', 2400],
  ];
  const { site } = fieldsOf([], { gps: { tags: place } });
  expect(site!.latitude).toBeCloseTo(-33.51, 9);
  expect([site!.longitude, site!.elevation]).toEqual([-70, 2400]);
  expect(fieldsOf([], { gps: { tags: place.slice(0, 2) } }).site).toBeNull();
});

it('a damaged tag costs its value, not the rest', () => {
  const bytes = tinyTiff([
    {
      tags: [[256, 'long', 1]],
      exif: { tags: [stamp, exposure] },
    },
  ]);
  const at = bytes.indexOf(Buffer.from([0x9a, 0x82, 5, 0]));
  bytes.writeUInt32LE(0xfffffff0, at + 8);
  expect(exifFields(readTiff(bufferSource('x', bytes)))).toMatchObject({
    start: '2026-01-15T21:30:00.000Z',
    exposureSeconds: null,
  });
});
