/** `astro-camera-settings`: reads, sets and lists what a camera can be set to, one by one or by a profile, also beside a sequence. */
import type { NodeAPI } from 'node-red';
import type { Camera, SettingValue } from '../../lib/camera/camera.ts';
import { findProfile, readWanted } from '../../lib/camera/setting-profiles.ts';
import { applySettings, listSettings, readSettingValues, type WantedSetting } from '../../lib/camera/setting-values.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { handleInput, type Work } from '../handle.ts';
import { type InputTable, type NodeConfig, readSettings } from '../inputs.ts';
import type { AstroMessage, CameraNode, Node } from '../types.ts';
import { cameraNodeOf } from './capture-context.ts';
import { watchRecovery } from './recovery-status.ts';

const commands = ['set', 'get', 'list', 'profile'] as const;
type Command = (typeof commands)[number];

export const cameraSettingsInputs = {
  profile: { type: 'text', label: 'profile', default: '' },
} as const satisfies InputTable;

/** More values than this make no status line. */
const shownInStatus = 3;

export default function (RED: NodeAPI): void {
  RED.nodes.registerType('astro-camera-settings', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);

    handleInput(RED, this, {
      config,
      inputs: cameraSettingsInputs,
      run: async (work) => {
        const { msg, signal, status } = work;
        const command = commandOf(msg, config);
        const cameraNode = cameraNodeOf(RED, config);
        status('working', RED._(`astro-camera-settings.status.${command === 'profile' ? 'set' : command}`));
        // Read before the camera is opened: what is wrong in the message needs no camera.
        const wanted = command === 'set' ? await wantedOf(RED, this, config, msg) : [];
        const camera = await cameraNode.ready(signal);
        if (command === 'list') await list(RED, work, camera, cameraNode);
        else if (command === 'get') await get(RED, work, camera, namesOf(msg, config));
        else await set(RED, work, camera, command === 'set' ? wanted : null, cameraNode);
      },
    });
    this.status({});
    watchRecovery(RED, this, config);
  });
}

type SettingsWork = Work<typeof cameraSettingsInputs>;

async function list(RED: NodeAPI, work: SettingsWork, camera: Camera, { profiles }: CameraNode): Promise<void> {
  const listed = await listSettings(camera);
  work.send({ ...work.msg, payload: listed, profiles: profiles().map(({ name }) => name) });
  work.status('done', RED._('astro-camera-settings.status.listed', { count: listed.length } as never));
}

/** All that the camera tells when no names are given. */
async function get(RED: NodeAPI, work: SettingsWork, camera: Camera, names: readonly string[]): Promise<void> {
  const values: Record<string, SettingValue | null> =
    names.length > 0
      ? await readSettingValues(camera, names)
      : Object.fromEntries((await listSettings(camera)).map(({ name, value }) => [name, value]));
  work.send({ ...work.msg, payload: payloadOf(work.msg, values) });
  work.status('done', shown(RED, values));
}

/** @param wanted null: those of the profile */
async function set(
  RED: NodeAPI,
  work: SettingsWork,
  camera: Camera,
  wanted: readonly WantedSetting[] | null,
  { profiles }: CameraNode,
): Promise<void> {
  const { msg, settings, signal } = work;
  const profile = wanted ? null : findProfile(profiles(), settings.profile, camera.info.name);
  const values = await applySettings(camera, wanted ?? profile!.settings, signal);
  work.send({
    ...msg,
    payload: wanted ? payloadOf(msg, values) : values,
    ...(profile && { profile: profile.name }),
  });
  work.status('done', profile ? `${profile.name}: ${shown(RED, values)}` : shown(RED, values));
}

/** `msg.command`; without one, what the message brings says it, and then the dialog. @throws bad-input */
function commandOf(msg: AstroMessage, config: NodeConfig): Command {
  if (msg.command === undefined) {
    if (msg.settings !== undefined || (msg.setting !== undefined && msg.value !== undefined)) return 'set';
    if (msg.setting !== undefined) return 'get';
    if (msg.profile !== undefined) return 'profile';
  }
  const word = String(msg.command ?? config.command ?? 'set');
  const known = commands.find((each) => each === word.trim().toLowerCase());
  if (known) return known;
  throw new NightflowError('bad-input', `The command "${word.slice(0, 40)}" is unknown.`, {
    remedy: `Send ${commands.join(', ')} as msg.command.`,
  });
}

/** What is to be set: `msg.settings`, `msg.setting` with `msg.value`, or the dialog's list. @throws bad-input */
async function wantedOf(RED: NodeAPI, node: Node, config: NodeConfig, msg: AstroMessage): Promise<WantedSetting[]> {
  if (msg.settings !== undefined) return notEmpty(readWanted(msg.settings, 'msg.settings'));
  if (msg.setting !== undefined) {
    if (msg.value !== undefined) return readWanted([{ name: msg.setting, value: msg.value }], 'msg.setting');
    throw new NightflowError(
      'bad-input',
      `msg.value is missing for the setting "${String(msg.setting).slice(0, 40)}".`,
    );
  }
  const rows = (Array.isArray(config.settings) ? config.settings : []) as Record<string, unknown>[];
  const wanted = [];
  for (const [index, { name, value, valueType }] of rows.entries()) {
    // A key that no message has: a message's own values come as msg.settings.
    const key = `settings[${index}]`;
    const table = { [key]: { type: 'text', label: String(name), default: '' } } as const;
    const row = { [key]: value, [`${key}Type`]: valueType };
    wanted.push({ name, value: (await readSettings(RED, node, row, table, msg))[key] });
  }
  return notEmpty(readWanted(wanted, 'The list of the node'));
}

function notEmpty(wanted: WantedSetting[]): WantedSetting[] {
  if (wanted.length > 0) return wanted;
  throw new NightflowError('bad-input', 'There is nothing to set.', {
    remedy: 'List settings in the node, or send msg.settings such as {"gain": 8}.',
  });
}

/** `msg.setting`, one name or several; else those in the dialog when it is to get. @throws bad-input */
function namesOf(msg: AstroMessage, config: NodeConfig): string[] {
  const rows = config.command === 'get' && Array.isArray(config.settings) ? config.settings : [];
  const asked: unknown[] = msg.setting === undefined ? rows.map(({ name }) => name) : [msg.setting].flat();
  if (asked.every((name): name is string => typeof name === 'string' && name !== '')) return asked;
  throw new NightflowError('bad-input', 'msg.setting is neither the name of a setting nor a list of names.');
}

/** The value alone where one was asked for by its name. */
const payloadOf = (msg: AstroMessage, values: Record<string, SettingValue | null>): unknown =>
  typeof msg.setting === 'string' && msg.settings === undefined ? Object.values(values)[0] : values;

function shown(RED: NodeAPI, values: Record<string, SettingValue | null>): string {
  const entries = Object.entries(values);
  if (entries.length > shownInStatus)
    return RED._('astro-camera-settings.status.values', { count: entries.length } as never);
  return entries.map(([name, value]) => `${name} ${value ?? '–'}`).join(' · ');
}
