/** DATASUM and CHECKSUM (FITS Standard 4.0, 4.4.2.7 and appendix J; Seaman, Pence & Rots). */

/** One's complement sum of two one's complement sums of 32 bit. */
export function addSums(a: number, b: number): number {
  const sum = a + b;
  return sum > 0xffffffff ? sum - 0xffffffff : sum;
}

/** One's complement sum of the bytes' big-endian 32-bit words. `bytes` is a multiple of 4 long. */
export function sumOf(bytes: Buffer): number {
  let sum = 0;
  for (let at = 0; at < bytes.length; at += 4) sum = addSums(sum, bytes.readUInt32BE(at));
  return sum;
}

/**
 * The 16 letters that, as the value of CHECKSUM, make the whole unit sum to -0.
 * @param sum Of the unit with sixteen '0' in their place.
 */
export function encodeChecksum(sum: number): string {
  const complement = ~sum >>> 0;
  const letters = Buffer.alloc(16);
  for (let byte = 0; byte < 4; byte++) {
    const value = (complement >>> (24 - 8 * byte)) & 0xff;
    const quarter = (value >> 2) + 0x30;
    const four = [quarter + (value & 3), quarter, quarter, quarter];
    // Only digits and letters: pairs are moved apart, their sum stays.
    for (let again = true; again; ) {
      again = false;
      for (const pair of [0, 2])
        if (isPunctuation(four[pair]!) || isPunctuation(four[pair + 1]!)) {
          four[pair]!++;
          four[pair + 1]!--;
          again = true;
        }
    }
    four.forEach((letter, i) => {
      letters[4 * i + byte] = letter;
    });
  }
  // The string begins in column 12, the last byte of a word.
  return letters.toString('latin1', 15) + letters.toString('latin1', 0, 15);
}

const isPunctuation = (code: number) => (code >= 0x3a && code <= 0x40) || (code >= 0x5b && code <= 0x60);
