/** Frames that a fast run took while its connection was away: counted from the hole between the driver's stamps. */
import { describe, expect, it } from 'vitest';
import type { RecoveryState } from '../../lib/camera/camera.ts';
import { HoleCounter } from '../../lib/camera/hole-counter.ts';
import { indiBackend } from '../../lib/camera/indi.ts';
import { realClock } from '../../lib/clock/clock.ts';
import { names, simulatedWorld } from '../indi/simulator-world.ts';
import { startProxy } from '../real/proxy.ts';

const at = (seconds: number) => Date.parse('2026-03-20T18:00:00Z') + seconds * 1000;

describe('a hole in a run of 2 s', () => {
  it('is counted in frames once the connection broke, behind those that had come already', () => {
    const holes = new HoleCounter(2);
    expect([0, 2.01, 4.02].map((start) => holes.missingBefore(at(start)))).toEqual([0, 0, 0]);
    holes.broke();
    // Still on its way when it broke; then three are missing.
    expect(holes.missingBefore(at(6.03))).toBe(0);
    expect(holes.missingBefore(at(14.07))).toBe(3);
    expect(holes.missingBefore(at(16.08))).toBe(0);
  });

  it('is none without a break, at another pace after the run, or where nothing is stamped', () => {
    const holes = new HoleCounter(2);
    for (const start of [0, 2, 9]) expect(holes.missingBefore(at(start))).toBe(0);
    holes.broke();
    holes.ended();
    expect(holes.missingBefore(at(20))).toBe(0);
    holes.broke();
    expect(holes.missingBefore(null)).toBe(0);
    expect(holes.missingBefore(at(90))).toBe(0);
  });
});

it('frames of an outage are counted, and a recovery is told', async () => {
  const world = await simulatedWorld(['camera'], { camera: { width: 64, height: 48 } }, 1);
  const proxy = await startProxy(world.port);
  const site = { name: 'Here', latitude: 0, longitude: 0, elevation: 0 };
  const camera = indiBackend.create(
    { host: '127.0.0.1', port: proxy.port, device: names.camera },
    { clock: realClock, site },
  );
  const outage = async () => {
    proxy.cut();
    proxy.drop();
    await realClock.sleep(4500);
    proxy.mend();
    proxy.drop();
  };
  try {
    await camera.open();
    const told: (RecoveryState | null)[] = [];
    const off = camera.onRecovery!((state) => told.push(state));
    let frames = 0;
    let lost = 0;
    let first = 0;
    let last = 0;
    for await (const { frame, lostBefore } of camera.exposures({ exposureSeconds: 1 })) {
      frames++;
      lost += lostBefore;
      last = Date.parse(frame.start!);
      first ||= last;
      if (frames === 2) void outage();
      if (frames === 6) break;
    }
    expect(lost).toBeGreaterThanOrEqual(2);
    // Back to back: what came and what is told as lost fill the time, as far as a busy computer keeps it.
    const filled = Math.round((last - first) / 1000) + 1;
    expect(Math.abs(filled - frames - lost)).toBeLessThanOrEqual(2);
    expect(camera.warnings!().join(' ')).toContain('were lost while the connection was away');
    await camera.recover();
    expect(told.map((state) => state && `${state.step}/${state.of} ${state.what}`)).toEqual([
      '1/3 the INDI server is reached',
      `2/3 the driver of ${names.camera} is asked whether it answers`,
      `3/3 ${names.camera} is connected with its settings`,
      null,
    ]);
    off();
  } finally {
    await camera.close();
    proxy.close();
    await world.end();
  }
}, 120_000);
