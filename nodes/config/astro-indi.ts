/** `astro-indi`: one INDI server with its devices, shared by all nodes that name it. */
import type { NodeAPI } from 'node-red';
import { realClock } from '../../lib/clock/clock.ts';
import { IndiObservatory } from '../../lib/indi/observatory.ts';
import { type ObservatoryEvent, sentenceOf, withRemedy } from '../../lib/indi/observatory-report.ts';
import { asNightflowError, type NightflowError } from '../../lib/process/errors.ts';
import { type NodeConfig, nodeLabel } from '../inputs.ts';
import { type IndiNode, siteOf } from '../types.ts';
import { serveIndiLists } from './indi-lists.ts';
import { readServer } from './indi-server-options.ts';

/** A driver that says the same thing all night says it once in so long, ms. */
const repeatMilliseconds = 600_000;

export default function (RED: NodeAPI): void {
  serveIndiLists(RED);

  RED.nodes.registerType('astro-indi', function (this: IndiNode, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    this.siteNode = siteOf(RED, config.site);
    this.observatory = null;
    this.problem = null;
    const closing = new AbortController();
    const clock = this.siteNode?.clock ?? realClock;
    try {
      if (this.siteNode?.problem) throw this.siteNode.problem;
      const { autoStart, ...options } = readServer(config);
      const observatory = new IndiObservatory({ ...options, clock, site: this.siteNode?.site ?? null });
      const say = logger(this, nodeLabel(this));
      observatory.on('event', say.event);
      this.observatory = observatory;
      if (clock.rate !== 1 && options.server.kind !== 'simulator') this.warn(RED._('astro-indi.warning.rehearsal'));
      if (autoStart) observatory.keepStarting(closing.signal, say.failure).catch(() => {});
    } catch (thrown) {
      this.problem = asNightflowError(thrown, `${nodeLabel(this)} can't be used`);
      this.error(this.problem.message);
    }

    const usable = (): IndiObservatory => {
      if (this.observatory) return this.observatory;
      throw this.problem;
    };
    this.ready = async (signal) => usable().ready(signal);
    this.device = async (name, signal) => usable().device(name, signal);

    this.on('close', (done: () => void) => {
      closing.abort();
      Promise.resolve(this.observatory?.stop())
        .catch((thrown) => this.warn(asNightflowError(thrown).message))
        .finally(done);
    });
  });
}

/** What the server and its devices say, to Node-RED's log. */
function logger(
  node: IndiNode,
  label: string,
): { event(event: ObservatoryEvent): void; failure(error: NightflowError): void } {
  const saidAt = new Map<string, number>();
  const once = (text: string, say: (text: string) => void) => {
    const now = performance.now();
    if (now - (saidAt.get(text) ?? -Infinity) < repeatMilliseconds) return;
    if (saidAt.size > 1000) saidAt.clear();
    saidAt.set(text, now);
    say(text);
  };
  const warn = (text: string) => once(text, (each) => node.warn(each));
  const event = (event: ObservatoryEvent) => {
    const text = sentenceOf(event);
    if (event.what === 'log') once(text, (line) => node.log(`${label}: ${line}`));
    else if (troubles.has(event.what)) warn(text);
    else if (event.what === 'device-connected' && event.complaints.length > 0) warn(text);
  };
  return { event, failure: (error) => warn(withRemedy(error)) };
}

const troubles: ReadonlySet<ObservatoryEvent['what']> = new Set([
  'server-failed',
  'driver-gave-up',
  'disconnected',
  'device-lost',
  'device-failure',
]);
