/** astro-calibrate: takes bias, dark, flat and bad pixels out of frames, with the masters that fit; and builds those masters. */
import { basename, resolve } from 'node:path';
import type { Node, NodeAPI } from 'node-red';
import type { CalibrateOptions } from '../../lib/frame/calibrate.ts';
import type { Applied } from '../../lib/frame/calibrate-header.ts';
import type { Frame } from '../../lib/frame/frame.ts';
import { findFrameFiles } from '../../lib/night/frame-files.ts';
import { workFolder } from '../../lib/night/night-folder.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { handleInput, type Work } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';
import { carriedOn, readIncoming } from './incoming.ts';
import { type Built, buildFrom, PutAside } from './masters-build.ts';
import { locate, MastersInput, NoMaster } from './masters-input.ts';

export const calibrateInputs = {
  job: { type: 'choice', label: 'job', choices: ['calibrate', 'build'], default: 'calibrate' },
  mastersFrom: { type: 'choice', label: 'masters', choices: ['folder', 'files'], default: 'folder' },
  mastersFolder: { type: 'text', label: 'folder of masters', default: 'masters' },
  withoutMasters: { type: 'choice', label: 'no master fits', choices: ['error', 'pass'], default: 'error' },
  bias: { type: 'text', label: 'bias', default: '' },
  dark: { type: 'text', label: 'dark', default: '' },
  flat: { type: 'text', label: 'flat', default: '' },
  flatDark: { type: 'text', label: 'dark of the flat', default: '' },
  defects: { type: 'text', label: 'defect map', default: '' },
  darkScaling: { type: 'choice', label: 'dark scaling', choices: ['exposure', 'optimise', 'off'], default: 'exposure' },
  flatScaling: { type: 'choice', label: 'flat scaling', choices: ['colour', 'all'], default: 'colour' },
  cosmetic: { type: 'boolean', label: 'cosmetic correction', default: true },
  samples: { type: 'choice', label: 'samples', choices: ['auto', 'f32'], default: 'auto' },
  pedestal: { type: 'number', label: 'pedestal', default: null, minimum: 0, maximum: 60000, unit: 'ADU' },
  temperatureTolerance: {
    type: 'number',
    label: 'temperature tolerance',
    default: 5,
    minimum: 0,
    maximum: 100,
    unit: '°C',
  },
  allow: { type: 'text', label: 'keywords that may differ', default: '' },
  masterKind: { type: 'choice', label: 'kind of frames', choices: ['auto', 'bias', 'dark', 'flat'], default: 'auto' },
  rejection: {
    type: 'choice',
    label: 'rejection',
    choices: ['sigma-clip', 'winsorised', 'none'],
    default: 'sigma-clip',
  },
  combine: { type: 'choice', label: 'combination', choices: ['mean', 'median'], default: 'mean' },
  kappa: { type: 'number', label: 'kappa', default: 3, minimum: 0.5, maximum: 20, unit: 'sigma' },
  defectMap: { type: 'boolean', label: 'defect map of darks', default: true },
} as const satisfies InputTable;

type CalibrateWork = Work<typeof calibrateInputs>;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-calibrate', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const site = siteOf(RED, config.site);
    const masters = new MastersInput(clock);
    const putAside = site ? new PutAside(workFolder(site.archiveFolder, this.id)) : null;
    const warned = new Set<string>();
    const say = (key: string, values: Record<string, string | number> = {}) => RED._(`astro-calibrate.${key}`, values);

    /** Each once a deploy: every frame would say it again. */
    const warn = (text: string) => {
      if (warned.has(text)) return;
      warned.add(text);
      this.warn(text);
    };

    const place = ({ msg, settings }: CalibrateWork, name: keyof typeof calibrateInputs) => {
      const trusted =
        msg[name] === undefined && !['msg', 'flow', 'global', 'jsonata'].includes(String(config[`${name}Type`]));
      const archive = site ? resolve(site.archiveFolder) : null;
      return locate(String(settings[name]), archive, archive ?? RED.settings.userDir ?? process.cwd(), trusted);
    };

    const calibrate = async (work: CalibrateWork, frame: Frame) => {
      const { msg, settings, signal, send, status } = work;
      const options: CalibrateOptions = {
        format: settings.samples,
        ...(settings.pedestal === null ? {} : { pedestal: settings.pedestal }),
        darkScaling: settings.darkScaling,
        flatScaling: settings.flatScaling,
        cosmetic: settings.cosmetic,
        temperatureTolerance: settings.temperatureTolerance,
        allow: settings.allow.split(/[\s,;]+/).filter((name) => name !== ''),
      };
      const named = (name: 'bias' | 'dark' | 'flat' | 'flatDark' | 'defects') => place(work, name);
      const files = {
        bias: named('bias'),
        dark: named('dark'),
        flat: named('flat'),
        flatDark: named('flatDark'),
        defects: named('defects'),
      };
      const ready =
        settings.mastersFrom === 'folder'
          ? await masters.best(place(work, 'mastersFolder'), files.defects, frame, options, signal).catch(passing(work))
          : await masters.named(files, options, signal);
      if (!ready) return;
      const { calibrator, missing } = ready;
      const { frame: result, applied, warnings } = await calibrator.calibrate(frame, { signal });
      for (const warning of [...missing, ...warnings]) warn(warning);
      msg.frame = result;
      msg.calibration = { ...summaryOf(applied), missing, warnings };
      msg.payload = String(result.keyword('CALSTAT') ?? '');
      send(msg);
      status(missing.length > 0 ? 'waiting' : 'done', appliedText(applied, missing));
    };

    /** Where the user wants it, a frame that no master fits goes on as it is, and says so. */
    const passing =
      ({ msg, settings, send, status }: CalibrateWork) =>
      (thrown: unknown): null => {
        if (!(thrown instanceof NoMaster) || settings.withoutMasters !== 'pass') throw thrown;
        const missing = thrown.missing.length > 0 ? [...thrown.missing] : [say('status.empty')];
        msg.calibration = { ...untouched, missing, warnings: [] };
        msg.payload = '';
        send(msg);
        status('waiting', say('status.passed', { reason: missing[0]! }));
        return null;
      };

    const appliedText = ({ bias, dark, flat, factor, mended, hot, cold }: Applied, missing: readonly string[]) => {
      const parts = [
        bias && say('status.bias'),
        dark && (factor === 1 ? say('status.dark') : say('status.scaled', { factor: Number(factor.toFixed(3)) })),
        flat && say('status.flat'),
        mended + hot + cold > 0 && say('status.pixels', { pixels: mended + hot + cold }),
      ].filter((part) => typeof part === 'string');
      const text = parts.length > 0 ? parts.join(' · ') : say('status.nothing');
      return missing.length > 0 ? `${text} · ${missing[0]}` : text;
    };

    const build = async (work: CalibrateWork, paths: readonly string[]) => {
      const { settings, signal, status } = work;
      if (!site)
        throw new NightflowError('bad-input', 'Masters are saved in the archive of a site.', {
          remedy: 'Choose a site.',
        });
      const folder = place(work, 'mastersFolder') || resolve(site.archiveFolder, 'masters');
      const library = await masters.entriesOf(folder, signal).catch(() => []);
      const plan = {
        kind: settings.masterKind,
        folder,
        defectMap: settings.defectMap,
        library,
        rejection: settings.rejection,
        combine: settings.combine,
        kappaLow: settings.kappa,
        kappaHigh: settings.kappa,
        signal,
        onProgress: (kind: string, part: number) =>
          status('working', say('status.building', { kind, percent: Math.floor(100 * part) })),
      };
      let last: Built | null = null;
      let count = 0;
      for await (const built of buildFrom(paths, plan)) {
        for (const warning of built.warnings) this.warn(warning);
        const { frame, path, warnings: _w, ...details } = built;
        work.send({
          ...carriedOn(work.msg),
          payload: path,
          frame,
          file: { path },
          master: { path, ...details },
        } as AstroMessage);
        last = built;
        count++;
      }
      masters.forgetLibrary();
      if (last) status('done', say('status.built', { count, name: basename(last.path), frames: last.frames }));
    };

    showStatus(this, 'idle', say('status.idle'));
    handleInput(RED, this, {
      config,
      inputs: calibrateInputs,
      clock,
      run: async (work) => {
        const { msg, settings, signal, send, status } = work;
        const { frame, ends, command, note } = readIncoming(msg, ['finish', 'reset', 'build']);
        if (note) return;
        if (settings.job === 'calibrate' && command !== 'build') {
          if (frame) await calibrate(work, frame);
          else if (ends) send(msg);
          return;
        }
        if (command === 'build') {
          const path = typeof msg.path === 'string' ? msg.path : '';
          if (path === '')
            throw new NightflowError('bad-input', 'The command build needs msg.path.', {
              remedy: 'Name a folder or a pattern of frames.',
            });
          const archive = site ? resolve(site.archiveFolder) : null;
          const folder = locate(path, archive, archive ?? '', false);
          await build(work, await findFrameFiles(folder, { order: 'name', within: archive, signal }));
          return;
        }
        if (!putAside)
          throw new NightflowError('bad-input', 'Frames are put aside in the archive of a site.', {
            remedy: 'Choose a site.',
          });
        if (command === 'reset') {
          await putAside.clear();
          status('idle', say('status.idle'));
          return;
        }
        if (frame) status('working', say('status.added', { frames: await putAside.add(frame, settings.masterKind) }));
        if (!ends) return;
        await build(work, await putAside.paths());
        await putAside.clear();
      },
      close: () => masters.close(),
    });
  });
}

const untouched = { bias: null, dark: null, flat: null, factor: 1, mended: 0, hot: 0, cold: 0 };

/** The plain part of what was done, for messages. */
function summaryOf({ bias, dark, flat, factor, mended, hot, cold }: Applied) {
  const file = (master: Frame | null) => master?.source ?? null;
  return { bias: file(bias), dark: file(dark), flat: file(flat), factor, mended, hot, cold };
}
