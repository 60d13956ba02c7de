/** A flow with one node of an INDI device on the simulated observatory, a winter midnight under a fast clock; a sink per output and a Catch. */
import astroIndi from '../../../nodes/config/astro-indi.ts';
import astroSite from '../../../nodes/config/astro-site.ts';
import type { AstroMessage, IndiNode } from '../../../nodes/types.ts';
import { type FlowNode, type NodeModule, type RunningFlow, startFlow } from '../harness.ts';

export interface DeviceFlow extends RunningFlow {
  indi: IndiNode;
  /** The next message of output 1 and those before it. */
  done(count?: number): Promise<AstroMessage[]>;
  event(name: string, fits?: (msg: AstroMessage) => boolean): Promise<AstroMessage>;
  failure(): Promise<string>;
}

export interface DeviceFlowOptions {
  site?: Record<string, unknown>;
  indi?: Record<string, unknown>;
  modules?: NodeModule[];
  more?: FlowNode[];
}

/** The device node is 'n'. New Moon was on 2026-11-09. */
export async function startDevice(
  node: NodeModule,
  type: string,
  settings: Record<string, unknown> = {},
  { site = {}, indi = {}, modules = [], more = [] }: DeviceFlowOptions = {},
): Promise<DeviceFlow> {
  const place = { latitude: '51', longitude: '-2.3', elevation: '72', timeZone: 'UTC' };
  const clock = { clock: 'rehearsal', clockStart: '2026-11-12T00:00:00Z', clockRate: '20' };
  const running = await startFlow(
    [astroSite, astroIndi, node, ...modules],
    [
      { id: 'site', type: 'astro-site', ...place, ...clock, ...site },
      { id: 'indi', type: 'astro-indi', mode: 'simulator', site: 'site', ...indi },
      { id: 'n', type, indi: 'indi', ...settings, wires: [['one'], ['two']] },
      { id: 'catch', type: 'catch', scope: ['n'], wires: [['failures']] },
      ...['one', 'two', 'failures'].map((id) => ({ id, type: 'helper', wires: [] })),
      ...more,
    ],
  );
  return {
    ...running,
    indi: running.node('indi') as IndiNode,
    done: (count = 1) => running.sink('one').take(count),
    event: (name, fits = () => true) => running.sink('two').first((msg) => msg.event === name && fits(msg)),
    failure: async () => {
      const { error } = await running.sink('failures').first();
      return (error as { message: string }).message;
    },
  };
}
