/** What the configuration nodes offer the other nodes at run time, and the shape of our messages. */
import type { Node, NodeAPI, NodeMessageInFlow } from 'node-red';
import type { Camera, RecoveryState } from '../lib/camera/camera.ts';
import type { SettingProfile } from '../lib/camera/setting-profiles.ts';
import { type Clock, realClock } from '../lib/clock/clock.ts';
import type { Frame } from '../lib/frame/frame.ts';
import type { IndiClient } from '../lib/indi/client.ts';
import type { IndiObservatory } from '../lib/indi/observatory.ts';
import type { NightflowError } from '../lib/process/errors.ts';
import type { Site } from '../lib/sky/site.ts';

export type { Node, NodeAPI };

/** The run-time side of `astro-site`. */
export interface SiteNode extends Node {
  /** @throws bad-input when the settings of the site are wrong. */
  readonly site: Site;
  /** What is wrong with its settings; null when nothing is. Then `clock` is the real one. */
  problem: NightflowError | null;
  clock: Clock;
  /** Absolute path of the folder that all file names are confined to. */
  archiveFolder: string;
}

/** The run-time side of `astro-camera`. One camera is shared by all nodes that name it. */
export interface CameraNode extends Node {
  /** null until it was opened for the first time: use `ready()`. */
  camera: Camera | null;
  siteNode: SiteNode | null;
  /** Resolves when the camera is open (opened at first use); rejects with the reason it can't be. */
  ready(signal?: AbortSignal): Promise<Camera>;
  /** The latest step towards a camera that was lost; null while it is there. */
  recovery: RecoveryState | null;
  /** Told of each such step, and null when the camera is back. @returns takes the listener off */
  onRecovery(listener: (state: RecoveryState | null) => void): () => void;
  /** Takes the camera for one sequence. @throws busy, naming the node that has it. */
  reserve(owner: string): () => void;
  /** Its named lists of settings. @throws bad-input when what the dialog stored is wrong */
  profiles(): readonly SettingProfile[];
}

/** The run-time side of `astro-indi`: one connection to one server, shared by all nodes that name it. */
export interface IndiNode extends Node {
  siteNode: SiteNode | null;
  /** Its server, client and devices, with their events; null when the settings are wrong (`problem`). */
  observatory: IndiObservatory | null;
  problem: NightflowError | null;
  /** Resolves when the server answers (started first where this node launches it); rejects with the reason it does not. */
  ready(signal?: AbortSignal): Promise<IndiClient>;
  /** The same, with this device connected and the settings that are kept for it set. */
  device(name: string, signal?: AbortSignal): Promise<IndiClient>;
}

export interface AstroMessage extends NodeMessageInFlow {
  frame?: Frame;
  /** What happened, on every message of an output 2: 'progress', 'running', 'end', 'lost', 'rejected'. */
  event?: string;
  /** A command to a node: 'start', 'pause', 'resume', 'stop', 'abort', 'finish', 'reset'. */
  command?: string;
  /** Why this frame is to be kept out of stacks and trails (clouds); absent for a good one. */
  reject?: string;
  [property: string]: unknown;
}

/** The site node that a configuration names, or null. */
export function siteOf(RED: NodeAPI, id: unknown): SiteNode | null {
  const node = typeof id === 'string' && id !== '' ? RED.nodes.getNode(id) : null;
  return node && 'archiveFolder' in node ? (node as SiteNode) : null;
}

/** The INDI server node that a configuration names, or null. */
export function indiOf(RED: NodeAPI, id: unknown): IndiNode | null {
  const node = typeof id === 'string' && id !== '' ? RED.nodes.getNode(id) : null;
  return node && 'device' in node ? (node as IndiNode) : null;
}

/** The clock of the site a configuration names; the real one without a site. */
export const clockOf = (RED: NodeAPI, id: unknown): Clock => siteOf(RED, id)?.clock ?? realClock;
