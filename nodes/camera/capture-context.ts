/** What a sequence of `astro-capture` runs with: its camera, opened, and that camera's site, clock and folders. */
import { resolve } from 'node:path';
import { realClock } from '../../lib/clock/clock.ts';
import { workFolder } from '../../lib/night/night-folder.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { retry } from '../../lib/process/retry.ts';
import { type NodeConfig, nodeLabel } from '../inputs.ts';
import { showStatus } from '../status.ts';
import type { CameraNode, Node, NodeAPI } from '../types.ts';
import type { CaptureContext } from './capture-run.ts';

/** The camera's reservation, once it is taken. */
export interface Taken {
  release?: () => void;
}

export interface OpenOptions {
  signal: AbortSignal;
  /** Ends the wait for the camera only. */
  giveUp: AbortSignal;
  taken: Taken;
  /** Waits for a camera that is not there yet (a Pi that boots before it) instead of failing. */
  patient: boolean;
}

/** @throws bad-input without a camera; what opening it throws */
export async function openCapture(
  RED: NodeAPI,
  node: Node,
  config: NodeConfig,
  { signal, giveUp, taken, patient }: OpenOptions,
): Promise<CaptureContext> {
  const cameraNode = cameraNodeOf(RED, config);
  const { siteNode } = cameraNode;
  const clock = siteNode?.clock ?? realClock;
  const translate = (key: string, values?: Record<string, unknown>) => RED._(key, values as never);
  const status: CaptureContext['status'] = (state, text) => showStatus(node, state, text);
  const onFailure = ({ message }: NightflowError) =>
    status('waiting', translate('astro-capture.status.recovering', { reason: message }));
  const wait = AbortSignal.any([signal, giveUp]);
  const camera = patient
    ? await retry(() => cameraNode.ready(wait), { clock, signal: wait, onFailure })
    : await cameraNode.ready(wait);
  return {
    camera,
    clock,
    site: siteNode?.site ?? null,
    archiveFolder: archiveFolder(RED, config),
    workFolder: captureFolder(RED, node, config),
    translate,
    send: (first, second) => node.send([first, second] as never),
    status,
    signal,
    profiles: () => cameraNode.profiles(),
    takeCamera: () => {
      taken.release ??= cameraNode.reserve(nodeLabel(node));
    },
  };
}

/** @throws bad-input */
export function cameraNodeOf(RED: NodeAPI, config: NodeConfig): CameraNode {
  const node = findCamera(RED, config);
  if (node) return node;
  throw new NightflowError('bad-input', 'No camera is chosen.', { remedy: 'Choose one in the node, and deploy.' });
}

/** Where a capture node keeps its journal. */
export const captureFolder = (RED: NodeAPI, node: Node, config: NodeConfig): string =>
  workFolder(archiveFolder(RED, config), node.id);

const archiveFolder = (RED: NodeAPI, config: NodeConfig): string =>
  findCamera(RED, config)?.siteNode?.archiveFolder ?? resolve(RED.settings.userDir ?? process.cwd(), 'archive');

function findCamera(RED: NodeAPI, config: NodeConfig): CameraNode | null {
  const node = RED.nodes.getNode(String(config.camera ?? '')) as CameraNode | null;
  return node && typeof node.ready === 'function' ? node : null;
}
