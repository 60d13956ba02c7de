/** What the appliance does by JSON-RPC: the table from which requests are checked and both documents are written. */
import type { ExposureRequest, SettingValue } from '../../camera/camera.ts';
import type { FrameKind } from '../../frame/frame.ts';
import type { Appliance } from './appliance.ts';
import type { WhenFull } from './batch-record.ts';
import { type ApplianceFormat, formats } from './format.ts';
import { checkedParameters, type MethodTable, openRpc, type Parameters, type Schema } from './rpc.ts';

const camera: Schema = { type: 'string', description: 'Which camera; the first one when absent.' };
const batch: Schema = { type: 'string', description: 'The id of a batch.' };
const setting: Schema = { type: 'string', description: 'The name of the setting.', required: true };

export const exposureSchemas: Record<string, Schema> = {
  exposureSeconds: { type: 'number', description: 'Seconds.', minimum: 0, maximum: 86_400, required: true },
  camera,
  gain: { type: 'number', description: 'As the camera counts it; its own setting when absent.' },
  offset: { type: 'number', description: 'As the camera counts it; its own setting when absent.' },
  kind: { type: 'string', description: 'What is exposed.', enum: ['light', 'dark', 'flat', 'bias'] },
  format: {
    type: 'string',
    description:
      "The file: the camera's own RAW (original), FITS (fits), or its own where it makes one (auto, when absent).",
    enum: formats,
  },
};

/** Frames of one batch: beyond a week of seconds, and six digits in the name of a file. */
const maximumCount = 999_999;

export function applianceMethods(appliance: Appliance, version: string): MethodTable {
  const methods: MethodTable = {
    cameras: {
      summary: 'The cameras, with their sensors, or why one does not answer.',
      parameters: {},
      result: 'An array of cameras.',
      run: () => appliance.cameras.list(),
    },
    'settings.list': {
      summary: 'Every setting of a camera, with type, range, choices and value.',
      parameters: { camera },
      result: 'An array of settings.',
      run: ({ camera }) => appliance.cameras.settings(text(camera)),
    },
    'settings.get': {
      summary: 'The value of a setting.',
      parameters: { name: setting, camera },
      result: 'The value.',
      run: ({ name, camera }) => appliance.cameras.get(name as string, text(camera)),
    },
    'settings.set': {
      summary: 'Sets a setting. A value that the camera changed to another is an error.',
      parameters: {
        name: setting,
        value: { type: 'value', description: 'The new value.', required: true },
        camera,
      },
      result: 'The value that is in force now.',
      run: ({ name, value, camera }) => appliance.cameras.set(name as string, value as SettingValue, text(camera)),
    },
    capture: {
      summary: 'One exposure into the spool: a batch of one. POST shot answers with the bytes themselves.',
      parameters: exposureSchemas,
      result: 'The batch as it begins.',
      run: (given) => appliance.start(1, exposureOf(given), text(given.camera), undefined, formatOf(given)),
    },
    batch: {
      summary: 'Exposures back to back into the spool, to be fetched while the next are taken.',
      parameters: {
        count: { type: 'integer', description: 'Frames.', minimum: 1, maximum: maximumCount, required: true },
        ...exposureSchemas,
        whenFull: {
          type: 'string',
          description: 'When the spool is full: pause until there is room, or end.',
          enum: ['pause', 'end'],
        },
      },
      result: 'The batch as it begins; its id is part of the address of its frames.',
      run: (given) =>
        appliance.start(
          given.count as number,
          exposureOf(given),
          text(given.camera),
          given.whenFull as WhenFull | undefined,
          formatOf(given),
        ),
    },
    status: {
      summary:
        'Cameras (with the step of the way back of one that was lost), spool and batches; or one batch with its frames.',
      parameters: { batch },
      result: 'The status.',
      run: ({ batch }) => (batch === undefined ? appliance.status() : appliance.batch(batch as string)),
    },
    abort: {
      summary: 'Stops a batch, or all of them. What was taken stays to be fetched.',
      parameters: { batch },
      result: 'The ids of the batches that were stopped.',
      run: ({ batch }) => appliance.abort(text(batch)),
    },
    'rpc.discover': {
      summary: 'This document.',
      parameters: {},
      result: 'The OpenRPC document.',
      run: () => openRpc(methods, version),
    },
  };
  return methods;
}

export interface ShotParameters {
  exposure: ExposureRequest;
  camera: string | undefined;
  format: ApplianceFormat | undefined;
}

/** The body of POST shot, an object, and the format that its address may have (`shot?format=original`). @throws bad-input */
export function shotParameters(body: unknown, query: URLSearchParams): ShotParameters {
  const asked = query.get('format');
  const given = checkedParameters(
    { ...(body as object), ...(asked === null ? {} : { format: asked }) },
    exposureSchemas,
  );
  return { exposure: exposureOf(given), camera: text(given.camera), format: formatOf(given) };
}

const exposureOf = ({ exposureSeconds, gain, offset, kind }: Parameters): ExposureRequest => ({
  exposureSeconds: exposureSeconds as number,
  ...(gain === undefined ? {} : { gain: gain as number }),
  ...(offset === undefined ? {} : { offset: offset as number }),
  ...(kind === undefined ? {} : { kind: kind as FrameKind }),
});

const formatOf = ({ format }: Parameters): ApplianceFormat | undefined => format as ApplianceFormat | undefined;

const text = (value: unknown): string | undefined => value as string | undefined;
