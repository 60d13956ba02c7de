/** A node's status line: our five states, and not so often that a fast rehearsal floods every open editor. */
import type { Node, NodeStatus } from 'node-red';
import { realClock } from '../lib/clock/clock.ts';

export type StatusState = 'idle' | 'working' | 'done' | 'waiting' | 'failed';

const statusLook = {
  idle: { fill: 'grey', shape: 'ring' },
  working: { fill: 'blue', shape: 'dot' },
  done: { fill: 'green', shape: 'dot' },
  waiting: { fill: 'yellow', shape: 'ring' },
  failed: { fill: 'red', shape: 'ring' },
} as const;

/** So many in a row go out at once, then one each interval, the newest always among them. */
const burst = 20;
const intervalMilliseconds = 200;

interface Line {
  allowance: number;
  refilledAt: number;
  pending: NodeStatus | null;
  closing: AbortController;
}

const lines = new WeakMap<Node, Line>();

/** Shows a state and a text (already translated: RED._('astro-x.status.y', {…})). */
export function showStatus(node: Node, state: StatusState, text: string): void {
  const status = { ...statusLook[state], text };
  const line = lineOf(node);
  // The status line is for eyes: its pace is that of the real clock, however fast the night runs.
  const now = performance.now();
  line.allowance = Math.min(burst, line.allowance + (now - line.refilledAt) / intervalMilliseconds);
  line.refilledAt = now;
  const already = line.pending !== null;
  if (state === 'failed' || (!already && line.allowance >= 1)) {
    line.pending = null;
    line.allowance = Math.max(0, line.allowance - 1);
    node.status(status);
    return;
  }
  line.pending = status;
  if (already) return;
  realClock.sleep(intervalMilliseconds, line.closing.signal).then(
    () => {
      if (line.pending) node.status(line.pending);
      line.pending = null;
      line.allowance = 0;
      line.refilledAt = performance.now();
    },
    () => {},
  );
}

function lineOf(node: Node): Line {
  let line = lines.get(node);
  if (!line) {
    const closing = new AbortController();
    line = { allowance: burst, refilledAt: performance.now(), pending: null, closing };
    lines.set(node, line);
    node.on('close', () => closing.abort());
  }
  return line;
}
