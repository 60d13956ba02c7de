/** How much picture memory waits in our nodes' queues: the capture node pauses between frames rather than fill the machine. */
import { freemem, totalmem } from 'node:os';

/** How many queues each picture waits in; one that ten nodes share is in memory once. */
const waiting = new Map<SharedArrayBuffer, number>();
let waitingBytes = 0;
let listeners = new Set<() => void>();

/** A container may be allowed less than the machine has; 0 and huge numbers mean no limit. */
const memoryBytes = Math.min(totalmem(), process.constrainedMemory() || Infinity);

/** A quarter of the memory, between 256 MB and 4 GB. */
export const backlogLimitBytes = Math.min(4e9, Math.max(256e6, memoryBytes / 4));

/** Below this much free memory no further frame is taken while others wait. */
const lowMemoryBytes = 100e6;

/** Counts a frame's memory as waiting (its pixels, the camera's own file) until the returned function is called. */
export function enterBacklog(...pictures: (SharedArrayBuffer | undefined)[]): () => void {
  const leave = pictures.map(enter);
  return () => {
    for (const each of leave) each();
  };
}

function enter(picture: SharedArrayBuffer | undefined): () => void {
  if (picture === undefined) return () => {};
  const queues = waiting.get(picture) ?? 0;
  if (queues === 0) waitingBytes += picture.byteLength;
  waiting.set(picture, queues + 1);
  let here = true;
  return () => {
    if (!here) return;
    here = false;
    const left = waiting.get(picture)! - 1;
    if (left > 0) return void waiting.set(picture, left);
    waiting.delete(picture);
    waitingBytes -= picture.byteLength;
    const woken = listeners;
    listeners = new Set();
    for (const wake of woken) wake();
  };
}

export const backlogBytes = (): number => waitingBytes;

/** Whether another frame would be too much: the queues are long, or the machine is nearly out of memory while frames wait. */
export const backlogFull = (): boolean =>
  waitingBytes > backlogLimitBytes || (waitingBytes > 0 && freemem() < lowMemoryBytes);

/** Resolves as soon as the nodes have caught up, or when `signal` aborts. */
export async function backlogRoom(signal?: AbortSignal): Promise<void> {
  while (backlogFull() && !signal?.aborted)
    await new Promise<void>((resolve) => {
      const wake = () => {
        listeners.delete(wake);
        signal?.removeEventListener('abort', wake);
        resolve();
      };
      listeners.add(wake);
      signal?.addEventListener('abort', wake, { once: true });
    });
}
