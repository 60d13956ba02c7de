/** Rows of a preview: to 16 bit, binned, resampled, through a table to 8 bit. */

/** 8 to 16 bit, x 256: room for the fractions of averages. */
export function expandU8(target: usize, src: usize, count: usize): void {
  const end = src + count;
  const rounds = src + (count & ~15);
  const zero = i8x16.splat(0);
  for (; src < rounds; src += 16, target += 32) {
    const bytes = v128.load(src);
    v128.store(target, i8x16.shuffle(zero, bytes, 0, 16, 0, 17, 0, 18, 0, 19, 0, 20, 0, 21, 0, 22, 0, 23));
    v128.store(target, i8x16.shuffle(zero, bytes, 0, 24, 0, 25, 0, 26, 0, 27, 0, 28, 0, 29, 0, 30, 0, 31), 16);
  }
  for (; src < end; src++, target += 2) store<u16>(target, <u16>load<u8>(src) << 8);
}

/** Float to 16 bit: 65535 sqrt((v - low) scale), clipped; the root keeps the faint end of a deep stack fine. NaN is black. */
export function compandF32(target: usize, src: usize, count: usize, low: f32, scale: f32): void {
  const end = src + (count << 2);
  const rounds = src + ((count << 2) & ~31);
  const lows = f32x4.splat(low);
  const scales = f32x4.splat(scale);
  const full = f32x4.splat(65535);
  const half = f32x4.splat(0.5);
  for (; src < rounds; src += 32, target += 16) {
    // trunc_sat makes 0 of NaN, the root of a negative number included.
    const a = f32x4.sqrt(f32x4.mul(f32x4.sub(v128.load(src), lows), scales));
    const b = f32x4.sqrt(f32x4.mul(f32x4.sub(v128.load(src, 16), lows), scales));
    const x = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(a, full), half));
    const y = i32x4.trunc_sat_f32x4_s(f32x4.add(f32x4.mul(b, full), half));
    v128.store(target, i16x8.narrow_i32x4_u(x, y));
  }
  for (; src < end; src += 4, target += 2) {
    const value = (load<f32>(src) - low) * scale;
    store<u16>(target, value > 0 ? <u16>min<f32>(65535, sqrt<f32>(value) * 65535 + 0.5) : 0);
  }
}

/** u16 = the mean of `bin` x `rows` samples, out of a row of u32 sums over `rows` rows. */
export function binSums(target: usize, sums: usize, count: i32, bin: i32, rows: i32): void {
  const divisor = <u32>(bin * rows);
  const half = divisor >> 1;
  for (const end = target + (<usize>count << 1); target < end; target += 2) {
    let sum: u32 = half;
    for (let i = 0; i < bin; i++, sums += 4) sum += load<u32>(sums);
    store<u16>(target, <u16>(sum / divisor));
  }
}

/** Weighted mean of three rows of u16; the weights (Q15) add up to 32768. */
export function blendRows(target: usize, a: usize, b: usize, c: usize, count: i32, wa: i32, wb: i32, wc: i32): void {
  const end = target + (<usize>count << 1);
  const rounds = target + ((<usize>count << 1) & ~15);
  const half = i32x4.splat(16384);
  const va = i16x8.splat(<i16>wa);
  const vb = i16x8.splat(<i16>wb);
  const vc = i16x8.splat(<i16>wc);
  for (; target < rounds; target += 16, a += 16, b += 16, c += 16) {
    const ra = v128.load(a);
    const rb = v128.load(b);
    const rc = v128.load(c);
    const low = i32x4.add(
      i32x4.add(i32x4.extmul_low_i16x8_u(ra, va), i32x4.extmul_low_i16x8_u(rb, vb)),
      i32x4.add(i32x4.extmul_low_i16x8_u(rc, vc), half),
    );
    const high = i32x4.add(
      i32x4.add(i32x4.extmul_high_i16x8_u(ra, va), i32x4.extmul_high_i16x8_u(rb, vb)),
      i32x4.add(i32x4.extmul_high_i16x8_u(rc, vc), half),
    );
    v128.store(target, i16x8.narrow_i32x4_u(i32x4.shr_u(low, 15), i32x4.shr_u(high, 15)));
  }
  for (; target < end; target += 2, a += 2, b += 2, c += 2)
    store<u16>(
      target,
      <u16>((<u32>load<u16>(a) * <u32>wa + <u32>load<u16>(b) * <u32>wb + <u32>load<u16>(c) * <u32>wc + 16384) >> 15),
    );
}

/** `blendRows` of two rows: three in four when a picture is reduced by a quarter. */
export function blendPair(target: usize, a: usize, b: usize, count: i32, wa: i32, wb: i32): void {
  const half = i32x4.splat(16384);
  const va = i16x8.splat(<i16>wa);
  const vb = i16x8.splat(<i16>wb);
  // The last vector may reach beyond the row.
  for (const end = target + (<usize>count << 1); target < end; target += 16, a += 16, b += 16) {
    const ra = v128.load(a);
    const rb = v128.load(b);
    const low = i32x4.add(i32x4.add(i32x4.extmul_low_i16x8_u(ra, va), half), i32x4.extmul_low_i16x8_u(rb, vb));
    const high = i32x4.add(i32x4.add(i32x4.extmul_high_i16x8_u(ra, va), half), i32x4.extmul_high_i16x8_u(rb, vb));
    v128.store(target, i16x8.narrow_i32x4_u(i32x4.shr_u(low, 15), i32x4.shr_u(high, 15)));
  }
}

/**
 * Resamples one row across and puts it through a table, one byte a pixel. `taps` holds for each
 * output pixel the byte offset of its first sample and three weights (Q15), 16 bytes; a row has two samples of slack.
 */
export function resampleThroughTable(target: usize, row: usize, count: i32, taps: usize, table: usize): void {
  for (const end = taps + (<usize>count << 4); taps < end; taps += 16, target++) {
    const p = row + load<u32>(taps);
    const value =
      (<u32>load<u16>(p) * load<u32>(taps, 4) +
        <u32>load<u16>(p, 2) * load<u32>(taps, 8) +
        <u32>load<u16>(p, 4) * load<u32>(taps, 12) +
        16384) >>
      15;
    store<u8>(target, load<u8>(table + value));
  }
}

/** A row through a table, without resampling. */
export function throughTable(target: usize, row: usize, count: i32, table: usize): void {
  for (const end = row + (<usize>count << 1); row < end; row += 2, target++)
    store<u8>(target, load<u8>(table + load<u16>(row)));
}

/** Three planes of a row into one of R, G, B, 0 for each pixel, 8 bytes. May write a vector beyond the end. */
export function interleave(target: usize, r: usize, g: usize, b: usize, count: usize): void {
  const zero = i16x8.splat(0);
  for (const end = r + (count << 1); r < end; r += 16, g += 16, b += 16, target += 64) {
    const red = v128.load(r);
    const green = v128.load(g);
    const blue = v128.load(b);
    const rg0 = i8x16.shuffle(red, green, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
    const rg1 = i8x16.shuffle(red, green, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
    const b0 = i8x16.shuffle(blue, zero, 0, 1, 16, 17, 2, 3, 18, 19, 4, 5, 20, 21, 6, 7, 22, 23);
    const b1 = i8x16.shuffle(blue, zero, 8, 9, 24, 25, 10, 11, 26, 27, 12, 13, 28, 29, 14, 15, 30, 31);
    v128.store(target, i8x16.shuffle(rg0, b0, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23));
    v128.store(target, i8x16.shuffle(rg0, b0, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31), 16);
    v128.store(target, i8x16.shuffle(rg1, b1, 0, 1, 2, 3, 16, 17, 18, 19, 4, 5, 6, 7, 20, 21, 22, 23), 32);
    v128.store(target, i8x16.shuffle(rg1, b1, 8, 9, 10, 11, 24, 25, 26, 27, 12, 13, 14, 15, 28, 29, 30, 31), 48);
  }
}

/** `resampleThroughTable` for an interleaved row: three bytes a pixel, each colour through its own table. */
export function resampleRgb(target: usize, row: usize, count: i32, taps: usize, red: usize, green: usize, blue: usize): void {
  const half = i32x4.splat(16384);
  for (const end = taps + (<usize>count << 4); taps < end; taps += 16, target += 3) {
    const p = row + load<u32>(taps);
    const a = i32x4.extmul_low_i16x8_u(v128.load64_zero(p), v128.load16_splat(taps, 4));
    const b = i32x4.extmul_low_i16x8_u(v128.load64_zero(p, 8), v128.load16_splat(taps, 8));
    const c = i32x4.extmul_low_i16x8_u(v128.load64_zero(p, 16), v128.load16_splat(taps, 12));
    const sums = i32x4.shr_u(i32x4.add(i32x4.add(a, b), i32x4.add(c, half)), 15);
    store<u8>(target, load<u8>(red + <usize>i32x4.extract_lane(sums, 0)));
    store<u8>(target, load<u8>(green + <usize>i32x4.extract_lane(sums, 1)), 1);
    store<u8>(target, load<u8>(blue + <usize>i32x4.extract_lane(sums, 2)), 2);
  }
}

/** An interleaved row through the tables, without resampling. */
export function rgbThroughTables(target: usize, row: usize, count: i32, red: usize, green: usize, blue: usize): void {
  for (const end = row + (<usize>count << 3); row < end; row += 8, target += 3) {
    store<u8>(target, load<u8>(red + load<u16>(row)));
    store<u8>(target, load<u8>(green + load<u16>(row, 2)), 1);
    store<u8>(target, load<u8>(blue + load<u16>(row, 4)), 2);
  }
}
