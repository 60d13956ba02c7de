/**
 * The compressed raw format of a Raspberry Pi 5 (PISP_COMP1), a lossy byte a sample: blocks of eight samples in eight bytes, of each
 * block the four samples of one colour in a 32-bit word, little-endian. After section 4 of "Raspberry Pi Image Signal Processor (PiSP)
 * Specification" and the kernel's page on V4L2_PIX_FMT_PISP_COMP1: the lower two bits choose how coarse a word's steps are.
 */

/** Added back to every sample after decompression (the compressor subtracts it). */
const offset = 2048;
const largest = 65_535;

/** Decompresses a line of `width` samples to 16 bits. `into` has room for the last, perhaps incomplete block of eight. */
export function decompressLine(line: Uint8Array, width: number, into: Uint16Array): void {
  for (let x = 0; x < width; x += 8) {
    decompressWord(wordAt(line, x), x, into);
    decompressWord(wordAt(line, x + 4), x + 1, into);
  }
}

const wordAt = (line: Uint8Array, at: number): number =>
  (line[at]! | (line[at + 1]! << 8) | (line[at + 2]! << 16) | (line[at + 3]! << 24)) >>> 0;

/** Four samples of one colour: two in the middle, coded against each other, and the outer ones against their neighbour inside. */
function decompressWord(word: number, at: number, into: Uint16Array): void {
  const mode = word & 3;
  if (mode === 3) {
    // No differences: two pairs of levels 0 to 175, the upper parts of the first ones mixed with the second ones.
    const low = (word >>> 2) & 0x7fff;
    const high = word >>> 17;
    into[at] = level((low & 15) + 16 * Math.floor((low >> 8) / 11), 3);
    into[at + 2] = level((low >> 4) % 176, 3);
    into[at + 4] = level((high & 15) + 16 * Math.floor((high >> 8) / 11), 3);
    into[at + 6] = level((high >> 4) % 176, 3);
    return;
  }
  const base = (word >>> 2) & 511;
  const difference = (word >>> 11) & 127;
  let second = base;
  let third = base;
  if (mode === 2 && base >= 384) third = difference + 384;
  else if (difference >= 64) third = base + difference - 64;
  else second = base + 64 - difference;
  into[at] = level(floorBeside(second, mode) + ((word >>> 18) & 127), mode);
  into[at + 2] = level(second, mode);
  into[at + 4] = level(third, mode);
  into[at + 6] = level(floorBeside(third, mode) + (word >>> 25), mode);
}

/** An outer sample is told as what it has above this. */
function floorBeside(inner: number, mode: number): number {
  const floor = Math.max(0, inner - 64);
  return mode === 2 ? Math.min(384, floor) : floor;
}

/** Steps of 16, 64, 128, 256; twice as coarse in the brighter part of the finest and of the coarsest scale. */
function level(step: number, mode: number): number {
  const value =
    mode === 0
      ? step < 320
        ? 16 * step
        : 32 * (step - 160)
      : mode === 1
        ? 64 * step
        : mode === 2
          ? 128 * step
          : step < 94
            ? 256 * step
            : 512 * (step - 47);
  return Math.min(largest, Math.min(largest, value) + offset);
}
