/** astro-mount: points a telescope, centres a target by its stars, tracks, parks, and tells where it looks. */
import type { Node, NodeAPI } from 'node-red';
import { IndiMount } from '../../lib/indi/devices/mount.ts';
import { setTrackingRate } from '../../lib/indi/devices/mount-tracking.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import type { EquatorialPlace } from '../../lib/sky/coordinates-date.ts';
import type { NodeConfig } from '../inputs.ts';
import { type DeviceJob, type DeviceKind, type DeviceOutcome, driveDevice } from './indi-device.ts';
import { centre, centreInputs } from './mount-centre.ts';
import { mountState, placeText, reportMount } from './mount-report.ts';
import { allowTarget, mountCommands, mountInputs, targetOfMount } from './mount-settings.ts';

const inputs = { ...mountInputs, ...centreInputs } as const;
type Job = DeviceJob<typeof inputs, IndiMount>;
interface Owner {
  RED: NodeAPI;
  node: Node;
  config: NodeConfig;
}
type Command = Exclude<(typeof mountCommands)[number], 'abort'>;

const mountOf = (owner: Owner): DeviceKind<typeof inputs, IndiMount> => ({
  type: 'astro-mount',
  noun: 'mount',
  commands: mountCommands,
  inputs,
  open: (client, device, signal) => new IndiMount(client, device).ready(signal),
  at: (client, device) => new IndiMount(client, device),
  run: async (job) => {
    const started = job.clock.now();
    const { payload: more, details, state = 'done', text } = await works[job.command as Command](job, owner);
    const seconds = Math.round((job.clock.now() - started) / 100) / 10;
    const payload = { command: job.command, outcome: 'done', seconds, ...mountState(job.device, job), ...more };
    return { payload, details, state, text: text ?? reportMount(job.device, job).text };
  },
  abort: (mount) => mount.abort(),
  report: reportMount,
});

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-mount', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    driveDevice(RED, this, config, mountOf({ RED, node: this, config }));
  });
}

/** What a command adds to the state of the mount. */
interface Done extends Partial<Omit<DeviceOutcome, 'payload'>> {
  payload?: Record<string, unknown>;
}

const works: Record<Command, (job: Job, owner: Owner) => Promise<Done>> = {
  slew: async (job) => {
    const target = targetFor(job);
    await prepare(job, target);
    await job.device.slew(target, job.signal);
    return { payload: { target: target.name } };
  },
  centre: async (job, owner) => {
    const target = targetFor(job);
    await prepare(job, target);
    const { payload, ...rest } = await centre(owner, job, target);
    return { payload: { ...payload, target: target.name }, ...rest };
  },
  sync: async (job) => {
    const target = targetFor(job);
    await job.device.sync(target, job.signal);
    return { payload: { target: target.name } };
  },
  flip: async (job) => {
    const { raDegrees, decDegrees } = job.device.status();
    const place = givenTarget(job) ?? { raDegrees: raDegrees!, decDegrees: decDegrees! };
    const before = job.device.status().pierSide;
    await prepare(job, place);
    await job.device.flip(place, job.signal);
    return { payload: { pierSideBefore: before } };
  },
  park: async ({ device, signal, status, text }) => {
    status('working', text('parking'));
    await device.park(signal);
    return {};
  },
  unpark: async ({ device, signal }) => {
    await device.unpark(signal);
    return {};
  },
  track: async (job) => {
    await chooseRate(job);
    await job.device.setTracking(true, job.signal);
    return {};
  },
  untrack: async ({ device, signal }) => {
    await device.setTracking(false, signal);
    return {};
  },
  rate: async (job) => {
    if (job.settings.trackingRate === 'unchanged')
      throw new NightflowError('bad-input', 'No tracking rate is chosen.', {
        remedy: 'Choose one in the node, or send msg.trackingRate.',
      });
    await chooseRate(job);
    return {};
  },
  status: async () => ({}),
};

/** Puts the target into the message, so that the nodes that follow know it. @throws bad-input */
function targetFor(job: Job) {
  const target = targetOfMount(job.msg, job.settings);
  job.msg.target = target;
  return target;
}

const givenTarget = (job: Job): EquatorialPlace | null =>
  job.msg.target !== undefined || job.msg.raDegrees !== undefined || job.msg.coordinates !== undefined
    ? targetFor(job)
    : null;

/** @throws rejected below the horizon; what the mount says to the rate */
async function prepare(job: Job, target: EquatorialPlace & { name?: string }): Promise<void> {
  allowTarget(job.settings, job, target);
  await chooseRate(job);
  job.status('working', job.text('slewing', { name: target.name ?? placeText(target) }));
}

async function chooseRate({ client, name, settings, signal }: Job): Promise<void> {
  const { trackingRate, raRateArcseconds, decRateArcseconds } = settings;
  if (trackingRate === 'unchanged') return;
  const custom =
    raRateArcseconds === null && decRateArcseconds === null
      ? null
      : { raArcsecondsPerSecond: raRateArcseconds ?? siderealRate, decArcsecondsPerSecond: decRateArcseconds ?? 0 };
  await setTrackingRate(client, name, trackingRate, custom, signal);
}

/** Arcseconds a second. */
const siderealRate = 15.041067;
