/** astro-save: writes each frame whole or not at all, under a name from a template, inside the site's archive folder. */
import { basename } from 'node:path';
import type { Node, NodeAPI } from 'node-red';
import { extensionOf, formatFor, writeFrame } from '../../lib/frame/write.ts';
import { claimFileName, renderFileName } from '../../lib/night/file-name.ts';
import { handleInput } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { openPictures } from '../pictures.ts';
import { showStatus } from '../status.ts';
import { clockOf, siteOf } from '../types.ts';
import { drcInput } from './drc-input.ts';
import { readIncoming } from './incoming.ts';
import { requireSite } from './require-site.ts';

const inputs = {
  template: { type: 'text', label: 'file name', default: '{night}/{camera}_{date}_{time}_{exposure}s_{n:5}' },
  format: { type: 'choice', label: 'format', choices: ['fits', 'tiff', 'png', 'jpeg', 'original'], default: 'fits' },
  stretch: { type: 'choice', label: 'stretch', choices: ['usual', 'none', 'auto'], default: 'usual' },
  drc: drcInput,
  quality: { type: 'number', label: 'JPEG quality', default: 92, minimum: 1, maximum: 100, integer: true },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-save', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const chosen = siteOf(RED, config.site);
    const pictures = openPictures(RED, this.id, chosen);
    let saved = 0;

    showStatus(this, 'idle', RED._('astro-save.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      drain: true,
      run: async ({ msg, settings, send, status }) => {
        const { frame, note, ends } = readIncoming(msg);
        if (!frame) {
          if (ends && !note) send(msg);
          return;
        }
        const site = requireSite(chosen);
        const { template, format, stretch, drc, quality } = settings;
        const context = { frame, site: site.site, nowMilliseconds: clock.now(), number: saved + 1, message: msg };
        const name = renderFileName(template, context);
        const claim = await claimFileName(site.archiveFolder, name, extensionOf(format, frame));
        try {
          // Not abortable: at a close the frame still gets onto the disk.
          const look = { stretch: stretch === 'usual' ? undefined : stretch, drc, quality };
          const { bytes } = await writeFrame(frame, claim.path, { format, ...look });
          saved++;
          msg.payload = claim.path;
          msg.file = { path: claim.path, bytes, format: formatFor(format, frame), url: pictures.fileUrl(claim.path) };
          send(msg);
          status('done', RED._('astro-save.status.done', { name: basename(claim.path), saved }));
        } finally {
          claim.release();
        }
      },
      close: () => pictures.close(),
    });
  });
}
