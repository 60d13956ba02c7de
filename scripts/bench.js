/** `npm run bench` lists the benches; `npm run bench -- NAME` runs one and ends with one JSON line. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { allocatorEnvironment } from './allocator.js';
import { build } from './build.js';
import { install } from './install.js';
import { nodeProgram, root, run } from './toolchain.js';

const folder = join(root, 'bench');
const suffix = '.bench.ts';
const names = readdirSync(folder)
  .filter((file) => file.endsWith(suffix))
  .map((file) => file.slice(0, -suffix.length))
  .sort();

const name = process.argv[2];
if (name === undefined) {
  const width = Math.max(0, ...names.map((each) => each.length));
  for (const each of names) console.log(`${each.padEnd(width)}  ${descriptionOf(each)}`);
  console.log('\nRun one: npm run bench -- NAME');
} else if (!names.includes(name)) {
  console.error(`There is no bench "${name}". There are: ${names.join(', ')}`);
  process.exitCode = 2;
} else if (!(await install()) || !(await build())) process.exitCode = 1;
else {
  // Ours runs as `npm start` runs it; run.ts keeps it from the peers.
  const env = { ...process.env, ...allocatorEnvironment() };
  process.exitCode = await run(nodeProgram(), [join(folder, 'run.ts'), name, ...process.argv.slice(3)], { env });
}

/** The first line of the file's first comment. */
function descriptionOf(each) {
  const text = readFileSync(join(folder, each + suffix), 'utf8');
  return /\/\*\*\s*\**\s*(.*?)\s*(?:\*\/|\r?\n)/.exec(text)?.[1] ?? '';
}
