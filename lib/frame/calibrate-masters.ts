/** The masters of a calibration together: each checked against the frame, and how the dark is to be scaled. */
import { NightflowError } from '../process/errors.ts';
import type { CalibrateOptions } from './calibrate.ts';
import type { DefectMap } from './calibrate-defects.ts';
import { type MasterRole, matchMaster, requireMatch, sameExposure } from './calibrate-match.ts';
import type { Frame } from './frame.ts';

export interface Masters {
  bias?: Frame | null;
  dark?: Frame | null;
  flat?: Frame | null;
  /** A dark (or bias) for the flat, when that is not calibrated yet. */
  flatDark?: Frame | null;
  defects?: DefectMap | null;
}

export interface CheckedMasters {
  /** The one that is subtracted when the dark isn't, or that the dark is scaled above; null when the dark holds it. */
  bias: Frame | null;
  dark: Frame | null;
  /** 'optimise': to be found from the frame. */
  factor: number | 'optimise';
  flat: Frame | null;
  flatDark: Frame | null;
  warnings: string[];
}

/** Beyond this factor a scaled dark brings in more noise than it takes away, mostly. */
const largestSensibleFactor = 3;

/** @throws bad-input when one does not match. */
export function checkMasters(masters: Masters, frame: Frame, options: CalibrateOptions): CheckedMasters {
  const { bias = null, dark = null, flat = null } = masters;
  const warnings: string[] = [];
  const check = (role: MasterRole, master: Frame | null, light: Frame, scaled = false) => {
    if (!master) return;
    requireLinearMaster(role, master);
    const match = matchMaster(role, master, light, { ...options, scaled });
    requireMatch(role, master, light, match);
    warnings.push(...match.warnings);
    if (match.unknown.length > 0)
      warnings.push(`${match.unknown.join(', ')} of the ${role} can't be compared: one of the two files doesn't say.`);
  };
  const { darkScaling = 'exposure' } = options;
  const scalable = bias !== null && dark !== null && darkScaling !== 'off';
  check('bias', bias, frame);
  if (dark) requireWholeDark(dark);
  check('dark', dark, frame, scalable);
  check('flat', flat, frame);
  const flatDark = flat ? darkOfFlat(flat, masters, options, warnings) : null;
  if (flat && flatDark === masters.flatDark) check('flat dark', flatDark, flat);
  const factor = !scalable ? 1 : darkScaling === 'optimise' ? 'optimise' : exposureFactor(dark, frame, warnings);
  // At factor 1 the dark holds its own bias, less noisy than taking another one's out and putting it back.
  return { bias: dark && factor === 1 ? null : bias, dark, factor, flat, flatDark, warnings };
}

function exposureFactor(dark: Frame, frame: Frame, warnings: string[]): number {
  const [ofFrame, ofDark] = [frame.exposureSeconds, dark.exposureSeconds];
  if (ofFrame === null || ofDark === null || !(ofDark > 0) || sameExposure(ofFrame, ofDark)) return 1;
  const factor = ofFrame / ofDark;
  if (factor > largestSensibleFactor)
    warnings.push(`The dark of ${ofDark} s is scaled up to ${ofFrame} s, and its noise with it.`);
  return factor;
}

/** A flat that is a master already has lost its bias; another needs its own dark, or the bias, or to know its black level. */
function darkOfFlat(flat: Frame, masters: Masters, options: CalibrateOptions, warnings: string[]): Frame | null {
  if (masters.flatDark) return masters.flatDark;
  if (flat.pixelType === 'f32' || flat.blackLevel > 0 || /[BD]/.test(String(flat.keyword('CALSTAT') ?? '')))
    return null;
  const { bias } = masters;
  if (bias && matchMaster('flat dark', bias, flat, options).differences.length === 0) return bias;
  warnings.push('Neither bias nor dark was taken out of the flat: it corrects less than it should.');
  return null;
}

function requireLinearMaster(role: MasterRole, master: Frame): void {
  if (master.transfer !== 'linear')
    throw new NightflowError('bad-input', `The ${role} ${master.source ?? master} carries a display curve.`, {
      remedy: `Take a ${role} as RAW or FITS.`,
    });
}

/** Some programs save a dark without its bias: subtracting it alone would leave the bias in the frame. */
function requireWholeDark(dark: Frame): void {
  if (/B/.test(String(dark.keyword('CALSTAT') ?? '')))
    throw new NightflowError(
      'bad-input',
      `The bias is taken out of the dark ${dark.source ?? dark} (CALSTAT = '${dark.keyword('CALSTAT')}').`,
      {
        remedy: 'Build the master dark from darks as the camera sent them.',
      },
    );
}
