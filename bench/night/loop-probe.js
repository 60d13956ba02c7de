/** A process that does nothing but watch how late its timers are: what the machine's other work alone does to an event loop. Ends when it is told to. */
import { monitorEventLoopDelay } from 'node:perf_hooks';

const loop = monitorEventLoopDelay({ resolution: Number(process.argv[2]) });
process.on('message', (word) => {
  if (word === 'begin') loop.enable();
  else process.send({ p99: loop.percentile(99), maximum: loop.max }, () => process.exit(0));
});
