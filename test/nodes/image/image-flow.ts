/** A flow with one image node, its site on a fresh archive folder, a sink per output and a Catch. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import registerSite from '../../../nodes/config/astro-site.ts';
import { type FlowNode, type NodeModule, type RunningFlow, startFlow, stopFlow } from '../harness.ts';

export interface ImageFlow extends RunningFlow {
  archiveFolder: string;
}

let archiveFolder: string | null = null;

/** Sinks: 'one', 'two', 'failures'. The archive of an earlier flow of the same test is used again. */
export async function startImageFlow(
  node: NodeModule,
  type: string,
  settings: Record<string, unknown> = {},
  nodeRed: Record<string, unknown> = {},
  siteChanges: Record<string, unknown> = {},
): Promise<ImageFlow> {
  archiveFolder ??= await mkdtemp(join(tmpdir(), 'nightflow-archive-'));
  const site = {
    latitude: '60',
    longitude: '10',
    timeZone: 'Europe/Oslo',
    clock: 'real',
    archiveFolder,
    ...siteChanges,
  };
  const flow: FlowNode[] = [
    { id: 'site1', type: 'astro-site', ...site },
    { id: 'n', type, site: 'site1', ...settings, wires: [['one'], ['two']] },
    { id: 'c', type: 'catch', scope: ['n'], wires: [['failures']] },
    ...['one', 'two', 'failures'].map((id) => ({ id, type: 'helper', wires: [] })),
  ];
  return Object.assign(await startFlow([registerSite, node], flow, { settings: nodeRed }), { archiveFolder });
}

/** For afterEach. */
export async function stopImageFlow(): Promise<void> {
  await stopFlow();
  if (archiveFolder) await rm(archiveFolder, { recursive: true, force: true });
  archiveFolder = null;
}
