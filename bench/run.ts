/** Runs one bench under Node 24 and ends with its JSON line; `npm run bench -- NAME` starts it. */
import { type Bench, summary } from './harness.ts';

// Read by malloc before this line; a peer runs as its user would start it.
delete process.env.GLIBC_TUNABLES;

const name = process.argv[2] ?? '';
const bench = (await import(new URL(`./${name}.bench.ts`, import.meta.url).href)) as { default: Bench };
const lines = [await bench.default()].flat();
const line = summary(lines);
console.log(JSON.stringify(line));
process.exit(line.pass ? 0 : 1);
