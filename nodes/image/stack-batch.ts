/** astro-stack's other half: files that are there already become one picture, in one go (`msg.files`). */
import { rm } from 'node:fs/promises';
import { isAbsolute, resolve } from 'node:path';
import type { Node, NodeAPI } from 'node-red';
import type { Masters } from '../../lib/frame/calibrate.ts';
import { readFrame } from '../../lib/frame/read.ts';
import { findFrameFiles } from '../../lib/night/frame-files.ts';
import { workFolder } from '../../lib/night/night-folder.ts';
import { confine } from '../../lib/process/durable.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { type IntegrationOptions, integrateNight } from '../../lib/stars/integration.ts';
import { type FilterName, filterNames, integrateColour } from '../../lib/stars/integration-colour.ts';
import type { Work } from '../handle.ts';
import { type InputTable, readSettings } from '../inputs.ts';
import type { AstroMessage, SiteNode } from '../types.ts';

/** Properties of the message, for it is a command: the dialog is about frames as they arrive. */
const inputs = {
  rejection: {
    type: 'choice',
    label: 'rejection',
    choices: ['none', 'sigma-clip', 'winsorised'],
    default: 'winsorised',
  },
  kappaLow: { type: 'number', label: 'kappa low', default: 3, minimum: 0.1, maximum: 100, unit: 'sigma' },
  kappaHigh: { type: 'number', label: 'kappa high', default: 3, minimum: 0.1, maximum: 100, unit: 'sigma' },
  combine: { type: 'choice', label: 'combination', choices: ['mean', 'median'], default: 'mean' },
  align: { type: 'choice', label: 'align', choices: ['stars', 'none'], default: 'stars' },
  weighting: { type: 'choice', label: 'weighting', choices: ['quality', 'noise', 'equal'], default: 'quality' },
  rejectionMaps: { type: 'boolean', label: 'rejection maps', default: false },
  reference: { type: 'text', label: 'reference', default: '' },
  output: { type: 'text', label: 'output', default: '' },
  luminanceStrength: { type: 'number', label: 'strength of the luminance', default: 1, minimum: 0, maximum: 1 },
  stretch: { type: 'boolean', label: 'neutral stretch', default: true },
} as const satisfies InputTable;

export interface BatchContext extends Pick<Work<InputTable>, 'msg' | 'signal' | 'send' | 'status'> {
  RED: NodeAPI;
  node: Node;
  site: SiteNode | null;
}

/** Whether the message asks for files to be integrated. */
export const isBatch = (msg: AstroMessage): boolean =>
  msg.frame === undefined && (msg.command === 'integrate' || msg.files !== undefined);

/**
 * Works on `msg.files`: a list of paths, a folder or a pattern in the archive; or `{ red, green, blue, luminance }` of such. Sends
 * the result (`payload` the number of frames in it, `integration` what became of each file) on output 1, progress on output 2.
 * @throws bad-input for paths outside the archive; as integrateNight.
 */
export async function integrateBatch(context: BatchContext): Promise<void> {
  const folder = archiveOf(context.site);
  // On the archive's disk, for the system's temporary folder may be in memory; what a power cut left there goes first.
  const scratchFolder = workFolder(folder, `${context.node.id}-integrate`);
  const clean = () => rm(scratchFolder, { recursive: true, force: true });
  await clean();
  await integrateIn(context, folder, scratchFolder).finally(clean);
}

async function integrateIn(context: BatchContext, folder: string, scratchFolder: string): Promise<void> {
  const { RED, node, msg, signal, send, status } = context;
  const settings = await readSettings(RED, node, {}, inputs, msg);
  const { files: _files, command: _command, masters: _masters, ...carried } = msg;
  const answer = (message: object) => ({ ...carried, ...message }) as AstroMessage;
  let reported = -1;
  const report = (whole: number, details: object) => {
    const percent = Math.floor(100 * whole);
    if (percent === reported) return;
    reported = percent;
    status('working', RED._('astro-stack.status.integrating', { percent }));
    send(null, answer({ payload: whole, ...details, event: 'progress' }));
  };
  const options: IntegrationOptions = {
    rejection: settings.rejection,
    kappaLow: settings.kappaLow,
    kappaHigh: settings.kappaHigh,
    combine: settings.combine,
    align: settings.align,
    weighting: settings.weighting,
    reference: settings.reference === '' ? undefined : inside(folder, settings.reference),
    scratchFolder,
    masters: await readMasters(msg.masters, folder, signal),
    signal,
  };
  const done = (frames: number) => status('done', RED._('astro-stack.status.done', { frames }));

  const colours = filterLists(msg.files);
  if (colours) {
    const lists: Partial<Record<FilterName, string[]>> = {};
    for (const name of filterNames)
      if (colours[name] !== undefined) lists[name] = await locate(colours[name], folder, signal);
    const { luminanceStrength, stretch } = settings;
    const { frame, stretched, filters, registrations } = await integrateColour(lists, {
      ...options,
      luminanceStrength,
      stretch,
      onProgress: ({ filter, whole }) => report(whole, { filter }),
    });
    send(answer({ payload: frame.combined, frame, stretched, integration: { filters, registrations } }));
    done(frame.combined);
    return;
  }
  const files = await locate(msg.files, folder, signal);
  const { frame, lowMap, highMap, output, ...integration } = await integrateNight(files, {
    ...options,
    rejectionMaps: settings.rejectionMaps,
    output: settings.output === '' ? undefined : confine(folder, settings.output),
    onProgress: ({ stage, whole }) => report(whole, { stage }),
  });
  const result = frame ? { frame, ...(lowMap ? { lowMap, highMap } : {}) } : { file: output };
  send(answer({ payload: integration.used, ...result, integration }));
  done(integration.used);
}

function archiveOf(site: SiteNode | null): string {
  if (site) return resolve(site.archiveFolder);
  throw new NightflowError('bad-input', 'Files in a message are only taken inside the archive folder of a site.', {
    remedy: 'Choose a site in the dialog.',
  });
}

function filterLists(files: unknown): Partial<Record<FilterName, unknown>> | null {
  if (files === null || typeof files !== 'object' || Array.isArray(files)) return null;
  const unknown = Object.keys(files).filter((name) => !(filterNames as readonly string[]).includes(name));
  if (unknown.length > 0)
    throw new NightflowError('bad-input', `msg.files has no filter "${unknown[0]}".`, {
      remedy: `Use ${filterNames.join(', ')}, or a plain list of files.`,
    });
  return files;
}

const inside = (folder: string, path: string): string => (isAbsolute(path) ? resolve(path) : resolve(folder, path));

const masterRoles = ['bias', 'dark', 'flat', 'flatDark'] as const;

/** `msg.masters`: paths in the archive by their role; null when there are none. */
async function readMasters(paths: unknown, folder: string, signal: AbortSignal): Promise<Masters | null> {
  if (paths === undefined || paths === null) return null;
  const masters: Masters = {};
  for (const [role, path] of Object.entries(paths)) {
    const known = masterRoles.find((each) => each === role);
    if (!known || typeof path !== 'string')
      throw new NightflowError('bad-input', `msg.masters.${role} is not the path of a master.`, {
        remedy: `Use ${masterRoles.join(', ')} with a path in the archive for each.`,
      });
    const [file] = await findFrameFiles(inside(folder, path), { order: 'name', within: folder, signal });
    masters[known] = await readFrame(file!, { signal });
  }
  return masters;
}

/** The files of a path, a folder, a pattern or a list of them, all within the archive. */
async function locate(files: unknown, folder: string, signal: AbortSignal): Promise<string[]> {
  const paths = typeof files === 'string' ? [files] : files;
  if (
    !Array.isArray(paths) ||
    paths.length === 0 ||
    paths.some((path) => typeof path !== 'string' || path.trim() === '')
  )
    throw new NightflowError('bad-input', 'msg.files names no file.', {
      remedy: 'Give a list of paths, a folder or a pattern, such as "2026-01-12/light_*.fits".',
    });
  const found: string[] = [];
  for (const path of paths as string[]) {
    const at = inside(folder, path);
    const files = await findFrameFiles(at, { order: 'name', within: folder, signal }).catch((error) => {
      // One of a list that is gone doesn't end the others: it is reported as not used.
      if (paths.length > 1 && error instanceof NightflowError && error.code === 'lost') return [at];
      throw error;
    });
    found.push(...files);
  }
  return [...new Set(found)];
}
