/** `npm run password` sets the password that opens editor, dashboard and pictures to the network; `-- --remove` takes it away. */
import { chmodSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { createInterface } from 'node:readline';
import { Writable } from 'node:stream';
import { home } from './home.js';
import { bcrypt, passwordFile } from './login.js';

/** bcrypt looks at no more bytes than this. */
const longest = 72;
const usualUser = 'nightflow';
const file = passwordFile(home());

if (process.argv.includes('--remove')) {
  rmSync(file, { force: true });
  console.log('There is no password any more: Nightflow opens on this computer only.');
} else {
  const [name, password, again] = await ask([
    { text: `User name (${usualUser}): `, hidden: false },
    { text: 'New password: ', hidden: true },
    { text: 'Once more: ', hidden: true },
  ]);
  const user = name.trim() || usualUser;
  const complaint = complaintAbout(user, password, again);
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

function complaintAbout(user, password, again) {
  if (user.includes(':')) return 'The user name may not have a colon.';
  if (password.length < 8) return 'The password needs at least 8 characters.';
  if (Buffer.byteLength(password) > longest) return `The password may have at most ${longest} bytes.`;
  return password === again ? null : 'The two are not the same.';
}

/** Asks in turn, without showing what is typed where `hidden`; takes lines from a pipe as well. */
async function ask(questions) {
  let silent = false;
  const output = new Writable({
    write(chunk, _encoding, done) {
      if (!silent) process.stdout.write(chunk);
      done(); // at once: a chunk that waits would be judged by the next question
    },
  });
  const lines = createInterface({ input: process.stdin, output, terminal: process.stdin.isTTY ?? false });
  const answers = lines[Symbol.asyncIterator]();
  const given = [];
  for (const { text, hidden } of questions) {
    lines.setPrompt(text);
    lines.prompt();
    silent = hidden;
    given.push((await answers.next()).value ?? '');
    if (silent || !process.stdin.isTTY) process.stdout.write('\n');
    silent = false;
  }
  lines.close();
  return given;
}
