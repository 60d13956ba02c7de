/**
 * The file of a keogram's columns: `NFKEOGR1`, the height (u32 little-endian), 4 bytes of zero, then a record per frame: start
 * (ms since 1970, f64 little-endian), exposure (seconds, f64), and `height` RGB pixels from top to bottom.
 */
export const magic = 'NFKEOGR1';
export const headerBytes = 16;
export const recordBytes = (height: number): number => 16 + height * 3;

export interface Column {
  startMilliseconds: number;
  exposureSeconds: number;
  /** RGB, top to bottom. */
  pixels: Uint8Array;
}

/** When a record's exposure ended, UTC ms. */
export const recordEnd = (record: Buffer): number => record.readDoubleLE(0) + record.readDoubleLE(8) * 1000;

/** The columns in order of time; a record that a power cut left empty has no time and is skipped. */
export function parseColumns(bytes: Buffer, height: number, most: number): Column[] {
  const size = recordBytes(height);
  const columns: Column[] = [];
  for (let at = headerBytes; at + size <= bytes.byteLength && columns.length < most; at += size) {
    const startMilliseconds = bytes.readDoubleLE(at);
    const exposureSeconds = bytes.readDoubleLE(at + 8);
    if (startMilliseconds > 0 && Number.isFinite(startMilliseconds) && exposureSeconds >= 0)
      columns.push({ startMilliseconds, exposureSeconds, pixels: bytes.subarray(at + 16, at + size) });
  }
  return columns.sort((a, b) => a.startMilliseconds - b.startMilliseconds);
}
