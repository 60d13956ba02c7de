/** The card of the stand-in's body: files that outlive a session and an unplugged cable, listed in columns as the real shell does. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';

const store = 'store_00010001';
const folderOnCard = '100MSDCF';
const columns = 4;
const columnWidth = 20;

export class StandInCard {
  private readonly folder: string;
  private readonly counter: string;
  private readonly extension: string;

  constructor(folder: string, extension: string) {
    this.folder = join(folder, 'card');
    this.counter = join(folder, 'number');
    this.extension = extension;
    mkdirSync(this.folder, { recursive: true });
  }

  /** Of the pictures in the body's life, from 1. */
  nextNumber(): number {
    const number = this.lastNumber + 1;
    writeFileSync(this.counter, String(number));
    return number;
  }

  /** @returns where it is on the camera */
  save(extension: string, bytes: Buffer): string {
    const name = `DSC${String(this.lastNumber).padStart(5, '0')}.${extension}`;
    writeFileSync(join(this.folder, name), bytes);
    return `/${store}/DCIM/${folderOnCard}/${name}`;
  }

  remove(location: string): void {
    rmSync(join(this.folder, basename(location)), { force: true });
  }

  read(location: string): Buffer | null {
    const path = join(this.folder, basename(location));
    return existsSync(path) ? readFileSync(path) : null;
  }

  /** @returns null for a folder that is not there */
  list(path: string, filesFromBefore: number): string | null {
    switch (path) {
      case '/':
        return inColumns([`${store}/`]);
      case `/${store}`:
        return inColumns(['DCIM/', 'MISC/']);
      case `/${store}/DCIM`:
        return inColumns([`${folderOnCard}/`]);
      case `/${store}/DCIM/${folderOnCard}`: {
        const old = (_: unknown, i: number) => `OLD${String(i).padStart(5, '0')}.${this.extension}`;
        return inColumns([...Array.from({ length: filesFromBefore }, old), ...readdirSync(this.folder).sort()]);
      }
      default:
        return null;
    }
  }

  private get lastNumber(): number {
    return existsSync(this.counter) ? Number(readFileSync(this.counter, 'utf8')) : 0;
  }
}

function inColumns(names: readonly string[]): string {
  const lines: string[] = [];
  for (let i = 0; i < names.length; i += columns)
    lines.push(
      `${names
        .slice(i, i + columns)
        .map((name) => name.padEnd(columnWidth))
        .join('')}\n`,
    );
  return lines.join('');
}
