/** Night pictures as rpicam-raw writes them: 12 bits in 16, lines padded to 128 bytes. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { renderNightSet } from './nodes/render-set.js';

export async function makePictureFiles(folder: string, count: number): Promise<string[]> {
  const { width, height, pictures } = renderNightSet(count) as {
    width: number;
    height: number;
    pictures: Uint16Array[];
  };
  const stride = Math.ceil((width * 2) / 128) * 128;
  return Promise.all(
    pictures.map(async (picture, n) => {
      const file = Buffer.alloc(stride * height);
      const bytes = Buffer.from(picture.buffer as ArrayBuffer, picture.byteOffset, picture.byteLength);
      for (let y = 0; y < height; y++) bytes.copy(file, y * stride, y * width * 2, (y + 1) * width * 2);
      const path = join(folder, `picture-${n}.raw`);
      await writeFile(path, file);
      return path;
    }),
  );
}
