/** Lists the films, pictures and frames of an archive folder, newest first, without ever walking a whole year of nights. */
import { readdir, realpath, stat } from 'node:fs/promises';
import { extname, join, relative, sep } from 'node:path';
import { isoTime } from '../clock/clock.ts';
import { confine } from '../process/durable.ts';

export type ProductType = 'film' | 'picture' | 'frame' | 'other';

export interface Product {
  /** Path below the folder, with `/`. */
  name: string;
  type: ProductType;
  bytes: number;
  /** ISO 8601 UTC. */
  modified: string;
}

export interface ProductQuery {
  /** Below the archive folder; '' is all of it. */
  subfolder?: string;
  type?: ProductType;
  limit?: number;
  /** Names of folders to pass by: a night's hundreds of stacks would crowd out last month's trails. */
  without?: readonly string[];
}

const types: Record<string, ProductType> = {};
const register = (type: ProductType, extensions: string) => {
  for (const extension of extensions.split(' ')) types[`.${extension}`] = type;
};
register('film', 'mp4 avi mov mkv webm ser');
register('picture', 'jpg jpeg png webp');
register('frame', 'fits fit fts fz tif tiff dng arw cr2 cr3 nef raw');

export const productType = (path: string): ProductType => types[extname(path).toLowerCase()] ?? 'other';

/** Files looked at before a listing stops; folders are taken in falling order of their names, so that dates come newest first. */
const mostFiles = 5000;
const deepest = 5;

/** Newest first; files and folders with a leading dot are never shown. An absent folder is empty. @throws bad-input outside the folder. */
export async function listProducts(folder: string, query: ProductQuery = {}): Promise<Product[]> {
  const { subfolder = '', type, limit = 50, without = [] } = query;
  const start = subfolder === '' ? folder : confine(folder, subfolder);
  const found: Product[] = [];
  let looked = 0;
  const walk = async (at: string, depth: number): Promise<void> => {
    const entries = await readdir(at, { withFileTypes: true }).catch(() => []);
    entries.sort((a, b) => (a.name < b.name ? 1 : -1));
    for (const entry of entries) {
      if (entry.name.startsWith('.') || looked >= mostFiles) continue;
      const path = join(at, entry.name);
      if (entry.isDirectory() && depth < deepest && !without.includes(entry.name)) await walk(path, depth + 1);
      if (!entry.isFile() || (type && productType(path) !== type)) continue;
      looked++;
      const status = await stat(path).catch(() => null); // deleted meanwhile
      if (status)
        found.push({
          name: relative(folder, path).split(sep).join('/'),
          type: productType(path),
          bytes: status.size,
          modified: isoTime(status.mtimeMs),
        });
    }
  };
  await walk(start, 0);
  return found.sort((a, b) => (a.modified < b.modified ? 1 : -1)).slice(0, limit);
}

/** The real path of a visible file inside the folder, or null: dot files, other things than files, and links that lead out don't exist. */
export async function findProduct(folder: string, name: string): Promise<string | null> {
  if (name.split(/[\\/]/).some((part) => part.startsWith('.'))) return null;
  try {
    const path = await realpath(confine(folder, name));
    const root = await realpath(folder);
    return path.startsWith(root + sep) && (await stat(path)).isFile() ? path : null;
  } catch {
    return null; // whatever is wrong with the name, nobody outside needs to know
  }
}
