/** Lines of a table into cells: which separator a text uses, and quoted cells. */

const separators = ['\t', ';', '|', ','] as const;

/**
 * The separator that the lines agree on best: the one found most evenly, so that decimal commas beside semicolons stay commas;
 * two blanks or more in a row where there is none of the others.
 */
export function separatorOf(lines: readonly string[]): string {
  const sample = lines.slice(0, 50);
  for (const separator of separators) {
    const counts = sample.map((line) => cellsOf(line, separator).length);
    const wide = counts.filter((count) => count >= 3).length;
    if (wide >= sample.length / 2 && wide > 0) return separator;
  }
  const two = separators.find((separator) => sample.some((line) => cellsOf(line, separator).length === 2));
  const blanks = sample.filter((line) => /\S\s{2,}\S/.test(line)).length;
  return blanks > sample.length / 2 ? '  ' : (two ?? '\t');
}

/** Cells of a line; a quoted cell may hold the separator, and a doubled quote stands for one. */
export function cellsOf(line: string, separator: string): string[] {
  if (separator === '  ') return line.trim().split(/\s{2,}/);
  const cells: string[] = [];
  let cell = '';
  let quoted = false;
  for (let i = 0; i < line.length; i++) {
    const character = line[i]!;
    if (quoted) {
      if (character !== '"') cell += character;
      else if (line[i + 1] === '"') cell += line[++i];
      else quoted = false;
    } else if (character === '"' && cell.trim() === '') {
      quoted = true;
      cell = '';
    } else if (character === separator) {
      cells.push(cell.trim());
      cell = '';
    } else cell += character;
  }
  cells.push(cell.trim());
  return cells;
}
