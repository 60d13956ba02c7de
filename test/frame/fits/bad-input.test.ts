import { mkdirSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, it } from 'vitest';
import { readFits, readFitsHeaders } from '../../../lib/frame/fits/read.ts';
import { imageCards, writeCards } from './header-file.ts';
import { temporaryFolder } from './python.ts';

const folder = temporaryFolder();
const file = (name: string) => join(folder, name);
const refusal = (name: string, sentence: RegExp) => ({
  code: 'bad-input',
  message: expect.stringMatching(sentence.source.includes(name) ? sentence : new RegExp(`${name}.*${sentence.source}`)),
  remedy: expect.stringMatching(/\w+.*\./),
});

describe('one clear error that names the file and what to do', () => {
  it('a width of a thousand million', async () => {
    writeCards(file('wide.fits'), imageCards(1_000_000_000, 1_000_000_000));
    await expect(readFits(file('wide.fits'))).rejects.toMatchObject(refusal('wide.fits', /.*/));
    writeCards(file('long.fits'), imageCards(1_000_000_000, 2));
    await expect(readFits(file('long.fits'))).rejects.toMatchObject(refusal('long.fits', /.*/));
  });

  it('a file cut off in its samples', async () => {
    writeCards(file('cut.fits'), imageCards(500, 400), Buffer.alloc(400_000));
    truncateSync(file('cut.fits'), 100_000);
    await expect(readFits(file('cut.fits'))).rejects.toMatchObject(
      refusal('cut.fits', /ends too early: .* 400000 bytes .* has 100000/),
    );
    const [unit] = await readFitsHeaders(file('cut.fits'));
    expect(unit).toMatchObject({ truncated: true, axes: [500, 400] });
  });

  it('but not one that only lacks the padding', async () => {
    writeCards(file('unpadded.fits'), imageCards(50, 40), Buffer.alloc(4000));
    truncateSync(file('unpadded.fits'), 2880 + 4000);
    expect((await readFits(file('unpadded.fits'))).width).toBe(50);
  });

  it('a header without END', async () => {
    writeFileSync(
      file('endless.fits'),
      imageCards()
        .map((card) => card.padEnd(80))
        .join('')
        .padEnd(28_800),
    );
    await expect(readFits(file('endless.fits'))).rejects.toMatchObject(refusal('endless.fits', /has no END/));
    const cards = Buffer.from(
      imageCards()
        .map((card) => card.padEnd(80))
        .join(''),
      'latin1',
    );
    writeFileSync(file('pixels.fits'), Buffer.concat([cards, Buffer.alloc(50_000, 3)]));
    await expect(readFits(file('pixels.fits'))).rejects.toMatchObject(refusal('pixels.fits', /has no END/));
  });

  it('what is no FITS', async () => {
    writeFileSync(file('text.fits'), 'Hello, world. '.repeat(1000));
    await expect(readFits(file('text.fits'))).rejects.toMatchObject(refusal('text.fits', /is not a FITS file/));
    writeFileSync(file('zipped.fits'), Buffer.from([0x1f, 0x8b, 8, 0, ...Array(3000).fill(0)]));
    await expect(readFits(file('zipped.fits'))).rejects.toMatchObject(refusal('zipped.fits', /compressed with gzip/));
    writeFileSync(file('short.fits'), 'SIM');
    await expect(readFits(file('short.fits'))).rejects.toMatchObject(refusal('short.fits', /is not a FITS file/));
  });

  it('an empty file, a folder, no file', async () => {
    writeFileSync(file('empty.fits'), '');
    await expect(readFits(file('empty.fits'))).rejects.toMatchObject(refusal('empty.fits', /is empty/));
    mkdirSync(file('folder.fits'));
    await expect(readFits(file('folder.fits'))).rejects.toMatchObject(refusal('folder.fits', /is not a file/));
    await expect(readFits(file('absent.fits'))).rejects.toMatchObject({
      code: 'lost',
      message: expect.stringMatching(/absent\.fits/),
    });
  });

  it('no axes, one axis, an axis of zero', async () => {
    writeCards(file('header.fits'), ['SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0']);
    await expect(readFits(file('header.fits'))).rejects.toMatchObject(
      refusal('header.fits', /no picture in its 1 unit\./),
    );
    writeCards(file('line.fits'), ['SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 1', 'NAXIS1  = 16']);
    await expect(readFits(file('line.fits'))).rejects.toMatchObject(refusal('line.fits', /no picture/));
    writeCards(file('flat.fits'), imageCards(0, 4));
    await expect(readFits(file('flat.fits'))).rejects.toMatchObject(refusal('flat.fits', /no picture/));
  });

  it.each([
    ['NAXIS   = -1', /NAXIS = -1/],
    ['NAXIS   = 2.5', /NAXIS = 2\.5/],
    ['NAXIS   = 400', /no NAXIS1/],
    ["NAXIS   = 'two'", /no NAXIS/],
  ])('%s', async (card, sentence) => {
    writeCards(file('axes.fits'), ['SIMPLE  = T', 'BITPIX  = 8', card]);
    await expect(readFits(file('axes.fits'))).rejects.toMatchObject(refusal('axes.fits', sentence));
  });

  it('an unknown BITPIX', async () => {
    writeCards(file('bits.fits'), imageCards(4, 2, 12));
    await expect(readFits(file('bits.fits'))).rejects.toMatchObject(refusal('bits.fits', /BITPIX = 12/));
  });

  it('a cube of spectra, and how many planes it has', async () => {
    const cards = ['SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 3', 'NAXIS1  = 4', 'NAXIS2  = 2', 'NAXIS3  = 7'];
    writeCards(file('cube.fits'), cards, Buffer.alloc(56));
    await expect(readFits(file('cube.fits'))).rejects.toMatchObject(refusal('cube.fits', /holds 7 planes of 4 x 2/));
  });

  it('a PCOUNT that lies', async () => {
    const extension = [
      "XTENSION= 'IMAGE   '",
      'BITPIX  = 8',
      'NAXIS   = 2',
      'NAXIS1  = 4',
      'NAXIS2  = 4',
      'GCOUNT  = 1',
    ];
    for (const [count, sentence] of [
      ['-5', /PCOUNT = -5/],
      ['1000000000000', /ends too early/],
      ['9e300', /can't be right/],
    ] as const) {
      const primary = ['SIMPLE  = T', 'BITPIX  = 8', 'NAXIS   = 0'].map((card) => card.padEnd(80)).join('');
      const header = `${primary}${'END'.padEnd(80)}`.padEnd(2880);
      const second = [...extension, `PCOUNT  = ${count}`, 'END']
        .map((card) => card.padEnd(80))
        .join('')
        .padEnd(2880);
      writeFileSync(file('pcount.fits'), `${header}${second}${'\0'.repeat(2880)}`, 'latin1');
      await expect(readFits(file('pcount.fits'))).rejects.toMatchObject(refusal('pcount.fits', sentence));
    }
  });

  it('passes over what follows the last unit', async () => {
    writeCards(file('tail.fits'), imageCards(50, 40), Buffer.concat([Buffer.alloc(5760), Buffer.alloc(9000, 7)]));
    expect((await readFits(file('tail.fits'))).height).toBe(40);
    expect(await readFitsHeaders(file('tail.fits'))).toHaveLength(1);
  });

  it('stops when told', async () => {
    writeCards(file('stop.fits'), imageCards());
    await expect(readFits(file('stop.fits'), { signal: AbortSignal.abort() })).rejects.toMatchObject({
      code: 'aborted',
    });
  });
});
