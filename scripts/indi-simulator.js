/** `node scripts/indi-simulator.js --help`: an INDI server with a simulated observatory, for any INDI client. Ctrl-C ends it. */
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { isAtLeast, nodeProgram, run } from './toolchain.js';

const help = `An INDI server with a simulated observatory.

  --port 7624            --host 127.0.0.1 (anybody who reaches it may command it)
  --latitude 51.48       --longitude 0      --elevation 46
  --start 2026-11-12T00:00:00Z   begin at this moment; now when absent
  --rate 1               how much faster than life
  --devices mount,camera,focuser,wheel,dome,weather
  --focal-length 135     --aperture 34      millimetres
  --pointing-error 0     arcminutes in right ascension and in declination
  --seed 1
  --explain              refuse with the reason what real drivers drop without a word`;

const text = (value) => ({ type: 'string', default: value });
const { values } = parseArgs({
  options: {
    port: text('7624'),
    host: text('127.0.0.1'),
    latitude: text('51.48'),
    longitude: text('0'),
    elevation: text('46'),
    start: { type: 'string' },
    rate: text('1'),
    devices: { type: 'string' },
    'focal-length': text('135'),
    aperture: text('34'),
    'pointing-error': text('0'),
    seed: text('1'),
    explain: { type: 'boolean' },
    help: { type: 'boolean', short: 'h' },
  },
});

if (values.help) console.log(help);
// Runs the sources as they are, which Node does from 22.18 on.
else if (!isAtLeast(process.versions.node, '22.18.0'))
  process.exitCode = await run(nodeProgram(), [fileURLToPath(import.meta.url), ...process.argv.slice(2)]);
else await start();

async function start() {
  const { RehearsalClock } = await import('../lib/clock/rehearsal.ts');
  const { realClock } = await import('../lib/clock/clock.ts');
  const { IndiSimulator } = await import('../lib/indi/simulator/simulator.ts');
  const { parseSite } = await import('../lib/sky/site.ts');
  const rate = Number(values.rate);
  const clock =
    values.start === undefined && rate === 1
      ? realClock
      : new RehearsalClock(values.start === undefined ? Date.now() : Date.parse(values.start), rate);
  const error = Number(values['pointing-error']);
  try {
    const simulator = new IndiSimulator(
      {
        ...(values.devices === undefined ? {} : { devices: values.devices.split(',') }),
        optics: {
          focalLengthMillimetres: Number(values['focal-length']),
          apertureMillimetres: Number(values.aperture),
        },
        pointing: { raArcminutes: error, decArcminutes: error },
        seed: Number(values.seed),
        validation: values.explain ? 'explained' : 'silent',
      },
      { clock, site: parseSite(values) },
    );
    const port = await simulator.listen(Number(values.port), values.host);
    console.log(`A simulated observatory answers INDI clients at ${values.host}:${port}. Ctrl-C ends it.`);
    for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => simulator.close());
  } catch (error) {
    console.error(error.remedy ? `${error.message} ${error.remedy}` : error.message);
    process.exitCode = 1;
  }
}
