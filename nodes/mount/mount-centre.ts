/** Slew and centre, as `astro-mount` does it: with the camera and the solver of its settings. */
import type { IndiMount } from '../../lib/indi/devices/mount.ts';
import { type CentreResult, type CentreStep, slewAndCentre } from '../../lib/night/centre.ts';
import type { Target } from '../../lib/sky/target.ts';
import { engineNamed, engineNames } from '../../lib/solve/engines.ts';
import { cameraNodeOf } from '../camera/capture-context.ts';
import { type InputTable, type NodeConfig, nodeLabel, type Settings } from '../inputs.ts';
import type { Node, NodeAPI } from '../types.ts';
import type { DeviceJob, DeviceOutcome } from './indi-device.ts';

export const centreInputs = {
  exposureSeconds: { type: 'number', label: 'exposure', default: 4, minimum: 0.001, maximum: 600, unit: 's' },
  gain: { type: 'number', label: 'gain', default: null, minimum: 0 },
  toleranceArcsec: { type: 'number', label: 'tolerance', default: 60, minimum: 1, maximum: 36_000, unit: '″' },
  tries: { type: 'number', label: 'number of tries', default: 5, minimum: 1, maximum: 50, integer: true },
  radiusDegrees: { type: 'number', label: 'search radius', default: 10, minimum: 0.1, maximum: 180, unit: '°' },
  engine: { type: 'choice', label: 'engine', choices: engineNames, default: 'auto' },
  scaleArcseconds: { type: 'number', label: 'scale', default: null, minimum: 0.01, maximum: 3600, unit: '″/px' },
  solveTimeoutSeconds: { type: 'number', label: 'time for solving', default: 30, minimum: 1, maximum: 600, unit: 's' },
} as const satisfies InputTable;

type Job<T extends InputTable> = DeviceJob<T & typeof centreInputs, IndiMount>;

/** That the target was not reached is a result: `outcome` says so. @throws bad-input, busy, and what mount and camera throw */
export async function centre<T extends InputTable>(
  { RED, node, config }: { RED: NodeAPI; node: Node; config: NodeConfig },
  job: Job<T>,
  target: Target,
): Promise<Pick<DeviceOutcome, 'state' | 'text' | 'details'> & { payload: Record<string, unknown> }> {
  const { gain, engine, ...settings } = job.settings as Settings<typeof centreInputs>;
  const cameraNode = cameraNodeOf(RED, config);
  const release = cameraNode.reserve(nodeLabel(node));
  try {
    const camera = await cameraNode.ready(job.signal);
    const result = await slewAndCentre({
      ...settings,
      ...(gain === null ? {} : { gain }),
      ...{ mount: job.device, camera, solver: engineNamed(engine), target, clock: job.clock, signal: job.signal },
      onStep: (step) => tell(job, step),
    });
    const { frame, solution } = result;
    return {
      payload: payloadOf(result),
      details: { ...(frame ? { frame } : {}), ...(solution ? { solution } : {}) },
      state: result.status === 'centred' ? 'done' : 'waiting',
      text: result.reason,
    };
  } finally {
    release();
  }
}

function tell<T extends InputTable>({ progress, status, text }: Job<T>, step: CentreStep): void {
  const { event, attempt, tries, errorArcsec, reason } = step;
  const more = { ...(errorArcsec === undefined ? {} : { errorArcsec }), ...(reason ? { reason } : {}) };
  progress({ phase: event, attempt, tries, ...more });
  status('working', text(`centre-${event}`, { attempt, tries, error: errorArcsec?.toFixed(0) ?? '' }));
}

const payloadOf = ({ status, reason, errorArcsec, attempts, measured, coordinateFaultArcsec }: CentreResult) => ({
  outcome: status,
  ...{ reason, errorArcsec, attempts, measured, coordinateFaultArcsec },
});
