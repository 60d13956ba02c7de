/** The settings of `astro-camera` for the backend `folder`. */
import { isAbsolute, resolve } from 'node:path';
import type { FolderOptions } from '../../lib/camera/folder.ts';
import { type InputTable, readConfiguration } from '../inputs.ts';
import type { OptionsContext } from './camera-backends.ts';

const inputs = {
  path: { type: 'text', label: 'folder', default: '' },
  pace: { type: 'choice', label: 'pace', choices: ['timestamps', 'fixed', 'fastest'], default: 'timestamps' },
  intervalSeconds: { type: 'number', label: 'interval', default: 0, minimum: 0, maximum: 86_400, unit: 's' },
  files: { type: 'choice', label: 'at the last file', choices: ['end', 'watch', 'repeat'], default: 'end' },
} as const satisfies InputTable;

/** A relative path starts in Node-RED's user directory. */
export function folderOptions(config: Readonly<Record<string, unknown>>, { userDir }: OptionsContext): FolderOptions {
  const settings = readConfiguration(config, inputs);
  const path = settings.path.trim();
  return {
    path: path === '' || isAbsolute(path) ? path : resolve(userDir, path),
    pace: settings.pace,
    intervalSeconds: settings.intervalSeconds,
    watch: settings.files === 'watch',
    repeat: settings.files === 'repeat',
  };
}
