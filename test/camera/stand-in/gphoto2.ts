/** gphoto2 without a body, for tests: run by the script of gphoto2-bin.ts as `node gphoto2.ts FOLDER PROGRAM PARAMETERS…`; also the programs that reset a USB device. Its shell echoes twice, as the real one. */
import { appendFileSync, existsSync, readFileSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Gphoto2Traps } from './gphoto2-bin.ts';
import { type BodyEntry, bodies } from './gphoto2-bodies.ts';
import { StandInBody } from './gphoto2-body.ts';

const [, , folder, called, ...parameters] = process.argv as [string, string, string, string, ...string[]];
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
const newPort = join(folder, 'port');
const authorized = join(folder, 'devices', '1-1', 'authorized');

note([...(called === 'gphoto2' ? [] : [called]), ...parameters].join(' '));
const portNow = () => (existsSync(newPort) ? readFileSync(newPort, 'utf8') : traps.port);
const connected = () =>
  traps.body === 'none' || existsSync(unplugged) ? [] : [portNow(), ...(traps.twinPort ? [traps.twinPort] : [])];
/** The body starts anew, as if it had been unplugged and plugged in. */
const startAnew = () => {
  for (const path of [deadUntilReset, unplugged]) rmSync(path, { force: true });
  if (traps.portAfterReset) writeFileSync(newPort, traps.portAfterReset);
};
const model = traps.body === 'none' ? '' : bodies[traps.body].model;

if (called === 'usbreset' || called === 'uhubctl') {
  if (traps.needsReset === (called === 'uhubctl' ? 'hub' : 'usbreset')) startAnew();
  else if (called === 'usbreset') fail('Resetting failed [Permission denied]\n');
} else if (parameters.includes('--auto-detect')) {
  out('Model                          Port            \n----------------------------------------------------------\n');
  for (const port of connected()) out(`${model.padEnd(30)} ${port.padEnd(16)}\n`);
} else if (parameters.includes('--reset')) {
  if (traps.needsReset === 'gphoto2') startAnew();
} else if (parameters.includes('--shell')) await shell();

async function shell(): Promise<void> {
  const port = valueAfter('--port') ?? portNow();
  if (!connected().includes(port))
    fail(
      "\n*** Error ***              \nCould not detect any camera\n*** Error (-105: 'Unknown model') ***       \n\n",
    );
  if (traps.claimed)
    fail(
      "\n*** Error ***              \nAn error occurred in the io-library ('Could not claim the USB device'): Could not claim interface 0 (Device or resource busy). Make sure no other program (gvfs-gphoto2-volume-monitor) or kernel module (such as sdc2xx, stv680, spca50x) is using the device and you have read/write access to the device.\n*** Error (-53: 'Could not claim the USB device') ***       \n\n",
    );
  // The kernel's file ends in a new line until somebody wrote to it.
  if (traps.needsReset === 'authorized' && readFileSync(authorized, 'utf8') === '1') startAnew();
  if (traps.needsReset && existsSync(deadUntilReset)) fail("*** Error (-7: 'I/O problem') ***       \n\n");
  await sleep(traps.openMilliseconds);
  const body = bodies[traps.body as keyof typeof bodies];
  const entries: BodyEntry[] = body.entries.map((entry) =>
    entry.path.endsWith('/serialnumber')
      ? { ...entry, value: port === traps.twinPort ? 'other' : traps.serial }
      : { ...entry },
  );
  // The real one writes each download to a file here first.
  note(`cwd ${process.cwd()}`);
  const camera = new StandInBody(entries, body.extension, folder, {
    pattern: valueAfter('--filename')!,
    keep: parameters.includes('--keep'),
  });
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
