/** The settings of `astro-indi`: where the server is, its drivers, its devices, and the simulated observatory. */
import type { DeviceCareOptions, SavedSetting } from '../../lib/indi/device-care.ts';
import { type Driver, driverLine } from '../../lib/indi/driver-fifo.ts';
import type { IndiObservatoryOptions, ServerChoice } from '../../lib/indi/observatory.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { type InputTable, readConfiguration } from '../inputs.ts';

export const indiInputs = {
  mode: { type: 'choice', label: 'server', choices: ['connect', 'launch', 'simulator'], default: 'connect' },
  host: { type: 'text', label: 'host', default: 'localhost' },
  port: { type: 'number', label: 'port', default: 7624, minimum: 1, maximum: 65_535, integer: true },
  autoStart: { type: 'boolean', label: 'connect at start', default: false },
  tellPlace: { type: 'boolean', label: 'tell the mount its place', default: true },
  tellTime: { type: 'boolean', label: 'tell the mount the time', default: true },
  focalLengthMillimetres: {
    type: 'number',
    label: 'focal length',
    default: 135,
    minimum: 10,
    maximum: 20_000,
    unit: 'mm',
  },
  apertureMillimetres: { type: 'number', label: 'aperture', default: 34, minimum: 1, maximum: 5000, unit: 'mm' },
  sensorWidth: { type: 'number', label: 'sensor width', default: 1280, minimum: 16, maximum: 9600, integer: true },
  sensorHeight: { type: 'number', label: 'sensor height', default: 1024, minimum: 16, maximum: 9600, integer: true },
  pixelMicrometres: { type: 'number', label: 'pixel size', default: 5.2, minimum: 0.5, maximum: 50, unit: 'µm' },
  errorRaArcminutes: {
    type: 'number',
    label: 'pointing error in RA',
    default: 0,
    minimum: -600,
    maximum: 600,
    unit: '′',
  },
  errorDecArcminutes: {
    type: 'number',
    label: 'pointing error in Dec',
    default: 0,
    minimum: -600,
    maximum: 600,
    unit: '′',
  },
  periodicArcseconds: { type: 'number', label: 'periodic error', default: 0, minimum: 0, maximum: 600, unit: '″' },
  polarArcminutes: { type: 'number', label: 'polar misalignment', default: 0, minimum: -600, maximum: 600, unit: '′' },
  seed: { type: 'number', label: 'seed', default: 1, minimum: 0, maximum: 2 ** 31 - 1, integer: true },
} as const satisfies InputTable;

type Stored = Readonly<Record<string, unknown>>;
type Read = Omit<IndiObservatoryOptions, 'clock' | 'site'> & { autoStart: boolean };

/** A row of the list of drivers, as the editor stores it. */
interface DriverRow {
  executable?: string;
  label?: string;
  config?: string;
  prefix?: string;
}
/** A row of the list of devices. `settings`: PROPERTY.ELEMENT=value, a line each. */
interface DeviceRow {
  device?: string;
  loadConfiguration?: boolean;
  settings?: string;
}

/** @throws bad-input naming the setting, the driver or the line */
export function readServer(config: Stored): Read {
  const settings = readConfiguration(config, indiInputs);
  const { tellPlace, tellTime, autoStart } = settings;
  const devices = rows<DeviceRow>(config.devices).map(deviceOf);
  const server = serverOf(settings, config);
  return { server, tellPlace, tellTime, autoStart, settings: devices, connect: autoStart ? 'all' : [] };
}

function serverOf(settings: ReturnType<typeof readTable>, config: Stored): ServerChoice {
  const { mode, host, port } = settings;
  if (mode === 'connect') return { kind: 'connect', host: host.trim() || 'localhost', port };
  if (mode === 'launch') {
    const drivers = rows<DriverRow>(config.drivers).map(driverOf);
    if (drivers.length === 0)
      throw new NightflowError('bad-input', 'The list of INDI drivers is empty.', {
        remedy: 'Add the drivers of your devices, such as indi_eqmod_telescope.',
      });
    return { kind: 'launch', port, drivers };
  }
  return {
    kind: 'simulator',
    options: {
      seed: settings.seed,
      validation: 'explained',
      optics: {
        focalLengthMillimetres: settings.focalLengthMillimetres,
        apertureMillimetres: settings.apertureMillimetres,
      },
      camera: {
        width: settings.sensorWidth,
        height: settings.sensorHeight,
        pixelSizeMicrometres: settings.pixelMicrometres,
      },
      pointing: {
        raArcminutes: settings.errorRaArcminutes,
        decArcminutes: settings.errorDecArcminutes,
        periodicArcseconds: settings.periodicArcseconds,
        polarAltitudeArcminutes: settings.polarArcminutes,
      },
    },
  };
}

const readTable = (config: Stored) => readConfiguration(config, indiInputs);

const rows = <Row>(list: unknown): Row[] =>
  Array.isArray(list) ? list.filter((row): row is Row => row !== null && typeof row === 'object') : [];

const textOf = (value: unknown): string | undefined => String(value ?? '').trim() || undefined;

function driverOf(row: DriverRow): Driver {
  const driver: Driver = { executable: textOf(row.executable) ?? '' };
  const [name, config, prefix] = [row.label, row.config, row.prefix].map(textOf);
  if (name) driver.name = name;
  if (config) driver.config = config;
  if (prefix) driver.prefix = prefix;
  driverLine(driver);
  return driver;
}

function deviceOf(row: DeviceRow): DeviceCareOptions {
  const device = textOf(row.device);
  if (!device) throw new NightflowError('bad-input', 'A row of the list of INDI devices has no device.');
  return {
    device,
    loadConfiguration: row.loadConfiguration === true,
    settings: String(row.settings ?? '')
      .split(/[\n;]/)
      .map((line) => line.trim())
      .filter((line) => line !== '')
      .map((line) => settingOf(device, line)),
  };
}

/** `CCD_GAIN.GAIN=90`; property names may hold spaces, values anything. Elements of one property may be lines of their own. */
function settingOf(device: string, line: string): SavedSetting {
  const [, property, element, text] = /^([^.=]+)\.([^=]+)=(.*)$/.exec(line) ?? [];
  if (!property || !element || text === undefined)
    throw new NightflowError('bad-input', `${device}: ${JSON.stringify(line.slice(0, 60))} is no setting.`, {
      remedy: 'Write it as PROPERTY.ELEMENT=value, for instance CCD_GAIN.GAIN=90.',
    });
  return { property: property.trim(), values: { [element.trim()]: settingValue(text.trim()) } };
}

/** As indi_setprop writes them: switches are On or Off. A number stays text: the property's kind decides. */
const settingValue = (text: string): string | boolean => (text === 'On' ? true : text === 'Off' ? false : text);
