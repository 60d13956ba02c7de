/** The goals of the hinted and of the blind run. */
import { type BenchLine, figureLine, median, unavailable } from '../harness.ts';
import { type Column, columns, peer, type Row, type Way } from './measure.ts';

/** Parts of solve-field's CPU time. */
const timeGoals = { median: 0.05, worstTenth: { hinted: 0.3, blind: 0.15 } };
/** Successes over solve-field's: alone, the built-in solver may miss three in a hundred that a hint would give. */
const successGoals = { hinted: 0.97, blind: 1 };
/** Half a pixel or two seconds of arc, whichever is more; pixels. */
const offsetGoals = { hinted: 0.5, blind: 0.3 };

export function verdicts({ way }: Way, rows: readonly Row[]): BenchLine[] {
  const part = (what: string) => `${way}, ${what}`;
  const line = (what: string, figure: number, goal: number, more: { unit?: string; atLeast?: boolean } = {}) =>
    figureLine({ bench: 'solve', part: part(what), figure, goal, ...more });
  const ours = columns.filter(
    (column) => column !== peer && rows.some(({ outcomes }) => !Number.isNaN(outcomes[column].cpuSeconds)),
  );
  const successes = (column: Column) => rows.filter(({ outcomes }) => outcomes[column].found).length;
  const wrong = (column: Column) => rows.filter(({ outcomes }) => outcomes[column].wrong).length;
  const both = rows.filter(({ outcomes }) => outcomes['built-in'].found && outcomes[peer].found);
  const ratios = both.map(({ ratio }) => ratio).sort((a, b) => a - b);
  if (ratios.length === 0) return [unavailable('solve', part('no picture was solved by both.'))];
  const off = rows.flatMap(({ outcomes }) => outcomes['built-in'].offsetPixels ?? []);
  // What each picture may be off by is the larger of half a pixel and 2".
  const beyond = rows.filter(({ outcomes }) => {
    const { found, offsetPixels, offsetArcsec } = outcomes['built-in'];
    return found && offsetPixels! > 0.5 && offsetArcsec! > 2;
  });
  console.log(
    `solve ${way}: ${beyond.length} of ${off.length} of the built-in solver's middles are further off than 0.5 px and 2″` +
      `${beyond.map(({ picture, outcomes }) => `; ${picture.file} ${outcomes['built-in'].offsetPixels!.toFixed(2)} px`).join('')}.`,
  );
  return [
    line(
      'time: the built-in solver over solve-field on the picture, median of pairs',
      median(ratios),
      timeGoals.median,
    ),
    line('time: worst tenth', ratios[Math.floor(ratios.length * 0.9)]!, timeGoals.worstTenth[way]),
    ...(['built-in', 'auto'] as const).map((column) =>
      line(
        `successes: ${column} over solve-field on the picture`,
        successes(column) / Math.max(1, successes(peer)),
        column === 'built-in' ? successGoals[way] : 1,
        { atLeast: true },
      ),
    ),
    line('median disagreement of the built-in solver with the truth', median(off), offsetGoals[way], { unit: 'px' }),
    ...ours.map((column) => line(`wrong matches: ${column}`, wrong(column), 0)),
  ];
}
