/** What was measured, for people: a line and a JSON line per picture, and a table by the width of the field. */
import { offsetArcsec } from '../../lib/solve/solution.ts';
import { median } from '../harness.ts';
import { type Column, columns, type Outcome, peer, type Row } from './measure.ts';

/** Degrees; the classes of the facts that the solver was designed by. */
const edges = [0, 1, 2, 5, 15, 40, 100];

export function describe(way: string, turn: string, { picture, outcomes, kept }: Row): string {
  const of = ({ found, wrong, cpuSeconds, offsetPixels, place }: Outcome) => {
    if (Number.isNaN(cpuSeconds)) return 'not asked';
    const what = found ? `${offsetPixels!.toFixed(2)} px` : wrong ? 'WRONG' : place ? 'a match' : '-';
    return `${what} ${cpuSeconds.toFixed(3)} s`;
  };
  const parts = columns.map((name) => `${name}: ${of(outcomes[name])}`);
  const field = picture.truth ? `${picture.truth.widthDegrees.toFixed(1)}°` : picture.kind;
  return `solve ${way} ${turn} ${picture.file} ${field}: ${parts.join(' | ')}${kept ? ' (kept)' : ''}`;
}

export function jsonLine(way: string, { picture, outcomes, ratio, kept }: Row): string {
  const { file, kind, truth } = picture;
  const rounded = (value: number | null) => (value === null ? null : Number(value.toPrecision(4)));
  const engines = Object.fromEntries(
    columns.map((name) => {
      const { found, wrong, cpuSeconds, offsetArcsec, offsetPixels } = outcomes[name];
      const figures = { cpuSeconds: rounded(cpuSeconds), arcsec: rounded(offsetArcsec), px: rounded(offsetPixels) };
      return [name, { found, wrong, ...figures }];
    }),
  );
  const field = { widthDegrees: rounded(truth?.widthDegrees ?? null), kind };
  return JSON.stringify({ solve: way, file, ...field, ratio: rounded(ratio), engines, peerKeptOf: kept });
}

/** In Markdown. */
export function table(way: string, rows: readonly Row[]): string {
  const known = rows.filter(({ picture }) => picture.truth);
  const photographs = known.filter(({ picture }) => picture.kind === 'photo');
  const classes = edges.slice(1).map((high, i): [string, Row[]] => {
    const low = edges[i]!;
    const inside = photographs.filter(({ picture }) => {
      const width = picture.truth!.widthDegrees;
      return width >= low && width < high;
    });
    return [`photographs ${low} to ${high}°`, inside];
  });
  classes.push(['survey pictures', known.filter(({ picture }) => picture.kind === 'survey')], ['all', known]);
  const head = [
    ...[way, 'n', 'built-in', 'auto', 'solve-field, our stars', 'solve-field, picture'],
    ...['built-in, CPU s', 'solve-field, picture, CPU s', 'ratio', 'built-in off by', 'of it from solve-field'],
  ];
  const lines = classes.filter(([, of]) => of.length > 0).map(([name, of]) => lineOf(name, of));
  return [head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`).join('\n');
}

/** Times, ratio: of what both found. The truth is mostly solve-field's own, so the last but one column is about both. */
function lineOf(name: string, rows: readonly Row[]): string[] {
  const count = (column: Column) =>
    rows.some(({ outcomes }) => Number.isNaN(outcomes[column].cpuSeconds))
      ? 'not asked'
      : String(rows.filter(({ outcomes }) => outcomes[column].found).length);
  const both = rows.filter(({ outcomes }) => outcomes['built-in'].found && outcomes[peer].found);
  const found = rows.filter(({ outcomes }) => outcomes['built-in'].found);
  const middle = (values: number[], digits: number) => (values.length ? median(values).toFixed(digits) : '-');
  const cpu = (column: Column) =>
    middle(
      both.map(({ outcomes }) => outcomes[column].cpuSeconds),
      3,
    );
  const off = found.map(({ outcomes }) => outcomes['built-in']);
  const apart = both.map(({ picture, outcomes }) => {
    const arcsec = offsetArcsec(outcomes['built-in'].place!, outcomes[peer].place!);
    return { arcsec, pixels: arcsec / picture.truth!.scale };
  });
  const pair = (arcsec: number[], pixels: number[]) => `${middle(arcsec, 1)}″, ${middle(pixels, 2)} px`;
  return [
    ...[name, String(rows.length), count('built-in'), count('auto'), count('solve-field'), count(peer)],
    ...[
      cpu('built-in'),
      cpu(peer),
      middle(
        both.map(({ ratio }) => ratio),
        3,
      ),
    ],
    pair(
      off.map((each) => each.offsetArcsec!),
      off.map((each) => each.offsetPixels!),
    ),
    pair(
      apart.map((each) => each.arcsec),
      apart.map((each) => each.pixels),
    ),
  ];
}
