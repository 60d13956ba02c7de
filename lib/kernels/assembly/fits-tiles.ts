/** Tiles of compressed FITS pictures (FITS Standard 4.0, 10): Rice decoding and quantised floats. */

/**
 * Rice decoding of one tile into native i32 (bytePix 1: unsigned, 2 and 4: signed). Blocks of `blockSize` differences,
 * each with its own number of split bits; the first sample stands uncoded before them.
 * Reads at most 12 bytes a sample of a block beyond the end: the caller leaves that slack. Returns false for broken data.
 */
export function riceDecode(
  target: usize,
  source: usize,
  bytes: usize,
  count: usize,
  blockSize: usize,
  bytePix: i32,
): bool {
  const codeBits: i32 = bytePix == 1 ? 3 : bytePix == 2 ? 4 : 5;
  const rawCode: i32 = bytePix == 1 ? 6 : bytePix == 2 ? 14 : 25;
  const rawBits: i32 = bytePix << 3;
  const shift: i32 = 32 - rawBits;
  const end = source + bytes;
  if (bytes < <usize>bytePix) return false;
  let last: i32 = 0;
  for (let i = 0; i < bytePix; i++) last = (last << 8) | <i32>load<u8>(source++);

  // `window` holds the next bits left-aligned; at least the upper `held` of them are spoken for.
  let window: u64 = 0;
  let held: i32 = 0;
  while (count > 0) {
    const block = min(count, blockSize);
    count -= block;
    const stop = target + (block << 2);
    window |= bswap<u64>(load<u64>(source)) >> held;
    source += (63 - held) >> 3;
    held |= 56;
    const split = <i32>(window >> (64 - codeBits)) - 1;
    window <<= codeBits;
    held -= codeBits;
    if (split < 0) {
      const value = bytePix == 1 ? last & 0xff : (last << shift) >> shift;
      for (; target < stop; target += 4) store<i32>(target, value);
    } else {
      const uncoded = split >= rawCode;
      for (; target < stop; target += 4) {
        window |= bswap<u64>(load<u64>(source)) >> held;
        source += (63 - held) >> 3;
        held |= 56;
        let code: u32;
        if (uncoded) {
          code = <u32>(window >> (64 - rawBits));
          window <<= rawBits;
          held -= rawBits;
        } else {
          let zeros = <i32>clz<u64>(window);
          if (zeros >= held) {
            let run = 0;
            do {
              run += held;
              if (source > end + 8) return false;
              window = bswap<u64>(load<u64>(source));
              source += 7;
              held = 56;
              zeros = <i32>clz<u64>(window);
            } while (zeros >= held);
            code = <u32>(run + zeros);
          } else code = <u32>zeros;
          window <<= zeros;
          window <<= 1;
          held -= zeros + 1;
          if (split > 0) {
            window |= bswap<u64>(load<u64>(source)) >> held;
            source += (63 - held) >> 3;
            held |= 56;
            code = (code << split) | <u32>(window >> (64 - split));
            window <<= split;
            held -= split;
          }
        }
        last += <i32>(code >> 1) ^ -<i32>(code & 1);
        store<i32>(target, bytePix == 1 ? last & 0xff : (last << shift) >> shift);
      }
    }
    if (source - (<usize>held >> 3) > end) return false;
  }
  return true;
}

/** Native i32 to big-endian samples of 1, 2 or 4 bytes. */
export function fitsPutI32(target: usize, source: usize, count: usize, bytes: i32): void {
  const end = source + (count << 2);
  if (bytes == 1) for (; source < end; source += 4, target++) store<u8>(target, <u8>load<i32>(source));
  else if (bytes == 2)
    for (; source < end; source += 4, target += 2) store<u16>(target, bswap<u16>(<u16>load<i32>(source)));
  else for (; source < end; source += 4, target += 4) store<u32>(target, bswap<u32>(load<u32>(source)));
}

/**
 * Quantised floats of one tile: big-endian f32 or f64 = (i32 - random + 1/2) x scale + zero (FITS Standard 10.2 and
 * appendix I). `dither` 0 for none, 1 or 2 for the subtractive methods; `random` is the table of `randoms` f32, `row` the
 * tile's place in it. `blank` becomes NaN, and with dither 2 the reserved -2147483646 becomes 0.
 */
export function fitsUnquantise(
  target: usize,
  source: usize,
  count: usize,
  wide: bool,
  scale: f64,
  zero: f64,
  blank: f64,
  dither: i32,
  random: usize,
  randoms: i32,
  row: i32,
): void {
  const end = source + (count << 2);
  let next = dither != 0 ? <i32>(load<f32>(random + (<usize>row << 2)) * 500) : 0;
  for (; source < end; source += 4) {
    const quantum = load<i32>(source);
    let value: f64;
    if (<f64>quantum == blank) value = NaN;
    else if (dither == 2 && quantum == -2147483646) value = 0;
    else if (dither == 0) value = <f64>quantum * scale + zero;
    else value = (<f64>quantum - <f64>load<f32>(random + (<usize>next << 2)) + 0.5) * scale + zero;
    if (wide) {
      store<u64>(target, bswap<u64>(reinterpret<u64>(value)));
      target += 8;
    } else {
      store<u32>(target, bswap<u32>(reinterpret<u32>(<f32>value)));
      target += 4;
    }
    if (dither != 0 && ++next == randoms) {
      row = row + 1 == randoms ? 0 : row + 1;
      next = <i32>(load<f32>(random + (<usize>row << 2)) * 500);
    }
  }
}
