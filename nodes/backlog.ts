/** How much picture memory waits in our nodes' queues: the capture node pauses between frames rather than fill the machine. */
import { freemem, totalmem } from 'node:os';

let waitingBytes = 0;
let listeners: (() => void)[] = [];

/** A quarter of the memory, between 256 MB and 4 GB. */
export const backlogLimitBytes = Math.min(4e9, Math.max(256e6, totalmem() / 4));

export function enterBacklog(bytes: number): () => void {
  waitingBytes += bytes;
  let waiting = true;
  return () => {
    if (!waiting) return;
    waiting = false;
    waitingBytes -= bytes;
    const woken = listeners;
    listeners = [];
    for (const wake of woken) wake();
  };
}

export const backlogBytes = (): number => waitingBytes;

/** Whether another frame would be too much: the queues are long, or the machine is nearly out of memory while frames wait. */
export const backlogFull = (): boolean => waitingBytes > backlogLimitBytes || (waitingBytes > 0 && freemem() < 100e6);

/** Resolves as soon as the nodes have caught up. */
export async function backlogRoom(signal?: AbortSignal): Promise<void> {
  while (backlogFull() && !signal?.aborted)
    await new Promise<void>((resolve) => {
      listeners.push(resolve);
      signal?.addEventListener('abort', () => resolve(), { once: true });
    });
}
