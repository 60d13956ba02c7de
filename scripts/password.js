/** `npm run password` sets the password that opens editor, dashboard and pictures to the network; `-- --remove` takes it away. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { home } from './home.js';
import { bcrypt, passwordFile } from './login.js';

/** bcrypt looks at no more bytes than this. */
const longest = 72;
const user = process.env.NIGHTFLOW_USER || 'nightflow';
const file = passwordFile(home());

if (process.argv.includes('--remove')) {
  rmSync(file, { force: true });
  console.log('There is no password any more: Nightflow opens on this computer only.');
} else {
  const [password, again] = await ask(['New password: ', 'Once more:    ']);
  const complaint = complaintAbout(password, again);
  if (complaint) {
    console.error(complaint);
    process.exit(1);
  }
  mkdirSync(home(), { recursive: true });
  writeFileSync(file, `${JSON.stringify({ user, hash: await bcrypt().hash(password, 10) })}\n`, { mode: 0o600 });
  chmodSync(file, 0o600);
  console.log(`Set. The user is "${user}". It counts from the next start; to open it to the network:`);
  console.log('NIGHTFLOW_HOST=0.0.0.0 npm start');
}

function complaintAbout(password, again) {
  if (password.length < 8) return 'The password needs at least 8 characters.';
  if (Buffer.byteLength(password) > longest) return `The password may have at most ${longest} bytes.`;
  return password === again ? null : 'The two are not the same.';
}

/** Asks without showing what is typed; takes lines from a pipe as well. */
async function ask(questions) {
  const silent = new Writable({ write: (_chunk, _encoding, done) => done() });
  const lines = createInterface({ input: process.stdin, output: silent, terminal: process.stdin.isTTY ?? false });
  const answers = lines[Symbol.asyncIterator]();
  const given = [];
  for (const question of questions) {
    process.stdout.write(question);
    given.push((await answers.next()).value ?? '');
    process.stdout.write('\n');
  }
  lines.close();
  return given;
}
