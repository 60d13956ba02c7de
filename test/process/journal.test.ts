import { appendFile, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, it } from 'vitest';
import { Journal, journalEntries } from '../../lib/process/journal.ts';

interface Entry {
  n: number;
  text?: string;
}

let folder: string;
let path: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nightflow-journal-'));
  path = join(folder, 'deep', 'run.jsonl');
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function read(onDamage?: (line: number) => void): Promise<Entry[]> {
  const entries: Entry[] = [];
  for await (const entry of journalEntries<Entry>(path, onDamage)) entries.push(entry);
  return entries;
}

it('gives back what was appended, in order, also what was appended at once', async () => {
  const journal = await Journal.open<Entry>(path);
  await Promise.all(Array.from({ length: 200 }, (_, n) => journal.append({ n })));
  await journal.close();
  expect((await read()).map(({ n }) => n)).toEqual(Array.from({ length: 200 }, (_, n) => n));
  await expect(journal.append({ n: 1 })).rejects.toThrow('is closed');
});

it('is empty when there is no file', async () => {
  expect(await read()).toEqual([]);
});

it('drops a last line that a power cut left unfinished, on reading and on opening', async () => {
  const journal = await Journal.open<Entry>(path);
  await journal.append({ n: 1 });
  await journal.close();
  await appendFile(path, '{"n":2,"te');
  expect(await read()).toEqual([{ n: 1 }]);
  const again = await Journal.open<Entry>(path);
  await again.append({ n: 3 });
  await again.close();
  expect(await read()).toEqual([{ n: 1 }, { n: 3 }]);
});

it('passes over damaged lines and a line too long to believe, and says which', async () => {
  const journal = await Journal.open<Entry>(path);
  await journal.close();
  await writeFile(path, `{"n":1}\n\0\0\0\n[1]\n"text"\n${'x'.repeat(3_000_000)}\n{"n":2}\n`);
  const damaged: number[] = [];
  expect(await read((line) => damaged.push(line))).toEqual([{ n: 1 }, { n: 2 }]);
  expect(damaged).toEqual([2, 3, 4, 5]);
  const long = await Journal.open<Entry>(path);
  await expect(long.append({ n: 1, text: 'x'.repeat(1_000_001) })).rejects.toThrow('too long');
  await long.close();
});

it('is rewritten short once it is long, and goes on', async () => {
  let last = 0;
  const journal = await Journal.open<Entry>(path, { compact: { aboveBytes: 2000, entries: () => [{ n: last }] } });
  for (let n = 1; n <= 1000; n++) {
    last = n;
    await journal.append({ n });
  }
  await journal.close();
  expect((await stat(path)).size).toBeLessThan(2100);
  const entries = await read();
  expect(entries.at(-1)).toEqual({ n: 1000 });
  expect(entries.slice(1).every((entry, i) => entry.n === entries[0]!.n + i + 1)).toBe(true);
  expect((await readFile(path, 'utf8')).endsWith('\n')).toBe(true);
});
