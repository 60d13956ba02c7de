/** The metadata that rpicam-apps write beside each frame: lines `Key=value`, an empty line ends a frame's. And what follows from them. */
import { isoOf } from '../frame/fits/values.ts';
import type { FrameInit, Keyword } from '../frame/frame.ts';
import { blackFrom } from '../frame/raw/dng.ts';

export interface RpicamMetadata {
  /** Microseconds since the computer started: when the read-out of the frame's first row began, which is the end of its exposure. */
  sensorMicroseconds: number;
  /** The same moment, microseconds since 1970 (UTC); null before rpicam-apps 1.8. */
  wallMicroseconds: number | null;
  exposureMicroseconds: number;
  /** Start to start while the sensor streams. */
  frameMicroseconds: number | null;
  values: ReadonlyMap<string, string>;
}

/** No block is longer; what is came from another program. */
const longestBlock = 65_536;

/** Cuts the stream into blocks. A block that lacks a time is given as null: a frame stands behind it all the same. */
export class MetadataReader {
  private rest = '';
  private readonly decoder = new TextDecoder();

  read(chunk: Uint8Array): (RpicamMetadata | null)[] {
    this.rest += this.decoder.decode(chunk, { stream: true });
    const blocks = this.rest.split('\n\n');
    this.rest = blocks.pop()!.slice(-longestBlock);
    return blocks.filter((block) => block.trim() !== '').map(parseMetadata);
  }
}

export function parseMetadata(text: string): RpicamMetadata | null {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const at = line.indexOf('=');
    if (at > 0) values.set(line.slice(0, at), line.slice(at + 1));
  }
  return fromValues(values);
}

/** The file of a still, JSON. Its nanoseconds are beyond what a JSON number holds, so they are read as text. */
export function parseMetadataJson(text: string): RpicamMetadata | null {
  const values = new Map<string, string>();
  for (const [, key, value] of text.matchAll(/"(\w+)": ("[^"]*"|\[[^\]]*\]|[^,\n}]+)/g))
    values.set(key!, value!.replace(/^"|"$/g, '').trim());
  return fromValues(values);
}

function fromValues(values: Map<string, string>): RpicamMetadata | null {
  const sensor = microseconds(values.get('SensorTimestamp'));
  const exposure = number(values.get('ExposureTime'));
  if (sensor === null || exposure === null) return null;
  return {
    sensorMicroseconds: sensor,
    wallMicroseconds: microseconds(values.get('FrameWallClock')),
    exposureMicroseconds: exposure,
    frameMicroseconds: number(values.get('FrameDuration')),
    values,
  };
}

/** Nanoseconds since 1970 need more than the 53 bits of a number. */
const microseconds = (nanoseconds: string | undefined): number | null =>
  nanoseconds !== undefined && /^\d{1,19}$/.test(nanoseconds) ? Number(BigInt(nanoseconds) / 1000n) : null;

function number(text: string | undefined): number | null {
  const value = text === undefined || text === '' ? Number.NaN : Number(text);
  return Number.isFinite(value) ? value : null;
}

export const numbersOf = (text: string | undefined): number[] =>
  (text ?? '').match(/-?\d+(?:\.\d+)?/g)?.map(Number) ?? [];

/** How far the clock of the picture may be off, seconds: the driver stamps within a frame's first line; without the wall clock we ask the system's uptime, which has hundredths. */
const stampSeconds = 0.001;
const uptimeSeconds = 0.02;

/**
 * What a frame's metadata say about it.
 * @param bootMicroseconds When the computer started, microseconds since 1970: stands in for the missing wall clock.
 */
export function fieldsOfMetadata(
  metadata: RpicamMetadata,
  bits: number,
  bootMicroseconds: number,
): Partial<FrameInit> & { blackLevel: number } {
  const { values, exposureMicroseconds, wallMicroseconds, sensorMicroseconds } = metadata;
  const end = wallMicroseconds ?? bootMicroseconds + sensorMicroseconds;
  const [red, blue] = numbersOf(values.get('ColourGains'));
  return {
    start: isoOf(Math.round(end - exposureMicroseconds)),
    middle: isoOf(Math.round(end - exposureMicroseconds / 2)),
    end: isoOf(Math.round(end)),
    timeSource: wallMicroseconds === null ? 'host' : 'camera',
    timeUncertaintySeconds: wallMicroseconds === null ? uptimeSeconds : stampSeconds,
    exposureSeconds: exposureMicroseconds / 1e6,
    gain: number(values.get('AnalogueGain')),
    temperatureCelsius: number(values.get('SensorTemperature')),
    whiteBalance: red && blue ? [red, 1, blue] : null,
    blackLevel: blackLevel(values, bits),
    keywords: keywordsOf(metadata),
  };
}

/** Told on a scale of 16 bits; the mean of the four colours. */
function blackLevel(values: ReadonlyMap<string, string>, bits: number): number {
  const levels = numbersOf(values.get('SensorBlackLevels'));
  const mean = levels.reduce((sum, level) => sum + level, 0) / Math.max(1, levels.length);
  return Math.round(mean / 2 ** (16 - bits));
}

function keywordsOf({ values, sensorMicroseconds, frameMicroseconds }: RpicamMetadata): Keyword[] {
  const told: [string, number | null, string][] = [
    ['SENSTIME', sensorMicroseconds / 1e6, '[s] end of the exposure since the computer started'],
    ['FRAMEDUR', frameMicroseconds === null ? null : frameMicroseconds / 1e6, '[s] frame to frame, as the sensor runs'],
    ['DIGGAIN', number(values.get('DigitalGain')), 'digital gain'],
    ['LUX', number(values.get('Lux')), '[lx] as the camera estimates'],
    ['FOCUSFOM', number(values.get('FocusFoM')), 'sharpness, as the camera measures it'],
    ['LENSPOS', number(values.get('LensPosition')), '[1/m] position of the lens'],
  ];
  const keywords = told.flatMap(([name, value, comment]) => (value === null ? [] : [{ name, value, comment }]));
  return [...keywords, blackFrom(values.has('SensorBlackLevels') ? 'tags' : 'unknown')];
}

/** Frames that the camera dropped between two that it gave. It says nothing itself; only the time stamps have a hole. */
export function lostBetween(before: RpicamMetadata, after: RpicamMetadata): number {
  const length = after.frameMicroseconds ?? after.exposureMicroseconds;
  if (length <= 0) return 0;
  const hole = after.sensorMicroseconds - before.sensorMicroseconds - length;
  return hole > 0.5 * length ? Math.round(hole / length) : 0;
}
