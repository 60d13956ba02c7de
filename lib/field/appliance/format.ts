/** As what a frame goes to the client: the file that its camera made, or a FITS file of ours. */
import type { Camera } from '../../camera/camera.ts';
import { NightflowError } from '../../process/errors.ts';

/** `auto`: the camera's own file where it made one, else FITS. */
export const formats = ['auto', 'fits', 'original'] as const;
export type ApplianceFormat = (typeof formats)[number];

/** As the programs of the desktop name them (freedesktop.org, shared-mime-info); FITS: RFC 4047. */
const contentTypes: Readonly<Record<string, string>> = {
  '.fits': 'application/fits',
  '.arw': 'image/x-sony-arw',
  '.cr2': 'image/x-canon-cr2',
  '.cr3': 'image/x-canon-cr3',
  '.crw': 'image/x-canon-crw',
  '.nef': 'image/x-nikon-nef',
  '.nrw': 'image/x-nikon-nrw',
  '.dng': 'image/x-adobe-dng',
  '.raf': 'image/x-fuji-raf',
  '.orf': 'image/x-olympus-orf',
  '.rw2': 'image/x-panasonic-rw2',
  '.pef': 'image/x-pentax-pef',
  '.jpg': 'image/jpeg',
  '.jpeg': 'image/jpeg',
  '.png': 'image/png',
  '.tif': 'image/tiff',
  '.tiff': 'image/tiff',
};

/** @param name Of a file. */
export const contentTypeOf = (name: string): string =>
  contentTypes[/\.[a-z0-9]+$/.exec(name)?.[0] ?? ''] ?? 'application/octet-stream';

/** Before anything is exposed. @throws unsupported where the camera's own file is asked for and it makes none */
export function requireFormat(format: ApplianceFormat, camera: Camera, way: 'single' | 'sequence'): void {
  if (format !== 'original' || camera.bringsOriginals?.(way)) return;
  const only = camera.bringsOriginals?.('single') ? ' of exposures back to back' : '';
  throw noOriginal(`${camera.info.name} makes no file of its own${only}.`);
}

export const noOriginal = (message: string): NightflowError =>
  new NightflowError('unsupported', message, { remedy: 'Ask for the format auto or fits.' });
