/** What a CCD device offers to be set, by Nightflow's names; only those whose property is there are described. */
import { NightflowError } from '../../process/errors.ts';
import type { IndiClient } from '../client.ts';
import { requireOk } from '../command.ts';
import { alertIn, done, type Judge, updatesOf } from '../completion.ts';
import { elementValue, type IndiProperty, isOn, numberOf, switchOf } from '../property.ts';
import type { ElementDefinition } from '../protocol/message.ts';
import type { WantedValues } from '../validate.ts';
import { transferFormat } from './transfer-format.ts';

export interface IndiSetting {
  name: string;
  label: string;
  type: 'number' | 'text' | 'choice' | 'boolean';
  unit?: string;
  minimum?: number;
  maximum?: number;
  choices?: readonly string[];
}

export type IndiSettingValue = number | string | boolean;
export type PropertyLookup = (name: string) => IndiProperty | undefined;

interface Kind {
  name: string;
  label: string;
  /** Commands of a lane wait for each other only: a cooler is set beside a running exposure. */
  lane?: 'cooler';
  /** Drivers take it also while they expose, and send a picture that is half the one and half the other. */
  notWhileExposing?: true;
  judge?: Judge;
  describe(find: PropertyLookup): Omit<IndiSetting, 'name' | 'label'> | null;
  read(find: PropertyLookup): IndiSettingValue | null;
  /** @throws bad-input */
  wish(value: IndiSettingValue, find: PropertyLookup): { property: string; values: WantedValues };
}

/** Drivers have gain and offset as properties of their own (the library's names), or among CCD_CONTROLS (ASI, QHY). */
const gain = numberKind('gain', 'Gain', ['CCD_GAIN', 'GAIN'], ['CCD_CONTROLS', 'Gain']);
const offset = numberKind('offset', 'Offset', ['CCD_OFFSET', 'OFFSET'], ['CCD_CONTROLS', 'Offset']);

/** The target is taken at once, and reached in minutes: Busy will do. */
const taken: Judge = (history) =>
  alertIn(history, 'CCD_TEMPERATURE') ?? (updatesOf(history, 'CCD_TEMPERATURE').length > 0 ? done : 'waiting');

const temperature: Kind = {
  ...numberKind('temperatureCelsius', 'Sensor temperature', ['CCD_TEMPERATURE', 'CCD_TEMPERATURE_VALUE']),
  lane: 'cooler',
  judge: taken,
};

const binning: Kind = {
  name: 'binning',
  notWhileExposing: true,
  label: 'Binning',
  describe: (find) => {
    const axes = [...(find('CCD_BINNING')?.elements.values() ?? [])];
    if (axes.length === 0 || find('CCD_BINNING')?.permission === 'ro') return null;
    return { type: 'number', minimum: 1, maximum: Math.min(...axes.map(({ maximum = 1 }) => Math.max(1, maximum))) };
  },
  read: (find) => numberOf(find('CCD_BINNING'), 'HOR_BIN'),
  wish: (value) => ({
    property: 'CCD_BINNING',
    values: { HOR_BIN: whole('binning', value), VER_BIN: whole('binning', value) },
  }),
};

const subframe: Kind = {
  name: 'subframe',
  notWhileExposing: true,
  label: 'Subframe: left, top, width, height of unbinned pixels',
  describe: (find) => (find('CCD_FRAME') ? { type: 'text' } : null),
  read: (find) => ['X', 'Y', 'WIDTH', 'HEIGHT'].map((element) => numberOf(find('CCD_FRAME'), element) ?? 0).join(', '),
  wish: (value, find) => {
    const sensor = ['CCD_MAX_X', 'CCD_MAX_Y'].map((element) => numberOf(find('CCD_INFO'), element) ?? 0);
    const [width = 0, height = 0] = sensor;
    const text = String(value).trim();
    const [X = Number.NaN, Y = 0, WIDTH = 0, HEIGHT = 0] =
      text === '' ? [0, 0, width, height] : text.split(/[\s,;x]+/).map(Number);
    const fits = X >= 0 && Y >= 0 && WIDTH >= 1 && HEIGHT >= 1 && X + WIDTH <= width && Y + HEIGHT <= height;
    // Drivers take one that reaches beyond the sensor, and send rubbish.
    if (!fits || ![X, Y, WIDTH, HEIGHT].every(Number.isInteger))
      throw new NightflowError('bad-input', `The subframe "${text.slice(0, 60)}" is not on the sensor.`, {
        remedy: `Give left, top, width and height within ${width} x ${height}; nothing for the whole sensor.`,
      });
    return { property: 'CCD_FRAME', values: { X, Y, WIDTH, HEIGHT } };
  },
};

const kinds: readonly Kind[] = [
  gain,
  offset,
  binning,
  subframe,
  temperature,
  {
    ...choiceKind('frameType', 'Frame type', 'CCD_FRAME_TYPE', {
      FRAME_LIGHT: 'light',
      FRAME_BIAS: 'bias',
      FRAME_DARK: 'dark',
      FRAME_FLAT: 'flat',
    }),
    notWhileExposing: true,
  },
  choiceKind('uploadMode', 'Pictures go to', 'UPLOAD_MODE', {
    UPLOAD_CLIENT: 'client',
    UPLOAD_LOCAL: 'local',
    UPLOAD_BOTH: 'both',
  }),
  { ...choiceKind('captureFormat', 'Capture format', 'CCD_CAPTURE_FORMAT', {}), notWhileExposing: true },
  {
    ...choiceKind('transferFormat', 'Pictures come as', transferFormat.property, {
      [transferFormat.fits]: 'fits',
      [transferFormat.own]: 'native',
    }),
    notWhileExposing: true,
  },
  toggleKind('compression', 'Compression on the way', 'CCD_COMPRESSION', 'INDI_ENABLED', 'INDI_DISABLED'),
  toggleKind('cooler', 'Cooler', 'CCD_COOLER', 'COOLER_ON', 'COOLER_OFF', 'cooler'),
];

export const describeCameraSettings = (find: PropertyLookup): IndiSetting[] =>
  kinds.flatMap((kind) => {
    const described = kind.describe(find);
    return described ? [{ name: kind.name, label: kind.label, ...described }] : [];
  });

/** @throws bad-input when the device has none of this name, lost when its value is unknown */
export function readCameraSetting(device: string, find: PropertyLookup, name: string): IndiSettingValue {
  const value = kindOf(device, find, name).read(find);
  if (value !== null) return value;
  throw new NightflowError('lost', `${device} does not say its ${name}.`);
}

/** The value that is then in force. @throws bad-input, busy (it exposes), rejected, timeout, lost, aborted */
export async function writeCameraSetting(
  client: IndiClient,
  device: string,
  name: string,
  value: IndiSettingValue,
  signal?: AbortSignal,
): Promise<IndiSettingValue> {
  const find: PropertyLookup = (property) => client.store.property(device, property);
  const kind = kindOf(device, find, name);
  const { property, values } = kind.wish(value, find);
  if (kind.notWhileExposing && find('CCD_EXPOSURE')?.state === 'Busy')
    throw new NightflowError('busy', `The ${name} of ${device} can't be changed while it exposes.`, {
      remedy: 'Wait for the end of the exposure, or stop the sequence.',
    });
  // A lane beside the exposures: a sequence holds the main one from its first frame to its last.
  const lane = kind.lane ?? 'settings';
  requireOk(await client.command({ device, property, values, lane, judge: kind.judge, timeoutSeconds: 30, signal }));
  // Where the sensor is to go; what it has is read.
  return kind.lane === 'cooler' ? value : (kind.read(find) ?? value);
}

function kindOf(device: string, find: PropertyLookup, name: string): Kind {
  const kind = kinds.find((each) => each.name === name);
  if (kind?.describe(find)) return kind;
  throw new NightflowError('bad-input', `${device} has no setting "${name.slice(0, 40)}".`, {
    remedy: `It has: ${describeCameraSettings(find)
      .map((each) => each.name)
      .join(', ')}.`,
  });
}

function numberKind(name: string, label: string, ...places: readonly (readonly [string, string])[]): Kind {
  const place = (find: PropertyLookup) => places.find(([property, element]) => find(property)?.elements.has(element));
  return {
    name,
    label,
    describe: (find) => {
      const [property, element] = place(find) ?? [];
      if (!property || !element || find(property)?.permission === 'ro') return null;
      return { type: 'number', ...rangeOf(find(property)?.elements.get(element)) };
    },
    read: (find) => {
      const [property, element] = place(find) ?? ['', ''];
      return numberOf(find(property), element);
    },
    wish: (value, find) => {
      const [property, element] = place(find)!;
      return { property, values: { [element]: numeric(name, value) } };
    },
  };
}

/** @param words Our words for the driver's elements; without any, the driver's own. */
function choiceKind(name: string, label: string, property: string, words: Readonly<Record<string, string>>): Kind {
  const wordOf = (element: string) => words[element] ?? element;
  const elements = (find: PropertyLookup) => [...(find(property)?.elements.keys() ?? [])];
  return {
    name,
    label,
    describe: (find) => (find(property) ? { type: 'choice', choices: elements(find).map(wordOf) } : null),
    read: (find) => {
      const on = switchOf(find(property));
      return on === null ? null : wordOf(on);
    },
    wish: (value, find) => {
      const element = elements(find).find((each) => wordOf(each) === value);
      if (element) return { property, values: { [element]: true } };
      throw new NightflowError(
        'bad-input',
        `${name} is one of ${elements(find).map(wordOf).join(', ')}, not ${value}.`,
      );
    },
  };
}

function toggleKind(name: string, label: string, property: string, on: string, off: string, lane?: 'cooler'): Kind {
  return {
    name,
    label,
    lane,
    describe: (find) => (elementValue(find(property), on) === null ? null : { type: 'boolean' }),
    read: (find) => isOn(find(property), on),
    wish: (value) => {
      if (typeof value !== 'boolean') throw new NightflowError('bad-input', `${name} is true or false, not ${value}.`);
      return { property, values: { [value ? on : off]: true } };
    },
  };
}

/** Drivers give the same number twice where they know no limits. */
const rangeOf = ({ minimum = 0, maximum = 0 }: Partial<ElementDefinition> = {}) =>
  maximum > minimum ? { minimum, maximum } : {};

function numeric(name: string, value: IndiSettingValue): number {
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  throw new NightflowError('bad-input', `${name} is a number, not ${value}.`);
}

function whole(name: string, value: IndiSettingValue): number {
  if (Number.isInteger(numeric(name, value))) return value as number;
  throw new NightflowError('bad-input', `${name} is a whole number, not ${value}.`);
}
