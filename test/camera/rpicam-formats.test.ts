/** What the rpicam backend makes of names, numbers and bytes: formats, lists, metadata, compressed samples. */
import { describe, expect, it } from 'vitest';
import { JpegStream, Latest } from '../../lib/camera/jpeg-stream.ts';
import { decompressLine } from '../../lib/camera/rpicam-compressed.ts';
import { lineBytes, rawFormat } from '../../lib/camera/rpicam-format.ts';
import { bestMode, modeName, parseCameraList, sensorOf } from '../../lib/camera/rpicam-list.ts';
import {
  fieldsOfMetadata,
  lostBetween,
  MetadataReader,
  parseMetadata,
  parseMetadataJson,
} from '../../lib/camera/rpicam-metadata.ts';
import { imx477, listText, metadataJson, metadataText, type ShotFacts } from './stand-in/rpicam-texts.ts';

describe('names of formats', () => {
  it.each([
    ['SRGGB10_CSI2P', 'RGGB', 10, 'csi2', 2050],
    ['SBGGR12_CSI2P', 'BGGR', 12, 'csi2', 2460],
    ['SGBRG14_CSI2P', 'GBRG', 14, 'csi2', 2870],
    ['SGRBG12', 'GRBG', 12, 'plain', 3280],
    ['SRGGB16', 'RGGB', 16, 'plain', 3280],
    ['SRGGB8', 'RGGB', 8, 'plain', 1640],
    ['R10_CSI2P', null, 10, 'csi2', 2050],
    ['R16', null, 16, 'plain', 3280],
    ['BGGR_PISP_COMP1', 'BGGR', 16, 'pisp', 1640],
    ['MONO_PISP_COMP1', null, 16, 'pisp', 1640],
  ] as const)('%s', (name, bayer, bits, packing, bytes) => {
    const format = rawFormat(name);
    expect(format).toEqual({ bayer, bits, packing });
    expect(lineBytes(format, 1640)).toBe(bytes);
  });

  it('that nobody knows are refused', () => {
    expect(() => rawFormat('YUV420')).toThrow('The raw format YUV420 is not known.');
  });
});

describe('the list of cameras', () => {
  it('gives modes and ranges as the program tells them', () => {
    const [camera] = parseCameraList(listText([imx477], 2));
    expect(camera).toMatchObject({ index: 0, id: imx477.id, model: 'imx477', width: 4056, height: 3040 });
    expect(camera!.modes.map(modeName)).toEqual(['1640x1232 10-bit', '2028x1520 10-bit', '4056x3040 12-bit']);
    expect(camera!.modes.map(({ binning }) => binning)).toEqual([2, 2, 1]);
    expect(camera!.controls.get('ExposureTime')).toEqual({ minimum: 114, maximum: 694422939 });
    expect(camera!.controls.has('ScalerCrop')).toBe(false);
    expect(sensorOf(camera!, camera!.modes[1])).toEqual({
      ...{ width: 2028, height: 1520, bayer: 'RGGB', bitsPerSample: 10, pixelSizeMicrometres: 3.1 },
      ...{ minimumExposureSeconds: 0.000114, maximumExposureSeconds: 694.422939 },
    });
  });

  it('may have several, or none, and words of other releases', () => {
    const two = parseCameraList(listText([imx477, { ...imx477, id: '/base/second', model: 'imx999' }], 1));
    expect(two.map(({ index, id }) => [index, id])).toEqual([
      [0, imx477.id],
      [1, '/base/second'],
    ]);
    expect(two[1]!.controls.size).toBe(0);
    expect(sensorOf(two[1]!)).toMatchObject({ pixelSizeMicrometres: null, maximumExposureSeconds: null });
    expect(parseCameraList('No cameras available!\n')).toEqual([]);
    // rpicam-apps 1.5 on a Raspberry Pi 5, from its documentation.
    const text = `Available cameras
-----------------
0 : imx708_wide [4608x2592 10-bit RGGB] (/base/axi/pcie@120000/rp1/i2c@80000/imx708@1a)
    Modes: 'SRGGB10_CSI2P' : 1536x864 [120.13 fps - (768, 432)/3072x1728 crop]
                             4608x2592 [14.35 fps - (0, 0)/4608x2592 crop]
`;
    const [camera] = parseCameraList(text);
    expect(camera).toMatchObject({ model: 'imx708_wide', width: 4608 });
    expect(bestMode(camera!)).toMatchObject({ width: 4608, framesPerSecond: 14.35, bits: 10 });
  });
});

const facts: ShotFacts = {
  ...{ wallClock: 1795244168175327727n, sensorTimestamp: 3744002978787n },
  ...{ exposureMicroseconds: 1_000_000, frameMicroseconds: 1_000_050, gain: 4, gains: [2, 1.5] },
};

describe('metadata', () => {
  it('say when, to the microsecond, beyond what a number of JSON holds', () => {
    const metadata = parseMetadata(metadataText(facts))!;
    expect(fieldsOfMetadata(metadata, 12, 0)).toMatchObject({
      ...{ start: '2026-11-21T06:56:07.175327Z', end: '2026-11-21T06:56:08.175327Z', timeSource: 'camera' },
      ...{ exposureSeconds: 1, gain: 4, temperatureCelsius: 31, blackLevel: 256, whiteBalance: [2, 1, 1.5] },
    });
    expect(parseMetadataJson(metadataJson(facts))).toEqual({ ...metadata, values: expect.any(Map) });
    expect(fieldsOfMetadata(parseMetadataJson(metadataJson(facts))!, 10, 0).blackLevel).toBe(64);
  });

  it('come in pieces; a block is whole with its empty line', () => {
    const reader = new MetadataReader();
    const text = Buffer.from(metadataText(facts) + metadataText({ ...facts, gain: 5 }));
    const found = [];
    for (let at = 0; at < text.length; at += 7) found.push(...reader.read(text.subarray(at, at + 7)));
    expect(found.map((each) => each?.values.get('AnalogueGain'))).toEqual(['4.000000', '5.000000']);
    expect(reader.read(Buffer.from('Lux=nan\nFoo=1\n\n'))).toEqual([null]);
  });

  it('show lost frames by the hole in their time stamps', () => {
    const at = (seconds: number) =>
      parseMetadata(metadataText({ ...facts, sensorTimestamp: BigInt(Math.round(seconds * 1e9)) }))!;
    expect(lostBetween(at(10), at(11.00005))).toBe(0);
    expect(lostBetween(at(10), at(11.4))).toBe(0);
    expect(lostBetween(at(10), at(12.0001))).toBe(1);
    expect(lostBetween(at(10), at(15.0003))).toBe(4);
  });
});

/** The word of four samples: fields of 2, 9, 7, 7, 7 bits from the lowest. */
function word(mode: number, base: number, difference: number, first: number, last: number): number[] {
  const value = (mode | (base << 2) | (difference << 11) | (first << 18)) + last * 2 ** 25;
  return [0, 8, 16, 24].map((shift) => Math.floor(value / 2 ** shift) % 256);
}

describe('compressed samples of a Raspberry Pi 5', () => {
  const decompress = (even: number[], odd: number[]) => {
    const samples = new Uint16Array(8);
    decompressLine(Uint8Array.from([...even, ...odd]), 8, samples);
    return [...samples];
  };

  // The values follow from the format's description, step by step; no sensor's file was at hand.
  it('in the finest steps: 16 up to the 320th, then 32', () => {
    const dark = word(0, 100, 64 + 3, 64 + 2, 64 + 1);
    const bright = word(0, 400, 64 - 10, 10, 74);
    expect(decompress(dark, bright)).toEqual([
      ...[2048 + 16 * 102, 2048 + 32 * (356 - 160), 2048 + 16 * 100, 2048 + 32 * (410 - 160)],
      ...[2048 + 16 * 103, 2048 + 32 * (400 - 160), 2048 + 16 * 104, 2048 + 32 * (410 - 160)],
    ]);
  });

  it('in steps of 64 and 128, and near zero', () => {
    const middle = word(1, 20, 64, 5, 100);
    const coarse = word(2, 390, 20, 100, 64);
    expect(decompress(middle, coarse)).toEqual([
      ...[2048 + 64 * 5, 2048 + 128 * (326 + 100), 2048 + 64 * 20, 2048 + 128 * 390],
      ...[2048 + 64 * 20, 2048 + 128 * 404, 2048 + 64 * 100, 2048 + 128 * (340 + 64)],
    ]);
  });

  it('without differences, each by itself', () => {
    // 37 = 5 + 16 * 2 and 120; 93 = 13 + 16 * 5 and 175.
    const pack = (a: number, b: number) => (a & 15) + 16 * (b + 176 * (a >> 4));
    const value = 3 + pack(37, 120) * 4 + pack(93, 175) * 2 ** 17;
    const bytes = [0, 8, 16, 24].map((shift) => Math.floor(value / 2 ** shift) % 256);
    expect(decompress(bytes, bytes)).toEqual(
      [37, 37, 120, 120, 93, 93, 175, 175].map((q) => Math.min(65535, 2048 + (q < 94 ? 256 * q : 512 * (q - 47)))),
    );
  });
});

describe('live pictures', () => {
  it('are cut apart wherever the pieces end', () => {
    const picture = (middle: number[]) => Buffer.from([0xff, 0xd8, ...middle, 0xff, 0xd9]);
    const film = Buffer.concat([Buffer.from([1, 2]), picture([1, 0xff, 0]), picture([2]), picture([3])]);
    for (const size of [1, 2, 3, 5, 100]) {
      const stream = new JpegStream();
      const found: Buffer[] = [];
      for (let at = 0; at < film.length; at += size) found.push(...stream.read(film.subarray(at, at + size)));
      expect(found).toEqual([picture([1, 0xff, 0]), picture([2]), picture([3])]);
    }
  });

  it('are always the latest, whoever is slow', async () => {
    const latest = new Latest<number>();
    latest.set(1);
    latest.set(2);
    expect(await latest.take()).toBe(2);
    const waiting = latest.take();
    latest.set(3);
    expect(await waiting).toBe(3);
    latest.end(new Error('gone'));
    await expect(latest.take()).rejects.toThrow('gone');
  });
});
