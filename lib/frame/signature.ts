/** What kind of picture file it is, told by its first bytes and never by its name. */
import { NightflowError } from '../process/errors.ts';
import type { ByteSource } from './tiff/source.ts';

export type Signature =
  | 'fits'
  | 'ser'
  | 'jpeg'
  | 'png'
  /** TIFF, or a RAW format built like it: the tags decide. */
  | 'tiff'
  | 'cr3'
  | 'raf'
  /** Other RAW formats that LibRaw knows by their first bytes. */
  | 'raw';

export const readable = 'FITS (.fits, .fits.fz), DNG and other RAW files, TIFF, JPEG, PNG and SER';

/** RAW files without any signature, by their exact length: Kodak C330 (1232 x 912, two bytes a pixel). */
const headerless = new Set([2_247_168]);

/** @throws bad-input, naming what can be read, for anything else. */
export function signatureOf(source: ByteSource): Signature {
  const head = source.read(0, Math.min(32, source.size));
  const text = head.toString('latin1');
  if (text.startsWith('SIMPLE  =')) return 'fits';
  // 'LUCAM-RECORDER' by the book; programs put in their own names.
  if (/^[\x20-\x7e]{0,6}RECORDER/.test(text)) return 'ser';
  if (head[0] === 0xff && head[1] === 0xd8 && head[2] === 0xff) return 'jpeg';
  if (text.startsWith('\x89PNG\r\n\x1a\n')) return 'png';
  if (text.startsWith('FUJIFILMCCD-RAW')) return 'raf';
  if (text.slice(4, 11) === 'ftypcrx') return 'cr3';
  // Canon CRW, Minolta MRW, Sigma X3F.
  if (text.slice(6, 14) === 'HEAPCCDR' || text.startsWith('\0MRM') || text.startsWith('FOVb')) return 'raw';
  if (/^(II[*+U]\0|II(RO|RS)|MM\0[*+]|MMOR)/.test(text)) return 'tiff';
  if (headerless.has(source.size)) return 'raw';
  throw new NightflowError('bad-input', `${source.name} is no picture that can be read: its first bytes are unknown.`, {
    remedy: `Nightflow reads ${readable}, whatever the file's name.`,
  });
}
