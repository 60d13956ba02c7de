/** astro-preview: a stretched JPEG of the latest frame, served at an address or sent as a Buffer. */
import type { Node, NodeAPI } from 'node-red';
import type { Frame } from '../../lib/frame/frame.ts';
import { renderPreview } from '../../lib/frame/preview.ts';
import { NightflowError } from '../../lib/process/errors.ts';
import { handleInput, type Work } from '../handle.ts';
import type { InputTable, NodeConfig } from '../inputs.ts';
import { openPictures } from '../pictures.ts';
import { showStatus } from '../status.ts';
import { clockOf } from '../types.ts';
import { drcInput } from './drc-input.ts';
import { readIncoming } from './incoming.ts';
import { LatestOnly } from './latest-only.ts';

const inputs = {
  stretch: { type: 'choice', label: 'stretch', choices: ['auto', 'none'], default: 'auto' },
  drc: drcInput,
  width: { type: 'number', label: 'width', default: 1600, minimum: 16, maximum: 16384, integer: true, unit: 'pixels' },
  quality: { type: 'number', label: 'JPEG quality', default: 85, minimum: 1, maximum: 100, integer: true },
  previewAs: { type: 'choice', label: 'payload', choices: ['address', 'jpeg'], default: 'address' },
} as const satisfies InputTable;

export default function register(RED: NodeAPI): void {
  RED.nodes.registerType('astro-preview', function (this: Node, config: NodeConfig) {
    RED.nodes.createNode(this, config);
    const clock = clockOf(RED, config.site);
    const latestOnly = config.newest === true ? new LatestOnly() : null;
    const pictures = openPictures(RED, this.id);
    let skipped = 0;

    const show = async ({ msg, settings, signal, send, status }: Work<typeof inputs>, frame: Frame) => {
      const { stretch, drc, width, quality, previewAs } = settings;
      const { jpeg, ...size } = await renderPreview(frame, { stretch, drc, width, quality, signal });
      const url = pictures.show(jpeg);
      if (url === null && previewAs === 'address')
        throw new NightflowError(
          'unsupported',
          'A picture needs a web page for its address, and Node-RED serves none.',
          {
            remedy: 'Set httpNodeRoot in settings.js, or send the JPEG itself.',
          },
        );
      msg.payload = previewAs === 'jpeg' ? jpeg : url;
      msg.preview = { url, width: size.width, height: size.height, bytes: jpeg.byteLength };
      const key = pictures.thisMachineOnly ? 'done-this-machine' : 'done';
      send(msg);
      const figures = {
        width: size.width,
        height: size.height,
        kilobytes: Math.round(jpeg.byteLength / 1000),
        skipped,
      };
      const state = pictures.thisMachineOnly ? 'waiting' : 'done';
      status(state, RED._(`astro-preview.status.${key}${skipped > 0 ? '-skipped' : ''}`, figures));
    };

    showStatus(this, 'idle', RED._('astro-preview.status.idle'));
    handleInput(RED, this, {
      config,
      inputs,
      clock,
      parallel: latestOnly !== null,
      run: async (work) => {
        const { frame, note, ends } = readIncoming(work.msg);
        if (!frame) {
          if (ends && !note) work.send(work.msg);
          return;
        }
        if (!latestOnly) return show(work, frame);
        const release = clock.hold();
        try {
          if (!(await latestOnly.enter())) {
            skipped++;
            return;
          }
          await show(work, frame).finally(() => latestOnly.leave());
        } finally {
          release();
        }
      },
      close: () => pictures.close(),
    });
  });
}
