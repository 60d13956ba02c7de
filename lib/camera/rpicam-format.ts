/** The names that libcamera gives raw pixel formats ('SRGGB12_CSI2P'), taken apart. */
import type { BayerPattern } from '../frame/frame.ts';
import { NightflowError } from '../process/errors.ts';

export interface RawFormat {
  /** null: a sensor without colours. */
  bayer: BayerPattern | null;
  /** Of a stored sample. 16 on a Raspberry Pi 5, where samples are left-aligned whatever the sensor gives. */
  bits: number;
  /**
   * `csi2`: MIPI CSI-2 packing (four 10-bit samples in five bytes, two 12-bit ones in three, four 14-bit ones in seven);
   * `plain`: a byte or two each, little-endian; `pisp`: the lossy byte-a-sample compression of a Raspberry Pi 5.
   */
  packing: 'csi2' | 'plain' | 'pisp';
}

/** @throws unsupported for a format that no camera of a Raspberry Pi is known to give. */
export function rawFormat(name: string): RawFormat {
  const compressed = /^(RGGB|BGGR|GRBG|GBRG|MONO)_PISP_COMP1$/.exec(name);
  if (compressed) return { bayer: bayerOf(compressed[1]!), bits: 16, packing: 'pisp' };
  const plain = /^(?:S(RGGB|BGGR|GRBG|GBRG)|R|Y)(8|10|12|14|16)(_CSI2P)?$/.exec(name);
  if (!plain)
    throw new NightflowError('unsupported', `The raw format ${name.slice(0, 40)} is not known.`, {
      remedy: 'Choose another mode of the camera, unpacked.',
    });
  const bits = Number(plain[2]);
  return { bayer: bayerOf(plain[1]), bits, packing: plain[3] && bits > 8 ? 'csi2' : 'plain' };
}

const bayerOf = (letters: string | undefined): BayerPattern | null =>
  letters === undefined || letters === 'MONO' ? null : (letters as BayerPattern);

/** Bytes of a line without the padding at its end. */
export const lineBytes = ({ bits, packing }: RawFormat, width: number): number =>
  packing === 'pisp'
    ? Math.ceil(width / 8) * 8
    : packing === 'csi2'
      ? Math.ceil((width * bits) / 8)
      : width * (bits > 8 ? 2 : 1);
