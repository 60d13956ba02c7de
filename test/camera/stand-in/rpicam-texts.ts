/** What rpicam-apps 1.12 print and write, as functions of the numbers in it: held to the byte against a run of the real programs. */

export interface StandInMode {
  format: string;
  width: number;
  height: number;
  bits: number;
}

export interface StandInCamera {
  model: string;
  id: string;
  width: number;
  height: number;
  bits: number;
  modes: readonly StandInMode[];
  controls: Readonly<Record<string, string>>;
}

export const imx477: StandInCamera = {
  model: 'imx477',
  id: '/base/soc/i2c0mux/i2c@1/imx477@1a',
  width: 4056,
  height: 3040,
  bits: 12,
  modes: [
    { format: 'SRGGB10_CSI2P', width: 1640, height: 1232, bits: 10 },
    { format: 'SRGGB10_CSI2P', width: 2028, height: 1520, bits: 10 },
    { format: 'SRGGB12_CSI2P', width: 4056, height: 3040, bits: 12 },
  ],
  controls: {
    AnalogueGain: '[1.000000..22.260000]',
    ExposureTime: '[114..694422939]',
    FaceDetectMode: '[0..0]',
    FrameDurationLimits: '[25000..694434742]',
    LensPosition: '[0.000000..32.000000]',
    ScalerCrop: '[(0, 0)/64x64..(0, 0)/4056x3040]',
  },
};

export const versionText = `rpicam-apps build: v1.12.0 21-11-2026 (06:22:37)
rpicam-apps capabilites: egl:0 qt:0 drm:0 libav:0
libcamera build: v0.7.2
`;

export const noCamerasText = 'No cameras available!\n';

export function listText(cameras: readonly StandInCamera[], verbosity: number): string {
  if (cameras.length === 0) return noCamerasText;
  const parts = cameras.map((camera, index) => {
    const { width, height } = camera;
    const head = `${index} : ${camera.model} [${width}x${height} ${camera.bits}-bit] (${camera.id})\n`;
    return head + modesText(camera) + (verbosity >= 2 ? controlsText(camera) : '');
  });
  return `Available cameras\n-----------------\n${parts.map((part) => `${part}\n`).join('')}`;
}

function modesText({ modes, width, height }: StandInCamera): string {
  let text = '';
  for (const [i, mode] of modes.entries()) {
    const first = modes[i - 1]?.format !== mode.format;
    const name = first ? `'${mode.format}' : ` : ' '.repeat(mode.format.length + 5);
    text += `${i === 0 ? '    Modes: ' : ' '.repeat(11)}${name}`;
    text += `${mode.width}x${mode.height} [40.00 fps - (0, 0)/${width}x${height} crop]\n`;
  }
  return text;
}

function controlsText({ controls, modes }: StandInCamera): string {
  const mode = modes.at(-1)!;
  const title = `Available controls for ${mode.width}x${mode.height} ${mode.format} mode:`;
  const lines = Object.entries(controls).map(([name, range]) => `    ${name} : ${range}\n`);
  return `\n    ${title}\n    ${'-'.repeat(title.length)}\n${lines.join('')}`;
}

export interface ShotFacts {
  /** Nanoseconds; null before rpicam-apps 1.8. */
  wallClock: bigint | null;
  sensorTimestamp: bigint;
  exposureMicroseconds: number;
  frameMicroseconds: number;
  gain: number;
  gains: readonly [number, number];
}

/** Key and value as text; the DNG-like quoting of JSON is left to metadataJson. */
function metadataValues(facts: ShotFacts): [string, string][] {
  const six = (value: number) => value.toFixed(6);
  const list = (values: readonly (string | number)[]) => `[ ${values.join(', ')} ]`;
  const matrix = [1.9, -0.77, -0.13, -0.31, 1.88, -0.57, -0.06, -0.62, 1.68];
  const values: [string, string][] = [
    ['LensPosition', six(1)],
    ['SensorTimestamp', String(facts.sensorTimestamp)],
    ['ExposureTime', String(facts.exposureMicroseconds)],
    ['ColourGains', list(facts.gains.map(six))],
    ['FrameDuration', String(facts.frameMicroseconds)],
    ['Lux', six(0.5)],
    ['AnalogueGain', six(facts.gain)],
    ['DigitalGain', six(1)],
    ['AeState', '0'],
    ['SensorTemperature', six(31)],
    ['SensorBlackLevels', list([4096, 4096, 4096, 4096])],
    ['ColourTemperature', '4600'],
    ['ColourCorrectionMatrix', list(matrix.map(six))],
    ['ScalerCrop', '(0, 0)/4056x3040'],
    ['FocusFoM', '1000'],
  ];
  return facts.wallClock === null ? values : [['FrameWallClock', String(facts.wallClock)], ...values];
}

/** A block of `--metadata-format txt`: an empty line ends it. */
export const metadataText = (facts: ShotFacts): string =>
  `${metadataValues(facts)
    .map(([key, value]) => `${key}=${value}\n`)
    .join('')}\n`;

/** One object. rpicam-still writes it bare, without a newline at its end; rpicam-raw puts them into a list. */
export const metadataJson = (facts: ShotFacts): string =>
  `{\n${metadataValues(facts)
    .map(([key, value]) => `    "${key}": ${value.includes('/') ? `"${value}"` : value}`)
    .join(',\n')}\n}`;

/** `--save-pts`: milliseconds from the first frame. */
export const ptsText = (milliseconds: readonly number[]): string =>
  `# timecode format v2\n${milliseconds.map((each) => `${each.toFixed(3)}\n`).join('')}`;

/** Stamp and thread of a line of libcamera's log: '[1:02:19.331491506] [24647]'. */
export type LogStamp = () => string;

export const startLog = (at: LogStamp, camera: StandInCamera | null): string =>
  `${at()}  INFO Camera camera_manager.cpp:340 libcamera v0.7.2\n` +
  `${at()}  WARN IPAManager ipa_manager.cpp:159 No IPA found in '/opt/lc/lib/libcamera/ipa'\n` +
  (camera
    ? `${at()}  INFO Camera camera_manager.cpp:223 Adding camera '${camera.id}' for pipeline handler virtual\n`
    : '');

export interface ModeLog {
  asked: string;
  framesPerSecond: number;
  scores: readonly string[];
  camera: StandInCamera;
  raw: StandInMode;
  /** The stream beside the raw one: '640x480-YUV420/SMPTE170M'. */
  other: string;
}

export function modeLog(at: LogStamp, { asked, framesPerSecond, scores, camera, raw, other }: ModeLog): string {
  const lines = camera.modes.map(
    ({ format, width, height }, i) =>
      `    ${format},${width}x${height}/${framesPerSecond} - Score: ${scores[i] ?? '0'}\n`,
  );
  const chosen = `${raw.width}x${raw.height}-${raw.format}/RAW`;
  return (
    `Mode selection for ${asked}\n${lines.join('')}` +
    `${at()}  INFO Virtual virtual.cpp:295 Stream configuration adjusted to ${chosen}\nStream configuration adjusted\n` +
    `${at()}  INFO Camera camera.cpp:1216 configuring streams: (0) ${other} (1) ${chosen}\n`
  );
}

/** Printed with the first frame of rpicam-raw, at verbosity 1. */
export const rawStreamLog = ({ width, height, format }: StandInMode, stride: number): string =>
  `Raw stream: ${width}x${height} stride ${stride} format ${format}\n`;

export const segmentWarning = "WARNING: consider inline headers with 'pause'/split/segment/circular\n";
export const stillLog = (bayer: string, bits: number): string =>
  `Still capture image received\nBayer format is ${bayer}-${bits}\n`;
export const errorLog = (message: string): string => `ERROR: *** ${message} ***\n`;
export const timeoutLog = (milliseconds: number): string =>
  `Halting: reached timeout of ${milliseconds} milliseconds.\n`;

/** A computer without memory for the camera's buffers. */
export function noHeapLog(at: LogStamp, camera: StandInCamera, mode: ModeLog): string {
  const heap = () => `${at()} ERROR DmaBufAllocator dma_buf_allocator.cpp:119 Could not open any dma-buf provider\n`;
  const [version, ipa] = startLog(at, null).split(/(?<=\n)/) as [string, string];
  const first = heap();
  const adding = `${at()}  INFO Camera camera_manager.cpp:223 Adding camera '${camera.id}' for pipeline handler virtual\n`;
  return (
    `Could not open any dmaHeap device\n${version}${ipa}${first}${adding}${heap()}${modeLog(at, mode)}` +
    `dmaHeap allocation failure for rpicam-apps0\n${errorLog('failed to allocate capture buffers for stream')}`
  );
}
