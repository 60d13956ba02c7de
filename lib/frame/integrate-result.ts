/** What an integration's result says of itself. */
import type { FrameFields, Keyword } from './frame.ts';
import { Frame } from './frame.ts';
import type { Rules } from './integrate-band.ts';
import type { Normalisation } from './integrate-levels.ts';
import type { Prepared } from './integrate-prepare.ts';
import { emptySummary, summarise, summaryHeader } from './stack-summary.ts';

export interface ResultOptions {
  rules: Rules;
  reference?: number;
  normalisation?: Normalisation;
  weights?: readonly number[];
  outputType?: 'f32' | 'u16';
  header?: Partial<FrameFields>;
}

/** The reference's header with times and exposures of all; `exposureSeconds` stays that of one, LIVETIME is their sum. */
export function resultHeader(prepared: Prepared, options: ResultOptions): Omit<FrameFields, 'data'> {
  const { headers, sources, width, height, channels, bayer } = prepared;
  const { rules, reference = 0, normalisation = 'none', weights, outputType = 'f32' } = options;
  let summary = emptySummary();
  const inOrder = [headers[reference]!, ...headers.filter((_, i) => i !== reference)];
  for (const header of inOrder) summary = summarise(summary, header as Frame);
  const exposures = summary.exposureSeconds;
  const keywords: Keyword[] = [
    ...(headers[reference]!.keywords ?? []).filter(({ name }) => !ownNames.has(name)),
    ...(exposures === null ? [] : [keyword('LIVETIME', exposures, '[s] Exposure time of all frames')]),
    keyword('COMBINE', rules.combine, 'How the frames were combined'),
    keyword('REJECT', rules.rejection, 'How outliers were rejected'),
    ...(rules.rejection === 'none'
      ? []
      : [
          keyword('REJKLOW', rules.kappaLow, '[sigma] Rejected below'),
          keyword('REJKHIGH', rules.kappaHigh, '[sigma] Rejected above'),
          keyword('REJLOW', 0, '[%] Samples rejected below'),
          keyword('REJHIGH', 0, '[%] Samples rejected above'),
        ]),
    keyword('NORMALIZ', normalisation, 'How levels were made equal'),
    ...sources.slice(0, listedFrames).map(
      ({ name }, i): Keyword => ({
        name: 'HISTORY',
        value: `${weights ? `weight ${weights[i]!.toFixed(3)} ` : ''}${name.split(/[\\/]/).at(-1)}`.slice(0, 70),
      }),
    ),
  ];
  return {
    ...bare,
    ...summaryHeader(summary, 'mean'),
    width,
    height,
    channels,
    bayer,
    pixelType: outputType,
    source: null,
    number: null,
    ...options.header,
    keywords: [...keywords, ...(options.header?.keywords ?? [])],
  };
}

/** The same once the percentages are known. */
export function withRejected(keywords: readonly Keyword[], low: number, high: number): Keyword[] {
  const percent = (part: number) => Number((100 * part).toFixed(4));
  return keywords.map((each) =>
    each.name === 'REJLOW'
      ? { ...each, value: percent(low) }
      : each.name === 'REJHIGH'
        ? { ...each, value: percent(high) }
        : each,
  );
}

const ownNames = new Set(['LIVETIME', 'COMBINE', 'REJECT', 'REJKLOW', 'REJKHIGH', 'REJLOW', 'REJHIGH', 'NORMALIZ']);
/** A header of more lines helps nobody. */
const listedFrames = 1000;

const keyword = (name: string, value: string | number, comment: string): Keyword => ({ name, value, comment });

/** The fields that a frame has when nobody says. */
const { data: _none, ...bare } = {
  ...new Frame({ data: new SharedArrayBuffer(1), width: 1, height: 1, pixelType: 'u8' }),
};
