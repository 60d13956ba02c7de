/** The status line of a node beside a camera that is being brought back: each step, and that it is there again. */
import type { RecoveryState } from '../../lib/camera/camera.ts';
import { isoTime } from '../../lib/clock/clock.ts';
import type { NodeConfig } from '../inputs.ts';
import { type StatusState, showStatus } from '../status.ts';
import type { CameraNode, Node, NodeAPI } from '../types.ts';

type Say = (key: string, values: Record<string, unknown>) => string;

/** @param next UTC ms of the next attempt, where that is known */
export function recoveryStatus(say: Say, state: RecoveryState, next: number | null): [StatusState, string] {
  const { step, of, what, since, needsPerson } = state;
  if (!needsPerson && next === null) return ['waiting', say('recovering-step', { step, of, what })];
  const again = next === null ? '' : say('recovering-next', { time: timeOf(next) });
  return ['waiting', [say('recovering-since', { time: timeOf(since) }), again, `${what}.`].filter(Boolean).join(' · ')];
}

/** Until the node is closed. Its locale has `recovering-step`, `recovering-since`, `recovering-next` and `recovered` among its statuses. */
export function watchRecovery(RED: NodeAPI, node: Node, config: NodeConfig): void {
  const cameraNode = RED.nodes.getNode(String(config.camera ?? '')) as CameraNode | null;
  if (typeof cameraNode?.onRecovery !== 'function') return;
  const say: Say = (key, values) => RED._(`${node.type}.status.${key}`, values as never);
  const off = cameraNode.onRecovery((state) => {
    if (state) showStatus(node, ...recoveryStatus(say, state, null));
    else showStatus(node, 'done', say('recovered', {}));
  });
  node.on('close', off);
}

const timeOf = (milliseconds: number): string => isoTime(milliseconds).slice(11, 19);
