/** astro-load: reads frames from files, one message each, no faster than the nodes after it can take them. */
import { basename, isAbsolute, resolve } from 'node:path';
import type { Node, NodeAPI } from 'node-red';
import { readFrame } from '../../lib/frame/read.ts';
import { findFrameFiles } from '../../lib/night/frame-files.ts';
import { asNightflowError, NightflowError, throwIfAborted } from '../../lib/process/errors.ts';
import { backlogRoom } from '../backlog.ts';
import { handleInput, type Work } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { showStatus } from '../status.ts';
import { type AstroMessage, clockOf, siteOf } from '../types.ts';

const inputs = {
  path: { type: 'text', label: 'path', default: '' },
  loadOrder: { type: 'choice', label: 'order', choices: ['name', 'time'], default: 'name' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-load', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const site = siteOf(RED, config.site);

    /** A path from the dialog may lead anywhere; one that came with a message stays in the archive unless the dialog allows more. */
    const locate = ({ msg, settings }: Work<typeof inputs>) => {
      const fromDialog =
        msg.path === undefined && !['msg', 'flow', 'global', 'jsonata'].includes(String(config.pathType));
      if (settings.path.trim() === '')
        throw new NightflowError('bad-input', 'No path is given.', {
          remedy: 'Set the path of a file, a folder or a pattern.',
        });
      if (fromDialog || config.anywhere === true) {
        const base = site?.archiveFolder ?? RED.settings.userDir ?? process.cwd();
        return { path: resolve(base, settings.path), within: null };
      }
      if (!site)
        throw new NightflowError(
          'bad-input',
          'A path in a message is only taken inside the archive folder of a site.',
          {
            remedy: 'Choose a site, or allow any path in the dialog.',
          },
        );
      const { archiveFolder } = site;
      const path = isAbsolute(settings.path) ? settings.path : resolve(archiveFolder, settings.path);
      return { path: resolve(path), within: resolve(archiveFolder) };
    };

    showStatus(this, 'idle', RED._('astro-load.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      run: async (work) => {
        const { msg, settings, signal, send, status } = work;
        const { path, within } = locate(work);
        const files = await findFrameFiles(path, { order: settings.loadOrder, within, signal });
        const of = files.length;
        const { _msgid: id, ...rest } = msg;
        let [loaded, rejected] = [0, 0];
        for (const [index, file] of files.entries()) {
          throwIfAborted(signal);
          await backlogRoom(signal);
          status('working', RED._('astro-load.status.loading', { n: index + 1, of, name: basename(file) }));
          const about = { path: file, n: index + 1, of };
          try {
            const frame = await readFrame(file, { signal });
            const parts = { id, index: loaded, ...(of === 1 ? { count: 1 } : {}) };
            loaded++;
            const progress = { ...rest, payload: { ...about, loaded, rejected }, event: 'progress' } as AstroMessage;
            const found: Partial<AstroMessage> = { ...rest, payload: file, frame, file: { path: file }, parts };
            send(found as AstroMessage, progress);
          } catch (thrown) {
            const error = asNightflowError(thrown);
            // One bad file of many doesn't end the others; a single one is an error for Catch.
            if (error.code === 'aborted' || of === 1) throw error;
            rejected++;
            const payload = { ...about, loaded, rejected, reason: error.message, code: error.code };
            send(null, { ...rest, payload, event: 'rejected' } as AstroMessage);
          }
        }
        send(null, { ...rest, payload: { loaded, rejected, of }, event: 'end' } as AstroMessage);
        if (loaded === 0)
          throw new NightflowError('bad-input', `None of the ${of} files of ${path} could be read.`, {
            remedy: 'The second output tells why for each.',
          });
        status(
          rejected > 0 ? 'waiting' : 'done',
          RED._(`astro-load.status.done${rejected > 0 ? '-rejected' : ''}`, { loaded, rejected }),
        );
      },
    });
  });
}
