/** One frame is sent while the next is exposed: shown by the times in the files, on a clock that stands still until the client has them. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { simulatorBackend } from '../../../lib/camera/simulator.ts';
import { abortError, type Clock } from '../../../lib/clock/clock.ts';
import { ApplianceClient } from '../../../lib/field/appliance/client.ts';
import { readFrame } from '../../../lib/frame/read.ts';
import { temporaryFolder } from './counting-camera.ts';
import { serveAppliance } from './serve.ts';

const patience = { timeout: 60_000 };

/** Goes on only when it is told to. */
class StepClock implements Clock {
  readonly rate = 1;
  private at: number;
  private sleepers: { until: number; wake: () => void }[] = [];
  constructor(start: number) {
    this.at = start;
  }
  now() {
    return this.at;
  }
  sleep(milliseconds: number, signal?: AbortSignal): Promise<void> {
    return new Promise((resolve, reject) => {
      if (signal?.aborted) return reject(abortError(signal));
      const sleeper = { until: this.at + milliseconds, wake: resolve };
      this.sleepers.push(sleeper);
      signal?.addEventListener('abort', () => {
        this.sleepers = this.sleepers.filter((each) => each !== sleeper);
        reject(abortError(signal));
      });
    });
  }
  hold() {
    return () => {};
  }
  sleepsUntil(time: number): boolean {
    return this.sleepers.some(({ until }) => until === time);
  }
  advanceTo(time: number): void {
    this.at = time;
    const due = this.sleepers.filter(({ until }) => until <= time);
    this.sleepers = this.sleepers.filter(({ until }) => until > time);
    for (const { wake } of due) wake();
  }
}

it('sends a frame while the next one is exposed', { timeout: 120_000 }, async () => {
  const start = Date.UTC(2026, 2, 14, 20);
  const [count, exposureSeconds] = [4, 5];
  const clock = new StepClock(start);
  const camera = simulatorBackend.create({ sensor: 'demo' }, { clock, site: null });
  const { base } = await serveAppliance(camera, {}, undefined, { clock });
  const folder = await temporaryFolder();
  const client = new ApplianceClient({ url: base });
  const batch = await client.start({ count, exposure: { exposureSeconds } });
  const fetchedAt: number[] = [];
  const all = client.fetchAll(batch, { folder, onProgress: ({ file }) => file && fetchedAt.push(clock.now()) });

  const exposureMilliseconds = exposureSeconds * 1000;
  await expect.poll(() => clock.sleepsUntil(start + exposureMilliseconds), patience).toBe(true);
  for (let k = 1; k <= count; k++) {
    // Into the middle of exposure k + 1, and no further before frame k is on the client's disk.
    clock.advanceTo(start + (k + 0.5) * exposureMilliseconds);
    await expect.poll(() => fetchedAt.length, patience).toBe(k);
  }
  expect(await all).toMatchObject({ state: 'done', taken: count, lost: 0 });

  const names = (await readdir(folder)).toSorted();
  const frames = await Promise.all(names.map((name) => readFrame(join(folder, name))));
  expect(frames).toHaveLength(count);
  for (const [index, next] of frames.slice(1).entries()) {
    expect(Date.parse(next.start!), `frame ${index + 2} began`).toBeLessThan(fetchedAt[index]!);
    expect(Date.parse(next.end!), `frame ${index + 2} ended`).toBeGreaterThan(fetchedAt[index]!);
  }
});
