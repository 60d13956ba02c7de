/** What a calibrated frame says of itself, so that nobody calibrates it twice. */
import { NightflowError } from '../process/errors.ts';
import type { Frame, FrameFields, Keyword } from './frame.ts';

export interface Applied {
  /** The masters that were used; null for those that were not. */
  bias: Frame | null;
  dark: Frame | null;
  flat: Frame | null;
  /** Of the dark above the bias; 1 for a dark that is not scaled. */
  factor: number;
  /** Pixels that were replaced: by map and masters, and those found in the frame itself. */
  mended: number;
  hot: number;
  cold: number;
}

/** MaxIm's word, which others know too: letters for bias, dark and flat. */
const statusKeyword = 'CALSTAT';

/** A dark taken out twice leaves black holes. @throws bad-input */
export function requireUncalibrated(frame: Frame, allow: readonly string[]): void {
  const status = String(frame.keyword(statusKeyword) ?? '').toUpperCase();
  if (!/[BDF]/.test(status) || allow.some((name) => name.trim().toUpperCase() === statusKeyword)) return;
  throw new NightflowError(
    'bad-input',
    `${frame.source ?? 'The frame'} is calibrated already (${statusKeyword} = '${status}').`,
    { remedy: `Calibrate the frame as the camera sent it, or allow ${statusKeyword} to differ.` },
  );
}

export function calibratedHeader(
  frame: Frame,
  changes: Pick<FrameFields, 'data' | 'pixelType' | 'blackLevel' | 'whiteLevel'>,
  applied: Applied,
): Frame {
  const kept = frame.keywords.filter(({ name }) => !levelKeywords.includes(name));
  return frame.with({ ...changes, keywords: [...kept, ...cards(frame, applied)] });
}

/** True of the levels before. */
const levelKeywords = [statusKeyword, 'BLACKLEV', 'WHITELEV', 'SATURATE', 'DATAMIN', 'DATAMAX', 'PEDESTAL'];

function cards(frame: Frame, { bias, dark, flat, factor, mended, hot, cold }: Applied): Keyword[] {
  // A dark holds its bias.
  const letters = `${bias || dark ? 'B' : ''}${dark ? 'D' : ''}${flat ? 'F' : ''}`;
  const before = String(frame.keyword(statusKeyword) ?? '');
  const status = [...new Set(`${before}${letters}`)].join('');
  const history = [
    bias && `Bias: ${describe(bias)}`,
    dark && `Dark: ${describe(dark)}${factor === 1 ? '' : `, x ${Number(factor.toFixed(4))}`}`,
    flat && `Flat: ${describe(flat)}`,
    mended + hot + cold > 0 && `Pixels replaced: ${mended} by map, ${hot} hot, ${cold} cold`,
  ].filter((line) => typeof line === 'string');
  return [
    ...(status ? [{ name: statusKeyword, value: status, comment: 'Taken out: bias, dark, flat' }] : []),
    ...history.map((value) => ({ name: 'HISTORY', value })),
  ];
}

function describe({ source, combined, exposureSeconds }: Frame): string {
  const name = source?.split(/[\\/]/).at(-1) ?? 'without a file';
  return `${name} (${combined} frame${combined === 1 ? '' : 's'}${exposureSeconds === null ? '' : ` of ${exposureSeconds} s`})`;
}
