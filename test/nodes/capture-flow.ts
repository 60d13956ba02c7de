/** A capture node with a scripted camera under the sky of Tromsø, its sinks, and a user directory of its own, for the tests of `astro-capture`. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach } from 'vitest';
import astroCapture from '../../nodes/camera/astro-capture.ts';
import astroCamera from '../../nodes/config/astro-camera.ts';
import astroSite from '../../nodes/config/astro-site.ts';
import type { AstroMessage } from '../../nodes/types.ts';
import { type FlowNode, type RunningFlow, startFlow, stopFlow } from './harness.ts';
import { type ScriptedCameras, useScriptedCamera } from './scripted-camera.ts';

export const captureNodes = [astroSite, astroCamera, astroCapture];
/** An evening in Tromsø, by day: the Sun sinks below -6° at 17:37:21 UTC and rises above it at 04:07:09 (astropy 5.2.1, no refraction). */
const site = {
  id: 'site',
  type: 'astro-site',
  latitude: '69.6492',
  longitude: '18.9553',
  timeZone: 'Europe/Oslo',
  clock: 'rehearsal',
  clockStart: '2026-03-14T16:00:00Z',
  clockRate: 'max',
};

export const captureFlow = (
  capture: Record<string, unknown> = {},
  siteChanges: Record<string, unknown> = {},
): FlowNode[] => [
  { ...site, ...siteChanges },
  { id: 'camera', type: 'astro-camera', name: 'Roof', backend: 'scripted', site: 'site' },
  {
    id: 'capture',
    type: 'astro-capture',
    name: 'Night',
    camera: 'camera',
    exposureSeconds: '10',
    keep: 'none',
    freeGigabytes: '0',
    ...capture,
    wires: [['frames'], ['events']],
  },
  { id: 'frames', type: 'helper', wires: [] },
  { id: 'events', type: 'helper', wires: [] },
  { id: 'catcher', type: 'catch', scope: null, wires: [['errors']] },
  { id: 'errors', type: 'helper', wires: [] },
];
/** A rehearsal in which a test has time to send a command: an hour is 3.6 s. */
export const slowly = { clockRate: '1000' };

/** What each test gets anew. */
export const bench = {} as { made: ScriptedCameras; userDir: string };

/** Gives each test of a file its own camera and user directory, and stops its flow. */
export function useCaptureFlow(): void {
  beforeEach(async () => {
    bench.made = useScriptedCamera();
    bench.userDir = await mkdtemp(join(tmpdir(), 'nightflow-capture-'));
  });
  afterEach(async () => {
    await stopFlow();
    bench.made.remove();
    await rm(bench.userDir, { recursive: true, force: true });
  });
}

export const startCapture = (
  capture?: Record<string, unknown>,
  siteChanges?: Record<string, unknown>,
): Promise<RunningFlow> => startFlow(captureNodes, captureFlow(capture, siteChanges), { userDir: bench.userDir });

export const event = (name: string) => (msg: AstroMessage) => msg.event === name;
export const numbers = (messages: AstroMessage[]) => messages.map((msg) => (msg.payload as { n: number }).n);
export const errorOf = async (running: RunningFlow) =>
  (await running.sink('errors').first()).error as { message: string };
