/** The camera backend `folder`: replays real FITS, RAW, TIFF, JPEG and PNG files. */
import { readFrame, readFrameTime } from '../frame/read.ts';
import type { CameraBackend } from './camera.ts';
import { FolderCamera, type FolderOptions } from './folder-camera.ts';

export type { FolderOptions, FolderPace } from './folder-camera.ts';

export const folderBackend: CameraBackend<FolderOptions> = {
  name: 'folder',
  list: async () => [],
  create: (options, context) => new FolderCamera(options, context, { readFrame, readFrameTime }),
};
