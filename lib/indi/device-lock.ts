/** One command at a time for each device and lane; who stops a motion does not queue behind it. */
import { NightflowError, throwIfAborted } from '../process/errors.ts';

interface Waiter {
  enter: () => void;
  refuse: (error: NightflowError) => void;
}

export class DeviceLocks {
  private readonly held = new Map<string, Waiter[]>();

  /** Runs `work` when nobody else holds `key`, in the order of asking. @throws aborted while waiting, and what `work` throws */
  async run<T>(key: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    await this.enter(key, signal);
    try {
      return await work();
    } finally {
      this.leave(key);
    }
  }

  /** Whether somebody holds it. */
  isHeld(key: string): boolean {
    return this.held.has(key);
  }

  private async enter(key: string, signal: AbortSignal | undefined): Promise<void> {
    throwIfAborted(signal);
    const queue = this.held.get(key);
    if (!queue) return void this.held.set(key, []);
    await new Promise<void>((resolve, reject) => {
      const waiter: Waiter = {
        enter: () => {
          signal?.removeEventListener('abort', onAbort);
          resolve();
        },
        refuse: reject,
      };
      const onAbort = () => {
        queue.splice(queue.indexOf(waiter), 1);
        waiter.refuse(new NightflowError('aborted', 'stopped'));
      };
      signal?.addEventListener('abort', onAbort, { once: true });
      queue.push(waiter);
    });
  }

  private leave(key: string): void {
    const next = this.held.get(key)?.shift();
    if (next) next.enter();
    else this.held.delete(key);
  }
}
