#!/usr/bin/env node
/** `nightflow-capture --help`: takes a batch on a RAW appliance and fetches it, frame by frame, while the next are exposed. */
import { asNightflowError } from '../../process/errors.ts';
import { CaptureBar } from './capture-bar.ts';
import { loginOf } from './capture-login.ts';
import { batchOf, help, numberOf, readOptions, resumeCommand, urlOf } from './capture-options.ts';
import { ApplianceClient } from './client.ts';

/** What the command ends with; `help` names them. */
const exit = { done: 0, refused: 1, endedEarly: 2, lost: 3, stopped: 130 } as const;

async function main(): Promise<number> {
  const { values, positionals } = readOptions(process.argv.slice(2));
  if (values.help) {
    console.log(help);
    return exit.done;
  }
  const url = urlOf(values);
  const parallel = numberOf('parallel', values.parallel, 1, 16);
  const wanted = values.resume || values.abort ? null : batchOf(values, positionals);
  const client = new ApplianceClient({ url, ...(await loginOf(values)) });
  const stop = new AbortController();
  process.once('SIGINT', () => stop.abort());
  process.once('SIGTERM', () => stop.abort());
  const { signal } = stop;
  if (values.abort) {
    await client.abort(values.abort);
    if (!values.resume) return exit.done;
  }
  const id = wanted ? await client.start(wanted, signal) : values.resume!;
  // Once, before the patience with a line that breaks: who mistyped the host learns it at once.
  if (!wanted) await client.batch(id, undefined, signal);
  const bar = new CaptureBar(process.stderr);
  try {
    const batch = await client.fetchAll(id, {
      folder: values.out,
      parallel,
      keepThere: values.keep,
      signal,
      onProgress: (progress) => bar.show(progress),
    });
    bar.end();
    const gone = bar.gone > 0 ? ` Another client has fetched ${bar.gone}.` : '';
    const lost = batch.lost > 0 ? ` The camera lost ${batch.lost} frames besides.` : '';
    console.log(`${amount(bar.fetched)} in ${values.out}.${gone}${lost}`);
    if (batch.state === 'done') return exit.done;
    // A power cut may take back what was acknowledged last.
    const taken = Math.max(batch.taken, bar.here);
    console.error(`The batch ended after ${taken} of ${batch.count}: ${batch.message ?? batch.state}`);
    return exit.endedEarly;
  } catch (thrown) {
    bar.end();
    console.error(`${amount(bar.fetched)} in ${values.out}. The rest comes with: ${resumeCommand(id, values)}`);
    throw thrown;
  }
}

const amount = (frames: number): string => (frames === 1 ? '1 frame is' : `${frames} frames are`);

try {
  process.exitCode = await main();
} catch (thrown) {
  const { code, message, remedy } = asNightflowError(thrown);
  if (code !== 'aborted') console.error([message, remedy].filter(Boolean).join(' '));
  process.exitCode =
    code === 'aborted' ? exit.stopped : code === 'lost' || code === 'timeout' ? exit.lost : exit.refused;
}
