/** From a raw file and its metadata to a Frame. */
import { uptime } from 'node:os';
import { Frame, type FrameInit } from '../frame/frame.ts';
import { job, sharedPool } from '../kernels/pool.ts';
import { NightflowError } from '../process/errors.ts';
import type { CameraContext, ExposureRequest } from './camera.ts';
import { rawFormat } from './rpicam-format.ts';
import { fieldsOfMetadata, type RpicamMetadata } from './rpicam-metadata.ts';
import type { ShotSettings } from './rpicam-program.ts';
import type { RawShot } from './rpicam-sequence.ts';
import type { Aligned, Unpacked, UnpackInput } from './rpicam-unpack.job.ts';

/** What was asked for, and of whom. */
export interface Wish {
  settings: ShotSettings;
  request: ExposureRequest;
  camera: string;
  context: CameraContext;
}

const unpack = job<UnpackInput, Unpacked>(new URL('./rpicam-unpack.job.ts', import.meta.url), 'unpack');
const alignRight = job<Aligned, number>(new URL('./rpicam-unpack.job.ts', import.meta.url), 'alignRight');
/** A shutter that differs by more was not what the camera was asked for. Sensors count in lines: a short one is a line or so off. */
const shutterTolerance = 0.02;
const lineSeconds = 1e-4;

/** Reads and removes the shot's file. @throws lost for a file of a wrong size, unsupported as fieldsOf */
export async function frameOf({ path, stream, metadata }: RawShot, wish: Wish): Promise<Frame> {
  const input = { path, ...stream, sensorBits: wish.settings.mode.bits };
  const { data, pixelType, bits } = await sharedPool().run(unpack, input);
  const { width, height, format } = stream;
  return new Frame({
    data,
    width,
    height,
    pixelType,
    bayer: rawFormat(format).bayer,
    whiteLevel: 2 ** bits - 1,
    ...fieldsOf(metadata, bits, wish),
  });
}

/** Of a still: the DNG's samples, moved down to the sensor's own bits as those of a sequence are. @throws unsupported as fieldsOf */
export async function frameOfStill(still: Frame, metadata: RpicamMetadata, wish: Wish): Promise<Frame> {
  const { data, width, height } = still;
  const stored = Math.ceil(Math.log2(still.whiteLevel + 1));
  const { bits: sensorBits } = wish.settings.mode;
  const bits =
    stored > sensorBits
      ? await sharedPool().run(alignRight, { data, width, height, bits: stored, sensorBits })
      : stored;
  return still.with({ whiteLevel: 2 ** bits - 1, ...fieldsOf(metadata, bits, wish) });
}

/** @throws unsupported when the camera took another exposure than it was asked for */
export function fieldsOf(metadata: RpicamMetadata, bits: number, wish: Wish): Partial<FrameInit> {
  const { settings, request, camera, context } = wish;
  const taken = metadata.exposureMicroseconds / 1e6;
  if (Math.abs(taken - settings.exposureSeconds) > shutterTolerance * settings.exposureSeconds + lineSeconds)
    throw new NightflowError(
      'unsupported',
      `The camera exposed for ${taken} s instead of ${settings.exposureSeconds} s.`,
      {
        remedy: 'Choose an exposure that this mode can take; rpicam-hello --list-cameras -v 2 tells its limits.',
      },
    );
  return {
    ...fieldsOfMetadata(metadata, bits, context.clock.now() * 1000 - uptime() * 1e6),
    kind: request.kind ?? 'light',
    camera,
    site: context.site,
    target: request.target ?? null,
    source: null,
  };
}
