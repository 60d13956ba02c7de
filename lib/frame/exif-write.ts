/** What a Frame knows of its exposure, as EXIF for the picture files that we write. The place is not written: pictures get shared. */
import { crc32 } from 'node:zlib';
import { unknownZoneSeconds } from './exif.ts';
import type { FrameFields } from './frame.ts';
import { buildTiff, type Field } from './tiff/build.ts';
import { tags } from './tiff/tags.ts';

/** Fields of the first directory and of the EXIF one. Times are UTC and say so, unless their zone was never known. @param mosaic The samples are a Bayer mosaic still. */
export function exifOf(frame: FrameFields, mosaic = false): { main: Field[]; exif: Field[] } {
  const [date = null, fraction = null] = frame.start?.replace('Z', '').split('.') ?? [];
  const stamp = date?.replaceAll('-', ':').replace('T', ' ') ?? null;
  const zoneKnown = (frame.timeUncertaintySeconds ?? 0) < unknownZoneSeconds;
  const iso = frame.keywords.find(({ name }) => name === 'ISOSPEED')?.value;
  return {
    main: [
      [tags.imageDescription, 'ascii', describe(frame, mosaic)],
      [tags.model, 'ascii', ascii(frame.camera)],
      [tags.orientation, 'short', 1],
      [tags.software, 'ascii', 'Nightflow'],
      [tags.dateTime, 'ascii', stamp],
    ],
    exif: [
      [
        tags.exposureTime,
        'rational',
        frame.exposureSeconds !== null && frame.exposureSeconds > 0 ? frame.exposureSeconds : null,
      ],
      [tags.isoSpeed, 'short', typeof iso === 'number' && iso >= 1 && iso <= 65535 ? Math.round(iso) : null],
      [tags.dateTimeOriginal, 'ascii', stamp],
      [tags.offsetTimeOriginal, 'ascii', stamp && zoneKnown ? '+00:00' : null],
      [tags.subSecTimeOriginal, 'ascii', stamp && fraction],
    ],
  };
}

/** A JPEG with an EXIF segment right after its start. */
export function withExifInJpeg(jpeg: Buffer, frame: FrameFields): Buffer[] {
  const { main, exif } = exifOf(frame);
  const block = buildTiff(main, exif);
  const head = Buffer.from('\xff\xe1\0\0Exif\0\0', 'latin1');
  head.writeUInt16BE(block.length + 8, 2);
  return [jpeg.subarray(0, 2), head, block, jpeg.subarray(2)];
}

/** A PNG with an eXIf chunk right after its header (PNG 3rd edition, 11.3.4.5). */
export function withExifInPng(png: Buffer, frame: FrameFields, mosaic: boolean): Buffer[] {
  const { main, exif } = exifOf(frame, mosaic);
  const body = Buffer.concat([Buffer.from('eXIf', 'latin1'), buildTiff(main, exif)]);
  const length = Buffer.alloc(4);
  length.writeUInt32BE(body.length - 4);
  const check = Buffer.alloc(4);
  check.writeUInt32BE(crc32(body));
  // 8 bytes of signature and the IHDR chunk of 25.
  return [png.subarray(0, 33), length, body, check, png.subarray(33)];
}

function describe(frame: FrameFields, mosaic: boolean): string | null {
  const levels = `black ${frame.blackLevel}, white ${frame.whiteLevel} ADU`;
  const parts = [frame.target?.name || null, mosaic && frame.bayer ? `Bayer mosaic ${frame.bayer}, ${levels}` : null];
  return ascii(parts.filter(Boolean).join('; '));
}

const ascii = (text: string | null): string | null => text?.replace(/[^\x20-\x7e]/g, '?').slice(0, 1000) || null;
