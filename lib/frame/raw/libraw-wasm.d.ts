/** The part of libraw-wasm 1.6.0 (LibRaw 0.22, unmodified) that runs in Node: its module, without its browser worker. */
declare module 'libraw-wasm/dist/libraw.js' {
  export interface LibRawMetadata {
    width: number;
    height: number;
    top_margin: number;
    left_margin: number;
    /** 0, 3, 5, 6: what LibRaw would turn; 5 and 6 have swapped width and height above. */
    flip: number;
    camera_make: string;
    camera_model: string;
    iso_speed: number;
    shutter: number;
    /** Seconds since 1970 of the camera's local time. */
    timestamp: number;
    /** 0 none, 1 and 9 patterns that are no Bayer, else 16 cells of two bits. */
    filters: number;
    cdesc: string;
    colors: number;
    color_data: { maximum: number; raw_bps: number; cam_mul: number[]; cam_xyz: number[][] };
  }

  export interface LibRawImage {
    width: number;
    height: number;
    colors: number;
    bits: number;
    data: Uint8Array | Uint16Array;
  }

  export interface LibRawMosaic {
    raw_width: number;
    raw_height: number;
    data: Uint16Array;
  }

  /** Methods throw a bare `{ excPtr }`; the instance, and the heap around it, are not to be used afterwards. */
  export interface LibRawFile {
    open(bytes: Uint8Array, settings: Record<string, unknown>): void;
    metadata(full: boolean): LibRawMetadata;
    imageData(): LibRawImage;
    /** undefined for files whose samples are full colour. */
    rawImageData(): LibRawMosaic | undefined;
    delete(): void;
  }

  export default function load(options: {
    wasmBinary: Uint8Array;
    print: (line: string) => void;
    printErr: (line: string) => void;
  }): Promise<{ LibRaw: new () => LibRawFile }>;
}
