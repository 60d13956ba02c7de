/** Running rpicam-apps: which program, with which words, and what their complaints mean. */
import { join } from 'node:path';
import { type ProgramOptions, type ProgramResult, runProgram } from '../process/child.ts';
import { asNightflowError, type ErrorCode, NightflowError } from '../process/errors.ts';
import type { RpicamMode } from './rpicam-list.ts';

export type RpicamProgram = 'rpicam-hello' | 'rpicam-raw' | 'rpicam-still' | 'rpicam-vid';

export interface RunOptions extends Omit<ProgramOptions, 'aptPackage'> {
  /** Folder of the programs; null: those that are installed. */
  programFolder: string | null;
}

/** Words that tell why a program failed, the code for it and the remedy. The first that is found counts. */
const complaints: readonly [RegExp, ErrorCode, string, string][] = [
  [
    /in use by another process|failed to acquire camera/,
    'busy',
    'Another program has the camera',
    'Stop the other program (a second Nightflow, rpicam-apps, motion, a web camera server), then try again.',
  ],
  [
    /no cameras available/i,
    'lost',
    'The computer sees no camera',
    'Switch the computer off, push the ribbon cable home at both ends, and look with: rpicam-hello --list-cameras',
  ],
  [
    /selected camera is not available/,
    'lost',
    'The chosen camera is not there',
    'Choose the camera anew in its settings, or look at its cable.',
  ],
  [
    /unrecognised option '([^']*)'/,
    'unsupported',
    'The installed rpicam-apps are too old',
    'Update them with: sudo apt update && sudo apt full-upgrade',
  ],
  [
    /failed to allocate capture buffers|dmaHeap allocation failure|Cannot allocate memory/,
    'failed',
    'There is not enough memory for the camera’s buffers',
    'Choose a smaller mode, or raise cma in /boot/firmware/config.txt (dtoverlay=vc4-kms-v3d,cma-512).',
  ],
  [
    /Device timeout detected|Camera frontend has timed out|Dequeue timer of/,
    'lost',
    'The sensor stopped sending',
    'Look at the ribbon cable and the power supply; a long cable near a transmitter does this too.',
  ],
  [
    /failed to start camera/,
    'lost',
    'The camera does not start',
    'Restart the computer; then look at the camera’s cable.',
  ],
];

/** One of the programs, to its end. @throws missing, busy, lost, unsupported, timeout, aborted, failed */
export async function runRpicam(
  program: RpicamProgram,
  parameters: readonly string[],
  { programFolder, ...options }: RunOptions,
): Promise<ProgramResult> {
  let told = '';
  const onErrorLine = (line: string) => {
    told = `${told}${line}\n`.slice(-4096);
    options.onErrorLine?.(line);
  };
  const path = programFolder ? join(programFolder, program) : program;
  try {
    return await runProgram(path, parameters, { ...options, onErrorLine, aptPackage: 'rpicam-apps' });
  } catch (thrown) {
    throw explain(asNightflowError(thrown), told);
  }
}

function explain(error: NightflowError, told: string): NightflowError {
  if (error.code !== 'failed') return error;
  const known = complaints.find(([words]) => words.test(told));
  if (!known) return error;
  const [words, code, sentence, remedy] = known;
  return new NightflowError(code, `${sentence}: ${words.exec(told)![0]}.`, { remedy, cause: error });
}

export interface ShotSettings {
  cameraIndex: number;
  /** libcamera's path of it. */
  cameraId: string;
  exposureSeconds: number;
  gain: number;
  redGain: number;
  blueGain: number;
  mode: RpicamMode;
  packed: boolean;
  /** Dioptres, 0 is infinity; null: the lens is left alone. */
  lensDioptres: number | null;
}

/**
 * What fixes everything about an exposure. Shutter, gain and both colour gains must all be given: where one is missing, five frames and more
 * of full length go into finding it.
 */
function exposureWords(settings: ShotSettings): string[] {
  const { cameraIndex, exposureSeconds, gain, redGain, blueGain, mode, packed, lensDioptres } = settings;
  return [
    ...['--camera', String(cameraIndex)],
    ...['--shutter', String(Math.round(exposureSeconds * 1e6))],
    ...['--gain', String(gain)],
    ...['--awbgains', `${redGain},${blueGain}`],
    ...['--mode', `${mode.width}:${mode.height}:${mode.bits}:${packed ? 'P' : 'U'}`],
    ...(lensDioptres === null ? [] : ['--autofocus-mode', 'manual', '--lens-position', String(lensDioptres)]),
  ];
}

/**
 * Frames without end, each a file in `folder`, its metadata into `fifo` when it is whole. Without `--framerate 0` the default of 30/s cuts
 * the exposure to 33 ms; without `--flush` the end of a frame arrives with the next one.
 */
export const sequenceWords = (settings: ShotSettings, folder: string, fifo: string): string[] => [
  ...['-t', '0', '-v', '1'],
  ...exposureWords(settings),
  ...['--framerate', '0', '--flush', '--segment', '1'],
  ...['-o', join(folder, 'f%06d.raw'), '--metadata', fifo, '--metadata-format', 'txt'],
];

/** One still: `NAME.jpg`, which nobody wants, `NAME.dng` and `NAME.json` in `folder`. */
export const stillWords = (settings: ShotSettings, folder: string, name: string): string[] => [
  ...['-n', '--immediate'],
  ...exposureWords(settings),
  ...['--denoise', 'off', '--raw', '-o', join(folder, `${name}.jpg`), '--metadata', join(folder, `${name}.json`)],
];

export interface LiveViewSettings {
  cameraIndex: number;
  width: number;
  height: number;
  framesPerSecond: number;
}

/** JPEGs one after the other on the standard output, exposed as the camera thinks best. */
export const liveViewWords = ({ cameraIndex, width, height, framesPerSecond }: LiveViewSettings): string[] => [
  ...['-t', '0', '-n', '--camera', String(cameraIndex), '--codec', 'mjpeg'],
  ...['--width', String(width), '--height', String(height), '--framerate', String(framesPerSecond)],
  ...['-q', '70', '--flush', '-o', '-'],
];
