/** The configuration of the stand-in's bodies, after those that libgphoto2 shows for a Sony a7 IV, a Canon EOS R and a Nikon D750. */

export interface BodyEntry {
  path: string;
  label: string;
  type: 'RADIO' | 'TOGGLE' | 'RANGE' | 'TEXT';
  readOnly?: boolean;
  value: string;
  choices?: readonly string[];
  range?: readonly [bottom: number, top: number, step: number];
}

const radio = (path: string, label: string, value: string, choices: readonly string[]): BodyEntry => ({
  ...{ path, label, type: 'RADIO', value, choices },
});
const toggle = (path: string, label: string): BodyEntry => ({ path, label, type: 'TOGGLE', value: '2' });
const told = (path: string, label: string, value: string): BodyEntry => ({
  ...{ path, label, type: 'TEXT', value, readOnly: true },
});

const times = ['30', '10', '5', '2', '1', '0.4', '1/4', '1/5', '1/10', '1/100'];
const isos = ['100', '200', '400', '800', '1600', '3200'];

const sony: BodyEntry[] = [
  toggle('/main/actions/bulb', 'Bulb Mode'),
  toggle('/main/actions/capture', 'Capture'),
  toggle('/main/actions/autofocus', 'Autofocus'),
  { path: '/main/actions/manualfocus', label: 'Manual Focus', type: 'RANGE', value: '0', range: [-7, 7, 1] },
  radio('/main/settings/capturetarget', 'Capture Target', 'card', ['sdram', 'card', 'card+sdram']),
  told('/main/status/serialnumber', 'Serial Number', ''),
  told('/main/status/cameramodel', 'Camera Model', 'ILCE-7M4'),
  told('/main/status/batterylevel', 'Battery Level', '80%'),
  radio('/main/imgsettings/imagequality', 'Image Quality', 'RAW+JPEG', ['RAW', 'RAW+JPEG', 'JPEG']),
  radio('/main/imgsettings/iso', 'ISO Speed', '800', isos),
  radio('/main/capturesettings/f-number', 'F-Number', '2.8', ['1.8', '2.8', '4']),
  radio('/main/capturesettings/capturemode', 'Still Capture Mode', 'Single Shot', [
    'Single Shot',
    'Continuous Low Speed',
    'Continuous Shooting Hi+',
  ]),
  radio('/main/capturesettings/shutterspeed', 'Shutter Speed', '1/100', [...times, 'Bulb']),
  radio('/main/capturesettings/focusmode', 'Focus Mode', 'Manual', ['Manual', 'AF-S']),
];

const canon: BodyEntry[] = [
  radio('/main/actions/eosremoterelease', 'Canon EOS Remote Release', 'None', [
    'None',
    'Press Half AF',
    'Press Full AF',
    'Press Half MF',
    'Press Full MF',
    'Release Half',
    'Release Full',
    'Release',
  ]),
  radio('/main/actions/manualfocusdrive', 'Drive Canon DSLR Manual focus', 'None', [
    'Near 1',
    'Near 2',
    'Near 3',
    'None',
    'Far 1',
    'Far 2',
    'Far 3',
  ]),
  toggle('/main/actions/viewfinder', 'Canon EOS Viewfinder'),
  radio('/main/settings/capturetarget', 'Capture Target', 'Memory card', ['Internal RAM', 'Memory card']),
  told('/main/status/serialnumber', 'Serial Number', ''),
  radio('/main/imgsettings/imageformat', 'Image Format', 'Large Fine JPEG', [
    'Large Fine JPEG',
    'RAW',
    'RAW + Large Fine JPEG',
  ]),
  radio('/main/imgsettings/iso', 'ISO Speed', 'Auto', ['Auto', ...isos]),
  radio('/main/capturesettings/drivemode', 'Drive Mode', 'Single', ['Single', 'Continuous']),
  radio('/main/capturesettings/shutterspeed', 'Shutter Speed', '1/100', ['bulb', ...times]),
];

const nikon: BodyEntry[] = [
  toggle('/main/actions/bulb', 'Bulb Mode'),
  {
    path: '/main/actions/manualfocusdrive',
    label: 'Drive Nikon DSLR Manual focus',
    type: 'RANGE',
    value: '0',
    range: [-32767, 32767, 1],
  },
  toggle('/main/actions/viewfinder', 'Nikon Viewfinder'),
  radio('/main/settings/capturetarget', 'Capture Target', 'Memory card', ['Internal RAM', 'Memory card']),
  told('/main/status/serialnumber', 'Serial Number', ''),
  radio('/main/imgsettings/imagequality', 'Image Quality', 'JPEG Fine', ['JPEG Fine', 'NEF (Raw)', 'NEF+Fine']),
  radio('/main/imgsettings/iso', 'ISO Speed', '800', isos),
  radio('/main/capturesettings/shutterspeed', 'Shutter Speed', '0.0100s', [
    '0.0100s',
    '0.1000s',
    '0.2500s',
    '1.0000s',
    '30.0000s',
    'Bulb',
  ]),
];

export const bodies = {
  sony: { model: 'Sony Alpha-A7 IV (Control)', extension: 'ARW', entries: sony },
  canon: { model: 'Canon EOS R', extension: 'CR3', entries: canon },
  nikon: { model: 'Nikon DSC D750', extension: 'NEF', entries: nikon },
} as const;

/** The answer to `get-config`. */
export function entryText({ label, readOnly, type, value, choices, range }: BodyEntry): string {
  const lines = [`Label: ${label}`, `Readonly: ${readOnly ? 1 : 0}`, `Type: ${type}`, `Current: ${value}`];
  for (const [i, choice] of (choices ?? []).entries()) lines.push(`Choice: ${i} ${choice}`);
  if (range) lines.push(`Bottom: ${range[0]}`, `Top: ${range[1]}`, `Step: ${range[2]}`);
  return `${lines.join('\n')}\nEND\n`;
}
