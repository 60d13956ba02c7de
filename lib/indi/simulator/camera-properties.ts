/** The camera's properties, named and grouped as indi_simulator_ccd has them. */
import type { Observatory } from './observatory.ts';
import { blobs, number, numbers, switches, texts, type Vector } from './vector.ts';

export const frameTypes = ['FRAME_LIGHT', 'FRAME_BIAS', 'FRAME_DARK', 'FRAME_FLAT'] as const;
export const mostBinning = 4;

const onOff = (name: string, group: string): Vector =>
  switches(name, ['INDI_ENABLED', 'INDI_DISABLED'], ['INDI_DISABLED'], { group });

export function cameraProperties({ camera, optics, conditions, sensorCelsius }: Observatory): Vector[] {
  const { width, height, pixelSizeMicrometres: pixel } = camera;
  const [image, options, stream] = [{ group: 'Image Settings' }, { group: 'Options' }, { group: 'Streaming' }];
  const frame = (): ReturnType<typeof number>[] => [
    number('X', 0, 0, width, 0, '%4.0f'),
    number('Y', 0, 0, height, 0, '%4.0f'),
    number('WIDTH', width, 1, width, 0, '%4.0f'),
    number('HEIGHT', height, 1, height, 0, '%4.0f'),
  ];
  return [
    numbers('CCD_EXPOSURE', [number('CCD_EXPOSURE_VALUE', 1, 0.001, 3600, 1, '%5.2f')]),
    switches('CCD_ABORT_EXPOSURE', ['ABORT'], [], { rule: 'AtMostOne' }),
    numbers('CCD_TEMPERATURE', [number('CCD_TEMPERATURE_VALUE', sensorCelsius, -50, 50, 0, '%5.2f')]),
    switches('CCD_COOLER', ['COOLER_ON', 'COOLER_OFF'], ['COOLER_OFF']),
    numbers('CCD_COOLER_POWER', [number('CCD_COOLER_VALUE', 0, 0, 100, 1, '%.f')], { permission: 'ro' }),
    numbers('CCD_TEMP_RAMP', [number('RAMP_SLOPE', 0, 0, 30, 1), number('RAMP_THRESHOLD', 0.2, 0.1, 2, 0.1)], options),
    numbers('CCD_GAIN', [number('GAIN', 0, 0, 300, 1, '%.f')]),
    numbers('CCD_OFFSET', [number('OFFSET', 0, 0, 5000, 1, '%.f')]),
    numbers('CCD_FRAME', frame(), image),
    numbers(
      'CCD_BINNING',
      [number('HOR_BIN', 1, 1, mostBinning, 1, '%2.0f'), number('VER_BIN', 1, 1, mostBinning, 1, '%2.0f')],
      image,
    ),
    switches('CCD_FRAME_TYPE', frameTypes, ['FRAME_LIGHT'], image),
    numbers(
      'CCD_INFO',
      [
        number('CCD_MAX_X', width, 1, 16000, 0, '%.f'),
        number('CCD_MAX_Y', height, 1, 16000, 0, '%.f'),
        number('CCD_PIXEL_SIZE', pixel, 1, 40, 0, '%5.2f'),
        number('CCD_PIXEL_SIZE_X', pixel, 1, 40, 0, '%5.2f'),
        number('CCD_PIXEL_SIZE_Y', pixel, 1, 40, 0, '%5.2f'),
        number('CCD_BITSPERPIXEL', 16, 8, 64, 0, '%.f'),
      ],
      { group: 'Image Info', permission: 'ro' },
    ),
    switches('CCD_CAPTURE_FORMAT', ['INDI_MONO'], ['INDI_MONO'], image),
    switches('CCD_TRANSFER_FORMAT', ['FORMAT_FITS', 'FORMAT_NATIVE'], ['FORMAT_FITS'], image),
    onOff('CCD_COMPRESSION', 'Image Settings'),
    switches('UPLOAD_MODE', ['UPLOAD_CLIENT', 'UPLOAD_LOCAL', 'UPLOAD_BOTH'], ['UPLOAD_CLIENT'], options),
    onOff('CCD_FAST_TOGGLE', 'Main Control'),
    numbers('CCD_FAST_COUNT', [number('FRAMES', 1, 0, 100_000, 1, '%.f')]),
    switches('CCD_VIDEO_STREAM', ['STREAM_ON', 'STREAM_OFF'], ['STREAM_OFF'], stream),
    numbers(
      'STREAMING_EXPOSURE',
      [
        number('STREAMING_EXPOSURE_VALUE', 0.1, 0.001, 10, 0.1, '%.6f'),
        number('STREAMING_DIVISOR_VALUE', 1, 1, 15, 1, '%.f'),
      ],
      stream,
    ),
    numbers('CCD_STREAM_FRAME', frame(), stream),
    switches('CCD_STREAM_ENCODER', ['RAW'], ['RAW'], stream),
    numbers('FPS', [number('EST_FPS', 0, 0, 999), number('AVG_FPS', 0, 0, 999)], { ...stream, permission: 'ro' }),
    numbers('SCOPE_INFO', [
      number('FOCAL_LENGTH', optics.focalLengthMillimetres, 1, 10_000, 0, '%g'),
      number('APERTURE', optics.apertureMillimetres, 1, 3000, 0, '%g'),
    ]),
    texts('FITS_HEADER', { FITS_OBSERVER: 'Unknown', FITS_OBJECT: 'Unknown' }, { group: 'General Info' }),
    texts('ACTIVE_DEVICES', { ACTIVE_TELESCOPE: 'Telescope Simulator', ACTIVE_FOCUSER: 'Focuser Simulator' }, options),
    numbers(
      'SIM_SKY',
      [
        number('SEEING', conditions.seeingArcseconds, 0.3, 20, 0.1),
        number('ZENITH_MAGNITUDE', conditions.zenithMagnitude, 15, 22, 0.1),
        number('CLOUD_COVER', conditions.cloudCover, 0, 1, 0.1),
        number('ROTATION', camera.rotationDegrees, -360, 360, 1),
      ],
      { group: 'Simulator', label: 'Sky and camera angle' },
    ),
    blobs('CCD1', 'CCD1', { group: 'Image Info' }),
  ];
}
