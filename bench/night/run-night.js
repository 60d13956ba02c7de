/**
 * A night through the star-trail flow in a Node-RED of its own, on a clock that jumps; prints one JSON line with what it cost.
 * Arguments: hours of the night, seconds of an exposure, `none` or `all` for the frames to keep, an empty folder.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { createRequire } from 'node:module';
import { join } from 'node:path';
import { monitorEventLoopDelay } from 'node:perf_hooks';

const [hours, exposureSeconds, keep, userDir] = process.argv.slice(2);
const root = join(import.meta.dirname, '..', '..');
const frames = Math.round((Number(hours) * 3600) / Number(exposureSeconds));
const RED = createRequire(import.meta.url)('node-red');

/** The shipped flow with our camera, our clock, and a plan of so many frames. */
function nightFlow() {
  const flow = JSON.parse(readFileSync(join(root, 'flows', 'star-trails.json'), 'utf8'));
  for (const node of flow) {
    if (node.type === 'astro-camera') Object.assign(node, { type: 'bench-camera', pictures: 6 });
    if (node.type === 'astro-site') Object.assign(node, { clockRate: 'max', archiveFolder: join(userDir, 'archive') });
    if (node.name === 'Stacks') node.stackSeconds = '60';
    if (node.type === 'astro-capture')
      Object.assign(node, {
        exposureSeconds,
        mode: 'count',
        count: String(frames),
        startAt: 'deploy',
        stopAt: 'never',
        everyNight: false,
        keep,
        freeGigabytes: '0',
      });
  }
  return flow;
}

const resolution = 5;
const loop = monitorEventLoopDelay({ resolution });
const hourly = [];
let taken = 0;
let finished;
const end = new Promise((resolve) => {
  finished = resolve;
});
const flow = nightFlow();
const idOf = (name) => flow.find((node) => node.name === name).id;
const [capture, minutes, trail, film] = ['Exposures', 'Stacks', 'Trail of the night', 'Film of the night'].map(idOf);
const results = { stacks: 0, trailFrames: 0, filmFrames: 0, errors: [] };

function watch(events) {
  for (const { source, destination, msg } of events) {
    // One event for each wire: the frame is counted on one of them.
    if (source.id === capture && msg.frame && destination.id === trail) {
      if (taken === 0) begin();
      taken++;
      if (taken % Math.round(3600 / exposureSeconds) === 0) hourly.push(memory());
    }
    if (source.id === minutes && source.port === 0 && msg.frame) results.stacks++;
    if (source.id === trail && source.port === 0 && msg.frame) {
      results.trailFrames = msg.frame.combined;
    }
    if (source.id === film && source.port === 0 && msg.film) results.filmFrames = msg.film.frames;
    if (source.id === capture && msg.event === 'end') finished(msg.payload);
  }
}

let cpuAtStart;
let wallAtStart;
function begin() {
  cpuAtStart = cpuNow();
  wallAtStart = performance.now();
  loop.enable();
}
/** CPU seconds of this process and of the programs it ran to their end (ffmpeg). */
function cpuNow() {
  const used = process.cpuUsage();
  const [, fields] = readFileSync('/proc/self/stat', 'utf8').split(') ');
  const [children, childrenSystem] = fields.split(' ').slice(13, 15).map(Number);
  return (used.user + used.system) / 1e6 + (children + childrenSystem) / 100;
}
const memory = () => Math.round(process.memoryUsage.rss() / 1e6);

const server = createServer();
RED.init(server, {
  userDir,
  flowFile: join(userDir, 'flows.json'),
  nodesDir: [root, join(import.meta.dirname, 'nodes')],
  httpAdminRoot: '/',
  httpNodeRoot: '/',
  credentialSecret: false,
  telemetry: { enabled: false },
  logging: { console: { level: 'warn' } },
});
await RED.start();
RED.hooks.add('onSend.bench', watch);
RED.hooks.add('onComplete.bench', ({ error, node }) => {
  if (error) results.errors.push(`${node.node.name}: ${error.message}`);
});
await RED.runtime.flows.setFlows({ flows: { flows: flow } });

const summary = await end;
// The trail and the film end after the capture.
const patienceMs = 20 * 60_000;
const over = () => results.trailFrames > 0 && results.filmFrames > 0;
for (const ended = performance.now(); !over() && performance.now() - ended < patienceMs; )
  await new Promise((resolve) => setTimeout(resolve, 200));
await new Promise((resolve) => setTimeout(resolve, 3000));
loop.disable();
const cpuSeconds = cpuNow() - cpuAtStart;
const files = readdirSync(join(userDir, 'archive'), { recursive: true });
const count = (pattern) => files.filter((file) => pattern.test(file)).length;
console.log(
  JSON.stringify({
    frames,
    taken,
    summary,
    ...results,
    hourlyMegabytes: hourly,
    cpuSecondsPerFrame: cpuSeconds / Math.max(1, taken),
    wallSeconds: (performance.now() - wallAtStart) / 1000,
    loopMilliseconds: { p50: millis(50), p99: millis(99), maximum: Math.max(0, loop.max / 1e6 - resolution) },
    files: {
      stacks: count(/stacks\/.*\.jpg$/),
      trails: count(/trail.*\.fits$/),
      frames: count(/frames\/.*\.fits$/),
      films: count(/\.mp4$/),
    },
  }),
);
process.exit(0);

/** The delay beyond the timer's own interval. */
function millis(percentile) {
  return Math.max(0, loop.percentile(percentile) / 1e6 - resolution);
}
