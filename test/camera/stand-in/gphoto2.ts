/** gphoto2 without a body, for tests: run by the script of gphoto2-bin.ts as `node gphoto2.ts FOLDER PARAMETERS…`. Its shell echoes twice, as the real one. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gphoto2Traps } from './gphoto2-bin.ts';
import { type BodyEntry, bodies } from './gphoto2-bodies.ts';
import { StandInBody } from './gphoto2-body.ts';

const [, , folder, ...parameters] = process.argv as [string, string, string, ...string[]];
const read = () => JSON.parse(readFileSync(join(folder, 'traps.json'), 'utf8')) as Gphoto2Traps;
const traps = read();
const note = (line: string) => appendFileSync(join(folder, 'calls.txt'), `${line}\n`);
const out = (text: string) => writeSync(1, text);
const complain = (text: string) => writeSync(2, text);
const valueAfter = (name: string) => {
  const at = parameters.indexOf(name);
  return at < 0 ? undefined : parameters[at + 1];
};
const unplugged = join(folder, 'unplugged');
const deadUntilReset = join(folder, 'dead');

note(parameters.join(' '));
const connected = () =>
  traps.body === 'none' || existsSync(unplugged) ? [] : [traps.port, ...(traps.twinPort ? [traps.twinPort] : [])];
const model = traps.body === 'none' ? '' : bodies[traps.body].model;

if (parameters.includes('--auto-detect')) {
  out('Model                          Port            \n----------------------------------------------------------\n');
  for (const port of connected()) out(`${model.padEnd(30)} ${port.padEnd(16)}\n`);
} else if (parameters.includes('--reset')) {
  rmSync(deadUntilReset, { force: true });
} else if (parameters.includes('--shell')) await shell();

async function shell(): Promise<void> {
  const port = valueAfter('--port') ?? traps.port;
  if (!connected().includes(port))
    fail(
      "\n*** Error ***              \nCould not detect any camera\n*** Error (-105: 'Unknown model') ***       \n\n",
    );
  if (traps.claimed)
    fail(
      "\n*** Error ***              \nAn error occurred in the io-library ('Could not claim the USB device'): Could not claim interface 0 (Device or resource busy). Make sure no other program (gvfs-gphoto2-volume-monitor) or kernel module (such as sdc2xx, stv680, spca50x) is using the device and you have read/write access to the device.\n*** Error (-53: 'Could not claim the USB device') ***       \n\n",
    );
  if (traps.needsReset && existsSync(deadUntilReset)) fail("*** Error (-7: 'I/O problem') ***       \n\n");
  await sleep(traps.openMilliseconds);
  const body = bodies[traps.body as keyof typeof bodies];
  const entries: BodyEntry[] = body.entries.map((entry) =>
    entry.path.endsWith('/serialnumber')
      ? { ...entry, value: port === traps.twinPort ? 'other' : traps.serial }
      : { ...entry },
  );
  const camera = new StandInBody(entries, body.extension, valueAfter('--filename')!, folder);
  const prompt = () => out(`gphoto2: {${process.cwd()}} /> `);
  prompt();
  for await (const command of createInterface({ input: process.stdin })) {
    note(`> ${command}`);
    out(`${command}\n${command}\n`);
    if (command === 'exit' || command === 'quit') process.exit(0);
    await camera.obey(command, read());
    prompt();
  }
}

function fail(text: string): never {
  complain(text);
  process.exit(1);
}
