/** Which files of a body are pictures, and which of them RAW. */
import { extname } from 'node:path';

const rawExtensions = new Set(['.arw', '.cr2', '.cr3', '.nef', '.nrw', '.dng', '.raf', '.orf', '.rw2', '.pef']);
const otherExtensions = new Set(['.jpg', '.jpeg', '.hif', '.heif', '.tif', '.tiff']);

export const isRaw = (path: string): boolean => rawExtensions.has(extname(path).toLowerCase());
export const isPicture = (path: string): boolean => isRaw(path) || otherExtensions.has(extname(path).toLowerCase());
