/** Writing a 12 Mpx frame of unsigned 16 bit to a FITS file, durably and with checksums, against astropy doing the same. */
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { writeFits } from '../lib/frame/fits/write.ts';
import { allocatePixels, Frame } from '../lib/frame/frame.ts';
import { closeSharedPool } from '../lib/kernels/pool.ts';
import { type BenchLine, cpu, pairedBench, python3Peer } from './harness.ts';

const [width, height] = [4056, 3040];
const repeat = 4;

const astropy = `
import os
import numpy as np
from astropy.io import fits
state = {}
def run(task):
    if task['do'] == 'load':
        with fits.open(task['path'], checksum=True, memmap=False) as hdus:
            hdus.verify('exception')
            assert hdus[0].verify_checksum() == 1 and hdus[0].verify_datasum() == 1
            state['data'] = hdus[0].data.copy()
    elif task['do'] == 'write':
        hdu = fits.PrimaryHDU(state['data'])
        hdu.header['EXPTIME'] = 5.0
        partial = task['path'] + '.part'
        with open(partial, 'wb') as file:
            hdu.writeto(file, checksum=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, task['path'])
    else:
        with fits.open(task['path']) as a, fits.open(task['other']) as b:
            return bool(np.array_equal(a[0].data, b[0].data))
`;

export default async function fitsWrite(): Promise<BenchLine> {
  const folder = mkdtempSync(join(tmpdir(), 'nightflow-bench-'));
  const peer = python3Peer(astropy);
  const [ours, theirs] = [join(folder, 'ours.fits'), join(folder, 'theirs.fits')];
  try {
    const data = allocatePixels(width, height, 1, 'u16');
    const pixels = new Uint16Array(data);
    for (let i = 0, state = 1; i < pixels.length; i++) {
      state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
      pixels[i] = 256 + (state >>> 19);
    }
    const frame = new Frame({ data, width, height, pixelType: 'u16', exposureSeconds: 5 });
    await writeFits(frame, ours);
    await peer.run({ do: 'load', path: ours });
    return await pairedBench({
      bench: 'fits-write',
      goal: 0.4,
      pairs: 9,
      ours: () => cpu(() => writeFits(frame, ours), { repeat }),
      peer: () => peer.run({ do: 'write', path: theirs }, { repeat }),
      agree: async () =>
        (await peer.run({ do: 'compare', path: ours, other: theirs })).result === true || 'the samples differ',
    });
  } finally {
    await peer.close();
    await closeSharedPool();
    rmSync(folder, { recursive: true, force: true });
  }
}
